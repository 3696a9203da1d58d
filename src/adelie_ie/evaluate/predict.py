"""Predictions of one model on the evaluation instances and the held-out general pairs, stored one by one.

Scoring reads what is stored here, so scoring again needs no model, and an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from adelie_ie.formats import make_format
from adelie_ie.instruct.instance import Instance
from adelie_ie.models.engine import Engine
from adelie_ie.screen import progress_bar
from adelie_ie.stage import Journal

_CHUNK = 64


def predict(
    engine: Engine, instances: list[Instance], path: Path, title: str, max_new_tokens: int
) -> list[dict[str, Any]]:
    """Answer every instance greedily; records in the order of the instances."""
    journal = Journal(path)
    done = {(record["id"], record["shots"]): record for record in journal.records}
    waiting = [instance for instance in instances if (instance.id, instance.shots) not in done]
    waiting.sort(key=lambda instance: sum(len(message["content"]) for message in instance.messages))
    with progress_bar(title, len(instances), completed=len(instances) - len(waiting)) as advance:
        for start in range(0, len(waiting), _CHUNK):
            chunk = waiting[start : start + _CHUNK]
            answers = engine.generate([i.prompt for i in chunk], max_new_tokens=max_new_tokens, progress=advance)
            new = [_prediction(instance, answer[0]) for instance, answer in zip(chunk, answers, strict=True)]
            journal.append(new)
            done.update(((record["id"], record["shots"]), record) for record in new)
    return [done[instance.id, instance.shots] for instance in instances]


def _prediction(instance: Instance, output: str) -> dict[str, Any]:
    parsed = make_format(instance.format, instance.columns).parse(output)
    return {
        "id": instance.id,
        "corpus": instance.corpus,
        "task": instance.task,
        "shots": instance.shots,
        "format": instance.format,
        "text": instance.text,
        "focus": instance.focus,
        "columns": [column.name for column in instance.columns],
        "gold": instance.rows,
        "output": output,
        "rows": parsed.rows,
        "readable": parsed.readable,
    }


def predict_general(
    engine: Engine, records: list[dict[str, Any]], path: Path, title: str, max_new_tokens: int = 24
) -> list[dict[str, Any]]:
    """Answers to short general questions (compared word for word), and likelihoods of the free answers."""
    journal = Journal(path)
    done = {record["id"]: record for record in journal.records}
    short = [r for r in records if r["kind"] == "short" and r["id"] not in done]
    free = [r for r in records if r["kind"] == "free" and r["id"] not in done]
    with progress_bar(title, len(records), completed=len(done)) as advance:
        for start in range(0, len(short), _CHUNK):
            chunk = short[start : start + _CHUNK]
            answers = engine.generate(
                [r["messages"][:-1] for r in chunk], max_new_tokens=max_new_tokens, progress=advance
            )
            new = [_general(record, answer[0]) for record, answer in zip(chunk, answers, strict=True)]
            journal.append(new)
            done.update((record["id"], record) for record in new)
        for start in range(0, len(free), _CHUNK):
            chunk = free[start : start + _CHUNK]
            likelihoods = engine.log_likelihood([record["messages"] for record in chunk])
            new = [
                {
                    "id": r["id"],
                    "kind": "free",
                    "instruction": r["messages"][-2]["content"],
                    "log_likelihood": total,
                    "tokens": size,
                }
                for r, (total, size) in zip(chunk, likelihoods, strict=True)
            ]
            journal.append(new)
            done.update((record["id"], record) for record in new)
            advance(len(chunk))
    return [done[record["id"]] for record in records]


def _general(record: dict[str, Any], output: str) -> dict[str, Any]:
    gold = record["messages"][-1]["content"]
    return {
        "id": record["id"],
        "kind": "short",
        "instruction": record["messages"][-2]["content"],
        "gold": gold,
        "output": output,
        "correct": exact_match(output, gold),
    }


def exact_match(output: str, gold: str) -> bool:
    """Whether the answer is gold, but for case, punctuation at its ends and white space."""
    return _bare(output) == _bare(gold)


def _bare(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", " ".join(text.casefold().split()))
