"""Relation classification: the relation between two marked entities, if any."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cache

from adelie_ie.document import Document, Entity
from adelie_ie.rows import Columns, label, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Choices, Question, Task, by_place, label_names, mark, schema_choices


@cache
def _columns(choices: Choices) -> Columns:
    return (mention("subject"), label("relation", label_names(choices)), mention("object"))


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per related pair, and one on the first unrelated pair (if the schema allows a relation for it)."""
    choices = schema_choices(schema).relations
    entities = {entity.id: entity for entity in document.entities}
    pairs: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for relation in document.relations:
        first, second = by_place((entities[relation.head], entities[relation.tail]))
        row = (entities[relation.head].text, relation.type, entities[relation.tail].text)
        pairs.setdefault((first.id, second.id), []).append(row)
    unrelated = _unrelated(document, schema, pairs)
    if unrelated is not None:
        pairs[unrelated] = []
    for number, ((a, b), rows) in enumerate(pairs.items(), 1):
        first, second = entities[a], entities[b]
        yield Question(
            f"rc/{document.id}/{number}",
            document.id,
            mark(document.text, [(first.start, first.end), (second.start, second.end)], "entity"),
            document.text,
            (f"First entity: {first.text}", f"Second entity: {second.text}"),
            _columns(choices),
            (choices,),
            tuple(rows),
            schema.name,
        )


def _unrelated(document: Document, schema: Schema, related: Container[tuple[str, str]]) -> tuple[str, str] | None:
    placed = by_place(document.entities)
    for i, first in enumerate(placed):
        for second in placed[i + 1 :]:
            if first.end <= second.start and (first.id, second.id) not in related and _possible(first, second, schema):
                return first.id, second.id
    return None


def _possible(first: Entity, second: Entity, schema: Schema) -> bool:
    """Whether some relation's signature admits the pair in either direction."""

    def admits(types: tuple[str, ...], entity: Entity) -> bool:
        return not types or entity.type in types

    return any(
        (admits(relation.head, first) and admits(relation.tail, second))
        or (admits(relation.head, second) and admits(relation.tail, first))
        for relation in schema.relations.values()
    )


TASK = Task("rc", "Relation classification", questions)
