"""Which questions of a corpus become instances: a quota and a cap on empty answers, by hash rank.

A question's rank depends on the seed and its own id alone, so the choice is the same in any order and on any number of
workers, and a larger quota keeps all that a smaller one chose. Memory: eight bytes per question.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from adelie_ie.stage import digest

_EVERYTHING = 2**64


def rank(seed: int, corpus: str, question_id: str) -> int:
    """A uniform 64-bit number for a question."""
    return digest(seed, "select", corpus, question_id)


@dataclass
class Ranks:
    """The ranks of all questions of one corpus and task."""

    answered: array[int] = field(default_factory=lambda: array("Q"))
    empty: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, value: int, *, empty: bool) -> None:
        """Note one question."""
        (self.empty if empty else self.answered).append(value)

    def extend(self, other: Ranks) -> None:
        """Note all of another collection."""
        self.answered.extend(other.answered)
        self.empty.extend(other.empty)


@dataclass(frozen=True)
class Threshold:
    """A question is kept if its rank is below the bound of its kind."""

    answered: int = _EVERYTHING
    empty: int = _EVERYTHING

    def keeps(self, value: int, *, empty: bool) -> bool:
        """Whether the question with this rank is chosen."""
        return value < (self.empty if empty else self.answered)


def threshold(ranks: Ranks, quota: int | None, na_share: float | None) -> Threshold:
    """The bounds that keep at most ``quota`` questions, of which at most ``na_share`` have an empty answer."""
    answered, empty = len(ranks.answered), len(ranks.empty)
    total = answered + empty
    keep_empty = empty if na_share is None or na_share >= 1 else min(empty, int(answered * na_share / (1 - na_share)))
    if quota is not None and answered + keep_empty > quota:
        natural = round(quota * empty / total) if total else 0
        keep_empty = min(keep_empty, natural if na_share is None else min(natural, int(quota * na_share)))
        answered = min(answered, quota - keep_empty)
    return Threshold(_bound(ranks.answered, answered), _bound(ranks.empty, keep_empty))


def _bound(ranks: array[int], keep: int) -> int:
    if keep >= len(ranks):
        return _EVERYTHING
    return sorted(ranks)[keep]
