"""Errors that a user can act on: each is one line that names the place and the way out."""

from __future__ import annotations

from pathlib import Path


class AdelieError(Exception):
    """Base of every error that the command line prints as one line and turns into exit code 2."""


class InputError(AdelieError):
    """Something that the user gave (a file, a record, a recipe) is not as it must be.

    Args:
        message: what is wrong and what to do.
        path: the file it stands in, if any.
        line: its line, counted from 1, if known.
    """

    def __init__(self, message: str, *, path: str | Path | None = None, line: int | None = None) -> None:
        place = "".join(f"{part}:" for part in (path, line) if part is not None)
        super().__init__(f"{place} {message}" if place else message)
        self.reason = message
        self.path = path
        self.line = line


class MissingExtraError(AdelieError):
    """An optional dependency is not installed; the message says which extra brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: run  pip install 'adelie-ie[{extra}]'")


class TrainingError(AdelieError):
    """Training cannot go on: no data, or a loss that is not a number."""
