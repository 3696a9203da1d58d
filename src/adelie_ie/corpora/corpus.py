"""What a corpus is: cheap raw records, and a function that turns one record into a document.

The two are apart so that a pass that only counts or samples records never parses them, and so that workers can parse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from adelie_ie.document import Document
from adelie_ie.errors import InputError
from adelie_ie.schema import Schema


class Record(NamedTuple):
    """A raw record: the text of it and where it stands.

    Attributes:
        raw: the characters of the record as the file has them.
        line: its first line in the file, from 1.
        path: the file.
        split: the split it belongs to.
    """

    raw: str
    line: int
    path: str
    split: str


@dataclass(frozen=True)
class Corpus:
    """A corpus and how to read it.

    Attributes:
        name: its name in recipes.
        tasks: the tasks that its annotation supports.
        splits: split -> file, relative to ``folder``.
        folder: its folder below the data root.
        schemas: schema name -> schema; a document without a schema name uses the only one.
        records: file, split -> records.
        document: record -> document; raises InputError with a reason alone (place is added here).
        licence: the licence its owners state.
        source: where to get it.
    """

    name: str
    tasks: tuple[str, ...]
    splits: Mapping[str, str]
    folder: str
    schemas: Mapping[str, Schema]
    records: Callable[[Path, str], Iterator[Record]]
    document: Callable[[Record], Document]
    licence: str = "not stated"
    source: str = ""

    def path(self, split: str, root: str | Path | None) -> Path:
        """The file of a split.

        Raises:
            InputError: no such split, or the file is not there.
        """
        if split not in self.splits:
            raise InputError(f"corpus {self.name!r} has no split {split!r}; it has: {', '.join(self.splits)}")
        base = Path(self.folder)
        if not base.is_absolute():
            if root is None:
                raise InputError(
                    f"corpus {self.name!r} needs data.root: add  --set data.root=FOLDER  (expects {base} in it)"
                )
            base = Path(root) / base
        path = base / self.splits[split]
        if not path.is_file():
            hint = f"; get it from {self.source}" if self.source else ""
            raise InputError(f"corpus {self.name!r}: no such file{hint}", path=path)
        return path

    def read(self, split: str, root: str | Path | None = None) -> Iterator[Document]:
        """Stream the documents of a split; the first bad record raises.

        Raises:
            InputError: names file, line and reason.
        """
        for record in self.records(self.path(split, root), split):
            yield self.parse(record)

    def parse(self, record: Record) -> Document:
        """One record -> its document.

        Raises:
            InputError: names file, line and reason.
        """
        try:
            return self.document(record)
        except InputError as error:
            raise InputError(error.reason, path=record.path, line=record.line) from None

    def schema(self, document: Document) -> Schema:
        """The schema of a document: the one it names, or the only one."""
        return self.schemas[document.schema] if document.schema else next(iter(self.schemas.values()))


def line_records(path: Path, split: str) -> Iterator[Record]:
    """One record per non-empty line."""
    yield from _guard(path, _lines(path, split))


def block_records(path: Path, split: str) -> Iterator[Record]:
    """One record per block of lines between blank lines."""
    yield from _guard(path, _blocks(path, split))


def _lines(path: Path, split: str) -> Iterator[Record]:
    name = str(path)
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.isspace():
                yield Record(line, number, name, split)


def _blocks(path: Path, split: str) -> Iterator[Record]:
    name = str(path)
    block: list[str] = []
    number = 0
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            # Nearly every line starts with a printed character; only the others are looked at more closely.
            if line[0] > " " or not line.isspace():
                block.append(line)
            elif block:
                yield Record("".join(block), number - len(block), name, split)
                block = []
    if block:
        yield Record("".join(block), number + 1 - len(block), name, split)


def _guard(path: Path, records: Iterator[Record]) -> Iterator[Record]:
    """Turn an encoding error into a message, and an empty file into an error."""
    empty = True
    try:
        for record in records:
            empty = False
            yield record
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 ({error.reason} at byte {error.start}): convert the file to UTF-8", path=path
        ) from None
    if empty:
        raise InputError("the file holds no records", path=path)
