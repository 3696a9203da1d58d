"""Rows as a Markdown table with the column names as its header."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adelie_ie.formats.answer import ANSWER_MARK, NOTHING, Parsed, Problem, answer_body, is_nothing, problem
from adelie_ie.formats.quoting import QUOTED, quote, unquote, unsafe_pattern
from adelie_ie.rows import ColumnKind, Columns, Row

_UNSAFE = unsafe_pattern(["|", "\\"])
_RULE_CHARACTERS = frozenset("|:- \t")
_PIPE = re.compile(r"\\.|\||\n")


@dataclass(frozen=True)
class TableFormat:
    """Rows as a Markdown table; see ``adelie_ie.formats.answer.Format``."""

    columns: Columns
    name: str = "table"

    def requirement(self) -> str:
        """The sentence that asks for this form."""
        if all(column.kind is ColumnKind.FREE for column in self.columns):
            # The columns are the user's own and stand in the question; the instruction must fit every question.
            return f"Please give the answer as a Markdown table with the wanted columns after {ANSWER_MARK.strip()}"
        names = " | ".join(column.name for column in self.columns)
        return f"Please give the answer as a Markdown table with the header | {names} | after {ANSWER_MARK.strip()}"

    def render(self, rows: tuple[Row, ...]) -> str:
        """Header, rule and one line per row."""
        if not rows:
            return NOTHING
        lines = [_line([column.name for column in self.columns]), _line(["---"] * len(self.columns), bare=True)]
        return "\n".join(lines + [_line(row) for row in rows])

    def parse(self, text: str) -> Parsed:
        """Read the table; columns are matched by header where the header has the same names, by place otherwise."""
        body = answer_body(text)
        if is_nothing(body):
            return Parsed(())
        lines = [line for line in body.split("\n") if line.strip()]
        rule = next((i for i, line in enumerate(lines) if _is_rule(line)), None)
        problems: list[Problem] = []
        header: tuple[str, ...] | None = None
        if rule is not None and rule > 0:
            header = tuple(_cells(lines[rule - 1]))
            lines = lines[rule + 1 :]
        elif lines and [cell.casefold() for cell in _cells(lines[0])] == [c.name.casefold() for c in self.columns]:
            lines = lines[1:]
        order = self._order(header, problems)
        rows: list[Row] = []
        for line in lines:
            if "|" not in line:
                problems.append(problem("unreadable", line))
                continue
            cells = _cells(line)
            if len(cells) != len(header or self.columns):
                kind = "missing field" if len(cells) < len(header or self.columns) else "extra field"
                problems.append(problem(kind, line))
            rows.append(tuple(cells[i] if i is not None and i < len(cells) else "" for i in order))
        return Parsed(tuple(rows), tuple(problems), header)

    def _order(self, header: tuple[str, ...] | None, problems: list[Problem]) -> list[int | None]:
        by_place: list[int | None] = list(range(len(self.columns)))
        if header is None:
            return by_place
        places = {name.casefold(): i for i, name in enumerate(header)}
        names = [column.name.casefold() for column in self.columns]
        if header == tuple(column.name for column in self.columns) or len(set(names)) < len(names):
            return by_place
        if not any(name in places for name in names):
            problems.append(problem("wrong header", " | ".join(header)))
            return by_place
        if any(name not in places for name in names):
            problems.append(problem("wrong header", " | ".join(header)))
        return [places.get(name) for name in names]


def _is_rule(line: str) -> bool:
    """Whether a line is the rule under a header."""
    return "-" in line and set(line.strip()) <= _RULE_CHARACTERS


def _line(values: list[str] | Row, *, bare: bool = False) -> str:
    return "| " + " | ".join(value if bare else _cell(value) for value in values) + " |"


def _cell(value: str) -> str:
    """A cell bare if it reads back as itself; otherwise a JSON string without a pipe in it."""
    if not value:
        return ""
    if _UNSAFE.search(value) or _is_rule(value):
        return quote(value).replace("|", "\\u007c")
    return value


def _cells(line: str) -> list[str]:
    """The cells of a table line; a backslash keeps a pipe inside a bare cell."""
    line = line.strip()
    if line.startswith("|"):
        line = line[1:]
    cells, start = [], 0
    for match in _PIPE.finditer(line):
        if match[0] == "|":
            cells.append(line[start : match.start()])
            start = match.end()
    if line[start:].strip():
        cells.append(line[start:])
    return [_value(cell.strip()) for cell in cells]


def _value(cell: str) -> str:
    if cell.startswith('"') and (quoted := QUOTED.fullmatch(cell)) is not None:
        value = unquote(quoted[0])
        if value is not None:
            return value
    return cell.replace("\\|", "|") if "\\|" in cell else cell


FORMATS = {"table": TableFormat}
