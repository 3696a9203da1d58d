"""Preference pairs: the paper's score to the last digit, and its rules."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from adelie_ie.feedback.bleu import character_bleu
from adelie_ie.feedback.pairs import build_pairs, read_pairs, score_histogram, score_samples, write_pairs
from adelie_ie.feedback.score import score_answer
from adelie_ie.feedback.settings import PairSettings
from adelie_ie.rows import label, mention

COLUMNS = (mention("entity"), label("type"))
GOLD_ROWS = (("Ann Lee", "person"), ("Oslo", "location"))
GOLD = "[Answer]: (Ann Lee; person); (Oslo; location);"


def test_bleu_equals_the_reference_figures(golden: Path) -> None:
    with gzip.open(golden / "bleu" / "char-bleu4-method3.jsonl.gz", "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    assert len(cases) == 610
    for case in cases:
        assert character_bleu(case["gold"], case["output"]) == pytest.approx(case["bleu"], abs=1e-9)


@pytest.mark.parametrize(
    ("output", "metric", "expected"),
    [
        (GOLD, "bleu", 1.0),
        (GOLD, "row-f1", 1.0),
        ("[Answer]: (Ann Lee; person);", "row-f1", 2 / 3),
        ("[Answer]: NA", "row-f1", 0.0),
        ("(Ann Lee; person);", "bleu", -1.0),  # no mark
        ("[Answer]: I do not know", "bleu", -1.0),  # no row can be read
    ],
)
def test_answers_score_as_the_paper_says(output: str, metric: str, expected: float) -> None:
    assert score_answer(output, GOLD, GOLD_ROWS, COLUMNS, "parenthesis", metric) == pytest.approx(expected)


def record(number: int, outputs: list[str]) -> dict[str, Any]:
    return {
        "id": f"c/{number}",
        "corpus": "c",
        "task": "ner",
        "format": "parenthesis",
        "columns": [["entity", "mention", [], False], ["type", "label", [], False]],
        "rows": [list(row) for row in GOLD_ROWS],
        "prompt": [{"role": "user", "content": f"Question {number}"}],
        "gold": GOLD,
        "outputs": outputs,
    }


PARTLY = "[Answer]: (Ann Lee; person);"
WRONG = "[Answer]: (the; date);"


def test_online_pairs_come_first_then_gold_against_the_worst_sample() -> None:
    scored = score_samples([record(i, [PARTLY, WRONG, PARTLY]) for i in range(10)], "bleu")
    pairs = build_pairs(scored, PairSettings(max_pairs=None), 1, lambda reason: None)
    assert Counter(pair["source"] for pair in pairs) == {"online": 3, "offline": 7}
    for pair in pairs:
        chosen = PARTLY if pair["source"] == "online" else GOLD
        assert pair["chosen"][0]["content"] == chosen and pair["rejected"][0]["content"] == WRONG
        assert pair["score_chosen"] - pair["score_rejected"] > 0.1


def test_no_pair_without_a_gap_and_every_one_is_counted() -> None:
    drops: Counter[str] = Counter()
    scored = score_samples([record(1, [GOLD, GOLD]), record(2, [GOLD, "no mark"])], "bleu")
    pairs = build_pairs(scored, PairSettings(max_pairs=None, online_share=0.0), 1, lambda r: drops.update([r]))
    assert [pair["id"] for pair in pairs] == ["c/2"] and pairs[0]["score_rejected"] == -1.0
    assert drops == {"no gap: the samples are as good as gold": 1}


def test_an_unreadable_sample_is_never_chosen() -> None:
    scored = score_samples([record(i, ["no mark", "none either"]) for i in range(4)], "bleu")
    pairs = build_pairs(scored, PairSettings(max_pairs=None, online_share=1.0), 1, lambda reason: None)
    assert {pair["source"] for pair in pairs} == {"offline"}


def test_the_quota_holds() -> None:
    scored = score_samples([record(i, [PARTLY, WRONG]) for i in range(20)], "bleu")
    pairs = build_pairs(scored, PairSettings(max_pairs=10), 1, lambda reason: None)
    assert Counter(pair["source"] for pair in pairs) == {"online": 3, "offline": 7}


def test_pairs_are_trl_preference_data_in_parquet(tmp_path: Path) -> None:
    scored = score_samples([record(i, [PARTLY, WRONG]) for i in range(4)], "bleu")
    pairs = build_pairs(scored, PairSettings(max_pairs=None), 1, lambda reason: None)
    for name in ("a", "b"):
        write_pairs(tmp_path / name, pairs)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_pairs(tmp_path / "a") == pairs
    assert {"prompt", "chosen", "rejected"} <= set(pq.read_schema(tmp_path / "a").names)


def test_the_histogram_counts_every_sample() -> None:
    histogram = score_histogram(score_samples([record(1, [GOLD, WRONG, "no mark"])], "bleu"))
    assert sum(histogram["counts"]) + histogram["unreadable"] == histogram["samples"] == 3
    assert histogram["counts"][-1] == 1 and histogram["unreadable"] == 1
