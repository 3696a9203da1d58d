"""Settings of sampling and of pair building, as a recipe states them (ADELIE, section 3.4)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class SampleSettings(BaseModel):
    """Sampling the SFT model on training prompts.

    Attributes:
        per_corpus: the most prompts of a corpus.
        n: answers per prompt.
        temperature: of the samples.
        max_new_tokens: the most tokens of an answer.
        batch_tokens: prompt tokens times samples in a batch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_corpus: Annotated[int, Field(ge=1)] = 4000
    n: Annotated[int, Field(ge=2)] = 5
    temperature: Annotated[float, Field(gt=0)] = 1.0
    max_new_tokens: Annotated[int, Field(ge=1)] = 256
    batch_tokens: Annotated[int, Field(ge=256)] = 8192


class PairSettings(BaseModel):
    """Turning scored samples into preference pairs.

    Attributes:
        score: ``bleu`` (the paper's) or ``row-f1`` (F1 of the answer's rows against gold).
        gap: chosen and rejected must differ by more than this.
        online_share: the most of the quota that pairs best and worst sample; the rest pairs gold with the worst sample.
        max_pairs: the quota; null makes it the number of prompts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    score: Literal["bleu", "row-f1"] = "bleu"
    gap: Annotated[float, Field(ge=0, lt=1)] = 0.10
    online_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    max_pairs: Annotated[int, Field(ge=1)] | None = 10_000
