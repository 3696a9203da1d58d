"""Reading a small inline file through a registered corpus, at the place where its owners put the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adelie_ie.corpora import find_corpus
from adelie_ie.document import Document

ReadText = Callable[[str, str | bytes], list[Document]]


@pytest.fixture
def read_text(tmp_path: Path) -> ReadText:
    """Corpus name, content of its training file -> documents; the file is ``tmp_path`` / folder / file."""

    def read(name: str, content: str | bytes) -> list[Document]:
        corpus = find_corpus(name)
        path = tmp_path / corpus.folder / corpus.splits["train"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(corpus.read("train", tmp_path))

    return read
