"""The pipeline: a recipe -> stages -> a run folder. Finished stages are skipped, interrupted ones resume."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adelie_ie.corpora import Corpus
from adelie_ie.errors import InputError
from adelie_ie.instruct.builder import QUOTA_REASONS, Job, Tally, build
from adelie_ie.instruct.instance import Instance
from adelie_ie.mixture.mix import general_records, mix
from adelie_ie.recipe import CorpusEntry, Recipe
from adelie_ie.screen import console, progress_bar
from adelie_ie.stage import Stage, atomic_write, digest, load_manifest, read_jsonl, run_stage, write_json, write_jsonl

STAGES = ("build", "mix", "sft", "sample", "pair", "dpo", "evaluate", "report")


@dataclass(frozen=True)
class StageRecord:
    """How a stage went, for the final table."""

    name: str
    ran: bool
    seconds: float
    counts: dict[str, Any]
    drops: dict[str, int]


def run(recipe: Recipe, out: Path, *, until: str = "report", again_from: str | None = None) -> list[StageRecord]:
    """Run the stages of a recipe up to ``until``.

    Args:
        recipe: what to do.
        out: the run folder.
        until: the last stage to run.
        again_from: run this stage and all later ones even if they are done.

    Raises:
        AdelieError: whatever stops a stage; what is finished stays, and running again goes on from there.
    """
    _quiet_libraries()
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "recipe.json", recipe.model_dump(mode="json"))
    if again_from is not None:
        for name in STAGES[STAGES.index(again_from) :]:
            shutil.rmtree(out / name, ignore_errors=True)
            shutil.rmtree(out / f"{name}.partial", ignore_errors=True)
    records = []
    for name in STAGES[: STAGES.index(until) + 1]:
        settings, inputs, work = _plan(name, recipe, out)
        started = time.perf_counter()
        manifest, ran = run_stage(out, name, settings, inputs, recipe.seed, work)
        record = StageRecord(name, ran, time.perf_counter() - started, manifest["counts"], manifest["drops"])
        _say(record)
        records.append(record)
        _return_memory()
    return records


def _return_memory() -> None:
    """Give a stage's memory back to the system, so that the next one does not stand on top of it."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def _plan(name: str, recipe: Recipe, out: Path) -> tuple[Any, list[Path], Callable[[Stage], None]]:
    """Settings, inputs and work of a stage."""

    def dump(*parts: str) -> dict[str, Any]:
        # Worker count and the place of the data change no byte of the result.
        data = recipe.model_dump(mode="json", include=set(parts))
        data.get("data", {}).pop("workers", None)
        return data

    plans: dict[str, tuple[Any, list[str], Callable[[Stage], None]]] = {
        "build": (
            {**dump("corpora", "build", "data"), "evaluate": _test_sets(recipe)},
            [],
            lambda stage: _build(recipe, stage),
        ),
        "mix": (dump("mix", "data"), ["build"], lambda stage: _mix(recipe, out, stage)),
        "sft": (dump("model", "sft"), ["mix"], lambda stage: _sft(recipe, out, stage)),
        "sample": (dump("sample"), ["build", "sft"], lambda stage: _sample(recipe, out, stage)),
        "pair": (dump("pair"), ["sample"], lambda stage: _pair(recipe, out, stage)),
        "dpo": (dump("dpo"), ["sft", "pair"], lambda stage: _dpo(recipe, out, stage)),
        "evaluate": (
            dump("evaluate", "model", "mix", "data"),
            ["build", "sft", "dpo"],
            lambda stage: _evaluate(recipe, out, stage),
        ),
        "report": (
            {"name": recipe.name},
            ["build", "mix", "sft", "sample", "pair", "dpo", "evaluate"],
            lambda stage: _report(out, stage),
        ),
    }
    settings, inputs, work = plans[name]
    files = _raw_files(recipe) if name == "build" else []
    return settings, [*(out / inner for inner in inputs), *files], work


def _raw_files(recipe: Recipe) -> list[Path]:
    """The corpus files that a build reads: a changed file makes another fingerprint."""
    files = []
    for entry in recipe.corpora:
        corpus = entry.corpus()
        for split in ("train", "test"):
            if entry.quota(split, "") != 0 and split in corpus.splits:
                files.append(corpus.path(split, recipe.data.root))
    return list(dict.fromkeys(files))


def _test_sets(recipe: Recipe) -> dict[str, Any]:
    settings = recipe.evaluate
    return {str(shots): settings.limit(shots) for shots in settings.shots}


def _jobs(entry: CorpusEntry, corpus: Corpus, recipe: Recipe) -> Iterable[tuple[str, Job]]:
    """(file, job) of every training and evaluation set of a corpus."""
    for task in entry.tasks or corpus.tasks:
        common: dict[str, Any] = {
            "corpus": corpus,
            "task": task,
            "pool_split": "train",
            "root": recipe.data.root,
            "seed": recipe.seed,
            "settings": recipe.build,
            "drop_bad": recipe.data.bad_records == "drop",
        }
        if "train" in corpus.splits and entry.quota("train", task) != 0:
            yield f"train/{entry.name}-{task}.jsonl", Job(split="train", quota=entry.quota("train", task), **common)
        if "test" in corpus.splits and entry.quota("test", task) != 0:
            for shots in recipe.evaluate.shots:
                limits = [
                    limit for limit in (entry.quota("test", task), recipe.evaluate.limit(shots)) if limit is not None
                ]
                yield (
                    f"test/{entry.name}-{task}-{shots}shot.jsonl",
                    Job(split="test", quota=min(limits), shots=shots, **common),
                )


def _build(recipe: Recipe, stage: Stage) -> None:
    per_set: dict[str, int] = {}
    jobs = [job for entry in recipe.corpora for job in _jobs(entry, entry.corpus(), recipe)]
    with progress_bar("Building", len(jobs)) as advance:
        for file, job in jobs:
            tally = Tally()
            with atomic_write(stage.folder / file, "wb") as out:
                for text in build(job, tally, recipe.data.workers):
                    out.write(text)
            for reason, count in tally.drops.items():
                stage.drop(f"{Path(file).stem}: {reason}", count)
            per_set[file] = tally.built
            advance(1)
    stage.counts.update(
        train=sum(count for file, count in per_set.items() if file.startswith("train/")),
        test=sum(count for file, count in per_set.items() if file.startswith("test/")),
        sets=per_set,
    )
    if not stage.counts["train"]:
        raise InputError("no training instance was built: every corpus is empty for the wanted tasks")


def _instances(out: Path, split: str) -> list[Path]:
    return sorted((out / "build" / split).glob("*.jsonl"))


def _mix(recipe: Recipe, out: Path, stage: Stage) -> None:
    records, counts = mix(
        _instances(out, "train"), _instances(out, "test"), recipe.mix, recipe.data.root, recipe.seed, stage.drop
    )
    write_jsonl(stage.folder / "train.jsonl", records)
    stage.counts.update(counts)


def _sft(recipe: Recipe, out: Path, stage: Stage) -> None:
    from adelie_ie.train.sft import train_sft

    records = read_jsonl(out / "mix" / "train.jsonl")
    stage.counts.update(train_sft(recipe.model, records, stage.folder, recipe.sft, recipe.seed, stage.drop))


def _engine(model: str, batch_tokens: int) -> Any:
    import torch

    from adelie_ie.models.load import has_bf16, load_model
    from adelie_ie.models.transformers_engine import TransformersEngine

    dtype = torch.bfloat16 if has_bf16() else torch.float32
    return TransformersEngine(*load_model(model, dtype=dtype), batch_tokens=batch_tokens)


def _sample(recipe: Recipe, out: Path, stage: Stage) -> None:
    from adelie_ie.feedback.sample import sample

    engine = _engine(str(out / "sft" / "model"), recipe.sample.batch_tokens)
    stage.counts.update(sample(engine, _instances(out, "train"), stage.folder, recipe.sample, recipe.seed))


def _pair(recipe: Recipe, out: Path, stage: Stage) -> None:
    from adelie_ie.feedback.pairs import build_pairs, score_histogram, score_samples, write_pairs

    scored = score_samples(read_jsonl(out / "sample" / "samples.jsonl"), recipe.pair.score)
    pairs = build_pairs(scored, recipe.pair, recipe.seed, stage.drop)
    write_pairs(stage.folder / "pairs.parquet", pairs)
    histogram = score_histogram(scored)
    write_json(stage.folder / "scores.json", histogram)
    online = sum(pair["source"] == "online" for pair in pairs)
    stage.counts.update(
        pairs=len(pairs), online=online, offline=len(pairs) - online, unreadable=histogram["unreadable"]
    )


def _dpo(recipe: Recipe, out: Path, stage: Stage) -> None:
    from adelie_ie.feedback.pairs import read_pairs
    from adelie_ie.train.dpo import train_dpo

    pairs = read_pairs(out / "pair" / "pairs.parquet")
    stage.counts.update(train_dpo(str(out / "sft" / "model"), pairs, stage.folder, recipe.dpo, recipe.seed, stage.drop))


def _evaluate(recipe: Recipe, out: Path, stage: Stage) -> None:
    from adelie_ie.evaluate.predict import predict, predict_general
    from adelie_ie.evaluate.summary import summarise

    settings = recipe.evaluate
    instances = [Instance.from_dict(record) for path in _instances(out, "test") for record in read_jsonl(path)]
    held_out = sorted(
        general_records(recipe.mix, recipe.data.root, "test"), key=lambda record: digest(recipe.seed, record["id"])
    )[: settings.general]
    predictions: dict[str, list[dict[str, Any]]] = {}
    general: dict[str, list[dict[str, Any]]] = {}
    for folder in ("predictions", "general"):
        (stage.folder / folder).mkdir(exist_ok=True)
    for name, model in (
        ("base", recipe.model),
        ("sft", str(out / "sft" / "model")),
        ("dpo", str(out / "dpo" / "model")),
    ):
        engine = _engine(model, settings.batch_tokens)
        path, general_path = stage.folder / "predictions" / f"{name}.jsonl", stage.folder / "general" / f"{name}.jsonl"
        predictions[name] = predict(engine, instances, path, f"Evaluating {name}", settings.max_new_tokens)
        general[name] = predict_general(engine, held_out, general_path, f"General, {name}") if held_out else []
        write_jsonl(path, predictions[name])
        write_jsonl(general_path, general[name])
        del engine
        gc.collect()
    summary = summarise(instances, predictions, general, settings.bootstrap_rounds, recipe.seed)
    write_json(stage.folder / "metrics.json", summary)
    stage.counts.update(instances=len(instances), general=len(held_out))
    stage.counts.update({f"mean F1 {row['model']}, {row['shots']} shots": row["f1"] for row in summary["mean"]})


def _report(out: Path, stage: Stage) -> None:
    from adelie_ie.evaluate.report import write_report

    write_report(out, stage.folder)


def _say(record: StageRecord) -> None:
    state = f"{record.seconds:.1f} s" if record.ran else "done before"
    shown = ", ".join(f"{key} {value}" for key, value in record.counts.items() if not isinstance(value, dict))
    console.print(f"[bold]{record.name}[/bold] ({state}) {shown}", highlight=False)
    by_reason: dict[str, int] = {}
    for reason, count in record.drops.items():
        short = reason.rpartition(": ")[2] if reason.endswith(QUOTA_REASONS) else reason
        by_reason[short] = by_reason.get(short, 0) + count
    for reason, count in by_reason.items():
        console.print(f"  left out {count}: {reason}", highlight=False, markup=False)


def _quiet_libraries() -> None:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Notices between the training libraries about each other's renamed arguments; nothing a user could act on.
    for module in ("transformers", "trl", "peft", "accelerate"):
        warnings.filterwarnings("ignore", category=FutureWarning, module=module)


def headline(out: Path) -> dict[str, Any] | None:
    """The figures of a finished evaluation, or None."""
    if load_manifest(out / "evaluate") is None:
        return None
    return json.loads((out / "evaluate" / "metrics.json").read_text(encoding="utf-8"))
