"""Settings of evaluation, as a recipe states them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class EvaluateSettings(BaseModel):
    """What is measured, on every model alike.

    Attributes:
        shots: numbers of demonstrations, e.g. ``[0, 4]``.
        per_task: the most instances per corpus and task.
        per_task_shots: the most instances per corpus and task with demonstrations (null: as ``per_task``).
        max_new_tokens: the most tokens of an answer.
        general: the most held-out general pairs.
        bootstrap_rounds: resamples behind each interval.
        batch_tokens: prompt tokens in a batch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shots: tuple[Annotated[int, Field(ge=0, le=16)], ...] = (0,)
    per_task: Annotated[int, Field(ge=1)] = 1000
    per_task_shots: Annotated[int, Field(ge=1)] | None = None
    max_new_tokens: Annotated[int, Field(ge=1)] = 256
    general: Annotated[int, Field(ge=0)] = 1000
    bootstrap_rounds: Annotated[int, Field(ge=10)] = 1000
    batch_tokens: Annotated[int, Field(ge=256)] = 8192

    def limit(self, shots: int) -> int:
        """The most instances per corpus and task with this many demonstrations."""
        return self.per_task if shots == 0 or self.per_task_shots is None else self.per_task_shots
