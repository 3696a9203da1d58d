"""Rows as a JSON array of objects keyed by column name; optional columns are left out when empty."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from adelie_ie.formats.answer import ANSWER_MARK, NOTHING, Parsed, Problem, answer_body, is_nothing, problem
from adelie_ie.formats.quoting import quote, sound
from adelie_ie.rows import Columns, Row


@dataclass(frozen=True)
class JsonFormat:
    """Rows as JSON; see ``adelie_ie.formats.answer.Format``."""

    columns: Columns
    name: str = "json"

    def requirement(self) -> str:
        """The sentence that asks for this form."""
        record = ", ".join(f'"{column.name}": "..."' for column in self.columns)
        return f"Please give the answer as JSON after {ANSWER_MARK.strip()}, a list of objects: [{{{record}}}]"

    def render(self, rows: tuple[Row, ...]) -> str:
        """One line of JSON."""
        if not rows:
            return NOTHING
        return "[" + ", ".join(self._record(row) for row in rows) + "]"

    def _record(self, row: Row) -> str:
        fields = (
            f"{quote(column.name)}: {quote(value)}"
            for column, value in zip(self.columns, row, strict=True)
            if value or not column.optional
        )
        return "{" + ", ".join(fields) + "}"

    def parse(self, text: str) -> Parsed:
        """Read a list of objects (or an object that holds one); of truncated or broken JSON, every whole object."""
        body = answer_body(text)
        if is_nothing(body):
            return Parsed(())
        problems: list[Problem] = []
        try:
            records = _records_of(json.loads(body, strict=False))
        except (ValueError, RecursionError):
            records = _whole_objects(body)
            problems.append(problem("truncated" if records else "unreadable", body))
        rows = []
        for record in records:
            row = self._row(record)
            if row is None:
                problems.append(problem("missing field", str(record)[:80]))
            else:
                rows.append(row)
        return Parsed(tuple(rows), tuple(problems))

    def _row(self, record: Any) -> Row | None:
        if not isinstance(record, dict):
            return None
        row = []
        for column in self.columns:
            value = record.get(column.name)
            if value is None:
                if not column.optional:
                    return None
                value = ""
            row.append(sound(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=True))
        return tuple(row)


def _records_of(data: Any) -> list[Any]:
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        return lists[0] if len(lists) == 1 else [data]
    return data if isinstance(data, list) else [data]


def _whole_objects(body: str) -> list[Any]:
    """The innermost complete ``{...}`` of a broken JSON text, found in one pass."""
    found: list[Any] = []
    start, in_string, escaped = -1, False, False
    for position, character in enumerate(body):
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = start >= 0
        elif character == "{":
            start = position
        elif character == "}" and start >= 0:
            with suppress(ValueError, RecursionError):
                found.append(json.loads(body[start : position + 1], strict=False))
            start = -1
    return found


FORMATS = {"json": JsonFormat}
