"""Conversations as tokens: the same tokens in training and in generation, with any chat template.

A conversation is cut where the model starts to answer and where its turn ends, by rendering its prefixes; so the loss
falls on answers (and their end-of-turn token) alone, and no template needs generation marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adelie_ie.errors import InputError

IGNORED = -100
"""The label of tokens that bear no loss."""


def encode_prompt(tokenizer: Any, messages: Sequence[dict[str, str]]) -> list[int]:
    """The tokens after which the model's answer comes; earlier turns included."""
    return [token for ids, _ in _segments(tokenizer, messages, answer_last=False) for token in ids]


def encode_conversation(tokenizer: Any, messages: Sequence[dict[str, str]]) -> tuple[list[int], list[int]]:
    """Tokens and labels of a conversation; labels equal the tokens in every assistant turn and -100 elsewhere.

    Raises:
        InputError: the chat template changes earlier turns when later ones are added.
    """
    tokens: list[int] = []
    labels: list[int] = []
    for ids, bears_loss in _segments(tokenizer, messages, answer_last=True):
        tokens += ids
        labels += ids if bears_loss else [IGNORED] * len(ids)
    return tokens, labels


def _segments(tokenizer: Any, messages: Sequence[dict[str, str]], *, answer_last: bool) -> list[tuple[list[int], bool]]:
    """(tokens, bears loss) of the stretches of a conversation; each stretch is tokenised by itself, as in
    generation.
    """
    segments: list[tuple[list[int], bool]] = []
    done = ""
    for position, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = _extend(tokenizer, messages[:position], done, generation=True)
        after = _extend(tokenizer, messages[: position + 1], before, generation=False)
        answer = after[len(before) :]
        spoken = answer.rstrip()
        segments.append((_ids(tokenizer, before[len(done) :]), False))
        segments.append((_ids(tokenizer, spoken), True))
        if len(spoken) < len(answer):
            segments.append((_ids(tokenizer, answer[len(spoken) :]), False))
        done = after
    if not answer_last:
        prompt = _extend(tokenizer, messages, done, generation=True)
        segments.append((_ids(tokenizer, prompt[len(done) :]), False))
        segments = [(ids, False) for ids, _ in segments]
    return segments


def _extend(tokenizer: Any, messages: Sequence[dict[str, str]], done: str, *, generation: bool) -> str:
    text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=generation)
    if not text.startswith(done):
        raise InputError(
            "the model's chat template changes earlier turns when later ones follow, so answers cannot be told apart: "
            "use single-turn data (build.few_shot=0) or another template"
        )
    return text


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"] if text else []


def stop_tokens(tokenizer: Any, model: Any = None) -> set[int]:
    """The tokens that end an assistant turn: the end of sequence, what the model's generation config says, and the
    template's own end-of-turn token."""
    found = {tokenizer.eos_token_id}
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    found.update(configured if isinstance(configured, list) else [configured])
    probe = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    ids, labels = encode_conversation(tokenizer, probe)
    last = next((token for token, label in zip(reversed(ids), reversed(labels), strict=True) if label != IGNORED), None)
    if last is not None and last in getattr(tokenizer, "all_special_ids", ()):
        found.add(last)
    return {token for token in found if token is not None}
