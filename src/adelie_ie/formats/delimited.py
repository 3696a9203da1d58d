"""Tuple templates: rows as fields between delimiters, e.g. ``{entity}: {type}; `` or ``({subject}; {relation};
{object}); ``.

Fields that hold a delimiter are written as JSON strings. Trailing fields of optional columns are left out when empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from adelie_ie.formats.answer import ANSWER_MARK, NOTHING, Parsed, Problem, answer_body, is_nothing, problem
from adelie_ie.formats.quoting import QUOTED, quote_if_unsafe, unquote, unsafe_pattern
from adelie_ie.rows import ColumnKind, Columns, Row

_BLANKS = re.compile(r"[ \t]*")
_LIST_MARK = re.compile(r"\s*(?:\d+[.)]\s+|[-*•]\s+)?")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """How a row is written: ``open`` field ``separator`` field ... ``close`` and ``end`` (after every row)."""

    open: str
    separator: str
    close: str
    end: str


@dataclass(frozen=True)
class DelimitedFormat:
    """Rows as delimited fields; see ``adelie_ie.formats.answer.Format``."""

    name: str
    delimiters: Delimiters
    columns: Columns
    _unsafe: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _stop: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _plain_stop: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _required: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        d = self.delimiters
        parts = [part.strip() for part in (d.open, d.separator, d.close, d.end)]
        object.__setattr__(self, "_unsafe", unsafe_pattern(parts))
        # A bracket pair of the row's own kind inside a bare field, as models write "(Warfarin (Coumadin); drug)", is
        # part of it.
        nested = "(?!)"  # matches nothing
        if parts[0]:
            nested = f"{re.escape(parts[0])}[^{re.escape(parts[0] + parts[2])}\\n]{{0,80}}{re.escape(parts[2])}"
        stops = "|".join(sorted((re.escape(part) for part in {*parts} - {""}), key=len, reverse=True))
        object.__setattr__(self, "_plain_stop", re.compile(f"{stops}|\\n"))
        object.__setattr__(self, "_stop", re.compile(f"(?P<nested>{nested})|(?P<stop>{stops}|\\n)"))
        required = max((i for i, column in enumerate(self.columns, 1) if not column.optional), default=1)
        object.__setattr__(self, "_required", required)

    def requirement(self) -> str:
        """The sentence that asks for this form."""
        d = self.delimiters
        row = d.open + d.separator.join(f"{{{column.name}}}" for column in self.columns) + d.close + d.end
        shown = row.replace("\n", "\\n") if row.endswith("\n") else row
        return f'Please give the answer in the form "{ANSWER_MARK}{shown}".'

    def render(self, rows: tuple[Row, ...]) -> str:
        """Rows one after another, each closed by the row end."""
        if not rows:
            return NOTHING
        d, unsafe, required = self.delimiters, self._unsafe, self._required
        parts: list[str] = []
        for row in rows:
            size = len(row)
            while size > required and not row[size - 1]:
                size -= 1
            parts.append(d.open + d.separator.join([quote_if_unsafe(value, unsafe) for value in row[:size]]) + d.close)
        return (d.end.join(parts) + d.end).strip()

    def parse(self, text: str) -> Parsed:
        """Read rows back; lenient about a missing mark, last delimiter, list numbers and code fences."""
        body = answer_body(text)
        if is_nothing(body):
            return Parsed(())
        rows: list[Row] = []
        problems: list[Problem] = []
        for fields in self._rows_of_fields(body):
            self._accept(fields, rows, problems)
        return Parsed(tuple(rows), tuple(problems))

    def _rows_of_fields(self, body: str) -> list[list[str | None]]:
        """Cut the body into rows of fields in one pass; None where nothing stands between two delimiters."""
        d = self.delimiters
        opening, separator, end = d.open.strip(), d.separator.strip(), d.end.strip()
        rows: list[list[str | None]] = []
        fields: list[str | None] = []
        position, size, inside = 0, len(body), False
        while position < size:
            if not fields and not inside:
                mark = _LIST_MARK.match(body, position)
                position = mark.end() if mark else position
                if opening and body.startswith(opening, position):
                    position, inside = position + len(opening), True
            value, position, stop = self._read_field(body, position, inside)
            if stop == "\n" and inside:
                # A line break inside a bracketed row is only white space.
                pieces = [value]
                while stop == "\n":
                    value, position, stop = self._read_field(body, position, inside)
                    pieces.append(value)
                value = " ".join(piece for piece in pieces if piece) or None
            if stop == opening and opening:
                # What stands before a bracket is no row of its own, unless the bracket before it was never closed.
                if inside:
                    rows.append([*fields, value])
                fields, inside = [], True
                continue
            is_separator = stop == separator and (inside or separator != end)
            if value is not None or is_separator or fields:
                fields.append(value)
            if is_separator and position < size:
                continue
            if fields:
                rows.append(fields)
            fields, inside = [], False
        if fields:
            rows.append(fields)
        return rows

    def _read_field(self, body: str, position: int, inside: bool) -> tuple[str | None, int, str]:
        """One field from ``position``: its value (None: nothing stands there), where the next starts, what ended it."""
        size = len(body)
        start = _BLANKS.match(body, position).end()  # type: ignore[union-attr]
        if start < size and body[start] == '"':
            quoted = QUOTED.match(body, start)
            if quoted is not None:
                after = _BLANKS.match(body, quoted.end()).end()  # type: ignore[union-attr]
                stop = self._stop.match(body, after)
                if after == size or (stop is not None and stop["stop"] is not None):
                    value = unquote(quoted[0])
                    if value is not None:
                        return value, stop.end() if stop else after, stop["stop"] if stop else ""
        if inside:
            search = start
            while (stop := self._stop.search(body, search)) is not None and stop["nested"] is not None:
                search = stop.end()
            ended = (stop.start(), stop.end(), stop["stop"]) if stop else None
        else:
            stop = self._plain_stop.search(body, start)
            ended = (stop.start(), stop.end(), stop[0]) if stop else None
        if ended is None:
            return body[start:].strip() or None, size, ""
        return body[start : ended[0]].strip() or None, ended[1], ended[2]

    def _accept(self, fields: list[str | None], rows: list[Row], problems: list[Problem]) -> None:
        """Append the fields as a row, or say why they are none."""
        width, separator = len(self.columns), self.delimiters.separator
        shown = separator.join(field or "" for field in fields[: width + 2])
        first, last = 0, len(fields)
        while last > width and fields[last - 1] is None:
            last -= 1
        if last - first > width and fields[first] is None and not self.delimiters.open:
            first += 1  # "| a | b |", as in a table
        fields = fields[first:last]
        extra = len(fields) - width
        if extra > 0:
            problems.append(problem("extra field", shown))
            if self.columns[0].kind is ColumnKind.MENTION and not self.delimiters.open:
                # "Type 2: diabetes: disease": the mention holds the separator that the label cannot hold.
                joined = separator.join(field or "" for field in fields[: extra + 1])
                fields = [joined, *fields[extra + 1 :]]
            else:
                fields = fields[:width]
        missing = len(fields) < self._required or any(
            value is None and not column.optional for value, column in zip(fields, self.columns, strict=False)
        )
        if missing:
            problems.append(problem("missing field" if len(fields) > 1 else "unreadable", shown))
            return
        rows.append(tuple(field or "" for field in fields) + ("",) * (width - len(fields)))


def _variant(
    name: str, open_: str, separator: str, close: str, end: str
) -> tuple[str, Callable[[Columns], DelimitedFormat]]:
    return name, partial(DelimitedFormat, name, Delimiters(open_, separator, close, end))


FORMATS = dict(
    (
        _variant("colon", "", ": ", "", "; "),
        _variant("parenthesis", "(", "; ", ")", "; "),
        _variant("angle", "<", ", ", ">", "\n"),
        _variant("pipe", "", " | ", "", "\n"),
        _variant("arrow", "", " -> ", "", "; "),
        _variant("bracket", "[", " / ", "]", ", "),
    )
)
