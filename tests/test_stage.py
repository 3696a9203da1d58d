"""Stages: files whole or not at all, work skipped when it is done and resumed when it was interrupted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adelie_ie.errors import AdelieError, InputError
from adelie_ie.stage import (
    Journal,
    Stage,
    atomic_write,
    digest,
    fingerprint,
    load_manifest,
    read_jsonl,
    run_stage,
    seeded,
    write_json,
    write_jsonl,
)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_digest_and_seeded_are_the_same_in_every_process() -> None:
    code = "from adelie_ie.stage import digest, seeded; print(digest(7, 'é', 'doc-1'), seeded(7, 'doc-1').random())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{digest(7, 'é', 'doc-1')} {seeded(7, 'doc-1').random()}\n"}


def test_digest_depends_on_every_part_and_their_order() -> None:
    parts = [(), ("a",), ("b",), ("a", "b"), ("b", "a"), ("ab",), ("a", "b", ""), ("\ud800",)]
    assert len({digest(*some) for some in parts}) == len(parts)
    assert all(0 <= digest(*some) < 2**64 for some in parts)


def test_a_fingerprint_depends_on_the_data_and_not_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1, "b": [2]}) != fingerprint({"a": 1, "b": [3]})


def test_atomic_write_makes_the_folder_and_leaves_only_the_file(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "deep" / "file.txt") as out:
        out.write("é\n")
        assert not (tmp_path / "deep" / "file.txt").exists()
    assert (tmp_path / "deep" / "file.txt").read_bytes() == "é\n".encode()
    assert names(tmp_path) == {"deep", "deep/file.txt"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_atomic_write_leaves_nothing_after_an_exception(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_write(tmp_path / "file.bin", "wb") as out:
        out.write(b"half")
        raise error
    assert names(tmp_path) == set()


def test_atomic_write_keeps_the_old_file_after_an_exception(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", "old")
    with pytest.raises(TypeError):
        write_json(tmp_path / "file.json", ["new", object()])
    assert json.loads((tmp_path / "file.json").read_text()) == "old"
    assert names(tmp_path) == {"file.json"}


def test_a_path_below_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(AdelieError, match=r"file/out\.json: cannot be written"):
        write_json(tmp_path / "file" / "out.json", 1)


def test_a_failure_to_read_something_else_is_not_called_a_failure_to_write(tmp_path: Path) -> None:
    with pytest.raises(Exception) as caught, atomic_write(tmp_path / "out.txt"):
        (tmp_path / "no such file").read_text()
    assert "cannot be written" not in str(caught.value)


@settings(max_examples=200)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none(), max_size=3)))
def test_jsonl_reads_back_as_written(tmp_path_factory: pytest.TempPathFactory, records: list) -> None:  # type: ignore[type-arg]
    path = tmp_path_factory.getbasetemp() / "records.jsonl"
    assert write_jsonl(path, iter(records)) == len(records)
    assert list(read_jsonl(path)) == records


def test_a_cut_off_jsonl_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n\n{"a": ')
    lines = read_jsonl(tmp_path / "x.jsonl")
    assert next(lines) == {"a": 1}
    with pytest.raises(InputError, match=r"x\.jsonl:3: .*cut off\?"):
        next(lines)


def test_a_missing_jsonl_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.jsonl: no such file"):
        list(read_jsonl(tmp_path / "x.jsonl"))


def test_jsonl_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'{"a": "\xe9"}\n')
    with pytest.raises(InputError, match=r"x\.jsonl"):
        list(read_jsonl(tmp_path / "x.jsonl"))


def test_a_journal_starts_empty_and_gives_back_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert Journal(path).records == []
    Journal(path).append([{"id": 1}, {"id": "é"}])
    Journal(path).append([{"id": 3}])
    assert Journal(path).records == [{"id": 1}, {"id": "é"}, {"id": 3}]


def test_a_journal_cut_anywhere_keeps_the_whole_lines_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    records = [{"id": 1}, {"text": "é\u2028\n\r😀"}, {"id": 12}]
    Journal(path).append(records)
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    assert len(ends) == 3
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        journal = Journal(path)
        assert journal.records == records[:kept], cut
        journal.append([{"id": "next"}])
        assert list(read_jsonl(path)) == [*records[:kept], {"id": "next"}], cut


class Work:
    """Stage work that counts its runs and may break down half-way."""

    def __init__(self, text: str = "done", *, fail: bool = False) -> None:
        self.text, self.fail, self.stages = text, fail, list[Stage]()

    def __call__(self, stage: Stage) -> None:
        self.stages.append(stage)
        with (stage.folder / "log.txt").open("a") as log:
            log.write("started\n")
        if self.fail:
            raise RuntimeError("broken down")
        stage.counts["made"] = 1
        stage.drop("too long", 2)
        stage.drop("too long")
        write_json(stage.folder / "sub" / "out.json", self.text)


def test_a_stage_appears_whole_with_its_manifest(tmp_path: Path) -> None:
    manifest, ran = run_stage(tmp_path, "build", {"n": 1}, [], 7, Work())
    assert ran
    assert names(tmp_path) == {"build"} | {
        f"build/{name}" for name in ("log.txt", "sub", "sub/out.json", "manifest.json")
    }
    assert load_manifest(tmp_path / "build") == manifest
    assert (manifest["stage"], manifest["seed"], manifest["settings"], manifest["resumed"]) == (
        "build",
        7,
        {"n": 1},
        False,
    )
    assert (manifest["counts"], manifest["drops"]) == ({"made": 1}, {"too long": 3})
    assert set(manifest["outputs"]) == {"log.txt", "sub/out.json"}
    assert manifest["versions"]["python"].startswith("3.")


def test_a_finished_stage_is_skipped_when_nothing_changed(tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("x")
    first, _ = run_stage(tmp_path / "run", "build", {"n": 1}, [source], 7, Work())
    again = Work("another text")
    assert run_stage(tmp_path / "run", "build", {"n": 1}, [source], 7, again) == (first, False)
    assert again.stages == []
    assert json.loads((tmp_path / "run/build/sub/out.json").read_text()) == "done"


@pytest.mark.parametrize("change", ["settings", "seed", "input file"])
def test_a_stage_runs_again_from_nothing_when_something_changed(tmp_path: Path, change: str) -> None:
    source = tmp_path / "source.txt"
    source.write_text("x")
    run_stage(tmp_path / "run", "build", {"n": 1}, [source], 7, Work("old"))
    (tmp_path / "run/build/stray.txt").write_text("x")
    if change == "input file":
        source.write_text("y")
    again = Work("new")
    manifest, ran = run_stage(
        tmp_path / "run",
        "build",
        {"n": 2 if change == "settings" else 1},
        [source],
        8 if change == "seed" else 7,
        again,
    )
    assert ran and not manifest["resumed"] and len(again.stages) == 1
    assert json.loads((tmp_path / "run/build/sub/out.json").read_text()) == "new"
    assert (tmp_path / "run/build/log.txt").read_text() == "started\n"
    assert not (tmp_path / "run/build/stray.txt").exists()
    assert load_manifest(tmp_path / "run/build") == manifest


def test_a_stage_runs_again_when_an_earlier_stage_gave_other_outputs(tmp_path: Path) -> None:
    def chain(settings: int, text: str) -> tuple[bool, bool]:
        _, first = run_stage(tmp_path, "first", settings, [], 7, Work(text))
        _, second = run_stage(tmp_path, "second", {}, [tmp_path / "first"], 7, Work())
        return first, second

    assert chain(1, "a") == (True, True)
    assert chain(1, "a") == (False, False)
    assert chain(2, "b") == (True, True)


def test_moving_the_run_folder_changes_no_fingerprint(tmp_path: Path) -> None:
    fingerprints = set()
    for run in (tmp_path / "here", tmp_path / "there"):
        run_stage(run, "first", {}, [], 7, Work())
        fingerprints.add(run_stage(run, "second", {}, [run / "first"], 7, Work())[0]["fingerprint"])
    assert len(fingerprints) == 1


def test_a_broken_down_stage_leaves_nothing_under_its_name_and_is_resumed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken down"):
        run_stage(tmp_path, "build", {}, [], 7, Work(fail=True))
    assert not (tmp_path / "build").exists()
    again = Work()
    manifest, ran = run_stage(tmp_path, "build", {}, [], 7, again)
    assert ran and manifest["resumed"] and again.stages[0].resumed
    assert (tmp_path / "build/log.txt").read_text() == "started\nstarted\n"
    assert names(tmp_path) == {"build"} | {
        f"build/{name}" for name in ("log.txt", "sub", "sub/out.json", "manifest.json")
    }


def test_a_broken_down_stage_with_another_fingerprint_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken down"):
        run_stage(tmp_path, "build", {"n": 1}, [], 7, Work(fail=True))
    manifest, ran = run_stage(tmp_path, "build", {"n": 2}, [], 7, Work())
    assert ran and not manifest["resumed"]
    assert (tmp_path / "build/log.txt").read_text() == "started\n"


def test_a_failing_new_version_keeps_the_finished_old_one(tmp_path: Path) -> None:
    old, _ = run_stage(tmp_path, "build", {"n": 1}, [], 7, Work("old"))
    with pytest.raises(RuntimeError, match="broken down"):
        run_stage(tmp_path, "build", {"n": 2}, [], 7, Work(fail=True))
    assert run_stage(tmp_path, "build", {"n": 1}, [], 7, Work("new")) == (old, False)


def test_a_missing_input_is_refused_by_name(tmp_path: Path) -> None:
    work = Work()
    with pytest.raises(InputError, match=r"train: not there: run the earlier stages first"):
        run_stage(tmp_path, "build", {}, [tmp_path / "train"], 7, work)
    assert work.stages == [] and names(tmp_path) == set()


def test_an_input_folder_with_a_foreign_manifest_is_refused_by_name(tmp_path: Path) -> None:
    write_json(tmp_path / "other" / "manifest.json", {"name": "a web app"})
    with pytest.raises(InputError, match="other"):
        run_stage(tmp_path / "run", "build", {}, [tmp_path / "other"], 7, Work())


def test_outputs_are_hashed_in_a_run_folder_called_checkpoints(tmp_path: Path) -> None:
    manifest, _ = run_stage(tmp_path / "checkpoints", "build", {}, [], 7, Work())
    assert set(manifest["outputs"]) == {"log.txt", "sub/out.json"}


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a tiny file system needs root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount does not work here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_an_error_and_leaves_no_file(tiny_disk: Path) -> None:
    write_json(tiny_disk / "out.jsonl", "old")
    with pytest.raises(
        AdelieError, match=r"out\.jsonl: cannot be written \(No space left on device\): free some space"
    ):
        write_jsonl(tiny_disk / "out.jsonl", ({"text": "x" * 1000} for _ in range(1000)))
    assert names(tiny_disk) == {"out.jsonl"}
    assert json.loads((tiny_disk / "out.jsonl").read_text()) == "old"


def test_a_journal_on_a_full_disk_keeps_what_is_done_and_resumes(tiny_disk: Path) -> None:
    path = tiny_disk / "journal.jsonl"
    journal, done = Journal(path), 0
    with pytest.raises(AdelieError, match=r"No space left on device.*what is done is kept"):
        for done in range(1000):
            journal.append([{"id": done, "text": "x" * 1000}])
    assert [record["id"] for record in Journal(path).records] == list(range(done))
    assert done > 10


def test_a_stage_on_a_full_disk_leaves_nothing_under_its_name_and_resumes(tiny_disk: Path) -> None:
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(b"x" * 40_000)

    def work(stage: Stage) -> None:
        write_jsonl(stage.folder / "out.jsonl", ({"text": "x" * 1000} for _ in range(30)))

    with pytest.raises(AdelieError, match="No space left on device"):
        run_stage(tiny_disk / "run", "build", {}, [], 7, work)
    assert not (tiny_disk / "run/build").exists()
    ballast.unlink()
    manifest, ran = run_stage(tiny_disk / "run", "build", {}, [], 7, work)
    assert ran and manifest["resumed"] and set(manifest["outputs"]) == {"out.jsonl"}
