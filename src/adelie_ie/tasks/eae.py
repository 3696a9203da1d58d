"""Event argument extraction: who or what takes part in a marked event, and in which role."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from adelie_ie.document import Document
from adelie_ie.rows import Columns, label, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Question, Task, by_place, mark


@cache
def _columns(roles: tuple[str, ...]) -> Columns:
    return (mention("word"), label("role", roles))


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per event; its class and the roles of the class stand after the text."""
    for number, event in enumerate(by_place(document.events), 1):
        roles = tuple(schema.events[event.type].roles)
        if not roles:
            continue
        yield Question(
            f"eae/{document.id}/{number}",
            document.id,
            mark(document.text, [(event.start, event.end)], "event"),
            document.text,
            (f"Event: {event.text} ({event.type})", f"Roles: {', '.join(roles)}"),
            _columns(roles),
            (),
            tuple((argument.text, argument.role) for argument in by_place(event.arguments)),
            schema.name,
        )


TASK = Task("eae", "Event argument extraction", questions)
