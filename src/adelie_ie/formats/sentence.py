"""Rows as natural-language sentences, each value between double quotes, e.g. ``"aspirin" is a mention of the type
"drug".``
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from adelie_ie.formats.answer import ANSWER_MARK, NOTHING, Parsed, Problem, answer_body, is_nothing, problem
from adelie_ie.formats.quoting import quote, unquote
from adelie_ie.rows import Columns, Row

# Keyed by column names. The fullest sentence first; shorter ones serve rows whose other columns are empty.
_SENTENCES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("entity", "type"): ("{entity} is a mention of the type {type}.",),
    ("subject", "relation", "object"): ("{subject} stands in the relation {relation} to {object}.",),
    ("event", "class"): ("{event} expresses an event of the class {class}.",),
    ("word", "role"): ("{word} plays the role {role}.",),
    ("event", "class", "word", "role"): (
        "{event} expresses an event of the class {class} in which {word} plays the role {role}.",
        "{event} expresses an event of the class {class}.",
    ),
    ("first event", "relation", "second event"): (
        "The event {first event} is in the relation {relation} to {second event}.",
    ),
    ("predicate", "subject", "object", "time", "location"): (
        "The text says {predicate} of {subject} and {object}, at the time {time}, in the place {location}.",
        "The text says {predicate} of {subject} and {object}, at the time {time}.",
        "The text says {predicate} of {subject} and {object}.",
        "The text says {predicate} of {subject}.",
    ),
}
_SLOT = re.compile(r"\{([^{}]+)\}")
# Quoted values are cut out first, each at most once whether or not it is closed, so that no text takes quadratic time.
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)("?)')
_VALUE = "\x00(\\d+)\x00"


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Literals around slots: ``literals[0] value(slots[0]) literals[1] ... literals[-1]``."""

    literals: tuple[str, ...]
    slots: tuple[int, ...]

    def fill(self, values: Callable[[int], str]) -> str:
        filled = (literal + values(slot) for literal, slot in zip(self.literals, self.slots, strict=False))
        return "".join(filled) + self.literals[-1]

    def pattern(self) -> str:
        *literals, last = (re.escape(literal).replace(r"\ ", r"[ ]+") for literal in self.literals)
        # The last full stop may be missing.
        return _VALUE.join([*literals, last.removesuffix(r"\.") + (r"\.?" if last.endswith(r"\.") else "")])


def _sentences_for(columns: Columns) -> tuple[_Sentence, ...]:
    names = [column.name for column in columns]
    known = _SENTENCES.get(tuple(names))
    if known is None:
        heads = [f"{'In one row, ' if i == 0 else ', '}{' '.join(name.split())} is " for i, name in enumerate(names)]
        # A quote in a name would be taken for the start of a value.
        heads = [head.replace('"', "'") for head in heads]
        return (_Sentence((*heads, "."), tuple(range(len(names)))),)
    return tuple(
        _Sentence(tuple(_SLOT.split(text)[::2]), tuple(names.index(name) for name in _SLOT.findall(text)))
        for text in known
    )


@dataclass(frozen=True)
class SentenceFormat:
    """Rows as sentences; see ``adelie_ie.formats.answer.Format``."""

    columns: Columns
    name: str = "sentence"
    _sentences: tuple[_Sentence, ...] = field(init=False, repr=False, compare=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sentences = _sentences_for(self.columns)
        pattern = "|".join(f"(?:{sentence.pattern()})" for sentence in sentences)
        object.__setattr__(self, "_sentences", sentences)
        object.__setattr__(self, "_pattern", re.compile(pattern, re.IGNORECASE))

    def requirement(self) -> str:
        """The sentence that asks for this form."""
        shown = self._sentences[0].fill(lambda slot: f'"{{{self.columns[slot].name}}}"')
        return f"Please start with {ANSWER_MARK.strip()} and say each result in a sentence like this: {shown}"

    def render(self, rows: tuple[Row, ...]) -> str:
        """One sentence per row, the shortest that holds all its values."""
        return " ".join(self._sentence(row) for row in rows) if rows else NOTHING

    def _sentence(self, row: Row) -> str:
        for sentence in reversed(self._sentences):
            if all(not value or i in sentence.slots for i, value in enumerate(row)):
                return sentence.fill(lambda slot: quote(row[slot]))
        raise AssertionError("the fullest sentence holds every column")

    def parse(self, text: str) -> Parsed:
        """Read every sentence of the known forms; other text between them is a problem."""
        body = answer_body(text)
        if is_nothing(body):
            return Parsed(())
        values: list[str] = []

        def cut_out(match: re.Match[str]) -> str:
            if not match[2]:
                return match[0]
            values.append(match[1])
            return f"\x00{len(values) - 1}\x00"

        body = _QUOTED.sub(cut_out, body.replace("\x00", " "))
        rows: list[Row] = []
        problems: list[Problem] = []
        position = 0
        for match in self._pattern.finditer(body):
            between = body[position : match.start()].strip(" \n.;,-*•0123456789)")
            if between:
                problems.append(problem("unreadable", between))
            position = match.end()
            rows.append(self._row([None if group is None else values[int(group)] for group in match.groups()]))
        rest = body[position:].strip(" \n.;")
        if rest:
            problems.append(problem("unreadable", rest))
        return Parsed(tuple(rows), tuple(problems))

    def _row(self, groups: list[str | None]) -> Row:
        row = [""] * len(self.columns)
        offset = 0
        for sentence in self._sentences:
            values = groups[offset : offset + len(sentence.slots)]
            offset += len(sentence.slots)
            for slot, value in zip(sentence.slots, values, strict=True):
                if value is not None:
                    decoded = unquote(f'"{value}"')
                    row[slot] = decoded if decoded is not None else value
        return tuple(row)


FORMATS = {"sentence": SentenceFormat}
