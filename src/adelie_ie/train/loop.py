"""What SFT and DPO share: arguments for TRL, batches of like length, checkpoints and resume, progress, and the final
save.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from torch.utils.data import Sampler
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from adelie_ie.errors import AdelieError, TrainingError
from adelie_ie.models.load import has_bf16
from adelie_ie.stage import seeded, write_jsonl
from adelie_ie.train.progress import TrainingProgress
from adelie_ie.train.settings import LoraSettings, TrainSettings

CHECKPOINTS = "checkpoints"


def training_arguments(settings: TrainSettings, folder: Path, seed: int) -> dict[str, Any]:
    """The arguments that TRL's SFTConfig and DPOConfig have in common."""
    devices = max(1, torch.cuda.device_count()) if torch.cuda.is_available() else 1
    world = int(os.environ.get("WORLD_SIZE", devices))
    accumulation, rest = divmod(settings.batch, settings.micro_batch * world)
    if rest or not accumulation:
        raise TrainingError(
            f"batch={settings.batch} is no multiple of micro_batch={settings.micro_batch} "
            f"times {world} devices: change one of them"
        )
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    return {
        "output_dir": str(folder / CHECKPOINTS),
        "per_device_train_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": accumulation,
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.scheduler,
        "warmup_steps": settings.warmup,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "max_length": None,
        "bf16": use_bf16(settings),
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": settings.gradient_checkpointing,
        "logging_steps": settings.log_every,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_steps": settings.checkpoint_every,
        "save_total_limit": 2,
        "report_to": ["tensorboard"],
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "remove_unused_columns": False,
        "seed": seed % 2**31,
        "data_seed": seed % 2**31,
    }


def use_bf16(settings: TrainSettings) -> bool:
    """Whether matrix products run in bf16 (weights stay fp32): asked for, or the hardware has instructions for it."""
    if settings.precision == "auto":
        return has_bf16()
    return settings.precision == "bf16"


def lora_config(settings: LoraSettings | None) -> LoraConfig | None:
    """Adapters on all linear layers, or None for full training."""
    if settings is None:
        return None
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


class LikeLengthSampler(Sampler[int]):
    """Shuffled indices such that a batch holds examples of like length, in random order of batches.

    The trainer's own grouping sorts within long stretches, so that a small corpus is seen from long to short.
    """

    def __init__(self, lengths: list[int], batch: int, seed: int) -> None:
        self.lengths, self.batch, self.seed, self.epoch = lengths, batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rng = seeded(self.seed, "batches", self.epoch)
        order = list(range(len(self.lengths)))
        rng.shuffle(order)
        window = 16 * self.batch
        batches = []
        for start in range(0, len(order), window):
            alike = sorted(order[start : start + window], key=lambda i: self.lengths[i])
            batches += [alike[i : i + self.batch] for i in range(0, len(alike), self.batch)]
        # A short last batch stays last, or it would shift the others' boundaries.
        short = [batch for batch in batches if len(batch) < self.batch]
        full = [batch for batch in batches if len(batch) == self.batch]
        rng.shuffle(full)
        yield from (i for batch in [*full, *short] for i in batch)


class _StopOnBadLoss(TrainerCallback):
    """A loss that is not a number ends training at once."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            raise TrainingError(
                f"the loss is {loss} at step {state.global_step}: "
                f"lower the learning rate ({args.learning_rate:g}) or check the data"
            )


def base_of(trainer: Any) -> Any:
    """The causal language model inside a trainer, without adapter or device wrappers."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def fit(trainer: Any, folder: Path, title: str) -> dict[str, float]:
    """Train, resuming from the last whole checkpoint in ``folder``; writes ``log.jsonl`` and returns the last metrics.

    Raises:
        TrainingError: the loss is not a number.
        AdelieError: a checkpoint cannot be written.
    """
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_StopOnBadLoss())
    trainer.add_callback(TrainingProgress(title))
    try:
        result = trainer.train(resume_from_checkpoint=last_checkpoint(folder / CHECKPOINTS))
    except OSError as error:
        raise AdelieError(
            f"{folder}: cannot be written ({error.strerror or error}): free some space and run again; training resumes"
        ) from error
    write_jsonl(
        folder / "log.jsonl", ({k: _finite(v) for k, v in entry.items()} for entry in trainer.state.log_history)
    )
    return {**result.metrics, "steps": trainer.state.global_step}


def _finite(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written whole (its state is written last), or None."""
    steps = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rsplit("-", 1)[1]))
    whole = [path for path in steps if (path / "trainer_state.json").is_file()]
    for path in steps:
        if path not in whole:
            shutil.rmtree(path)
    return str(whole[-1]) if whole else None


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the trained model as a folder of its own: adapters are kept beside it and merged into the weights.

    Raises:
        AdelieError: the folder cannot be written.
    """
    try:
        if hasattr(model, "merge_and_unload"):
            model.save_pretrained(folder / "adapter")
            model = model.merge_and_unload()
        model.save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    except OSError as error:
        raise AdelieError(
            f"{folder}: cannot be written ({error.strerror or error}): free some space and run again"
        ) from error
