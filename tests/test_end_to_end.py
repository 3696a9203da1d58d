"""The whole pipeline with the real small model on a tiny slice, as a user runs it; killed and resumed; and what bad
input says.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLICE = [
    "corpora=[{name: starter, tasks: [ner, rc], train: 8, test: 3}]",
    "mix.ie_share=0.7",
    "sft.batch=4",
    "sft.checkpoint_every=1",
    "sample.per_corpus=4",
    "sample.n=2",
    "sample.max_new_tokens=12",
    "dpo.batch=2",
    "dpo.checkpoint_every=1",
    "evaluate.max_new_tokens=12",
    "evaluate.general=6",
    "evaluate.shots=[0, 1]",
    "evaluate.per_task_shots=2",
]
STAGES = ("build", "mix", "sft", "sample", "pair", "dpo", "evaluate", "report")


def command(verb: str, out: Path, *changes: str, recipe: str = "quickstart") -> list[str]:
    settings = [part for change in (*SLICE, *changes) for part in ("--set", change)]
    return [sys.executable, "-m", "adelie_ie.cli", verb, recipe, "--out", str(out), *settings]


def call(verb: str, out: Path, *changes: str, **options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command(verb, out, *changes, **options), capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def finished(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "whole"
    result = call("run", out)
    assert result.returncode == 0, result.stderr
    return out


def test_every_stage_leaves_a_manifest_and_nothing_half_done(finished: Path) -> None:
    for stage in STAGES:
        manifest = json.loads((finished / stage / "manifest.json").read_text())
        assert manifest["stage"] == stage and manifest["outputs"] and manifest["versions"]["python"]
    assert not list(finished.rglob("*.partial"))


def test_models_and_figures_are_there(finished: Path) -> None:
    metrics = json.loads((finished / "evaluate" / "metrics.json").read_text())
    assert metrics["models"] == ["base", "sft", "dpo"]
    assert {(row["task"], row["shots"]) for row in metrics["ie"]} == {("ner", 0), ("ner", 1), ("rc", 0), ("rc", 1)}
    assert {row["n"] for row in metrics["general"]} == {6}
    for model in ("sft", "dpo"):
        assert (finished / model / "model" / "model.safetensors").is_file()
        assert list((finished / model / "tensorboard").rglob("events*"))
        assert (finished / model / "log.jsonl").read_text().strip()
    page = (finished / "report" / "report.html").read_text()
    assert "<svg" in page and "http://" not in page.replace("http://www.w3.org", "")
    assert json.loads((finished / "report" / "report.json").read_text())


def test_sft_lowers_the_loss(finished: Path) -> None:
    losses = [json.loads(line).get("loss") for line in (finished / "sft" / "log.jsonl").read_text().splitlines()]
    losses = [float(loss) for loss in losses if loss is not None]
    assert len(losses) >= 1 and all(0 < loss < 10 for loss in losses)


def test_a_second_run_does_nothing(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.*") if path.name != "recipe.json"}
    result = call("run", finished)
    assert result.returncode == 0
    assert result.stderr.count("(done before)") == len(STAGES)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.*") if path.name != "recipe.json"} == before


def test_killed_in_training_it_resumes_and_the_data_are_the_same(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    process = subprocess.Popen(
        command("sft", out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    checkpoint = out / "sft.partial" / "checkpoints" / "checkpoint-2" / "trainer_state.json"
    deadline = time.monotonic() + 240
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert checkpoint.exists() and not (out / "sft").exists()
    result = call("sft", out)
    assert result.returncode == 0, result.stderr
    manifest = json.loads((out / "sft" / "manifest.json").read_text())
    assert manifest["resumed"] is True
    whole = json.loads((finished / "sft" / "manifest.json").read_text())
    assert manifest["counts"]["steps"] == whole["counts"]["steps"]
    for stage in ("build", "mix"):
        for path in (finished / stage).rglob("*.jsonl"):
            assert (out / stage / path.relative_to(finished / stage)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["sft.epoch=1"], "sft.epoch: unknown key"),
        (["model=/no/such/folder"], "/no/such/folder"),
        (["corpora=[{name: bc5cdr, train: 4}]"], "needs data.root"),
        (["corpora=[{name: starter, train: 0, test: 0}]"], "no training instance was built"),
    ],
)
def test_bad_settings_are_one_line_and_exit_code_2(tmp_path: Path, changes: list[str], message: str) -> None:
    result = call("sft", tmp_path / "run", *changes)
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode == 2 and last.startswith("error:") and message in last
    assert "Traceback" not in result.stderr


def lamp(label: str, start: int, end: int) -> str:
    entity = {"id": "E1", "type": label, "start": start, "end": end, "text": "lamp"}
    return json.dumps({"id": "1", "text": "A lamp.", "entities": [entity]})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "1", "text": "A la', "mine/train.jsonl:2: not a JSON object"),
        (
            lamp("gizmo", 2, 6),
            "mine/train.jsonl:2: record '1': unknown entity type 'gizmo'",
        ),
        (
            lamp("gadget", 2, 60),
            "span 2:60 lies outside the text",
        ),
        (
            lamp("gadget", 1, 6),
            "covers ' lamp', but the annotation says 'lamp'",
        ),
    ],
)
def test_a_bad_record_is_one_line_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "schema.yaml").write_text("name: mine\nentities: [gadget]\n")
    (folder / "train.jsonl").write_text('{"id": "0", "text": "Nothing here."}\n' + line + "\n")
    (folder / "test.jsonl").write_text('{"id": "2", "text": "Nothing."}\n')
    result = call("build", tmp_path / "run", f"corpora=[{{name: mine, path: {folder}, tasks: [ner]}}]")
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode == 2 and last.startswith("error:") and message in last


def test_a_model_folder_without_weights_is_refused_and_nothing_is_lost(finished: Path, tmp_path: Path) -> None:
    empty = tmp_path / "model"
    empty.mkdir()
    (empty / "config.json").write_text("{}")
    out = tmp_path / "run"
    result = call("sft", out, f"model={empty}")
    assert result.returncode == 2 and "without weights" in result.stderr.strip().splitlines()[-1]
    assert (out / "build" / "manifest.json").exists() and (out / "mix" / "manifest.json").exists()


def test_a_loss_that_is_not_a_number_stops_training(small_model: Path, tmp_path: Path) -> None:
    result = call(
        "sft",
        tmp_path / "run",
        "sft.learning_rate=1.0e30",
        "sft.warmup=0",
        "sft.log_every=1",
        "sft.max_grad_norm=1.0e30",
    )
    assert result.returncode == 2
    assert "the loss is" in result.stderr.strip().splitlines()[-1]
