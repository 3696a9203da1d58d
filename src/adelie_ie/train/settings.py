"""Training settings, as a recipe states them. Free of torch, so that recipes load without it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class LoraSettings(BaseModel):
    """Low-rank adapters on all linear layers; merged into the weights when training ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: Annotated[int, Field(ge=1)] = 16
    alpha: Annotated[float, Field(gt=0)] = 32.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class TrainSettings(BaseModel):
    """What SFT and DPO share.

    Attributes:
        batch: conversations (or pairs) per optimiser step, over all devices.
        micro_batch: conversations per forward pass on one device; must divide ``batch``.
        scheduler, warmup: learning-rate schedule and the share of steps that warm it up.
        lora: adapters; null trains all weights.
        max_tokens: the longest conversation.
        over_long: what happens to a longer one: ``drop`` (counted) or ``stop``. Nothing is ever truncated.
        precision: ``auto`` is bf16 on GPUs that have it, fp32 elsewhere.
        checkpoint_every: steps between checkpoints.
        log_every: steps between log lines.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: Annotated[float, Field(gt=0)] = 2e-5
    epochs: Annotated[float, Field(gt=0)] = 2
    batch: Annotated[int, Field(ge=1)] = 128
    micro_batch: Annotated[int, Field(ge=1)] = 8
    scheduler: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    lora: LoraSettings | None = None
    max_tokens: Annotated[int, Field(ge=16)] = 2048
    over_long: Literal["drop", "stop"] = "drop"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    gradient_checkpointing: bool = False
    checkpoint_every: Annotated[int, Field(ge=1)] = 100
    log_every: Annotated[int, Field(ge=1)] = 5

    @model_validator(mode="after")
    def _batches_fit(self) -> TrainSettings:
        if self.batch % self.micro_batch:
            raise ValueError(f"batch ({self.batch}) must be a multiple of micro_batch ({self.micro_batch})")
        return self


class SftSettings(TrainSettings):
    """Supervised fine-tuning: the loss falls on assistant turns alone."""


class DpoSettings(TrainSettings):
    """Direct preference optimisation against the SFT model.

    Attributes:
        beta: strength of the pull towards the reference.
        loss: TRL's loss types and their weights; ``{sigmoid: 1}`` is plain DPO.
    """

    learning_rate: Annotated[float, Field(gt=0)] = 5e-7
    epochs: Annotated[float, Field(gt=0)] = 3
    batch: Annotated[int, Field(ge=1)] = 32
    scheduler: Literal["cosine", "linear", "constant_with_warmup"] = "linear"
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.1
    beta: Annotated[float, Field(gt=0)] = 0.1
    loss: dict[str, float] = Field(default_factory=lambda: {"sigmoid": 1.0})
