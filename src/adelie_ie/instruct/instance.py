"""An instruction instance: one question rendered as a conversation, with its gold rows beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from adelie_ie.rows import Columns, Row, load_columns

Message = dict[str, str]
"""``{"role": "user" | "assistant" | "system", "content": text}``."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A conversation whose last turn is the gold answer.

    Attributes:
        id: corpus, task and document; unique in a build.
        format: name of the answer's format; with ``columns`` it reads the model's output back.
        rows: the gold rows.
        source: the document's text, in which mentions are looked up.
        text: what the last user turn shows of it (with marks); ``focus``: its lines about this question.
        shots: how many demonstrations come first.
        messages: user and assistant turns.
    """

    id: str
    corpus: str
    task: str
    format: str
    shots: int
    columns: Columns
    rows: tuple[Row, ...]
    source: str
    text: str
    focus: tuple[str, ...]
    messages: tuple[Message, ...]

    def to_json(self) -> bytes:
        """One line of JSON, with its line end."""
        return orjson.dumps(
            {
                "id": self.id,
                "corpus": self.corpus,
                "task": self.task,
                "format": self.format,
                "shots": self.shots,
                "columns": [[c.name, c.kind.value, c.labels, c.optional] for c in self.columns],
                "rows": self.rows,
                "source": self.source,
                "text": self.text,
                "focus": self.focus,
                "messages": self.messages,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Instance:
        """The inverse of ``to_json`` after ``json.loads``."""
        return cls(
            id=data["id"],
            corpus=data["corpus"],
            task=data["task"],
            format=data["format"],
            shots=data["shots"],
            columns=load_columns(data["columns"]),
            rows=tuple(tuple(row) for row in data["rows"]),
            source=data["source"],
            text=data["text"],
            focus=tuple(data["focus"]),
            messages=tuple(data["messages"]),
        )

    @property
    def prompt(self) -> list[Message]:
        """All turns but the gold answer."""
        return list(self.messages[:-1])

    @property
    def answer(self) -> str:
        """The gold answer as it was rendered."""
        return self.messages[-1]["content"]
