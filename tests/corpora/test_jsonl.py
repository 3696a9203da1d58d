"""The project's own JSONL: a user's documents against a user's schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adelie_ie.corpora import Corpus
from adelie_ie.corpora.jsonl import jsonl_corpus
from adelie_ie.errors import InputError
from adelie_ie.schema import Schema

PEOPLE = Schema.model_validate({"name": "people", "entities": ["person"]})
PLACES = Schema.model_validate({"name": "places", "entities": ["city"]})
ANA = {"id": "d1", "text": "Ana", "entities": [{"id": "T1", "type": "person", "start": 0, "end": 3, "text": "Ana"}]}


def corpus(folder: Path, content: str | bytes, *schemas: Schema) -> Corpus:
    (folder / "train.jsonl").write_bytes(content if isinstance(content, bytes) else content.encode())
    return jsonl_corpus("mine", folder, {"train": "train.jsonl"}, {s.name: s for s in schemas}, ("ner",))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_documents_are_read_and_take_the_only_schema(tmp_path: Path, line_end: str) -> None:
    content = f"{json.dumps(ANA)}\n\n{json.dumps({'id': 'd2', 'text': 'Graz'})}".replace("\n", line_end)
    mine = corpus(tmp_path, content, PEOPLE)
    first, second = mine.read("train")
    assert (first.id, first.entities[0].text, mine.schema(first)) == ("d1", "Ana", PEOPLE)
    assert (second.id, second.entities, mine.schema(second)) == ("d2", (), PEOPLE)


def test_of_several_schemas_each_document_is_checked_against_its_own(tmp_path: Path) -> None:
    lines = [json.dumps({**ANA, "schema": "people"}), json.dumps({**ANA, "schema": "places"})]
    mine = corpus(tmp_path, "\n".join(lines), PLACES, PEOPLE)
    documents = mine.read("train")
    assert mine.schema(next(documents)) == PEOPLE
    with pytest.raises(
        InputError, match=r"train\.jsonl:2: record 'd1': unknown entity type 'person' \(schema 'places'"
    ):
        next(documents)


@pytest.mark.parametrize("change", [{}, {"schema": "animals"}])
def test_of_several_schemas_a_document_must_name_one(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"train\.jsonl:1: record 'd1': unknown schema .*known: people, places"):
        list(corpus(tmp_path, json.dumps({**ANA, **change}), PEOPLE, PLACES).read("train"))


def test_a_document_of_another_schema_than_the_only_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train\.jsonl:1: .*unknown schema 'animals'"):
        list(corpus(tmp_path, json.dumps({**ANA, "schema": "animals"}), PEOPLE).read("train"))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (json.dumps(ANA)[:-9], "cut off?"),
        (json.dumps({"id": "d2"}), "key 'text' is missing"),
        (json.dumps({**ANA, "text": "Eva"}), "covers 'Eva', but the annotation says 'Ana'"),
        (json.dumps({**ANA, "labels": []}), "unknown key 'labels'"),
    ],
)
def test_a_broken_record_is_refused_with_file_and_line(tmp_path: Path, record: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        list(corpus(tmp_path, f"{json.dumps(ANA)}\n\n{record}\n", PEOPLE).read("train"))
    assert str(caught.value).startswith(f"{tmp_path / 'train.jsonl'}:3: ")
    assert message in str(caught.value)


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train\.jsonl: not UTF-8"):
        list(corpus(tmp_path, '{"id": "é"}'.encode("latin-1"), PEOPLE).read("train"))


def test_a_byte_order_mark_before_the_first_document_is_skipped(tmp_path: Path) -> None:
    (document,) = corpus(tmp_path, "\ufeff" + json.dumps(ANA), PEOPLE).read("train")
    assert document.id == "d1"


def test_a_relative_folder_needs_a_data_root() -> None:
    mine = jsonl_corpus("mine", "mine", {"train": "train.jsonl"}, {"people": PEOPLE}, ("ner",))
    with pytest.raises(InputError, match=r"corpus 'mine' needs data\.root"):
        list(mine.read("train"))
