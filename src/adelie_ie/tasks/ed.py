"""Event detection: every trigger with its class."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from adelie_ie.document import Document
from adelie_ie.rows import Columns, label, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Choices, Question, Task, by_place, label_names, schema_choices


@cache
def _columns(choices: Choices) -> Columns:
    return (mention("event"), label("class", label_names(choices)))


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per document; a trigger with two classes is two rows."""
    choices = schema_choices(schema).events
    rows = tuple((event.text, event.type) for event in by_place(document.events))
    text = document.text
    yield Question(f"ed/{document.id}", document.id, text, text, (), _columns(choices), (choices,), rows, schema.name)


TASK = Task("ed", "Event detection", questions)
