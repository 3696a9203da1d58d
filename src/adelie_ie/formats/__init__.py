"""Formats: rows <-> text, each a pair of inverse functions held together by property tests.

Each module of this package that is about one kind of format lists its named variants in ``FORMATS`` (name -> factory
over columns); the registry below collects them, so adding a format is adding one file.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from adelie_ie.formats.answer import ANSWER_MARK, NOTHING, Format, Parsed, Problem
from adelie_ie.rows import Columns

__all__ = ["ANSWER_MARK", "NOTHING", "Format", "Parsed", "Problem", "format_names", "make_format"]


@cache
def _factories() -> dict[str, type | object]:
    found: dict[str, object] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        found.update(getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMATS", {}))
    return found


def format_names() -> tuple[str, ...]:
    """The names that ``make_format`` knows."""
    return tuple(_factories())


@cache
def make_format(name: str, columns: Columns) -> Format:
    """The format called ``name`` over these columns.

    Raises:
        KeyError: no format has that name.
    """
    try:
        factory = _factories()[name]
    except KeyError:
        raise KeyError(f"no format {name!r}; there are: {', '.join(_factories())}") from None
    return factory(columns)  # type: ignore[operator]
