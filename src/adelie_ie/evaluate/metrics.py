"""Metrics over rows: pure functions. Rows are compared as a multiset, exactly, after white space is folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, TypeVar

from adelie_ie.rows import ColumnKind, Columns, Row, normalise, normalise_row

T = TypeVar("T")


class Match(NamedTuple):
    """Counts of rows: in both, predicted, gold."""

    correct: int
    predicted: int
    gold: int


def match_rows(predicted: Iterable[Row], gold: Iterable[Row]) -> Match:
    """Compare two answers; a row that stands twice in gold must be predicted twice."""
    found, wanted = Counter(map(normalise_row, predicted)), Counter(map(normalise_row, gold))
    return Match((found & wanted).total(), found.total(), wanted.total())


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 in [0, 1], and the counts behind them."""

    precision: float
    recall: float
    f1: float
    match: Match


def micro_score(matches: Iterable[Match]) -> Score:
    """Micro-averaged over instances. With no row in gold and none predicted, all three are 1: nothing was the
    answer.
    """
    correct = predicted = gold = 0
    for one in matches:
        correct, predicted, gold = correct + one.correct, predicted + one.predicted, gold + one.gold
    total = Match(correct, predicted, gold)
    if not predicted and not gold:
        return Score(1.0, 1.0, 1.0, total)
    precision = correct / predicted if predicted else 0.0
    recall = correct / gold if gold else 0.0
    return Score(precision, recall, 2 * correct / (predicted + gold), total)


def row_f1(predicted: Iterable[Row], gold: Iterable[Row]) -> float:
    """F1 of one answer."""
    return micro_score([match_rows(predicted, gold)]).f1


def outside_text(rows: Iterable[Row], columns: Columns, source: str) -> tuple[int, int]:
    """How many mention values do not occur in the text, and how many there are (case and white space folded)."""
    text = normalise(source).casefold()
    values = [v for row in rows for v, c in zip(row, columns, strict=True) if c.kind is ColumnKind.MENTION and v]
    return sum(normalise(value).casefold() not in text for value in values), len(values)


def outside_schema(rows: Iterable[Row], columns: Columns) -> tuple[int, int]:
    """How many label values are not among the labels that the question allows, and how many there are."""
    pairs = [
        (v, c.labels) for row in rows for v, c in zip(row, columns, strict=True) if c.kind is ColumnKind.LABEL and v
    ]
    pairs = [(value, labels) for value, labels in pairs if labels]
    return sum(value not in labels for value, labels in pairs), len(pairs)


def bootstrap(
    items: Sequence[T], statistic: Callable[[Sequence[T]], float], rng: Random, rounds: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic over instances (Efron, 1979).

    Args:
        items: one element per instance; resampled with replacement.
        statistic: of a sample.
        rng: fixes the samples.
        rounds: how many samples.
        level: coverage.
    """
    if not items:
        return 0.0, 0.0
    size = len(items)
    values = sorted(statistic([items[int(rng.random() * size)] for _ in range(size)]) for _ in range(rounds))
    tail = (1 - level) / 2
    return values[int(tail * (rounds - 1))], values[round((1 - tail) * (rounds - 1))]
