"""Stage folders: work is done in ``NAME.partial`` and appears under its name whole or not at all.

A finished stage holds ``manifest.json`` with the fingerprint of its recipe and inputs; when the fingerprint of a new
run is the same the stage is skipped, when only the partial folder has it the stage resumes.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from adelie_ie.errors import AdelieError, InputError

MANIFEST = "manifest.json"
_PACKAGES = ("adelie-ie", "torch", "transformers", "trl", "peft", "accelerate", "pyarrow", "nltk")


def digest(*parts: object) -> int:
    """A 64-bit number that depends on the parts alone: the source of all randomness here."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def seeded(*parts: object) -> random.Random:
    """A generator derived from seed and record id, so that order and worker count never change a byte."""
    return random.Random(digest(*parts))


def fingerprint(data: Any) -> str:
    """A short hash of JSON-ready data."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[Any]:
    """A file that appears under ``path`` whole or not at all; a full disk leaves nothing behind.

    Raises:
        AdelieError: the file could not be written (no space, no permission).
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open(mode, encoding=None if "b" in mode else "utf-8") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if error.filename not in (None, str(partial), str(path), *map(str, path.parents)):
            raise  # another file's trouble, met while writing this one
        raise AdelieError(
            f"{path}: cannot be written ({error.strerror}): free some space or choose another --out"
        ) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically."""
    with atomic_write(path) as out:
        json.dump(data, out, ensure_ascii=False, indent=2)
        out.write("\n")


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write one JSON object per line, atomically; returns how many."""
    count = 0
    with atomic_write(path) as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Stream the objects of a JSONL file.

    Raises:
        InputError: names the file, the line and what is wrong.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield json.loads(line)
                    except json.JSONDecodeError as error:
                        raise InputError(
                            f"not a JSON object ({error.msg} at column {error.colno}): is the line cut off?",
                            path=path, line=number,
                        ) from None  # fmt: skip
    except FileNotFoundError:
        raise InputError("no such file: run the stage that writes it first", path=path) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 ({error.reason}): convert the file to UTF-8", path=path) from None


class Journal:
    """An append-only JSONL file for work that resumes: what a kill left half-written is cut off on opening.

    Attributes:
        records: what was there when it was opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[dict[str, Any]] = []
        good = 0
        if path.exists():
            data = path.read_bytes()
            for line in data.splitlines(keepends=True):
                try:
                    if not line.endswith(b"\n"):
                        break
                    self.records.append(json.loads(line))
                except ValueError:
                    break
                good += len(line)
            if good < len(data):
                os.truncate(path, good)

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Add records and put them on the disk."""
        try:
            with self.path.open("a", encoding="utf-8") as out:
                for record in records:
                    out.write(json.dumps(record, ensure_ascii=False) + "\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise AdelieError(
                f"{self.path}: cannot be written ({error.strerror}): "
                "free some space and run again; what is done is kept"
            ) from error


@dataclass
class Stage:
    """One running stage.

    Attributes:
        folder: where it works now (``NAME.partial``); files written here appear under ``NAME`` when the stage ends.
        counts: what it counted, for the manifest and the screen.
        drops: reason -> number of records left out.
        resumed: whether an interrupted run left work behind.
    """

    name: str
    folder: Path
    resumed: bool
    counts: dict[str, Any] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count records that are left out."""
        self.drops[reason] = self.drops.get(reason, 0) + count


def run_stage(
    run: Path, name: str, settings: Any, inputs: list[Path], seed: int, work: Callable[[Stage], None]
) -> tuple[dict[str, Any], bool]:
    """Run one stage unless it is done; returns its manifest and whether it ran now.

    Args:
        run: the run folder.
        name: the stage, and the name of its folder.
        settings: the part of the recipe it depends on (JSON-ready).
        inputs: folders of earlier stages (their manifests count) or files.
        seed: the run's seed.
        work: does it.
    """
    sources = {str(path.relative_to(run) if path.is_relative_to(run) else path): _input_hash(path) for path in inputs}
    mark = fingerprint({"stage": name, "settings": settings, "inputs": sources, "seed": seed})
    final, partial = run / name, run / f"{name}.partial"
    manifest = load_manifest(final)
    if manifest is not None and manifest.get("fingerprint") == mark:
        return manifest, False
    resumed = _prepare_partial(partial, mark)
    stage = Stage(name, partial, resumed)
    started = time.perf_counter()
    work(stage)
    manifest = {
        "stage": name,
        "fingerprint": mark,
        "seed": seed,
        "settings": settings,
        "inputs": sources,
        "outputs": _outputs(partial),
        "counts": stage.counts,
        "drops": stage.drops,
        "resumed": resumed,
        "seconds": round(time.perf_counter() - started, 2),
        "versions": _versions(),
    }
    write_json(partial / MANIFEST, manifest)
    # The stamp goes last and the former result is set aside first, so that a kill at any point loses neither.
    former = run / f"{name}.former"
    shutil.rmtree(former, ignore_errors=True)
    if final.exists():
        final.replace(former)
    partial.replace(final)
    (final / ".fingerprint").unlink()
    shutil.rmtree(former, ignore_errors=True)
    return manifest, True


def _prepare_partial(partial: Path, mark: str) -> bool:
    """Keep the work of an interrupted run with the same fingerprint, clear any other."""
    stamp = partial / ".fingerprint"
    if stamp.exists() and stamp.read_text() == mark:
        return True
    if partial.exists():
        shutil.rmtree(partial)
    try:
        partial.mkdir(parents=True)
        stamp.write_text(mark)
    except OSError as error:
        raise AdelieError(f"{partial}: cannot be made ({error.strerror}): choose another --out") from error
    return False


def load_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a finished stage, or None."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and {"fingerprint", "outputs"} <= set(manifest) else None


def _input_hash(path: Path) -> str:
    manifest = load_manifest(path)
    if manifest is not None:
        return fingerprint([manifest["fingerprint"], manifest["outputs"]])
    if path.is_file():
        return hash_file(path)[:16]
    raise InputError("not there: run the earlier stages first", path=path)


def _outputs(folder: Path) -> dict[str, str]:
    """Content hashes of data files; of large weights and logs only the names and sizes count."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != ".fingerprint" and "checkpoints" not in path.relative_to(folder).parts:
            large = path.stat().st_size > 64 * 2**20
            hashes[path.relative_to(folder).as_posix()] = (
                f"{path.stat().st_size} bytes" if large else hash_file(path)[:16]
            )
    return hashes


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
