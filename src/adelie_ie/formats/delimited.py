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

    def _rows_of_fields(self, body: str) -> list[list[str]]:
        """Cut the body into rows of raw fields in one pass."""
        opening, separator, _, end = (
            part.strip()
            for part in (self.delimiters.open, self.delimiters.separator, self.delimiters.close, self.delimiters.end)
        )
        rows: list[list[str]] = []
        fields: list[str] = []
        position, size, inside, match_mark = 0, len(body), False, _LIST_MARK.match
        while position < size:
            if not fields and not inside:
                mark = match_mark(body, position)
                position = mark.end() if mark else position
                if opening and body.startswith(opening, position):
                    position += len(opening)
                    inside = True
            value, position, stop = self._read_field(body, position)
            while stop == "\n" and inside:
                # A line break inside a bracketed row is only white space.
                more, position, stop = self._read_field(body, position)
                value = f"{value or ''} {more or ''}".strip() or None
            is_separator = stop == separator and (inside or separator != end)
            if value is not None or is_separator or fields:
                fields.append(value or "")
            if is_separator:
                if position >= size:
                    fields.append("")
                continue
            if opening and stop == opening and not inside:
                inside, fields = True, []
                continue
            if fields:
                rows.append(fields)
            fields, inside = [], False
        if fields:
            rows.append(fields)
        return rows

    def _read_field(self, body: str, position: int) -> tuple[str | None, int, str]:
        """One field from ``position``: its value (None: nothing stands there), where the next starts, what ended it."""
        size = len(body)
        start = position
        while start < size and body[start] in " \t":
            start += 1
        if start < size and body[start] == '"':
            quoted = QUOTED.match(body, start)
            if quoted is not None:
                after = quoted.end()
                while after < size and body[after] in " \t":
                    after += 1
                stop = self._stop.match(body, after)
                if after == size or (stop is not None and stop["stop"] is not None):
                    value = unquote(quoted[0])
                    if value is not None:
                        return value, stop.end() if stop else after, stop["stop"] if stop else ""
        search = start
        while (stop := self._stop.search(body, search)) is not None and stop["nested"] is not None:
            search = stop.end()
        if stop is None:
            return body[start:].strip() or None, size, ""
        return body[start : stop.start()].strip() or None, stop.end(), stop["stop"]

    def _accept(self, fields: list[str], rows: list[Row], problems: list[Problem]) -> None:
        """Append the fields as a row, or say why they are none."""
        width, shown = len(self.columns), self.delimiters.separator.join(fields)
        if len(fields) > width:
            while len(fields) > width and not fields[-1]:
                fields = fields[:-1]
            extra = len(fields) - width
            if extra and self.columns[0].kind is ColumnKind.MENTION and not self.delimiters.open:
                # "Type 2: diabetes: disease": the mention holds the separator that the label cannot hold.
                separator = self.delimiters.separator
                fields = [separator.join(fields[: extra + 1]), *fields[extra + 1 :]]
                problems.append(problem("extra field", shown))
            elif extra:
                problems.append(problem("extra field", shown))
                fields = fields[:width]
        if len(fields) < self._required:
            problems.append(problem("missing field" if len(fields) > 1 else "unreadable", shown))
            return
        rows.append(tuple(fields) + ("",) * (width - len(fields)))


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
