"""A format is a pair of inverse functions: held by properties over arbitrary strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adelie_ie.formats import ANSWER_MARK, format_names, make_format
from adelie_ie.rows import Columns, free, label, mention

LAYOUTS: dict[str, Columns] = {
    "ner": (mention("entity"), label("type")),
    "relation": (mention("subject"), label("relation"), mention("object")),
    "event": (mention("event"), label("class"), mention("word", optional=True), label("role", optional=True)),
    "openie": (
        free("predicate"),
        mention("subject"),
        *(mention(name, optional=True) for name in ("object", "time", "location")),
    ),
    "one column": (free("answer"),),
    "table": (free("Drug | dose"), free('The "why"'), free("{x}")),
}
# Plain strings find the shapes nobody thinks of; the second kind is dense in everything that a format treats specially.
DELIMITERS = [
    *";:|()<>,[]{}'\"\\`-.",
    *("->", " / ", "```", "---", "1. ", "NA", "n/a", "[Answer]: ", "[answer]:", "a", "é", "中"),
    *("\n", " ", "\u2028", "\x85", "\r", "\t", "\u00a0"),
]
VALUES = st.one_of(st.text(max_size=12), st.lists(st.sampled_from(DELIMITERS), max_size=5).map("".join))


def rows_over(columns: Columns) -> st.SearchStrategy[tuple[tuple[str, ...], ...]]:
    return st.lists(st.tuples(*(VALUES for _ in columns)), max_size=4).map(tuple)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", format_names())
def test_parse_inverts_render(name: str, layout: str) -> None:
    fmt = make_format(name, LAYOUTS[layout])

    @given(rows_over(LAYOUTS[layout]))
    def holds(rows: tuple[tuple[str, ...], ...]) -> None:
        text = fmt.render(rows)
        for wrapped in (text, ANSWER_MARK + text, f"  {ANSWER_MARK}{text}\n"):
            parsed = fmt.parse(wrapped)
            assert parsed.rows == rows, (wrapped, parsed)
            assert not parsed.problems, (wrapped, parsed)

    holds()


@pytest.mark.parametrize("layout", ["event", "table"])
@pytest.mark.parametrize("name", format_names())
def test_parse_never_raises_and_keeps_the_width(name: str, layout: str) -> None:
    columns = LAYOUTS[layout]
    fmt = make_format(name, columns)

    @given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(DELIMITERS), max_size=30).map("".join)))
    def holds(text: str) -> None:
        assert all(len(row) == len(columns) for row in fmt.parse(text).rows)

    holds()
