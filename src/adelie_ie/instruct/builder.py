"""IEInstruct: the questions of a corpus as instruction instances, streamed, on one process or several.

Every random choice about an instance comes from a generator derived from the seed and the instance's id, so neither
order nor worker count changes a byte, and one corpus never changes the instances of another.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate, islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TypeVar

from adelie_ie.corpora import Corpus, Record
from adelie_ie.errors import InputError
from adelie_ie.formats import make_format
from adelie_ie.instruct.conversation import (
    converse,
    evaluation_instance,
    instruction,
    make_instance,
    shuffled,
    task_descriptions,
)
from adelie_ie.instruct.demonstrations import DemonstrationPool
from adelie_ie.instruct.instance import Instance
from adelie_ie.instruct.selection import Ranks, Threshold, rank, threshold
from adelie_ie.instruct.settings import BuildSettings
from adelie_ie.stage import seeded
from adelie_ie.tasks import Question, find_task

QUOTA_REASONS = ("over the quota", "over the quota of empty answers")
"""Reasons for leaving out an instance that is sound but not wanted."""

_CHUNK = 256
T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """What is built: one task on one corpus.

    Attributes:
        split: the corpus split that is read; ``pool_split``: where demonstrations come from.
        quota: at most this many instances.
        shots: None builds training instances (rates of the settings); a number builds evaluation instances with exactly
            that many demonstrations.
        drop_bad: whether a bad record is counted and left out instead of stopping the build.
    """

    corpus: Corpus
    task: str
    split: str
    pool_split: str
    root: str | Path | None
    seed: int
    settings: BuildSettings
    quota: int | None = None
    shots: int | None = None
    drop_bad: bool = False


@dataclass
class Tally:
    """What a build counted: instances, those with an empty answer, and what was left out with its reason."""

    built: int = 0
    empty: int = 0
    drops: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count something left out."""
        self.drops[reason] = self.drops.get(reason, 0) + count

    def add(self, other: Tally) -> None:
        """Sum up."""
        self.built += other.built
        self.empty += other.empty
        for reason, count in other.drops.items():
            self.drop(reason, count)


@dataclass(frozen=True)
class _Work:
    """Everything a worker needs besides records."""

    job: Job
    pool: DemonstrationPool
    bounds: Threshold


def build(job: Job, tally: Tally, workers: int = 1) -> Iterator[bytes]:
    """Stream the instances of a job as JSON lines, counting into ``tally``.

    Raises:
        InputError: a bad record (unless ``job.drop_bad``), or a corpus with no question for the task.
    """
    pool = _pool(job)
    bounds = Threshold()
    if job.quota is not None or (job.shots is None and job.settings.na_share is not None):
        ranks = Ranks()
        for part in _in_order(_rank_chunk, _Work(job, pool, bounds), _records(job), workers):
            ranks.extend(part)
        bounds = threshold(ranks, job.quota, job.settings.na_share if job.shots is None else None)
    for text, counted in _in_order(_build_chunk, _Work(job, pool, bounds), _records(job), workers):
        tally.add(counted)
        if text:
            yield text


def _records(job: Job) -> Iterator[Record]:
    return job.corpus.records(job.corpus.path(job.split, job.root), job.split)


def _pool(job: Job) -> DemonstrationPool:
    """Questions of at most ``settings.pool`` documents, chosen by record number without parsing the others."""
    if job.shots == 0 or (job.shots is None and job.settings.few_shot == 0):
        return DemonstrationPool(())
    path = job.corpus.path(job.pool_split, job.root)
    total = sum(1 for _ in job.corpus.records(path, job.pool_split))
    rng = seeded(job.seed, "pool", job.corpus.name, job.task)
    chosen = set(rng.sample(range(total), min(job.settings.pool, total)))
    tally = Tally()
    sampled = (record for i, record in enumerate(job.corpus.records(path, job.pool_split)) if i in chosen)
    return DemonstrationPool(question for record in sampled for question in _questions(job, record, tally))


def _questions(job: Job, record: Record, tally: Tally) -> Iterator[Question]:
    try:
        document = job.corpus.parse(record)
    except InputError as error:
        if not job.drop_bad:
            raise
        tally.drop(f"bad record: {error}")
        return
    if not document.text.strip():
        tally.drop("empty text")
        return
    yield from find_task(job.task).questions(document, job.corpus.schema(document))


def _rank_chunk(work: _Work, records: list[Record]) -> Ranks:
    job, ranks, tally = work.job, Ranks(), Tally()
    for record in records:
        for question in _questions(job, record, tally):
            ranks.add(rank(job.seed, job.corpus.name, question.id), empty=not question.rows)
    return ranks


def _build_chunk(work: _Work, records: list[Record]) -> tuple[bytes, Tally]:
    job, tally = work.job, Tally()
    every = work.bounds == Threshold()
    lines: list[bytes] = []
    for record in records:
        for question in _questions(job, record, tally):
            empty = not question.rows
            if not every and not work.bounds.keeps(rank(job.seed, job.corpus.name, question.id), empty=empty):
                tally.drop(QUOTA_REASONS[empty])
                continue
            instance = _training(work, question) if job.shots is None else _evaluation(work, question)
            lines.append(instance.to_json())
            tally.built += 1
            tally.empty += empty
    return b"".join(lines), tally


def _training(work: _Work, question: Question) -> Instance:
    job, settings = work.job, work.job.settings
    rng = seeded(job.seed, job.corpus.name, question.id)
    format_name = _format_name(job.task, settings, rng)
    count = 1 + int(rng.random() * settings.max_shots) if rng.random() < settings.few_shot else 0
    shown = work.pool.sample(question, count, settings.na_demonstrations, rng) if count else []
    descriptions = task_descriptions(job.task, settings.descriptions)
    description = descriptions[int(rng.random() * len(descriptions))]
    choices = shuffled(question.choices, rng) if settings.shuffle_labels else question.choices
    definitions = settings.definitions > 0 and rng.random() < settings.definitions
    fmt = make_format(format_name, question.columns)
    opening = instruction(description, choices, fmt.requirement(), definitions=definitions)
    messages, shots = converse(question, shown, format_name, opening, settings.max_words)
    return make_instance(question, job.corpus.name, job.task, format_name, shots, messages)


def _evaluation(work: _Work, question: Question) -> Instance:
    job, settings = work.job, work.job.settings
    rng = seeded(job.seed, "evaluate", job.corpus.name, question.id)
    shown = work.pool.sample(question, job.shots or 0, settings.na_demonstrations, rng)
    format_name = (find_task(job.task).formats or (settings.test_format,))[0]
    return evaluation_instance(question, shown, job.corpus.name, job.task, settings, format_name)


def _format_name(task: str, settings: BuildSettings, rng: Random) -> str:
    only = find_task(task).formats
    if only:
        return only[0]
    names = tuple(settings.formats)
    if len(names) == 1:
        return names[0]
    bounds = list(accumulate(settings.formats.values()))
    point = rng.random() * bounds[-1]
    return next((name for name, bound in zip(names, bounds, strict=True) if point < bound), names[-1])


_worker_work: _Work | None = None


def _start_worker(work: _Work) -> None:
    global _worker_work
    _worker_work = work


def _call(function: Callable[[_Work, list[Record]], T], records: list[Record]) -> T:
    assert _worker_work is not None
    return function(_worker_work, records)


def _in_order(
    function: Callable[[_Work, list[Record]], T], work: _Work, records: Iterator[Record], workers: int
) -> Iterator[T]:
    """Apply the function to chunks of records, in order, with a bounded number of chunks under way."""
    chunks = iter(lambda: list(islice(records, _CHUNK)), [])
    if workers <= 1:
        for chunk in chunks:
            yield function(work, chunk)
        return
    # A process that has loaded torch has threads, and forking threads is not safe.
    method = "fork" if sys.platform == "linux" and "torch" not in sys.modules else "spawn"
    with ProcessPoolExecutor(workers, get_context(method), _start_worker, (work,)) as executor:
        under_way: deque[Future[T]] = deque()
        for chunk in chunks:
            under_way.append(executor.submit(_call, function, chunk))
            if len(under_way) >= 4 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
