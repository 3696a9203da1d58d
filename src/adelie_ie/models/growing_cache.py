"""A key-value cache that grows in steps: appending a token writes it in place instead of copying all that came
before.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_STEP = 64


class _GrowingLayer(DynamicLayer):
    """One layer in buffers with room to spare; ``keys`` and ``values`` are views of the filled part."""

    keys: torch.Tensor
    values: torch.Tensor
    _key_room: torch.Tensor | None = None
    _value_room: torch.Tensor

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states; returns views of all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held = self.keys.shape[-2] if self.keys.numel() else 0
        total = held + key_states.shape[-2]
        room = self._key_room
        if room is None or room.shape[0] != key_states.shape[0] or room.shape[-2] < total or held == 0:
            self._key_room = room = _with_room(self.keys, key_states, held, total)
            self._value_room = _with_room(self.values, value_states, held, total)
        room[..., held:total, :] = key_states
        self._value_room[..., held:total, :] = value_states
        self.keys = room[..., :total, :]
        self.values = self._value_room[..., :total, :]
        return self.keys, self.values


def _with_room(filled: torch.Tensor, states: torch.Tensor, held: int, total: int) -> torch.Tensor:
    room = states.new_empty((*states.shape[:-2], total + _STEP, states.shape[-1]))
    if held:
        room[..., :held, :] = filled
    return room


class GrowingCache(DynamicCache):
    """A ``DynamicCache`` whose layers grow in place; for full attention only."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = [_GrowingLayer() for _ in range(layers)]
        self.layer_class_to_replicate = None

    def select(self, rows: torch.Tensor) -> None:
        """Keep these rows of the batch, in this order (a row may be kept several times)."""
        for layer in self.layers:
            layer.keys = layer.keys.index_select(0, rows)
            layer.values = layer.values.index_select(0, rows)
            layer._key_room = None
