"""Supervised fine-tuning on TRL, with our own masks: the loss falls on assistant turns alone, whatever the chat
template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

from adelie_ie.models.load import load_model
from adelie_ie.train.answer_head import score_answers_only
from adelie_ie.train.examples import sft_examples
from adelie_ie.train.loop import LikeLengthSampler, base_of, fit, lora_config, save_model, training_arguments
from adelie_ie.train.settings import SftSettings


class _Trainer(SFTTrainer):
    """TRL's trainer with batches of like length."""

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler:
        dataset = train_dataset if train_dataset is not None else self.train_dataset
        lengths = [len(ids) for ids in dataset["input_ids"]]
        return LikeLengthSampler(lengths, self.args.train_batch_size, self.args.seed)


def train_sft(
    model_name: str,
    records: Iterable[dict[str, Any]],
    folder: Path,
    settings: SftSettings,
    seed: int,
    drop: Callable[[str], None],
) -> dict[str, Any]:
    """Fine-tune a model on ``{"messages": ...}`` records; writes ``folder/model`` (and ``folder/adapter`` for LoRA).

    Returns:
        Counts: examples, tokens, loss-bearing tokens, steps, final loss, tokens per second.

    Raises:
        TrainingError: no data, an over-long record with ``over_long=stop``, or a loss that is not a number.
    """
    set_seed(seed % 2**31)
    model, tokenizer = load_model(model_name)
    examples = sft_examples(records, tokenizer, settings, drop)
    tokens = sum(len(example["input_ids"]) for example in examples)
    bearing = sum(label != -100 for example in examples for label in example["labels"])
    arguments = SFTConfig(
        **training_arguments(settings, folder, seed), dataset_kwargs={"skip_prepare_dataset": True}, packing=False
    )
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(examples),
        processing_class=tokenizer,
        peft_config=lora_config(settings.lora),
    )
    score_answers_only(base_of(trainer))
    metrics = fit(trainer, folder, "SFT")
    save_model(trainer.accelerator.unwrap_model(trainer.model), tokenizer, folder)
    return {
        "examples": len(examples),
        "tokens": tokens,
        "loss_bearing_tokens": bearing,
        "steps": metrics["steps"],
        "loss": round(metrics["train_loss"], 4),
        "train_seconds": round(metrics["train_runtime"], 1),
    }
