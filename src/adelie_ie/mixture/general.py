"""General instruction data: readers that turn public layouts into conversations.

A record is ``{"id", "messages", "kind", "split"}``; ``kind`` is ``short`` for answers that can be compared word for
word and ``free`` for the others; ``split`` is ``train`` or ``test`` (held out by the hash of the id where the source
has no split of its own).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from adelie_ie.corpora.starter import GENERAL as STARTER_PAIRS
from adelie_ie.errors import InputError
from adelie_ie.stage import digest, read_jsonl

HELD_OUT = 0.3
"""The share of a source without splits that is kept for evaluation."""

_SHORT_WORDS = 4


def read_general(name: str, path: str | None, root: str | Path | None) -> Iterator[dict[str, Any]]:
    """The records of a general source.

    Args:
        name: ``starter``, ``self-instruct`` or ``messages``.
        path: the file; relative ones are looked up below ``root``. ``starter`` needs none.
        root: the data root.

    Raises:
        InputError: an unknown name, a missing file, or a record in another layout.
    """
    if name not in _READERS:
        raise InputError(f"no general source {name!r}; there are: {', '.join(_READERS)}")
    reader = _READERS[name]
    if name == "starter":
        file = STARTER_PAIRS
    elif path is None:
        raise InputError(f"general source {name!r} needs a path")
    else:
        file = Path(path) if Path(path).is_absolute() or root is None else Path(root) / path
    for number, data in enumerate(read_jsonl(file), 1):
        try:
            yield from reader(data, number)
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(f"not a {name} record: {type(error).__name__} {error}", path=file, line=number) from None


def _pair(record_id: str, instruction: str, output: str, split: str | None = None) -> dict[str, Any]:
    messages = [{"role": "user", "content": instruction.strip()}, {"role": "assistant", "content": output.strip()}]
    return _record(record_id, messages, split)


def _record(record_id: str, messages: list[dict[str, str]], split: str | None = None) -> dict[str, Any]:
    held_out = digest("general", record_id) < HELD_OUT * 2**64
    kind = "short" if len(messages[-1]["content"].split()) <= _SHORT_WORDS else "free"
    return {"id": record_id, "messages": messages, "kind": kind, "split": split or ("test" if held_out else "train")}


def _starter(data: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    yield _pair(data["id"], data["instruction"], data["output"], data["split"])


def _self_instruct(data: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Self-Instruct's seed tasks and user-oriented instructions: an instruction with instances of input and output."""
    for i, instance in enumerate(data["instances"]):
        asked = (
            data["instruction"] if not instance["input"].strip() else f"{data['instruction']}\n\n{instance['input']}"
        )
        if instance["output"].strip():
            yield _pair(f"{data['id']}-{i}", asked, instance["output"])


def _messages(data: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Chat records as TULU 2 has them: ``messages`` of role and content, the last one the assistant's."""
    messages = [{"role": m["role"], "content": m["content"]} for m in data["messages"]]
    if messages and messages[-1]["role"] == "assistant":
        yield _record(str(data.get("id", number)), messages, data.get("split"))


_READERS: dict[str, Callable[[dict[str, Any], int], Iterator[dict[str, Any]]]] = {
    "starter": _starter,
    "self-instruct": _self_instruct,
    "messages": _messages,
}
