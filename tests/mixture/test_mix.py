"""The mixture: shares, duplicates, held-out texts, and an order that depends on the seed alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from adelie_ie.errors import InputError
from adelie_ie.mixture.general import read_general
from adelie_ie.mixture.mix import GeneralSource, MixSettings, mix


def instance(number: int, text: str | None = None) -> dict[str, Any]:
    text = text or f"Text number {number}."
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": "[Answer]: NA"}]
    return {"id": f"c/{number}", "task": "ner", "source": text, "messages": messages}


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    train = [instance(i) for i in range(30)] + [instance(3)] + [instance(99, "A held-out  TEXT.")]
    return write(tmp_path / "train.jsonl", train), write(tmp_path / "test.jsonl", [instance(200, "a held-out text.")])


SETTINGS = MixSettings(ie_share=0.25, general=(GeneralSource(name="starter"),))


def test_shares_are_by_instances_and_drops_are_counted(files: tuple[Path, Path]) -> None:
    drops: Counter[str] = Counter()
    records, counts = mix([files[0]], [files[1]], SETTINGS, None, 1, lambda reason: drops.update([reason]))
    assert counts["ie"] == 30 and counts["general"] == 90 and counts["ie_share"] == 0.25
    assert drops == {"an exact duplicate": 1, "its text is in an evaluation set": 1}
    assert Counter(record["kind"] for record in records) == {"ie": 30, "general": 90}


def test_too_little_general_data_is_said_not_hidden(files: tuple[Path, Path]) -> None:
    settings = SETTINGS.model_copy(update={"ie_share": 0.05})
    _, counts = mix([files[0]], [], settings, None, 1, lambda reason: None)
    assert counts["general"] == counts["general_available"] == 130 < counts["general_wanted"]


def test_order_depends_on_the_seed_alone(files: tuple[Path, Path]) -> None:
    def ids(seed: int) -> list[str]:
        return [record["id"] for record in mix([files[0]], [], SETTINGS, None, seed, lambda reason: None)[0]]

    assert ids(1) == ids(1) != ids(2)
    assert sorted(ids(1)[:30]) != sorted(f"c/{i}" for i in range(30))  # IE and general are interleaved


def test_an_empty_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training instances"):
        mix([write(tmp_path / "none.jsonl", [])], [], SETTINGS, None, 1, lambda reason: None)


def test_general_sources_keep_their_held_out_part_apart(shared_data: Path) -> None:
    for name, path in (("starter", None), ("self-instruct", "gen_self_instruct/seed_tasks.jsonl")):
        records = list(read_general(name, path, shared_data))
        splits = Counter(record["split"] for record in records)
        assert 0.15 < splits["test"] / len(records) <= 0.5
        assert all(record["messages"][-1]["role"] == "assistant" for record in records)
        assert {"short", "free"} == {record["kind"] for record in records}


def test_a_general_record_in_another_layout_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "chat.jsonl", [{"messages": [{"role": "user"}]}])
    with pytest.raises(InputError, match=r"chat\.jsonl:1: not a messages record"):
        list(read_general("messages", str(path), None))
