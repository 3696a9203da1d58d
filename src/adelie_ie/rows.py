"""Rows over named columns: the one shape that every information-extraction answer has here.

NER answers are rows over (entity, type), relation answers over (subject, relation, object), and so on; rendering,
parsing, scoring and grounding are written against rows, never per corpus.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Row = tuple[str, ...]
"""One answer row: a value for each column, the empty string where an optional column has none."""


class ColumnKind(StrEnum):
    """Where a column's values come from."""

    MENTION = "mention"
    """Copied from the text."""
    LABEL = "label"
    """Taken from the schema."""
    FREE = "free"
    """Anything."""


@dataclass(frozen=True, slots=True)
class Column:
    """A named column of an answer.

    Attributes:
        name: the name as prompts show it, e.g. ``entity``.
        kind: where its values come from.
        labels: for a label column, the labels that the question allows (empty: not restricted).
        optional: whether a row may leave it empty.
    """

    name: str
    kind: ColumnKind
    labels: tuple[str, ...] = ()
    optional: bool = False


Columns = tuple[Column, ...]


def mention(name: str, *, optional: bool = False) -> Column:
    """A column whose values are copied from the text."""
    return Column(name, ColumnKind.MENTION, optional=optional)


def label(name: str, labels: tuple[str, ...] = (), *, optional: bool = False) -> Column:
    """A column whose values come from the schema."""
    return Column(name, ColumnKind.LABEL, labels, optional)


def free(name: str, *, optional: bool = False) -> Column:
    """A column whose values may be anything."""
    return Column(name, ColumnKind.FREE, optional=optional)


def load_columns(data: Iterable[tuple[str, str, Iterable[str], bool]]) -> Columns:
    """Columns as instances store them: name, kind, labels and whether optional, a list each."""
    return tuple(Column(name, ColumnKind(kind), tuple(labels), optional) for name, kind, labels, optional in data)


def normalise(value: str) -> str:
    """The value with its white space folded: how two values are compared when answers are scored."""
    return " ".join(value.split())


def normalise_row(row: Row) -> Row:
    """The row with the white space of every value folded."""
    return tuple(normalise(value) for value in row)
