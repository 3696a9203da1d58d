"""The starter corpus: short passages from six domains, written and annotated for this project (Apache-2.0).

Every passage carries all layers at once (entities, relations, events, event relations, open tuples, some a request
with its table), so one small corpus exercises all nine tasks. ``general.jsonl`` beside it holds general instruction /
answer pairs.
"""

from __future__ import annotations

from pathlib import Path

from adelie_ie.corpora.jsonl import jsonl_corpus
from adelie_ie.schema import Schema

FOLDER = Path(__file__).resolve().parent
GENERAL = FOLDER / "general.jsonl"

_SCHEMAS = {path.stem: Schema.load(path) for path in sorted((FOLDER / "schemas").glob("*.yaml"))}

CORPORA = (
    jsonl_corpus(
        "starter",
        FOLDER,
        {"train": "train.jsonl", "test": "test.jsonl"},
        _SCHEMAS,
        ("ner", "rc", "re", "ed", "eae", "ee", "ere", "openie", "odie"),
        licence="Apache-2.0",
        source="this package",
    ),
)
