"""Generation with transformers: length-sorted batches, one prefill for all samples of a prompt, finished rows leave
the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import torch
from transformers import DynamicCache

from adelie_ie.models.chat import IGNORED, encode_conversation, encode_prompt, stop_tokens
from adelie_ie.models.engine import Conversation
from adelie_ie.models.growing_cache import GrowingCache
from adelie_ie.stage import digest

_SHRINK_AT = 0.75
"""The share of rows still running below which the finished ones leave the batch (leaving costs a copy of the cache)."""


_TAIL = 8
"""More than the tokens that any chat template writes after the end of an answer."""


class TransformersEngine:
    """Generates with a causal language model in this process; see ``adelie_ie.models.engine.Engine``.

    Args:
        model: the model, on its device.
        tokenizer: its tokenizer, with a chat template.
        batch_tokens: the most prompt tokens (padding included) of a batch, times the samples of each prompt.
    """

    def __init__(self, model: Any, tokenizer: Any, *, batch_tokens: int = 8192) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.batch_tokens = batch_tokens
        self._stops = stop_tokens(tokenizer, model)
        pad = tokenizer.pad_token_id
        self._pad = pad if pad is not None else tokenizer.eos_token_id
        window = getattr(model.config, "sliding_window", None)
        self._full_attention = window is None and not getattr(model.config, "layer_types", None)
        layer_types = getattr(model.config, "layer_types", None)
        if layer_types:
            self._full_attention = all(kind == "full_attention" for kind in layer_types)

    def generate(
        self,
        conversations: Sequence[Conversation],
        *,
        n: int = 1,
        temperature: float = 0.0,
        max_new_tokens: int = 256,
        seed: int = 0,
        progress: Callable[[int], None] | None = None,
    ) -> list[list[str]]:
        """``n`` answers per conversation, in the order of the conversations."""
        prompts = [encode_prompt(self.tokenizer, conversation) for conversation in conversations]
        copies = n if temperature > 0 else 1
        answers: list[list[str]] = [[] for _ in prompts]
        for batch in self._batches(prompts, copies):
            chosen = [prompts[i] for i in batch]
            rngs = [Random(digest(seed, ids, k)) for ids in chosen for k in range(copies)]
            outputs = self._decode(chosen, copies, temperature, max_new_tokens, rngs)
            texts = self.tokenizer.batch_decode(outputs, skip_special_tokens=True)
            for row, i in enumerate(batch):
                found = [text.strip() for text in texts[row * copies : (row + 1) * copies]]
                answers[i] = found * n if copies < n else found
            if progress is not None:
                progress(len(batch))
        return answers

    def _batches(self, prompts: list[list[int]], copies: int) -> list[list[int]]:
        """Indices of prompts, the longest first, so that a batch holds prompts of like length."""
        batches: list[list[int]] = []
        for i in sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i)):
            width = len(prompts[batches[-1][0]]) if batches else 0
            if not batches or (len(batches[-1]) + 1) * width * copies > self.batch_tokens:
                batches.append([])
            batches[-1].append(i)
        return batches

    @torch.inference_mode()
    def _decode(
        self, prompts: list[list[int]], copies: int, temperature: float, max_new_tokens: int, rngs: list[Random]
    ) -> list[list[int]]:
        ids, mask = self._left_padded(prompts)
        cache = GrowingCache(self.model.config.num_hidden_layers) if self._full_attention else DynamicCache()
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        logits = self._forward(ids, mask, positions, cache)
        rows = torch.arange(len(prompts), device=ids.device).repeat_interleave(copies)
        logits, mask, position = logits[rows], mask[rows], positions[rows, -1]
        if copies > 1:
            self._select(cache, rows)
        outputs: list[list[int]] = [[] for _ in rngs]
        running = list(range(len(rngs)))  # output of each row of the batch
        open_outputs = set(running)
        for _ in range(max_new_tokens):
            tokens = self._choose(logits, temperature, [rngs[i] for i in running])
            for i, token in zip(running, tokens, strict=True):
                if i in open_outputs:
                    if token in self._stops:
                        open_outputs.discard(i)
                    else:
                        outputs[i].append(token)
            if not open_outputs:
                break
            if len(open_outputs) < _SHRINK_AT * len(running):
                kept = [row for row, i in enumerate(running) if i in open_outputs]
                index = torch.tensor(kept, device=ids.device)
                self._select(cache, index)
                mask, position = mask[index], position[index]
                tokens = [tokens[row] for row in kept]
                running = [running[row] for row in kept]
            mask = torch.cat([mask, mask.new_ones(len(running), 1)], dim=1)
            position = position + 1
            step = torch.tensor(tokens, device=ids.device)[:, None]
            logits = self._forward(step, mask, position[:, None], cache)
        return outputs

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        output = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float()

    @staticmethod
    def _select(cache: Any, rows: torch.Tensor) -> None:
        if isinstance(cache, GrowingCache):
            cache.select(rows)
        else:
            cache.batch_select_indices(rows)

    @staticmethod
    def _choose(logits: torch.Tensor, temperature: float, rngs: list[Random]) -> list[int]:
        """One token per row: the likeliest, or one drawn with the row's own generator (inverse of the distribution)."""
        if temperature <= 0:
            return logits.argmax(-1).tolist()
        cumulative = torch.softmax(logits / temperature, -1).cumsum(-1)
        points = torch.tensor([rng.random() for rng in rngs], device=logits.device) * cumulative[:, -1]
        drawn = torch.searchsorted(cumulative, points[:, None], right=True)[:, 0]
        return drawn.clamp(max=logits.shape[-1] - 1).tolist()

    def _left_padded(self, prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), self._pad)
        mask = torch.zeros((len(prompts), width), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        return ids.to(self.model.device), mask.to(self.model.device)

    @torch.inference_mode()
    def log_likelihood(self, conversations: Sequence[Conversation]) -> list[tuple[float, int]]:
        """Sum of log probabilities and number of tokens of each conversation's last turn."""
        encoded = []
        for conversation in conversations:
            ids, labels = encode_conversation(self.tokenizer, conversation)
            answers = len(encode_prompt(self.tokenizer, conversation[:-1]))
            encoded.append((ids, [IGNORED] * answers + labels[answers:]))
        results: list[tuple[float, int]] = [(0.0, 0)] * len(encoded)
        for batch in self._batches([ids for ids, _ in encoded], 1):
            ids, mask = self._left_padded([encoded[i][0] for i in batch])
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            # Answers stand at the end, so that only the last positions need the vocabulary's logits.
            kept = 1 + max(sum(label != IGNORED for label in encoded[i][1]) for i in batch) + _TAIL
            logits = self.model(
                input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=kept
            ).logits
            for row, i in enumerate(batch):
                labels = torch.tensor(encoded[i][1][-(kept - 1) :], device=ids.device)
                bearing = (labels != IGNORED).nonzero()[:, 0]
                scores = logits[row, -len(labels) - 1 : -1][bearing].float().log_softmax(-1)
                chosen = scores.gather(1, labels[bearing][:, None])
                results[i] = (float(chosen.sum()), len(bearing))
        return results
