"""Predictions of several models -> the tables of the report: scores with intervals, quality of outputs, general
ability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from adelie_ie.evaluate.metrics import Match, bootstrap, match_rows, micro_score, outside_schema, outside_text
from adelie_ie.instruct.instance import Instance
from adelie_ie.stage import seeded
from adelie_ie.tasks import find_task

Group = tuple[str, str, int]
"""Corpus, task, shots."""


def summarise(
    instances: list[Instance],
    predictions: dict[str, list[dict[str, Any]]],
    general: dict[str, list[dict[str, Any]]],
    rounds: int,
    seed: int,
) -> dict[str, Any]:
    """All tables, JSON-ready.

    Args:
        instances: the evaluation instances.
        predictions: model -> one record per instance, in the same order.
        general: model -> records of ``predict_general``.
        rounds: bootstrap resamples.
        seed: of the bootstrap.
    """
    groups: dict[Group, list[int]] = {}
    for i, instance in enumerate(instances):
        groups.setdefault((instance.corpus, instance.task, instance.shots), []).append(i)
    matches = {
        model: [
            match_rows(map(tuple, record["rows"]), instance.rows)
            for record, instance in zip(records, instances, strict=True)
        ]
        for model, records in predictions.items()
    }
    shots = sorted({instance.shots for instance in instances})
    return {
        "models": list(predictions),
        "ie": [
            _row(model, group, members, instances, predictions[model], matches[model], rounds, seed)
            for group, members in groups.items()
            for model in predictions
        ],
        "mean": [_mean(model, count, groups, matches[model], rounds, seed) for count in shots for model in predictions],
        "general": [_general(model, records) for model, records in general.items()],
        "comparisons": _comparisons(list(predictions), shots, groups, matches, rounds, seed),
    }


def _row(
    model: str,
    group: Group,
    members: list[int],
    instances: list[Instance],
    records: list[dict[str, Any]],
    matches: list[Match],
    rounds: int,
    seed: int,
) -> dict[str, Any]:
    corpus, task, shots = group
    own = [matches[i] for i in members]
    score = micro_score(own)
    low, high = bootstrap(own, lambda sample: micro_score(sample).f1, seeded(seed, "bootstrap", *group), rounds)
    text = [outside_text(map(tuple, records[i]["rows"]), instances[i].columns, instances[i].source) for i in members]
    label = [outside_schema(map(tuple, records[i]["rows"]), instances[i].columns) for i in members]
    return {
        "model": model,
        "corpus": corpus,
        "task": task,
        "title": find_task(task).title,
        "shots": shots,
        "n": len(members),
        "precision": _round(score.precision),
        "recall": _round(score.recall),
        "f1": _round(score.f1),
        "low": _round(low),
        "high": _round(high),
        "unparseable": _round(sum(not records[i]["readable"] for i in members) / len(members)),
        "outside_text": _share(text),
        "outside_schema": _share(label),
        "gold_rows": score.match.gold,
        "predicted_rows": score.match.predicted,
        "correct_rows": score.match.correct,
    }


def _share(counts: list[tuple[int, int]]) -> float:
    total = sum(size for _, size in counts)
    return _round(sum(outside for outside, _ in counts) / total) if total else 0.0


def _mean_f1(groups: Sequence[Sequence[Match]]) -> float:
    return sum(micro_score(group).f1 for group in groups) / len(groups)


def _mean(
    model: str, shots: int, groups: dict[Group, list[int]], matches: list[Match], rounds: int, seed: int
) -> dict[str, Any]:
    """Mean F1 over corpora and tasks; the interval resamples instances within each."""
    own = [[matches[i] for i in members] for group, members in groups.items() if group[2] == shots]
    rng = seeded(seed, "bootstrap mean", shots)
    values = sorted(_mean_f1([[g[int(rng.random() * len(g))] for _ in g] for g in own]) for _ in range(rounds))
    low, high = values[int(0.025 * (rounds - 1))], values[round(0.975 * (rounds - 1))]
    return {"model": model, "shots": shots, "f1": _round(_mean_f1(own)), "low": _round(low), "high": _round(high)}


def _comparisons(
    models: list[str],
    shots: list[int],
    groups: dict[Group, list[int]],
    matches: dict[str, list[Match]],
    rounds: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Differences of mean F1 between models that follow one another, with paired bootstrap intervals."""
    found = []
    for count in shots:
        members = [list(ids) for group, ids in groups.items() if group[2] == count]
        for first, second in pairwise(models):
            a, b = matches[first], matches[second]

            def difference(sample: list[list[int]], a: list[Match] = a, b: list[Match] = b) -> float:
                return _mean_f1([[b[i] for i in g] for g in sample]) - _mean_f1([[a[i] for i in g] for g in sample])

            rng = seeded(seed, "bootstrap pair", count)
            values = sorted(
                difference([[g[int(rng.random() * len(g))] for _ in g] for g in members]) for _ in range(rounds)
            )
            found.append(
                {
                    "first": first,
                    "second": second,
                    "shots": count,
                    "difference": _round(difference(members)),
                    "low": _round(values[int(0.025 * (rounds - 1))]),
                    "high": _round(values[round(0.975 * (rounds - 1))]),
                }
            )
    return found


def _general(model: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    short = [record for record in records if record["kind"] == "short"]
    free = [record for record in records if record["kind"] == "free"]
    tokens = sum(record["tokens"] for record in free)
    exact = sum(record["correct"] for record in short) / len(short) if short else 0.0
    perplexity = math.exp(-sum(record["log_likelihood"] for record in free) / tokens) if tokens else None
    return {
        "model": model,
        "n": len(records),
        "short": len(short),
        "free": len(free),
        "exact_match": _round(exact),
        "perplexity": round(perplexity, 3) if perplexity is not None else None,
        "score": _round(exact),
    }


def _round(value: float) -> float:
    return round(value, 6)
