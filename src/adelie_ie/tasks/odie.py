"""On-demand information extraction: the table that a user's request asks for (Jiao et al., EMNLP 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from adelie_ie.document import Document
from adelie_ie.rows import Columns, free
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Question, Task


@cache
def _columns(names: tuple[str, ...]) -> Columns:
    return tuple(free(name) for name in names)


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per request; the columns that the user wants stand after the text."""
    for number, table in enumerate(document.tables, 1):
        yield Question(
            f"odie/{document.id}/{number}",
            document.id,
            document.text,
            document.text,
            (f"Request: {table.request}", f"Columns: {' | '.join(table.columns)}"),
            _columns(table.columns),
            (),
            table.rows,
            schema.name,
        )


TASK = Task("odie", "On-demand information extraction", questions, formats=("table",))
