"""Named entity recognition: every mention with its type."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from adelie_ie.document import Document
from adelie_ie.rows import Columns, label, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Choices, Question, Task, by_place, label_names, schema_choices


@cache
def _columns(choices: Choices) -> Columns:
    return (mention("entity"), label("type", label_names(choices)))


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per document; a mention that occurs twice is two rows."""
    choices = schema_choices(schema).entities
    rows = tuple([(entity.text, entity.type) for entity in by_place(document.entities)])
    text = document.text
    yield Question(f"ner/{document.id}", document.id, text, text, (), _columns(choices), (choices,), rows, schema.name)


TASK = Task("ner", "Named entity recognition", questions)
