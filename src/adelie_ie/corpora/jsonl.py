"""The project's own JSONL: one document per line (see ``adelie_ie.document``), with a schema file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from adelie_ie.corpora.corpus import Corpus, Record, line_records
from adelie_ie.document import Document, parse_document
from adelie_ie.errors import InputError
from adelie_ie.schema import Schema


def read_checked(record: Record, schemas: Mapping[str, Schema]) -> Document:
    """A JSON line -> a document whose labels are in its schema.

    Raises:
        InputError: no document, an unknown schema, or a label that is not in it.
    """
    checked = parse_document(record.raw)
    only = next(iter(schemas.values())) if len(schemas) == 1 and not checked.schema else None
    schema = schemas.get(checked.schema, only)
    if schema is None:
        raise InputError(f"record {checked.id!r}: unknown schema {checked.schema!r} (known: {', '.join(schemas)})")
    problem = next(checked.problems(schema), None)
    if problem is not None:
        raise InputError(f"record {checked.id!r}: {problem}")
    return checked


def jsonl_corpus(
    name: str,
    folder: str | Path,
    splits: Mapping[str, str],
    schemas: Mapping[str, Schema],
    tasks: tuple[str, ...],
    *,
    licence: str = "not stated",
    source: str = "",
) -> Corpus:
    """Declare a corpus of JSONL documents; every label is checked against the document's schema."""

    return Corpus(
        name,
        tasks,
        dict(splits),
        str(folder),
        dict(schemas),
        line_records,
        partial(read_checked, schemas=dict(schemas)),
        licence,
        source,
    )
