"""PHEE: pharmacovigilance events in medical case reports (Sun et al., EMNLP 2022).

One JSON object per line. An event has a trigger and main arguments (Subject, Treatment, Effect), each with finer ones
inside (Age, Drug, Route, ...); both levels become arguments, the fine ones as ``Subject.Age`` and so on, in the
paper's role names. A role may have several spans, and a span may be in several pieces, of which every piece becomes
an argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from adelie_ie.corpora.corpus import Corpus, Record, line_records
from adelie_ie.document import Argument, Document, Event
from adelie_ie.errors import InputError
from adelie_ie.schema import Schema

_CLASSES = {"Adverse_event": "adverse event", "Potential_therapeutic_event": "potential therapeutic event"}
_MAIN = {
    "Subject": "The patient or the group that is treated.",
    "Treatment": "The therapy that is given.",
    "Effect": "What the therapy brings about.",
}
_FINE = {
    "Subject.Age": "How old the patient is.",
    "Subject.Gender": "The patient's sex.",
    "Subject.Population": "How many patients there are.",
    "Subject.Race": "The patient's origin.",
    "Subject.Disorder": "A condition that the patient has besides.",
    "Treatment.Drug": "The medicine.",
    "Treatment.Dosage": "How much is given.",
    "Treatment.Freq": "How often it is given.",
    "Treatment.Route": "By which way it enters the body.",
    "Treatment.Duration": "How long it is given.",
    "Treatment.Time_elapsed": "The time between the therapy and the event.",
    "Treatment.Disorder": "What the therapy is given against.",
    "Combination.Drug": "Medicines that are given together.",
}
_SKIPPED = {"event_id", "event_type", "Trigger", "Negated", "Speculated", "Severity"}


def read_report(record: Record) -> Document:
    """One JSON line -> a document with events.

    Raises:
        InputError: no JSON, another layout, or a span that does not match its text.
    """
    try:
        data = json.loads(record.raw)
        text = data["context"]
        raw_events = [event for annotation in data["annotations"] for event in annotation["events"]]
        events = [_event(f"{number}", raw, text) for number, raw in enumerate(raw_events, 1)]
        name = data["id"]
        if not isinstance(text, str):
            raise TypeError("context is not text")
    except json.JSONDecodeError as error:
        raise InputError(f"not a JSON object ({error.msg}): is the line cut off?") from None
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InputError(f"not a PHEE record: {type(error).__name__} {error}") from None
    document = Document(f"{record.split}-{name}-{record.line}", text, events=tuple(events))
    problem = next(document.problems(), None)
    if problem is not None:
        raise InputError(f"record {name!r}: {problem}")
    return document


def _event(number: str, raw: dict[str, Any], text: str) -> Event:
    triggers = list(_spans(raw["Trigger"]))
    start, trigger = triggers[0]
    if raw["event_type"] not in _CLASSES:
        raise InputError(f"unknown event type {raw['event_type']!r}")
    arguments = [Argument(role, at, at + len(words), words) for role, at, words in _arguments(raw)]
    arguments = sorted(dict.fromkeys(arguments), key=lambda argument: (argument.start, argument.end, argument.role))
    return Event(f"E{number}", _CLASSES[raw["event_type"]], start, start + len(trigger), trigger, tuple(arguments))


def _arguments(raw: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    for role, value in raw.items():
        if role in _SKIPPED:
            continue
        if role not in _MAIN:
            raise InputError(f"unknown role {role!r} (known: {', '.join(_MAIN)})")
        yield from ((role, *span) for span in _spans(value))
        for fine, inner in value.items():
            if not isinstance(inner, dict | list) or fine in ("text", "start", "entity_id"):
                continue
            for part in inner if isinstance(inner, list) else [inner]:
                if fine == "Combination":
                    drug = part.get("Drug") if isinstance(part, dict) else None
                    if drug:
                        yield from (("Combination.Drug", *span) for span in _spans(drug))
                elif isinstance(part, dict) and "text" in part:
                    yield from ((f"{role}.{fine}", *span) for span in _spans(part))


def _spans(value: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for texts, starts in zip(value["text"], value["start"], strict=True):
        yield from zip(starts, texts, strict=True)


_ROLES = {role: {"definition": definition} for role, definition in {**_MAIN, **_FINE}.items()}
_SCHEMA = Schema.model_validate(
    {
        "name": "phee",
        "events": {
            "adverse event": {"definition": "A therapy is followed by harm to the patient.", "roles": _ROLES},
            "potential therapeutic event": {"definition": "A therapy is followed by a benefit.", "roles": _ROLES},
        },
    }
)

CORPORA = (
    Corpus(
        "phee",
        ("ed", "eae", "ee"),
        {"train": "json/train.json", "dev": "json/dev.json", "test": "json/test.json"},
        "phee",
        {"phee": _SCHEMA},
        line_records,
        read_report,
        licence="MIT",
        source="https://github.com/ZhaoyueSun/PHEE (data/json)",
    ),
)
