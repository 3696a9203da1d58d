"""Open information extraction: who did what to whom, when and where, with no schema."""

from __future__ import annotations

from collections.abc import Iterator

from adelie_ie.document import Document
from adelie_ie.rows import free, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Question, Task

# The predicate is free: corpora write implied words into it ("[is] president of").
COLUMNS = (
    free("predicate"),
    mention("subject"),
    mention("object", optional=True),
    mention("time", optional=True),
    mention("location", optional=True),
)


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per document that has open tuples."""
    if not document.tuples:
        return
    rows = tuple((fact.predicate, fact.subject, fact.object, fact.time, fact.location) for fact in document.tuples)
    text = document.text
    yield Question(f"openie/{document.id}", document.id, text, text, (), COLUMNS, (), rows, schema.name)


TASK = Task("openie", "Open information extraction", questions)
