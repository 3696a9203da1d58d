"""The report of a run: ``report.json`` with everything it says, and ``report.html`` that opens in any browser.

It reads a run folder and nothing else; the same folder gives the same bytes. A part that a run lacks (no
preference pairs, no DPO) becomes a sentence on the page and ``null`` in the data.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adelie_ie.errors import InputError
from adelie_ie.evaluate.report_examples import choose_examples
from adelie_ie.evaluate.report_sections import render
from adelie_ie.stage import atomic_write, load_manifest, read_jsonl, write_json

DATA_STAGES = ("build", "mix")
TRAINING_STAGES = {
    "sft": ("loss", "mean_token_accuracy"),
    "dpo": ("loss", "rewards/margins", "rewards/accuracies", "rewards/chosen", "rewards/rejected"),
}
"""Stage -> what its log is read for."""

MOST_POINTS = 400
"""Points of a curve; a longer log is averaged in blocks."""

_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def write_report(run: Path, folder: Path) -> dict[str, Any]:
    """Write ``report.html`` and ``report.json``; returns the report's data.

    Args:
        run: the run folder.
        folder: where the two files go.

    Raises:
        InputError: a file of the run cannot be read.
    """
    data = _showable(read_run(run))
    write_json(folder / "report.json", data)
    with atomic_write(folder / "report.html") as out:
        out.write(render(data))
    return data


def read_run(run: Path) -> dict[str, Any]:
    """Everything that the report says, from the run folder's files."""
    if not run.is_dir():
        raise InputError("no such run folder: name one that  adelie-ie run  has made", path=run)
    recipe = _read_json(run / "recipe.json") or {}
    metrics = _read_json(run / "evaluate" / "metrics.json") or {}
    manifests = _manifests(run)
    models = metrics.get("models") or []
    return {
        "name": recipe.get("name") or "Unnamed run",
        "model": _model_name(recipe.get("model")),
        "models": models,
        "seconds": round(sum(manifest.get("seconds") or 0 for manifest in manifests), 2),
        "mean": metrics.get("mean") or [],
        "ie": metrics.get("ie") or [],
        "comparisons": metrics.get("comparisons") or [],
        "general": metrics.get("general") or [],
        "training": {name: _training(run / name / "log.jsonl", keys) for name, keys in TRAINING_STAGES.items()},
        "preference": _preference(run / "pair"),
        "examples": choose_examples(run / "evaluate" / "predictions", models),
        "data": {name: _counts(run / name) for name in DATA_STAGES},
        "stages": [
            {key: manifest.get(key) for key in ("stage", "seconds", "seed", "fingerprint")} for manifest in manifests
        ],
        "versions": _versions(manifests),
    }


def _read_json(path: Path) -> dict[str, Any] | None:
    """The object of a JSON file, None where there is no file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"not JSON ({error}): run the stage that writes it again", path=path) from None
    if not isinstance(data, dict):
        raise InputError("not a JSON object: run the stage that writes it again", path=path)
    return data


def _model_name(model: Any) -> str | None:
    """The model as the recipe names it: a string, or an object with a name."""
    if isinstance(model, dict):
        model = next((model[key] for key in ("name", "source", "id", "path") if model.get(key)), None)
    return str(model) if model else None


def _manifests(run: Path) -> list[dict[str, Any]]:
    """The manifests of the finished stages (not of a report), each after those that it reads from."""
    found: dict[str, dict[str, Any]] = {}
    for folder in sorted(path for path in run.iterdir() if path.is_dir() and path.suffix != ".partial"):
        manifest = load_manifest(folder)
        if manifest is not None and folder.name != "report":
            found[folder.name] = {"stage": folder.name, **manifest}
    ordered: list[dict[str, Any]] = []

    def add(name: str) -> None:
        manifest = found.pop(name, None)
        if manifest is not None:
            for source in sorted(manifest.get("inputs") or {}):
                add(source.partition("/")[0])
            ordered.append(manifest)

    for name in list(found):
        add(name)
    return ordered


def _training(path: Path, keys: tuple[str, ...]) -> dict[str, Any] | None:
    """The curves of a training log; a step that a resumed run logged again counts once."""
    if not path.exists():
        return None
    steps = {record["step"]: record for record in read_jsonl(path) if "step" in record and "loss" in record}
    series = {}
    for key in keys:
        points = [(step, record[key]) for step, record in sorted(steps.items()) if _is_number(record.get(key))]
        if points:
            series[key] = {"first": points[0][1], "last": points[-1][1], "points": _thin(points)}
    lasting = steps[max(steps)] if steps else {}
    return {"steps": lasting.get("step", 0), "epochs": lasting.get("epoch"), "series": series}


def _thin(points: list[tuple[float, float]]) -> list[list[float]]:
    """At most ``MOST_POINTS`` points, each the mean of a block of neighbours."""
    size = math.ceil(len(points) / MOST_POINTS)
    blocks = [points[start : start + size] for start in range(0, len(points), size)]
    return [[sum(values) / len(block) for values in zip(*block, strict=True)] for block in blocks]


def _preference(folder: Path) -> dict[str, Any] | None:
    """The histogram of sample scores and the counts of pairs."""
    scores = _read_json(folder / "scores.json")
    if scores is None:
        return None
    counts = (load_manifest(folder) or {}).get("counts") or {}
    return {
        **scores,
        **{f"pairs_{key}": counts.get(key) for key in ("online", "offline")},
        "pairs": counts.get("pairs"),
    }


def _counts(folder: Path) -> dict[str, Any] | None:
    manifest = load_manifest(folder)
    return None if manifest is None else {key: manifest.get(key) or {} for key in ("counts", "drops")}


def _versions(manifests: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Package -> the versions that the stages ran with (one, unless something was upgraded on the way)."""
    found: dict[str, set[str]] = {}
    for manifest in manifests:
        for package, version in (manifest.get("versions") or {}).items():
            found.setdefault(package, set()).add(str(version))
    return {package: sorted(versions) for package, versions in sorted(found.items())}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _showable(value: Any) -> Any:
    """The data without what JSON or a page cannot hold: NaN and infinity, control characters, lone surrogates."""
    change: Callable[[Any], Any] = _showable
    if isinstance(value, dict):
        return {change(str(key)): change(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [change(item) for item in value]
    if isinstance(value, str):
        return _UNSHOWABLE.sub("\ufffd", value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
