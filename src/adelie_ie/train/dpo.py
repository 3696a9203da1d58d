"""Direct preference optimisation on TRL, over tokens that we prepare: prompt, chosen and rejected as generation sees
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import set_seed
from trl import DPOConfig, DPOTrainer

from adelie_ie.models.load import load_model
from adelie_ie.train.answer_head import score_answers_only
from adelie_ie.train.examples import preference_examples
from adelie_ie.train.loop import LikeLengthSampler, base_of, fit, lora_config, save_model, training_arguments
from adelie_ie.train.settings import DpoSettings


class _Trainer(DPOTrainer):
    """TRL's trainer on examples that are tokenised already, with batches of like length."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler:
        dataset = train_dataset if train_dataset is not None else self.train_dataset
        lengths = [len(p) + len(c) + len(r) for p, c, r in zip(*(dataset[k] for k in _COLUMNS), strict=True)]
        return LikeLengthSampler(lengths, self.args.train_batch_size, self.args.seed)


_COLUMNS = ("prompt_ids", "chosen_ids", "rejected_ids")


def train_dpo(
    model_name: str,
    records: Iterable[dict[str, Any]],
    folder: Path,
    settings: DpoSettings,
    seed: int,
    drop: Callable[[str], None],
) -> dict[str, Any]:
    """Align a model on preference records; the model as it comes is the reference.

    Returns:
        Counts: pairs, tokens, steps, final loss, share of pairs ranked rightly at the end.

    Raises:
        TrainingError: as for ``train_sft``.
    """
    set_seed(seed % 2**31)
    model, tokenizer = load_model(model_name)
    examples = preference_examples(records, tokenizer, settings, drop)
    arguments = DPOConfig(
        **training_arguments(settings, folder, seed),
        beta=settings.beta,
        loss_type=list(settings.loss),
        loss_weights=list(settings.loss.values()),
        precompute_ref_log_probs=False,
    )
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(examples),
        processing_class=tokenizer,
        peft_config=lora_config(settings.lora),
    )
    score_answers_only(base_of(trainer))
    metrics = fit(trainer, folder, "DPO")
    last: dict[str, float] = next(
        (log for log in reversed(trainer.state.log_history) if "rewards/accuracies" in log), {}
    )
    save_model(trainer.accelerator.unwrap_model(trainer.model), tokenizer, folder)
    return {
        "pairs": len(examples),
        "tokens": sum(len(example[side]) for example in examples for side in _COLUMNS),
        "steps": metrics["steps"],
        "loss": round(metrics["train_loss"], 4),
        "reward_accuracy": round(last.get("rewards/accuracies", 0.0), 4),
        "reward_margin": round(last.get("rewards/margins", 0.0), 4),
        "train_seconds": round(metrics["train_runtime"], 1),
    }
