"""Cutting a file into blocks at its blank lines, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adelie_ie.corpora.corpus import block_records
from adelie_ie.errors import InputError

LINES = st.lists(st.sampled_from(["a\tO", "b c\tO", "", "", " ", "\t", " \t "]), max_size=12)


def blocks(lines: list[str]) -> list[tuple[int, str]]:
    """First line number and text of every block, the plain way."""
    numbered = groupby(enumerate(lines, 1), lambda item: not item[1].strip())
    found = [list(group) for blank, group in numbered if not blank]
    return [(group[0][0], "\n".join(line for _, line in group)) for group in found]


def read(path: Path, content: str) -> list[tuple[int, str]]:
    path.write_bytes(content.encode())
    return [(record.line, record.raw.strip("\n")) for record in block_records(path, "train")]


def test_blocks_lie_between_blank_lines_and_know_their_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("blocks") / "file.txt"

    @settings(max_examples=500)
    @given(LINES.filter(blocks), st.sampled_from(["\n", "\r\n"]), st.booleans())
    @example(["", "a\tO"], "\n", True)
    @example([" ", "a\tO"], "\n", True)
    @example(["a\tO", " "], "\n", True)
    def holds(lines: list[str], line_end: str, closed: bool) -> None:
        assert read(path, line_end.join(lines) + line_end * closed) == blocks(lines)

    holds()


def around_the_buffer() -> Iterator[int]:
    """Lengths that put what follows around multiples of the usual buffer sizes."""
    for size in (1 << 13, 1 << 18):
        yield from range(size - 8, size + 3)


@pytest.mark.parametrize(
    "gap",
    [
        "\n\n",
        "\n\n\n",
        "\r\n\r\n",
        pytest.param("\n\n  \n"),
    ],
    ids=ascii,
)
def test_a_gap_is_one_gap_wherever_the_file_is_read_in_pieces(tmp_path: Path, gap: str) -> None:
    for length in around_the_buffer():
        first = "x" * (length - 2) + "\tO"
        found = read(tmp_path / "file.txt", f"{first}{gap}b\tO{gap}c\tO\n")
        step = gap.replace("\r", "").count("\n")
        assert [line for line, _ in found] == [1, 1 + step, 1 + 2 * step], length
        assert [raw for _, raw in found] == [first, "b\tO", "c\tO"], length


def test_a_file_of_blank_lines_holds_no_records(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file\.txt: the file holds no records"):
        read(tmp_path / "file.txt", "\n\n \n")
