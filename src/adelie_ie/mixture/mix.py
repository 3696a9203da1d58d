"""IE instances + general data -> one training corpus: shares by instances, exact duplicates and held-out texts left
out.

ADELIE mixes 20% IE with 80% general data (section 3.3).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from adelie_ie.errors import InputError
from adelie_ie.mixture.general import read_general
from adelie_ie.stage import digest, read_jsonl

Drop = Callable[[str], None]


class GeneralSource(BaseModel):
    """A source of general data.

    Attributes:
        name: the reader: ``starter``, ``self-instruct`` or ``messages``.
        path: its file, relative to the data root.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    path: str | None = None


class MixSettings(BaseModel):
    """The mixture.

    Attributes:
        ie_share: the share of IE instances among all (0.2 in ADELIE).
        general: where general data come from.
        max_general_words: a longer general conversation is left out.
        repeat_general: whether a general source that is too small may be gone through more than once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ie_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    general: tuple[GeneralSource, ...] = ()
    max_general_words: Annotated[int, Field(ge=1)] = 1500
    repeat_general: bool = False


def general_records(settings: MixSettings, root: str | Path | None, split: str) -> Iterator[dict[str, Any]]:
    """All general records of a split."""
    for source in settings.general:
        yield from (record for record in read_general(source.name, source.path, root) if record["split"] == split)


def mix(
    instances: list[Path], held_out: list[Path], settings: MixSettings, root: str | Path | None, seed: int, drop: Drop
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Mix training records, in an order that depends on seed and ids alone.

    Args:
        instances: files of IE training instances.
        held_out: files of evaluation instances; a training instance on one of their texts is left out.
        settings: shares and general sources.
        root: the data root.
        seed: the run's seed.
        drop: counts what is left out.

    Returns:
        The records ``{"id", "kind", "task", "messages"}`` and the counts.

    Raises:
        InputError: there are no IE instances.
    """
    ie = _ie_records(instances, held_out, drop)
    if not ie:
        raise InputError("no training instances: every corpus is empty, or all of it was dropped")
    general = _general(settings, root, seed, drop)
    wanted = round(len(ie) * (1 - settings.ie_share) / settings.ie_share)
    available = len(general)
    if settings.repeat_general and general:
        general = [general[i % available] for i in range(wanted)]
    general = general[:wanted]
    mixed = ie + general
    order = sorted(range(len(mixed)), key=lambda i: digest(seed, "mix", mixed[i]["id"], i))
    counts = {
        "ie": len(ie),
        "general": len(general),
        "general_wanted": wanted,
        "general_available": available,
        "ie_share": round(len(ie) / len(mixed), 4),
    }
    return [mixed[i] for i in order], counts


def _ie_records(instances: list[Path], held_out: list[Path], drop: Drop) -> list[dict[str, Any]]:
    test_texts = {_key(record["source"]) for path in held_out for record in read_jsonl(path)}
    seen: set[int] = set()
    kept = []
    for path in instances:
        for record in read_jsonl(path):
            key = digest(json.dumps(record["messages"], ensure_ascii=False))
            if _key(record["source"]) in test_texts:
                drop("its text is in an evaluation set")
            elif key in seen:
                drop("an exact duplicate")
            else:
                seen.add(key)
                kept.append({"id": record["id"], "kind": "ie", "task": record["task"], "messages": record["messages"]})
    return kept


def _key(text: str) -> int:
    return digest(" ".join(text.casefold().split()))


def _general(settings: MixSettings, root: str | Path | None, seed: int, drop: Drop) -> list[dict[str, Any]]:
    kept: dict[int, dict[str, Any]] = {}
    for record in general_records(settings, root, "train"):
        words = sum(len(message["content"].split()) for message in record["messages"])
        key = digest(json.dumps(record["messages"], ensure_ascii=False))
        if words > settings.max_general_words:
            drop(f"general: over {settings.max_general_words} words")
        elif key in kept:
            drop("general: an exact duplicate")
        else:
            kept[key] = {"id": record["id"], "kind": "general", "task": "general", "messages": record["messages"]}
    return sorted(kept.values(), key=lambda record: digest(seed, "general", record["id"]))
