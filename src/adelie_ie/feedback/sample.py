"""Sampling a model on training prompts: k answers each, kept as they come so that an interrupted run resumes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from adelie_ie.feedback.settings import SampleSettings
from adelie_ie.models.engine import Engine
from adelie_ie.screen import progress_bar
from adelie_ie.stage import Journal, digest, read_jsonl, write_jsonl

_CHUNK = 48


def choose_prompts(instances: list[Path], per_corpus: int, seed: int) -> list[dict[str, Any]]:
    """At most ``per_corpus`` training instances of each corpus, the tasks of a corpus in equal parts, by hash rank."""
    chosen: list[dict[str, Any]] = []
    by_corpus: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for path in instances:
        for record in read_jsonl(path):
            by_corpus.setdefault(record["corpus"], {}).setdefault(record["task"], []).append(record)
    for tasks in by_corpus.values():
        ranked = []
        for records in tasks.values():
            records.sort(key=lambda record: digest(seed, "sample", record["id"]))
            ranked += list(enumerate(records))
        ranked.sort(key=lambda place: (place[0], place[1]["task"]))
        chosen += [record for _, record in ranked[:per_corpus]]
    return chosen


def sample(engine: Engine, instances: list[Path], folder: Path, settings: SampleSettings, seed: int) -> dict[str, int]:
    """Write ``samples.jsonl``: prompt, gold and the sampled answers of each chosen instance; returns the counts."""
    chosen = choose_prompts(instances, settings.per_corpus, seed)
    journal = Journal(folder / "journal.jsonl")
    done = {record["id"]: record for record in journal.records}
    waiting = [record for record in chosen if record["id"] not in done]
    # Prompts of like length share a batch, also across chunks.
    waiting.sort(key=lambda record: sum(len(message["content"]) for message in record["messages"]))
    with progress_bar("Sampling", len(chosen), completed=len(done)) as advance:
        for chunk in _chunks(waiting):
            answers = engine.generate(
                [record["messages"][:-1] for record in chunk],
                n=settings.n,
                temperature=settings.temperature,
                max_new_tokens=settings.max_new_tokens,
                seed=seed,
                progress=advance,
            )
            new = [_sampled(record, outputs) for record, outputs in zip(chunk, answers, strict=True)]
            journal.append(new)
            done.update((record["id"], record) for record in new)
    write_jsonl(folder / "samples.jsonl", (done[record["id"]] for record in chosen))
    journal.path.unlink(missing_ok=True)
    return {"prompts": len(chosen), "samples": len(chosen) * settings.n}


def _chunks(records: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    for _, group in groupby(enumerate(records), key=lambda place: place[0] // _CHUNK):
        yield [record for _, record in group]


def _sampled(record: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    return {
        "id": record["id"],
        "corpus": record["corpus"],
        "task": record["task"],
        "format": record["format"],
        "columns": record["columns"],
        "rows": record["rows"],
        "prompt": record["messages"][:-1],
        "gold": record["messages"][-1]["content"],
        "outputs": outputs,
    }
