"""What all formats share: the answer mark, the empty answer, and the leniency towards how models wrap an answer."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from adelie_ie.rows import Columns, Row

ANSWER_MARK = "[Answer]: "
"""Stands before every answer (ADELIE, section 3.1); an explanation, if any, comes before it."""

NOTHING = "NA"
"""The answer when there is nothing to extract."""

_MARK = re.compile(r"\[\s*answer\s*\]\s*:?", re.IGNORECASE)
_NOTHING = re.compile(r"(?:n/?a|none|nothing|\[\]|null)?[\s.;]*", re.IGNORECASE)
_FENCE = re.compile(r"^```[^\n]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in an answer that could not be read as it stands.

    Attributes:
        kind: ``missing field``, ``extra field``, ``unreadable``, ``wrong header`` or ``truncated``.
        excerpt: the first characters of the place.
    """

    kind: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read from an answer.

    Attributes:
        rows: the rows, in the order of the answer.
        problems: what could not be read.
        header: the column names that the answer itself gives, where the format has a header.
    """

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    header: tuple[str, ...] | None = None

    @property
    def readable(self) -> bool:
        """False for an answer that has rows in it, or ought to, and of which none could be read."""
        return bool(self.rows) or not self.problems


class Format(Protocol):
    """A pair of inverse functions over fixed columns: ``parse(render(rows)).rows == tuple(rows)`` for any strings."""

    name: str
    columns: Columns

    def requirement(self) -> str:
        """The sentence that asks a model for this format."""
        ...

    def render(self, rows: tuple[Row, ...]) -> str:
        """The answer text, without the answer mark; ``NA`` for no rows."""
        ...

    def parse(self, text: str) -> Parsed:
        """Read an answer, with or without its mark. Never raises, and takes time linear in the text."""
        ...


def problem(kind: str, text: str) -> Problem:
    """A problem with a short excerpt of the place."""
    return Problem(kind, text.strip()[:60])


def answer_body(text: str) -> str:
    """The answer without what may stand around it: explanation, mark, code fence.

    A text that starts with the mark keeps all that follows it; otherwise the answer is what follows the last mark,
    and the whole text if there is none.
    """
    text = text.strip()
    mark = _MARK.match(text) or next(iter(deque(_MARK.finditer(text), maxlen=1)), None)
    if mark is not None:
        text = text[mark.end() :].strip()
    if "```" in text:
        text = _FENCE.sub("", text).strip()
        text = text.removeprefix("```").removesuffix("```").strip()
    return text


def is_nothing(body: str) -> bool:
    """Whether an answer body says that there is nothing to extract."""
    return len(body) < 12 and _NOTHING.fullmatch(body) is not None
