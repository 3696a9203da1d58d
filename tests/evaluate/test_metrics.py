"""Metrics on hand-made cases with known answers."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adelie_ie.evaluate.metrics import Match, bootstrap, match_rows, micro_score, outside_schema, outside_text
from adelie_ie.evaluate.predict import exact_match
from adelie_ie.rows import label, mention

COLUMNS = (mention("entity"), label("type", ("person", "place")))
A, B, C = ("Ann", "person"), ("Oslo", "place"), ("Ann", "place")


@pytest.mark.parametrize(
    ("predicted", "gold", "expected"),
    [
        ([A, B], [A, B], Match(2, 2, 2)),
        ([B, A], [A, B], Match(2, 2, 2)),  # order does not count
        ([A], [A, A], Match(1, 1, 2)),  # a repeated row must be repeated
        ([A, A], [A], Match(1, 2, 1)),
        ([C], [A], Match(0, 1, 1)),  # a wrong type is wrong
        ([("ann", "person")], [A], Match(0, 1, 1)),  # case counts
        ([(" Ann  Lee", "person")], [("Ann Lee", "person")], Match(1, 1, 1)),  # white space is folded
        ([], [A], Match(0, 0, 1)),
        ([A], [], Match(0, 1, 0)),
        ([], [], Match(0, 0, 0)),
    ],
)
def test_rows_match_as_a_multiset(predicted, gold, expected) -> None:  # type: ignore[no-untyped-def]
    assert match_rows(predicted, gold) == expected


def test_micro_average_is_over_rows_not_instances() -> None:
    score = micro_score([Match(1, 2, 4), Match(2, 2, 2)])
    assert (score.precision, score.recall, score.f1) == (
        pytest.approx(3 / 4),
        pytest.approx(3 / 6),
        pytest.approx(6 / 10),
    )


def test_nothing_predicted_where_nothing_is_gold_is_right() -> None:
    assert micro_score([Match(0, 0, 0)]).f1 == 1.0
    assert micro_score([Match(0, 1, 0)]).f1 == 0.0
    assert micro_score([Match(0, 0, 3)]).f1 == 0.0


counts = st.builds(lambda c, p, g: Match(c, c + p, c + g), *(st.integers(0, 20) for _ in range(3)))


@given(st.lists(counts, max_size=8))
def test_f1_is_the_harmonic_mean_and_within_bounds(matches: list[Match]) -> None:
    score = micro_score(matches)
    assert 0 <= score.f1 <= 1
    if score.precision + score.recall > 0:
        assert score.f1 == pytest.approx(2 * score.precision * score.recall / (score.precision + score.recall))


def test_values_outside_text_and_schema_are_counted() -> None:
    rows = [("Ann", "person"), ("Bob", "city"), ("", "person")]
    assert outside_text(rows, COLUMNS, "Here is  ANN.") == (1, 2)
    assert outside_schema(rows, COLUMNS) == (1, 3)


def test_bootstrap_intervals_hold_the_value_and_shrink_with_more_data() -> None:
    few, many = [Match(1, 2, 2), Match(2, 2, 2)] * 5, [Match(1, 2, 2), Match(2, 2, 2)] * 200
    low, high = bootstrap(few, lambda sample: micro_score(sample).f1, Random(1))
    low2, high2 = bootstrap(many, lambda sample: micro_score(sample).f1, Random(1))
    assert low < 0.75 < high and low < low2 < 0.75 < high2 < high
    assert bootstrap(few, lambda sample: micro_score(sample).f1, Random(1)) == (low, high)


@pytest.mark.parametrize(
    ("output", "gold", "same"),
    [
        ("Paris.", "paris", True),
        (" Paris ", "Paris", True),
        ("It is Paris", "Paris", False),
        ("42", "42.", True),
        ("", "no", False),
    ],
)
def test_general_answers_match_but_for_case_and_outer_punctuation(output: str, gold: str, same: bool) -> None:
    assert exact_match(output, gold) is same
