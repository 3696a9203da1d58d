"""The generation engine against transformers' own ``generate``, on the real small model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adelie_ie.models.chat import encode_prompt
from adelie_ie.models.load import load_model
from adelie_ie.models.transformers_engine import TransformersEngine

QUESTIONS = [
    "What is the capital of France?",
    "Name three colours. " * 12,
    "Is ice cold?",
    "Write one line about rain.",
]
TALKS = [[{"role": "user", "content": question}] for question in QUESTIONS]


@pytest.fixture(scope="module")
def engine(small_model: Path) -> TransformersEngine:
    return TransformersEngine(*load_model(str(small_model)))


def test_greedy_answers_equal_transformers_own(engine: TransformersEngine) -> None:
    ours = engine.generate(TALKS, max_new_tokens=12)
    for talk, (answer,) in zip(TALKS, ours, strict=True):
        ids = torch.tensor([encode_prompt(engine.tokenizer, talk)])
        theirs = engine.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        assert answer == engine.tokenizer.decode(theirs[0, ids.shape[1] :], skip_special_tokens=True).strip()


def test_samples_depend_on_the_seed_and_not_on_the_batch(engine: TransformersEngine) -> None:
    together = engine.generate(TALKS, n=3, temperature=1.0, max_new_tokens=8, seed=5)
    alone = engine.generate(TALKS[2:3], n=3, temperature=1.0, max_new_tokens=8, seed=5)
    other = engine.generate(TALKS, n=3, temperature=1.0, max_new_tokens=8, seed=6)
    assert [len(answers) for answers in together] == [3] * 4
    assert together[2] == alone[0]
    assert together != other
    assert len(set(together[3])) > 1


def test_progress_counts_every_conversation(engine: TransformersEngine) -> None:
    seen: list[int] = []
    engine.generate(TALKS, max_new_tokens=2, progress=seen.append)
    assert sum(seen) == 4


def test_log_likelihood_equals_the_models_loss(engine: TransformersEngine) -> None:
    talk = [*TALKS[0], {"role": "assistant", "content": "Paris."}]
    (alone,) = engine.log_likelihood([talk])
    batched = engine.log_likelihood([talk, [*TALKS[1], {"role": "assistant", "content": "Red, blue and green."}]])[0]
    prompt = encode_prompt(engine.tokenizer, TALKS[0])
    answer = engine.tokenizer("Paris.<|im_end|>", add_special_tokens=False)["input_ids"]
    ids = torch.tensor([prompt + answer])
    labels = torch.tensor([[-100] * len(prompt) + answer])
    with torch.no_grad():
        loss = float(engine.model(input_ids=ids, labels=labels).loss)
    assert alone[1] == len(answer)
    assert alone[0] == pytest.approx(-loss * len(answer), abs=1e-2)
    assert batched[0] == pytest.approx(alone[0], abs=1e-2)
