"""Corpora: one reader per corpus, from raw files as their owners ship them to documents.

Each module of this package lists its corpora in ``CORPORA``; the registry below collects them, so adding a corpus is
adding one file.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from adelie_ie.corpora.corpus import Corpus, Record
from adelie_ie.errors import InputError

__all__ = ["Corpus", "Record", "corpora", "find_corpus"]


@cache
def corpora() -> dict[str, Corpus]:
    """Every registered corpus by name."""
    found: dict[str, Corpus] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        for corpus in getattr(importlib.import_module(f"{__name__}.{module.name}"), "CORPORA", ()):
            found[corpus.name] = corpus
    return found


def find_corpus(name: str) -> Corpus:
    """The corpus with this name.

    Raises:
        InputError: there is none; the message lists those there are.
    """
    try:
        return corpora()[name]
    except KeyError:
        raise InputError(f"no corpus {name!r}; there are: {', '.join(sorted(corpora()))}") from None
