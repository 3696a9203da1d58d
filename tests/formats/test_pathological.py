"""Whatever a model repeats until its limit, reading it comes to an end soon: a megabyte in seconds, in every format.

A run is stopped after ``LIMIT`` seconds of processor time (a linear reader needs one or two), so that other load on the
machine cannot fail it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adelie_ie.formats import format_names, make_format
from adelie_ie.rows import Columns, label, mention

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")

LIMIT = 10.0
MEGABYTE = 1_000_000
COLUMNS: Columns = (mention("event"), label("class"), mention("word", optional=True), label("role", optional=True))
PAIRS: Columns = (mention("entity"), label("type"))

INPUTS = {
    **{f"nested {a}{b}": a * 10_000 + "x" + b * 10_000 for a, b in ("()", "{}", "[]", "<>")},
    **{f"only {c!r}": c * MEGABYTE for c in '({["|;:`\n,/<>-\\ '},
    "unterminated quote": '"' + "x" * MEGABYTE,
    "unterminated quotes": '"x; ' * (MEGABYTE // 4),
    "open rows": "(x; " * (MEGABYTE // 4),
    "open objects": '{"x": ' * (MEGABYTE // 6),
    "open marks": "[ answer " * (MEGABYTE // 9),
    "marks": "[Answer]: " * (MEGABYTE // 10),
    "fences": "```\n" * (MEGABYTE // 4),
    "list numbers": "1. " * (MEGABYTE // 3),
    "escaped quotes": '\\"' * (MEGABYTE // 2),
    "dashes and a letter": "-" * MEGABYTE + "x",
    "open ( over lines": "(" + "x\n" * MEGABYTE,
    "open < over lines": "<" + "x\n" * MEGABYTE,
    "open [ over lines": "[" + "x\n" * MEGABYTE,
}


class OutOfTimeError(BaseException):
    """Not an Exception, so that no reader takes it for a mistake in the text."""


@contextmanager
def processor_time(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def cases() -> Iterator[object]:
    for name in format_names():
        for kind in INPUTS:
            yield pytest.param(name, kind, id=f"{name}-{kind}")


@pytest.mark.parametrize(("name", "kind"), cases())
def test_reading_a_pathological_answer_returns(name: str, kind: str) -> None:
    columns = PAIRS if name == "sentence" else COLUMNS
    with processor_time(LIMIT):
        parsed = make_format(name, columns).parse(INPUTS[kind])
    assert all(len(row) == len(columns) for row in parsed.rows)
