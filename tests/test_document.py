"""Documents: written and read back, and refused with one clear message when they disagree with themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adelie_ie.document import (
    Argument,
    Document,
    Entity,
    Event,
    EventRelation,
    OpenTuple,
    Relation,
    Table,
    load_documents,
    parse_document,
    save_documents,
)
from adelie_ie.errors import InputError
from adelie_ie.schema import Schema

WORD = st.text(max_size=8)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(min_size=1, max_size=30))

    def span() -> tuple[int, int, str]:
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        return start, end, text[start:end]

    def some(limit: int = 3) -> range:
        return range(draw(st.integers(0, limit)))

    entities = tuple(Entity(f"T{i}", draw(WORD), *span()) for i in some())
    events = tuple(
        Event(f"E{i}", draw(WORD), *span(), tuple(Argument(draw(WORD), *span()) for _ in some(2))) for i in some()
    )

    def links(kind: type, spans: tuple) -> tuple:  # type: ignore[type-arg]
        ids = st.sampled_from([span.id for span in spans] or [""])
        return tuple(kind(draw(ids), draw(WORD), draw(ids)) for _ in some(2)) if spans else ()

    width = draw(st.integers(1, 3))
    rows = st.lists(st.tuples(*[WORD] * width), max_size=2).map(tuple)
    return Document(
        draw(WORD),
        text,
        entities,
        links(Relation, entities),
        events,
        links(EventRelation, events),
        tuple(draw(st.lists(st.builds(OpenTuple, WORD, WORD, WORD, WORD, WORD), max_size=2))),
        tuple(draw(st.lists(st.builds(Table, WORD, st.tuples(*[WORD] * width), rows), max_size=2))),
        draw(WORD),
    )


@given(documents())
def test_a_document_survives_its_json_line(document: Document) -> None:
    assert not list(document.problems())
    assert Document.from_dict(document.to_dict()) == document
    assert parse_document(json.dumps(document.to_dict())) == document


def test_a_file_of_documents_reads_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("documents") / "documents.jsonl"

    @settings(max_examples=200)
    @given(st.lists(documents(), max_size=3))
    def holds(written: list[Document]) -> None:
        assert save_documents(path, iter(written)) == len(written)
        assert list(load_documents(path)) == written

    holds()


def test_empty_layers_are_left_out_of_the_record() -> None:
    assert Document("d", "").to_dict() == {"id": "d", "text": ""}


TEXT = "Dr. Müller 😀 met Ana in Graz"
GOOD = Document(
    "d1",
    TEXT,
    (Entity("T1", "person", 4, 10, "Müller"), Entity("T2", "person", 17, 20, "Ana")),
    (Relation("T1", "knows", "T2"),),
    (
        Event("E1", "meeting", 13, 16, "met", (Argument("Place", 24, 28, "Graz"),)),
        Event("E2", "meeting", 13, 16, "met"),
    ),
    (EventRelation("E1", "same as", "E2"),),
    tables=(Table("Who?", ("name",), (("Ana",),)),),
)
SCHEMA = Schema.model_validate(
    {
        "name": "people",
        "entities": ["person"],
        "relations": ["knows"],
        "events": {"meeting": {"roles": ["Place"]}},
        "event_relations": ["same as"],
    }
)
first, second = GOOD.entities
meeting, again = GOOD.events
PROBLEMS: dict[str, tuple[Document, list[str]]] = {
    "shifted entity": (
        replace(GOOD, entities=(replace(first, start=5, end=11), second)),
        ["entity T1", "5:11", "'üller '", "'Müller'"],
    ),
    "shifted trigger": (
        replace(GOOD, events=(replace(meeting, start=12, end=15), again)),
        ["event E1", "12:15", "' me'", "'met'"],
    ),
    "shifted argument": (
        replace(GOOD, events=(replace(meeting, arguments=(Argument("Place", 23, 27, "Graz"),)), again)),
        ["event E1", "Place", "23:27", "' Gra'", "'Graz'"],
    ),
    "end beyond the text": (
        replace(GOOD, entities=(first, replace(second, end=29))),
        ["entity T2", "17:29", "outside", "28"],
    ),
    "negative start": (replace(GOOD, entities=(replace(first, start=-4), second)), ["entity T1", "-4:10", "outside"]),
    "empty span": (replace(GOOD, entities=(replace(first, end=4, text=""), second)), ["entity T1", "4:4"]),
    "relation to nothing": (replace(GOOD, relations=(Relation("T1", "knows", "T9"),)), ["relation 'knows'", "'T9'"]),
    "event relation to nothing": (
        replace(GOOD, event_relations=(EventRelation("T1", "same as", "E2"),)),
        ["event relation 'same as'", "'T1'"],
    ),
    "shared entity id": (
        replace(GOOD, entities=(first, replace(second, id="T1")), relations=()),
        ["share", "entity id"],
    ),
    "shared event id": (
        replace(GOOD, events=(meeting, replace(again, id="E1")), event_relations=()),
        ["share", "event id"],
    ),
    "short row": (replace(GOOD, tables=(Table("Who and where?", ("a", "b"), (("Ana",),)),)), ["'Who and where?'", "2"]),
    "unknown entity type": (
        replace(GOOD, entities=(first, replace(second, type="animal"))),
        ["entity type 'animal'", "'people'", "person"],
    ),
    "unknown relation": (
        replace(GOOD, relations=(Relation("T1", "likes", "T2"),)),
        ["relation 'likes'", "'people'", "knows"],
    ),
    "unknown class": (
        replace(GOOD, events=(meeting, replace(again, type="party"))),
        ["event class 'party'", "'people'", "meeting"],
    ),
    "unknown event relation": (
        replace(GOOD, event_relations=(EventRelation("E1", "before", "E2"),)),
        ["event relation 'before'", "'people'", "same as"],
    ),
    "unknown role": (
        replace(GOOD, events=(replace(meeting, arguments=(Argument("Time", 24, 28, "Graz"),)), again)),
        ["event E1", "'meeting'", "'Time'"],
    ),
}


def test_a_consistent_document_has_no_problems() -> None:
    assert list(GOOD.problems(SCHEMA)) == []


@pytest.mark.parametrize("kind", PROBLEMS)
def test_an_inconsistency_gives_one_message_that_names_it(kind: str) -> None:
    document, parts = PROBLEMS[kind]
    messages = list(document.problems(SCHEMA))
    assert len(messages) == 1, messages
    assert all(part in messages[0] for part in parts), messages


@pytest.mark.parametrize("kind", PROBLEMS)
def test_loading_an_inconsistent_document_names_file_line_and_record(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "documents.jsonl"
    lines = [json.dumps(document.to_dict()) for document in (GOOD, PROBLEMS[kind][0])]
    path.write_text(f"{lines[0]}\n\n{lines[1]}\n")
    loaded = load_documents(path, SCHEMA)
    assert next(loaded) == GOOD
    with pytest.raises(InputError) as caught:
        next(loaded)
    assert str(caught.value).startswith(f"{path}:3: record 'd1': ")
    assert all(part in str(caught.value) for part in PROBLEMS[kind][1])


ENTITY = {"id": "T1", "type": "person", "start": 0, "end": 3, "text": "Ana"}


def record(**layers: object) -> str:
    return json.dumps({"id": "d", "text": "Ana", **layers})


BROKEN = {
    "truncated": record(entities=[ENTITY])[:-20],
    "not an object": "[1]",
    "a number": "3",
    "null": "null",
    "no text": '{"id": "d"}',
    "text is a number": '{"id": "d", "text": 3}',
    "unknown key": record(entity=[]),
    "layer is null": record(entities=None),
    "layer holds text": record(entities=["Ana"]),
    "unknown field": record(entities=[{**ENTITY, "score": 1}]),
    "missing field": record(entities=[{"id": "T1", "start": 0, "end": 3, "text": "Ana"}]),
    "table without rows": record(tables=[{"request": "Who?", "columns": ["name"]}]),
}
ACCEPTED_OR_RAW = {
    "offset is text": record(entities=[{**ENTITY, "start": "0"}]),
    "offset is a fraction": record(entities=[{**ENTITY, "start": 0.0}]),
    "id is a list": record(entities=[{**ENTITY, "id": ["T1"]}]),
    "type is a list": record(entities=[{**ENTITY, "type": ["person"]}]),
    "type is a number": record(entities=[{**ENTITY, "type": 3}]),
    "tuple of numbers": record(tuples=[{"predicate": 1, "subject": 2}]),
    "nested too deep": "[" * 100_000,
    "endless number": "1" * 5000,
}


@pytest.mark.parametrize(
    "line",
    [
        *(pytest.param(line, id=kind) for kind, line in BROKEN.items()),
        *(pytest.param(line, id=kind) for kind, line in ACCEPTED_OR_RAW.items()),
    ],
)
def test_a_line_that_is_no_document_is_refused_with_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(InputError) as caught:
        list(load_documents(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert "\n" not in str(caught.value)


def test_a_cut_off_line_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text(f"{record()}\n{record()[:-5]}")
    with pytest.raises(InputError, match=r"documents\.jsonl:2: not a JSON object .*cut off\?"):
        list(load_documents(path))


def test_a_file_in_another_encoding_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_bytes('{"id": "d", "text": "Müller"}\n'.encode("latin-1"))
    with pytest.raises(InputError, match=r"documents\.jsonl: not UTF-8"):
        list(load_documents(path))


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        list(load_documents(tmp_path / "none.jsonl"))


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_bytes(f"{record(entities=[ENTITY])}\r\n\r\n{record()}\r\n".encode())
    assert [len(document.entities) for document in load_documents(path)] == [1, 0]
