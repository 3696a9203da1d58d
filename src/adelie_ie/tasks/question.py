"""A question: what a task asks of one document, and the rows that answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeVar

from adelie_ie.document import Argument, Document, Entity, Event
from adelie_ie.rows import Columns, Row
from adelie_ie.schema import Schema

Label = tuple[str, str, tuple[str, ...]]
"""A label as a prompt shows it: name, definition (may be empty), and what it takes (the roles of an event class)."""


class Choices(NamedTuple):
    """Labels that a prompt lists under a title, e.g. ``Entity types``."""

    title: str
    labels: tuple[Label, ...]


class Question(NamedTuple):
    """What a task asks of a document.

    Attributes:
        id: unique within the corpus: task, document and, where a document has several, a number.
        document: the document's id (questions on one document never serve each other as demonstrations).
        text: what the model reads, with ``<entity>`` / ``<event>`` marks where the task needs them.
        source: the document's own text, in which mentions are looked up.
        focus: lines after the text that say what this question is about (the pair, the event, the request).
        columns: the columns of the answer.
        choices: the labels that the instruction lists.
        rows: the gold answer.
        schema: name of the schema; demonstrations share it.
    """

    id: str
    document: str
    text: str
    source: str
    focus: tuple[str, ...]
    columns: Columns
    choices: tuple[Choices, ...]
    rows: tuple[Row, ...]
    schema: str


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: as in recipes, e.g. ``ner``.
        title: as people read it.
        questions: document, schema -> questions.
        formats: names of the formats its answers may take; empty: all that are not tables.
    """

    name: str
    title: str
    questions: Callable[[Document, Schema], Iterator[Question]]
    formats: tuple[str, ...] = ()


def mark(text: str, spans: list[tuple[int, int]], tag: str) -> str:
    """The text with ``<tag> ... </tag>`` around each span; spans may touch or nest but are given as (start, end)."""
    inserts = [(end, 0, f" </{tag}>") for _, end in spans] + [(start, 1, f"<{tag}> ") for start, _ in spans]
    for position, _, piece in sorted(inserts, reverse=True):
        text = text[:position] + piece + text[position:]
    return text


Span = TypeVar("Span", Entity, Event, Argument)


def by_place(spans: tuple[Span, ...]) -> list[Span]:
    """Spans in the order of the text."""
    return sorted(spans, key=lambda span: (span.start, span.end))


def _labels(section: Mapping[str, object]) -> tuple[Label, ...]:
    return tuple(
        (name, getattr(facts, "definition", ""), tuple(getattr(facts, "roles", ()))) for name, facts in section.items()
    )


class _SchemaChoices:
    """Choices per schema, made once: questions of one schema share the same objects."""

    def __init__(self, schema: Schema) -> None:
        self.entities = Choices("Entity types", _labels(schema.entities))
        self.relations = Choices("Relations", _labels(schema.relations))
        self.events = Choices("Event classes", tuple((n, d, ()) for n, d, _ in _labels(schema.events)))
        self.events_with_roles = Choices("Event classes and their roles", _labels(schema.events))
        self.event_relations = Choices("Relations", _labels(schema.event_relations))


_by_schema: dict[int, tuple[Schema, _SchemaChoices]] = {}


def schema_choices(schema: Schema) -> _SchemaChoices:
    """The choices that prompts over this schema list."""
    known = _by_schema.get(id(schema))
    if known is None:
        known = _by_schema[id(schema)] = (schema, _SchemaChoices(schema))
    return known[1]


@cache
def label_names(choices: Choices) -> tuple[str, ...]:
    """The names of the labels, in order."""
    return tuple(name for name, _, _ in choices.labels)
