"""ADELIE's preference score: sentence BLEU-4 over characters with NIST geometric smoothing (NLTK's method 3).

It is what the paper's released code computes on the text after ``[Answer]: ``. Known weakness: below four characters
even a perfect copy scores under 1, and long answers are judged by length more than by fields.
"""

from __future__ import annotations

import warnings

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

_SMOOTHING = SmoothingFunction().method3


def character_bleu(gold: str, output: str) -> float:
    """BLEU-4 of ``output`` against one reference, over characters, in [0, 1]; 0 when they share no character."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(sentence_bleu([list(gold)], list(output), smoothing_function=_SMOOTHING))
