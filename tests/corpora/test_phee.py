"""PHEE: events with main and finer arguments, every span checked against the text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adelie_ie.corpora import find_corpus
from adelie_ie.document import Argument, Document, Event
from adelie_ie.errors import InputError

ReadText = Callable[[str, str | bytes], list[Document]]
TEXT = "A boy developed a rash after aspirin and ibuprofen twice daily."


def span(*words: str) -> dict[str, Any]:
    """One span in the corpus's layout, in one piece or in several."""
    return {"text": [list(words)], "start": [[TEXT.index(word) for word in words]], "entity_id": ["T1"]}


def record(**changes: Any) -> dict[str, Any]:
    event = {
        "event_id": "E1",
        "event_type": "Adverse_event",
        "Trigger": span("developed"),
        "Subject": {**span("A boy"), "Gender": span("boy")},
        "Effect": span("a rash"),
        "Treatment": {
            **span("aspirin", "twice daily"),
            "Drug": {
                "text": [["aspirin"], ["ibuprofen"]],
                "start": [[29], [41]],
                "entity_id": ["T5", "T6"],
            },
            "Combination": [{"event_id": "E2", "Drug": span("ibuprofen")}],
        },
        "Negated": {"text": [["never"]], "start": [[0]], "value": True},
        "Severity": {**span("rash"), "value": "High"},
        **changes,
    }
    return {"id": "42_1", "context": TEXT, "annotations": [{"events": [event]}]}


def line(data: Any) -> str:
    return json.dumps(data) + "\n"


def test_main_and_finer_arguments_become_roles_in_the_order_of_the_text(read_text: ReadText) -> None:
    (document,) = read_text("phee", line(record()))
    assert (document.id, document.text) == ("train-42_1-1", TEXT)
    roles = [
        ("Subject", "A boy"),
        ("Subject.Gender", "boy"),
        ("Effect", "a rash"),
        ("Treatment", "aspirin"),
        ("Treatment.Drug", "aspirin"),
        ("Combination.Drug", "ibuprofen"),
        ("Treatment.Drug", "ibuprofen"),
        ("Treatment", "twice daily"),
    ]
    arguments = tuple(Argument(role, TEXT.index(w), TEXT.index(w) + len(w), w) for role, w in roles)
    assert document.events == (Event("E1", "adverse event", 6, 15, "developed", arguments),)
    assert not list(document.problems(find_corpus("phee").schemas["phee"]))


def test_several_events_get_ids_of_their_own(read_text: ReadText) -> None:
    data = record()
    other = {"event_id": "E2", "event_type": "Potential_therapeutic_event", "Trigger": span("after")}
    data["annotations"].append({"events": [other]})
    (document,) = read_text("phee", line(data))
    assert [(event.id, event.type, event.text) for event in document.events] == [
        ("E1", "adverse event", "developed"),
        ("E2", "potential therapeutic event", "after"),
    ]


def test_windows_line_ends_and_blank_lines_are_read(read_text: ReadText) -> None:
    text = (line(record()) + "\n" + line(record())).replace("\n", "\r\n")
    assert [document.id for document in read_text("phee", text)] == ["train-42_1-1", "train-42_1-3"]


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in record().items() if name != key}


SHIFTED = {"text": [["developed"]], "start": [[5]]}
BROKEN = {
    "truncated": (line(record())[:80], "cut off?"),
    "a list": (line([1]), "not a PHEE record"),
    "no annotations": (line(without("annotations")), "'annotations'"),
    "no trigger": (line(record(Trigger={"text": [], "start": []})), "not a PHEE record"),
    "unknown class": (line(record(event_type="Death")), "unknown event type 'Death'"),
    "shifted trigger": (line(record(Trigger=SHIFTED)), "covers ' develope', but the annotation says 'developed'"),
    "shifted argument": (line(record(Effect={"text": [["a rash"]], "start": [[17]]})), "argument Effect"),
    "span outside": (line(record(Effect={"text": [["a rash"]], "start": [[60]]})), "outside the text"),
    "text start": (line(record(Effect={"text": [["a rash"]], "start": [["16"]]})), "not a PHEE record"),
    "argument is text": (line(record(Effect="a rash")), "not a PHEE record"),
}
CRASHES = {
    "no id": (line(without("id")), "id"),  # KeyError
    "context is a number": (line({**record(), "context": 3}), "context"),  # TypeError
    "fewer starts than texts": (line(record(Effect={"text": [["a", "rash"]], "start": [[16]]})), ""),  # ValueError
    "fewer texts than starts": (line(record(Effect={"text": [], "start": [[16]]})), ""),  # ValueError
    "unknown role": (line(record(Cause=span("aspirin"))), "Cause"),  # accepted
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *(pytest.param(*case, id=kind) for kind, case in BROKEN.items()),
        *(pytest.param(*case, id=kind) for kind, case in CRASHES.items()),
    ],
)
def test_a_broken_record_is_refused_with_file_and_line(
    read_text: ReadText, tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_text("phee", line(record()) + content)
    assert str(caught.value).startswith(f"{tmp_path / 'phee' / 'json' / 'train.json'}:2: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(("split", "reports"), [("train", 2898), ("dev", 961), ("test", 968)])
def test_the_real_corpus_has_its_official_size_and_every_event(shared_data: Path, split: str, reports: int) -> None:
    corpus = find_corpus("phee")
    documents = list(corpus.read(split, shared_data))
    assert len(documents) == len({document.id for document in documents}) == reports
    assert not [problem for document in documents for problem in document.problems(corpus.schemas["phee"])]
    raw = [json.loads(text) for text in corpus.path(split, shared_data).read_text(encoding="utf-8").splitlines()]
    events = [event for data in raw for annotation in data["annotations"] for event in annotation["events"]]
    assert sum(len(document.events) for document in documents) == len(events)
    for role in ("Subject", "Treatment", "Effect"):
        # The same piece may be annotated twice in one event; it is one argument.
        pieces = [
            {
                (at, word)
                for words, starts in zip(event[role]["text"], event[role]["start"], strict=True)
                for at, word in zip(starts, words, strict=True)
            }
            for event in events
            if role in event
        ]
        read = [a for document in documents for event in document.events for a in event.arguments if a.role == role]
        assert len(read) == sum(map(len, pieces)) > 0
