"""How good a sampled answer is, against gold: -1 for one that cannot be read, else in [0, 1]."""

from __future__ import annotations

from adelie_ie.feedback.bleu import character_bleu
from adelie_ie.formats import ANSWER_MARK, make_format
from adelie_ie.rows import Columns, Row, normalise_row

UNREADABLE = -1.0


def score_answer(
    output: str, gold: str, rows: tuple[Row, ...], columns: Columns, format_name: str, metric: str
) -> float:
    """Score one answer.

    Args:
        output: the sampled answer.
        gold: the gold answer as rendered, with its mark.
        rows: the gold rows.
        columns, format_name: how the answer is read.
        metric: ``bleu`` or ``row-f1``.

    Returns:
        -1 without the answer mark or when no row can be read (both as in ADELIE's released code), else the metric.
    """
    mark = ANSWER_MARK.strip()
    if mark not in output:
        return UNREADABLE
    parsed = make_format(format_name, columns).parse(output)
    if not parsed.readable:
        return UNREADABLE
    if metric == "row-f1":
        return _f1({*map(normalise_row, parsed.rows)}, {*map(normalise_row, rows)})
    return character_bleu(gold.split(mark, 1)[1].strip(), output.split(mark, 1)[1].strip())


def _f1(found: set[Row], wanted: set[Row]) -> float:
    return 2 * len(found & wanted) / (len(found) + len(wanted)) if found or wanted else 1.0
