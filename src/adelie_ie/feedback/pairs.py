"""IEFeedback: scored samples -> preference pairs (ADELIE, section 3.4).

Online pairs set the best sample against the worst; offline pairs set gold against the worst sample. Both need a gap
in score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adelie_ie.feedback.score import UNREADABLE, score_answer
from adelie_ie.feedback.settings import PairSettings
from adelie_ie.rows import load_columns
from adelie_ie.stage import atomic_write, digest

_TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("corpus", pa.string()),
        ("task", pa.string()),
        ("source", pa.string()),
        ("prompt", _TURNS),
        ("chosen", _TURNS),
        ("rejected", _TURNS),
        ("score_chosen", pa.float64()),
        ("score_rejected", pa.float64()),
    ]
)


def score_samples(records: Iterable[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Sample records (see ``feedback.sample``) with a score for each answer, and gold's own score."""
    scored = []
    for record in records:
        columns = load_columns(record["columns"])
        rows = tuple(tuple(row) for row in record["rows"])

        def score(answer: str, record=record, rows=rows, columns=columns) -> float:  # type: ignore[no-untyped-def]
            return score_answer(answer, record["gold"], rows, columns, record["format"], metric)

        scored.append({**record, "scores": [score(o) for o in record["outputs"]], "gold_score": score(record["gold"])})
    return scored


def build_pairs(
    scored: list[dict[str, Any]], settings: PairSettings, seed: int, drop: Callable[[str], None]
) -> list[dict[str, Any]]:
    """At most one pair per prompt, in an order that depends on seed and ids alone.

    The quota's online share goes to prompts with a gap between their samples, in hash order; every other prompt with
    a gap to gold makes an offline pair, up to the quota.
    """
    ranked = sorted(scored, key=lambda record: digest(seed, "pair", record["id"]))
    quota = settings.max_pairs if settings.max_pairs is not None else len(ranked)
    online_quota = (
        round(quota * settings.online_share) if quota < len(ranked) else round(len(ranked) * settings.online_share)
    )
    online = [pair for record in ranked if (pair := _online(record, settings.gap))][:online_quota]
    taken = {pair["id"] for pair in online}
    rest = [record for record in ranked if record["id"] not in taken]
    offline = [pair for record in rest if (pair := _offline(record, settings.gap))]
    for _ in range(len(rest) - len(offline)):
        drop("no gap: the samples are as good as gold")
    for _ in range(max(0, len(offline) - (quota - len(online)))):
        drop("over the quota")
    pairs = online + offline[: quota - len(online)]
    return sorted(pairs, key=lambda pair: digest(seed, "pair order", pair["id"]))


def _online(record: dict[str, Any], gap: float) -> dict[str, Any] | None:
    scores = record["scores"]
    best, worst = max(scores), min(scores)
    if best - worst <= gap or best == UNREADABLE:
        return None
    return _pair(record, "online", record["outputs"][scores.index(best)], best, worst)


def _offline(record: dict[str, Any], gap: float) -> dict[str, Any] | None:
    worst = min(record["scores"])
    if record["gold_score"] - worst <= gap:
        return None
    return _pair(record, "offline", record["gold"], record["gold_score"], worst)


def _pair(record: dict[str, Any], source: str, chosen: str, score: float, worst: float) -> dict[str, Any]:
    rejected = record["outputs"][record["scores"].index(worst)]
    return {
        "id": record["id"],
        "corpus": record["corpus"],
        "task": record["task"],
        "source": source,
        "prompt": record["prompt"],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "score_chosen": score,
        "score_rejected": worst,
    }


def write_pairs(path: Path, pairs: list[dict[str, Any]]) -> None:
    """Write TRL's conversational preference layout as Parquet."""
    with atomic_write(path, "wb") as out:
        pq.write_table(pa.Table.from_pylist(pairs, schema=_SCHEMA), out, compression="zstd")


def read_pairs(path: Path) -> list[dict[str, Any]]:
    """Read what ``write_pairs`` wrote."""
    return pq.read_table(path).to_pylist()


def score_histogram(scored: list[dict[str, Any]], bins: int = 20) -> dict[str, Any]:
    """Histogram of all sample scores in [0, 1]; unreadable ones are counted apart."""
    every = [score for record in scored for score in record["scores"]]
    readable = [score for score in every if score != UNREADABLE]
    counts = [0] * bins
    for score in readable:
        counts[min(bins - 1, int(score * bins))] += 1
    prompts = max(1, len(scored))
    return {
        "edges": [i / bins for i in range(bins + 1)],
        "counts": counts,
        "unreadable": len(every) - len(readable),
        "samples": len(every),
        "mean_best": round(sum(max(record["scores"]) for record in scored) / prompts, 4),
        "mean_worst": round(sum(min(record["scores"]) for record in scored) / prompts, 4),
    }
