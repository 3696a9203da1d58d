"""Conversations and preference pairs as token lists for the trainers; over-long ones are dropped and counted, never
cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from adelie_ie.errors import TrainingError
from adelie_ie.models.chat import IGNORED, encode_conversation, encode_prompt
from adelie_ie.train.settings import TrainSettings

Drop = Callable[[str], None]


def sft_examples(
    records: Iterable[dict[str, Any]], tokenizer: Any, settings: TrainSettings, drop: Drop
) -> list[dict[str, list[int]]]:
    """``{"messages": ...}`` records -> ``input_ids`` and ``labels``.

    Raises:
        TrainingError: nothing is left to train on, or a record is over-long and ``settings.over_long`` is ``stop``.
    """
    examples = []
    for record in records:
        ids, labels = encode_conversation(tokenizer, record["messages"])
        if all(label == IGNORED for label in labels):
            drop("no assistant turn")
        elif _fits(len(ids), record, settings, drop):
            examples.append({"input_ids": ids, "labels": labels})
    return _not_empty(examples, "conversation")


def preference_examples(
    records: Iterable[dict[str, Any]], tokenizer: Any, settings: TrainSettings, drop: Drop
) -> list[dict[str, list[int]]]:
    """``{"prompt": ..., "chosen": ..., "rejected": ...}`` records (lists of messages) -> their token lists.

    Raises:
        TrainingError: as for ``sft_examples``.
    """
    examples = []
    for record in records:
        prompt = encode_prompt(tokenizer, record["prompt"])
        sides = {}
        for side in ("chosen", "rejected"):
            ids, labels = encode_conversation(tokenizer, [*record["prompt"], *record[side]])
            sides[side] = [
                token
                for token, label in zip(ids[len(prompt) :], labels[len(prompt) :], strict=True)
                if label != IGNORED
            ]
        longest = len(prompt) + max(map(len, sides.values()))
        if sides["chosen"] == sides["rejected"]:
            drop("chosen and rejected are the same")
        elif _fits(longest, record, settings, drop):
            examples.append({"prompt_ids": prompt, "chosen_ids": sides["chosen"], "rejected_ids": sides["rejected"]})
    return _not_empty(examples, "preference pair")


def _fits(length: int, record: dict[str, Any], settings: TrainSettings, drop: Drop) -> bool:
    if length <= settings.max_tokens:
        return True
    if settings.over_long == "stop":
        name = record.get("id", "?")
        raise TrainingError(
            f"record {name}: {length} tokens, over max_tokens={settings.max_tokens}: raise it, or set over_long=drop"
        )
    drop(f"over {settings.max_tokens} tokens")
    return False


def _not_empty(examples: list[dict[str, list[int]]], what: str) -> list[dict[str, list[int]]]:
    if not examples:
        raise TrainingError(
            f"no {what} is left to train on: the corpus is empty, or all of it was dropped (see the counts above)"
        )
    return examples
