"""Event extraction: every trigger with its class and arguments at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from adelie_ie.document import Document
from adelie_ie.rows import Columns, Row, label, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Choices, Question, Task, by_place, label_names, schema_choices


@cache
def _columns(choices: Choices) -> Columns:
    roles = tuple(dict.fromkeys(role for _, _, roles in choices.labels for role in roles))
    return (
        mention("event"),
        label("class", label_names(choices)),
        mention("word", optional=True),
        label("role", roles, optional=True),
    )


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per document: a row per argument, or one with empty argument columns for an event that has none."""
    choices = schema_choices(schema).events_with_roles
    rows: list[Row] = []
    for event in by_place(document.events):
        arguments = [(argument.text, argument.role) for argument in by_place(event.arguments)]
        rows += [(event.text, event.type, *argument) for argument in arguments or [("", "")]]
    text = document.text
    yield Question(
        f"ee/{document.id}", document.id, text, text, (), _columns(choices), (choices,), tuple(rows), schema.name
    )


TASK = Task("ee", "Event extraction", questions)
