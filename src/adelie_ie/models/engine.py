"""What every generation engine offers: conversations in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Conversation = Sequence[dict[str, str]]


class Engine(Protocol):
    """Generates answers to conversations that end with a user turn."""

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
        """``n`` answers per conversation, in the order of the conversations.

        Args:
            conversations: each a list of messages; the last is the user's.
            n: answers per conversation.
            temperature: 0 is greedy.
            max_new_tokens: the most tokens of an answer; a longer one is cut there.
            seed: with the conversation's own text it fixes the samples, whatever else is in the batch.
            progress: called with the number of conversations finished since the last call.
        """
        ...

    def log_likelihood(self, conversations: Sequence[Conversation]) -> list[tuple[float, int]]:
        """For conversations that end with an assistant turn: the sum of log probabilities (nats) of that turn's tokens,
        and their number."""
        ...
