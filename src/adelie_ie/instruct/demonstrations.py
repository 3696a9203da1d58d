"""The questions that may serve as demonstrations: a bounded sample of a corpus, by schema, answered ones and empty
ones apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from adelie_ie.tasks import Question


class DemonstrationPool:
    """Questions to show before another one. Never the same document, never the same text."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._answered: dict[str, list[Question]] = {}
        self._empty: dict[str, list[Question]] = {}
        for question in questions:
            pool = self._answered if question.rows else self._empty
            pool.setdefault(question.schema, []).append(question)

    def sample(self, question: Question, count: int, na_share: float, rng: Random) -> list[Question]:
        """``count`` different questions (fewer if the pool is smaller), each empty with probability ``na_share``."""
        answered = self._answered.get(question.schema, [])
        empty = self._empty.get(question.schema, [])
        chosen: list[Question] = []
        seen = {question.source}
        for _ in range(count):
            pool = empty if empty and (not answered or rng.random() < na_share) else answered
            for _ in range(8):
                if not pool:
                    break
                candidate = pool[int(rng.random() * len(pool))]
                if candidate.source not in seen:
                    seen.add(candidate.source)
                    chosen.append(candidate)
                    break
        return chosen
