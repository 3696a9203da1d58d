"""Annotated text: the one record type that corpus readers produce and tasks consume.

Offsets are in characters (Python string indices), end exclusive; every annotation repeats the string it covers, so that
a shifted offset is an error and never a wrong training target.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adelie_ie.errors import InputError
from adelie_ie.schema import Schema


@dataclass(frozen=True, slots=True)
class Entity:
    """A mention of a typed thing."""

    id: str
    type: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A directed relation between two entities of the document, by their ids."""

    head: str
    type: str
    tail: str


@dataclass(frozen=True, slots=True)
class Argument:
    """A participant of an event."""

    role: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """A trigger with its class and arguments."""

    id: str
    type: str
    start: int
    end: int
    text: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class EventRelation:
    """A relation between two events of the document, by their ids."""

    head: str
    type: str
    tail: str


@dataclass(frozen=True, slots=True)
class OpenTuple:
    """An open fact; a field that the text does not fill is the empty string."""

    predicate: str
    subject: str
    object: str = ""
    time: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A user's request and the table that answers it; every row has one cell per column."""

    request: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A text with all that is annotated on it. Layers that a corpus does not annotate are empty.

    ``schema`` names the label inventory of the document where a corpus has several.
    """

    id: str
    text: str
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    events: tuple[Event, ...] = ()
    event_relations: tuple[EventRelation, ...] = ()
    tuples: tuple[OpenTuple, ...] = ()
    tables: tuple[Table, ...] = ()
    schema: str = ""

    def problems(self, schema: Schema | None = None) -> Iterator[str]:
        """Everything that is inconsistent: spans against the text, ids, labels against ``schema`` (if given)."""
        wrong_type = next(self._type_problems(), None)
        if wrong_type is not None:
            yield wrong_type
            return
        yield from self._span_problems()
        yield from self._reference_problems()
        for table in self.tables:
            if any(len(row) != len(table.columns) for row in table.rows):
                yield f"table {table.request[:40]!r}: a row has not {len(table.columns)} cells"
        if schema is not None:
            yield from self._label_problems(schema)

    def _type_problems(self) -> Iterator[str]:
        texts: list[object] = [self.schema]
        offsets: list[object] = []
        mentions: tuple[Entity | Event, ...] = (*self.entities, *self.events)
        for mention in mentions:
            texts += (mention.id, mention.type, mention.text)
            offsets += (mention.start, mention.end)
        for argument in (argument for event in self.events for argument in event.arguments):
            texts += (argument.role, argument.text)
            offsets += (argument.start, argument.end)
        links: tuple[Relation | EventRelation, ...] = (*self.relations, *self.event_relations)
        for link in links:
            texts += (link.head, link.type, link.tail)
        for fact in self.tuples:
            texts += (fact.predicate, fact.subject, fact.object, fact.time, fact.location)
        for table in self.tables:
            texts += (table.request, *table.columns, *(cell for row in table.rows for cell in row))
        for offset in offsets:
            if type(offset) is not int:
                yield f"offsets are whole numbers, found {offset!r}"
        for text in texts:
            if not isinstance(text, str):
                yield f"expected text, found {text!r}"

    def _span_problems(self) -> Iterator[str]:
        for kind, spans in (("entity", self.entities), ("event", self.events)):
            for span in spans:
                yield from self._check_span(f"{kind} {span.id}", span)
        for event in self.events:
            for argument in event.arguments:
                yield from self._check_span(f"event {event.id}, argument {argument.role}", argument)

    def _check_span(self, what: str, span: Entity | Event | Argument) -> Iterator[str]:
        if not 0 <= span.start < span.end <= len(self.text):
            yield f"{what}: span {span.start}:{span.end} lies outside the text (length {len(self.text)})"
        elif self.text[span.start : span.end] != span.text:
            found = self.text[span.start : span.end]
            yield f"{what}: span {span.start}:{span.end} covers {found!r}, but the annotation says {span.text!r}"

    def _reference_problems(self) -> Iterator[str]:
        links: tuple[tuple[str, Any, set[str]], ...] = (
            ("relation", self.relations, {entity.id for entity in self.entities}),
            ("event relation", self.event_relations, {event.id for event in self.events}),
        )
        for what, pairs, known in links:
            for pair in pairs:
                for end in (pair.head, pair.tail):
                    if end not in known:
                        yield f"{what} {pair.type!r}: no annotation with id {end!r}"
        for what, spans, known in (("entity", self.entities, links[0][2]), ("event", self.events, links[1][2])):
            if len(known) != len(spans):
                yield f"two annotations share an {what} id"

    def _label_problems(self, schema: Schema) -> Iterator[str]:
        used: list[tuple[str, str, Mapping[str, object]]] = []
        used += [("entity type", entity.type, schema.entities) for entity in self.entities]
        used += [("relation", relation.type, schema.relations) for relation in self.relations]
        used += [("event class", event.type, schema.events) for event in self.events]
        used += [("event relation", relation.type, schema.event_relations) for relation in self.event_relations]
        for what, label, known in used:
            if label not in known:
                yield f"unknown {what} {label!r} (schema {schema.name!r} has: {', '.join(known) or 'none'})"
        for event in self.events:
            roles = schema.events[event.type].roles if event.type in schema.events else {}
            for argument in event.arguments:
                if event.type in schema.events and argument.role not in roles:
                    yield f"event {event.id}: class {event.type!r} has no role {argument.role!r}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary; empty layers are left out."""
        return {key: value for key, value in asdict(self).items() if value or key in ("id", "text")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Document:
        """The inverse of ``to_dict``.

        Raises:
            KeyError, TypeError, ValueError: the dictionary is not a document.
        """
        unknown = set(data) - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(f"unknown key {sorted(unknown)[0]!r}")
        if not isinstance(data["id"], str) or not isinstance(data["text"], str):
            raise ValueError("'id' and 'text' must be strings")
        events = (
            {**event, "arguments": tuple(Argument(**argument) for argument in event.get("arguments", ()))}
            for event in data.get("events", ())
        )
        return cls(
            id=data["id"],
            text=data["text"],
            entities=tuple(Entity(**entity) for entity in data.get("entities", ())),
            relations=tuple(Relation(**relation) for relation in data.get("relations", ())),
            events=tuple(Event(**event) for event in events),
            event_relations=tuple(EventRelation(**relation) for relation in data.get("event_relations", ())),
            tuples=tuple(OpenTuple(**fact) for fact in data.get("tuples", ())),
            tables=tuple(
                Table(table["request"], tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))
                for table in data.get("tables", ())
            ),
            schema=data.get("schema", ""),
        )


def parse_document(line: str, schema: Schema | None = None) -> Document:
    """One JSON line -> a checked document.

    Raises:
        InputError: the line is no JSON, no document, or disagrees with itself or with the schema.
    """
    try:
        data = json.loads(line.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise InputError(f"not a JSON object ({error.msg} at column {error.colno}): is the line cut off?") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a JSON object ({error})") from None
    try:
        if "\\u" in line:
            json.dumps(data, ensure_ascii=False).encode()
        document = Document.from_dict(data)
    except KeyError as error:
        raise InputError(f"not a document: key {error} is missing") from None
    except UnicodeEncodeError:
        raise InputError("a lone surrogate stands in the record: the text was cut inside a character") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"not a document: {error}") from None
    problem = next(document.problems(schema), None)
    if problem is not None:
        raise InputError(f"record {document.id!r}: {problem}")
    return document


def load_documents(path: str | Path, schema: Schema | None = None) -> Iterator[Document]:
    """Stream the documents of a JSONL file, each checked.

    Raises:
        InputError: names the file, the line and what is wrong.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield parse_document(line, schema)
                except InputError as error:
                    raise InputError(error.reason, path=path, line=number) from None
    except FileNotFoundError:
        raise InputError("no such file", path=path) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 ({error.reason}): convert the file to UTF-8", path=path) from None


def save_documents(path: str | Path, documents: Iterable[Document]) -> int:
    """Write documents as JSONL; returns how many."""
    count = 0
    with Path(path).open("w", encoding="utf-8") as out:
        for document in documents:
            out.write(json.dumps(document.to_dict(), ensure_ascii=False) + "\n")
            count += 1
    return count
