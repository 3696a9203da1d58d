"""Relation extraction: every related pair of entities with its relation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from adelie_ie.document import Document
from adelie_ie.rows import Columns, label, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Choices, Question, Task, label_names, schema_choices


@cache
def _columns(choices: Choices) -> Columns:
    return (mention("subject"), label("relation", label_names(choices)), mention("object"))


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per document; rows in the order of their subjects, then objects."""
    choices = schema_choices(schema).relations
    entities = {entity.id: entity for entity in document.entities}
    related = sorted(
        ((entities[relation.head], relation.type, entities[relation.tail]) for relation in document.relations),
        key=lambda found: (found[0].start, found[2].start),
    )
    rows = tuple((head.text, relation, tail.text) for head, relation, tail in related)
    text = document.text
    yield Question(f"re/{document.id}", document.id, text, text, (), _columns(choices), (choices,), rows, schema.name)


TASK = Task("re", "Relation extraction", questions)
