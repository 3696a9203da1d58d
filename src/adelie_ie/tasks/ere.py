"""Event relation extraction: how two marked events stand to each other (in time, as cause, as part)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from adelie_ie.document import Document
from adelie_ie.rows import Columns, Row, label, mention
from adelie_ie.schema import Schema
from adelie_ie.tasks.question import Choices, Question, Task, label_names, mark, schema_choices


@cache
def _columns(choices: Choices) -> Columns:
    return (mention("first event"), label("relation", label_names(choices)), mention("second event"))


def questions(document: Document, schema: Schema) -> Iterator[Question]:
    """One question per annotated pair of events, in the direction of the annotation."""
    choices = schema_choices(schema).event_relations
    events = {event.id: event for event in document.events}
    pairs: dict[tuple[str, str], list[Row]] = {}
    for relation in document.event_relations:
        row = (events[relation.head].text, relation.type, events[relation.tail].text)
        pairs.setdefault((relation.head, relation.tail), []).append(row)
    for number, ((a, b), rows) in enumerate(pairs.items(), 1):
        first, second = events[a], events[b]
        yield Question(
            f"ere/{document.id}/{number}",
            document.id,
            mark(document.text, [(first.start, first.end), (second.start, second.end)], "event"),
            document.text,
            (f"First event: {first.text}", f"Second event: {second.text}"),
            _columns(choices),
            (choices,),
            tuple(rows),
            schema.name,
        )


TASK = Task("ere", "Event relation extraction", questions)
