"""Which instances the report shows before and after training, and which of their rows are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adelie_ie.rows import normalise_row
from adelie_ie.stage import read_jsonl

LONGEST = 1500
"""Characters of a text or an output that are shown."""


def choose_examples(folder: Path, models: Sequence[str]) -> list[dict[str, Any]]:
    """For each task the instance on which the last model improves most over the first, and one on which it still fails.

    Args:
        folder: holds ``{model}.jsonl``; a model without a file is left out.
        models: from the first to the last.
    """
    answers = {model: _read(folder / f"{model}.jsonl") for model in models if (folder / f"{model}.jsonl").exists()}
    if not answers:
        return []
    first, last = next(iter(answers)), list(answers)[-1]
    by_task: dict[str, list[dict[str, Any]]] = {}
    for key, record in answers[last].items():
        if all(key in found for found in answers.values()):
            before, after = _f1(answers[first][key]), _f1(record)
            by_task.setdefault(record["task"], []).append(
                {"key": key, "before": before, "after": after, "record": record}
            )
    chosen = []
    for task in sorted(by_task):
        fewest = min(item["record"].get("shots", 0) for item in by_task[task])
        items = [item for item in by_task[task] if item["record"].get("shots", 0) == fewest]
        for why, item in _pick(items):
            chosen.append(_example(why, {model: found[item["key"]] for model, found in answers.items()}))
    return chosen


def _read(path: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    return {
        tuple(str(record.get(name)) for name in ("task", "corpus", "shots", "id")): record
        for record in read_jsonl(path)
    }


def _pick(items: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The best and the worst; of equal ones a text of middling length with something to extract, then by id."""

    def ease(item: dict[str, Any]) -> tuple[Any, ...]:
        record = item["record"]
        return not record["gold"], abs(len(record["text"]) - 220) // 60, -len(record["gold"]), item["key"]

    best = min(items, key=lambda item: (item["before"] - item["after"], -item["after"], *ease(item)))
    gain = best["after"] - best["before"]
    picked = [("improves most" if gain > 0 else "no change" if gain == 0 else "gets worse", best)]
    failing = [item for item in items if item["after"] < 1 and item is not best]
    if failing:
        picked.append(("still fails", min(failing, key=lambda item: (item["after"], *ease(item)))))
    return picked


def judge(rows: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> list[bool]:
    """For each row whether it equals a gold row that no earlier row took."""
    left = Counter(normalise_row(tuple(map(str, row))) for row in gold)
    right = []
    for row in rows:
        key = normalise_row(tuple(map(str, row)))
        right.append(left[key] > 0)
        left[key] -= 1
    return right


def _f1(record: dict[str, Any]) -> float:
    """The instance's own F1; 1 for a readable answer that rightly has no rows."""
    rows, gold = record["rows"], record["gold"]
    if not rows and not gold:
        return 1.0 if record.get("readable", True) else 0.0
    return 2 * sum(judge(rows, gold)) / (len(rows) + len(gold))


def _example(why: str, records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the page shows of one instance."""
    record = list(records.values())[-1]
    return {
        "why": why,
        **{name: record.get(name) for name in ("id", "task", "corpus", "shots", "columns", "gold")},
        "text": _cut(record["text"]),
        "focus": [_cut(line) for line in record.get("focus") or ()],
        "answers": [
            {
                "model": model,
                "output": _cut(answer["output"]),
                "rows": answer["rows"],
                "right": judge(answer["rows"], answer["gold"]),
                "readable": answer.get("readable", True),
                "f1": round(_f1(answer), 4),
            }
            for model, answer in records.items()
        ],
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST} more characters)"
