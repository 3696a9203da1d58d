"""Training tokens: the loss falls on answers alone, and training sees the tokens that generation sees."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adelie_ie.errors import InputError, TrainingError
from adelie_ie.models.chat import IGNORED, encode_conversation, encode_prompt, stop_tokens
from adelie_ie.train.examples import preference_examples, sft_examples
from adelie_ie.train.loop import LikeLengthSampler
from adelie_ie.train.settings import DpoSettings, SftSettings

TALK = [
    {"role": "user", "content": "First question?"},
    {"role": "assistant", "content": "[Answer]: (a; b);"},
    {"role": "user", "content": "Second  question?\n"},
    {"role": "assistant", "content": "[Answer]: NA"},
]


@pytest.fixture(scope="module")
def tokenizer(small_model: Path):  # type: ignore[no-untyped-def]
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(small_model), local_files_only=True)


def bearing(tokenizer, ids: list[int], labels: list[int]) -> str:  # type: ignore[no-untyped-def]
    return tokenizer.decode([token for token, mark in zip(ids, labels, strict=True) if mark != IGNORED])


def test_every_answer_and_its_end_bear_loss_and_nothing_else_does(tokenizer) -> None:  # type: ignore[no-untyped-def]
    ids, labels = encode_conversation(tokenizer, TALK)
    assert bearing(tokenizer, ids, labels) == "[Answer]: (a; b);<|im_end|>[Answer]: NA<|im_end|>"
    assert all(mark in (IGNORED, token) for token, mark in zip(ids, labels, strict=True))


def test_the_whole_conversation_is_what_the_chat_template_writes(tokenizer) -> None:  # type: ignore[no-untyped-def]
    ids, _ = encode_conversation(tokenizer, TALK)
    assert tokenizer.decode(ids) == tokenizer.apply_chat_template(TALK, tokenize=False)


def test_the_prompt_is_a_prefix_of_the_training_tokens(tokenizer) -> None:  # type: ignore[no-untyped-def]
    ids, labels = encode_conversation(tokenizer, TALK)
    prompt = encode_prompt(tokenizer, TALK[:-1])
    assert ids[: len(prompt)] == prompt
    assert labels[len(prompt)] != IGNORED


def test_generation_stops_at_the_end_of_a_turn(tokenizer) -> None:  # type: ignore[no-untyped-def]
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") in stop_tokens(tokenizer)


def test_a_template_that_rewrites_earlier_turns_is_refused(tokenizer) -> None:  # type: ignore[no-untyped-def]
    import copy

    forgetful = copy.deepcopy(tokenizer)
    forgetful.chat_template = "{{ messages | length }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    with pytest.raises(InputError, match="changes earlier turns"):
        encode_conversation(forgetful, TALK)


def test_an_over_long_conversation_is_dropped_and_counted_or_stops(tokenizer) -> None:  # type: ignore[no-untyped-def]
    long = [{"role": "user", "content": "word " * 100}, {"role": "assistant", "content": "x"}]
    drops: list[str] = []
    records = [{"id": "long", "messages": long}, {"id": "short", "messages": TALK[:2]}]
    kept = sft_examples(records, tokenizer, SftSettings(max_tokens=64), drops.append)
    assert len(kept) == 1 and drops == ["over 64 tokens"]
    with pytest.raises(TrainingError, match=r"record long: \d+ tokens, over max_tokens=64"):
        sft_examples(records, tokenizer, SftSettings(max_tokens=64, over_long="stop"), drops.append)
    with pytest.raises(TrainingError, match="no conversation is left"):
        sft_examples(records[:1], tokenizer, SftSettings(max_tokens=64), drops.append)


def test_preference_tokens_are_prompt_and_two_answers(tokenizer) -> None:  # type: ignore[no-untyped-def]
    record = {
        "prompt": TALK[:3],
        "chosen": [TALK[3]],
        "rejected": [{"role": "assistant", "content": "[Answer]: (c; d);"}],
    }
    same = {**record, "rejected": record["chosen"]}
    drops: list[str] = []
    (example,) = preference_examples([record, same], tokenizer, DpoSettings(), drops.append)
    assert example["prompt_ids"] == encode_prompt(tokenizer, TALK[:3])
    assert tokenizer.decode(example["chosen_ids"]) == "[Answer]: NA<|im_end|>"
    assert tokenizer.decode(example["rejected_ids"]) == "[Answer]: (c; d);<|im_end|>"
    assert drops == ["chosen and rejected are the same"]


def test_batches_hold_like_lengths_and_every_example_once() -> None:
    lengths = [(i * 37) % 101 + 1 for i in range(203)]
    sampler = LikeLengthSampler(lengths, 8, seed=1)
    order = list(sampler)
    assert sorted(order) == list(range(203)) and list(sampler) == order
    spread = [
        max(lengths[i] for i in b) - min(lengths[i] for i in b) for b in (order[k : k + 8] for k in range(0, 200, 8))
    ]
    assert sum(spread) / len(spread) < 12  # random batches of this corpus spread over 80
    sampler.set_epoch(1)
    assert list(sampler) != order


def test_our_head_equals_the_models_own_loss(small_model: Path, tokenizer) -> None:  # type: ignore[no-untyped-def]
    from trl.trainer.utils import add_fused_lm_head

    from adelie_ie.models.load import load_model
    from adelie_ie.train.answer_head import score_answers_only

    model, _ = load_model(str(small_model))
    ids, labels = (torch.tensor([values]) for values in encode_conversation(tokenizer, TALK))
    with torch.no_grad():
        expected = model(input_ids=ids, labels=labels).loss
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
        theirs = model(input_ids=ids, labels=labels, fused_lm_head=True)
        score_answers_only(model)
        ours = model(input_ids=ids, labels=labels, fused_lm_head=True)
    torch.testing.assert_close(ours.loss, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.log_probs, theirs.log_probs, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(ours.entropy, theirs.entropy, atol=1e-3, rtol=1e-3)
    assert torch.equal(ours.is_top1.bool(), theirs.is_top1.bool())
