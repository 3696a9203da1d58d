"""SemEval-2010 Task 8: the relation between two marked nominals (Hendrickx et al., 2010).

The file has blocks of three lines: ``N TAB "sentence with <e1>..</e1> and <e2>..</e2>"``, ``Relation(e1,e2)`` or
``Other``, and a comment. The order in the brackets gives the direction; ``Other`` means none of the nine relations.
"""

from __future__ import annotations

import re

from adelie_ie.corpora.corpus import Corpus, Record, block_records
from adelie_ie.document import Document, Entity, Relation
from adelie_ie.errors import InputError
from adelie_ie.schema import Schema

_LINE = re.compile(r'(\d+)\t"(.*)"\s*')
_MARKS = re.compile(r"<(/?)(e[12])>")
_RELATION = re.compile(r"([A-Za-z-]+)\((e[12]),(e[12])\)")

_DEFINITIONS = {
    "Cause-Effect": "The first brings the second about.",
    "Instrument-Agency": "The first is what the second, an agent, uses.",
    "Product-Producer": "The first is made by the second.",
    "Content-Container": "The first is physically inside the second.",
    "Entity-Origin": "The first comes or is derived from the second.",
    "Entity-Destination": "The first moves or is moved to the second.",
    "Component-Whole": "The first is a functional part of the second.",
    "Member-Collection": "The first is one of the members that make up the second.",
    "Message-Topic": "The first, a piece of communication, is about the second.",
}


def read_sentence(record: Record) -> Document:
    """A block -> a document with two entities and at most one relation.

    Raises:
        InputError: the block has another form, or an unknown relation.
    """
    lines = record.raw.rstrip("\n").split("\n")
    head = _LINE.fullmatch(lines[0])
    if head is None or len(lines) < 2:
        raise InputError(f'expected  N TAB "sentence"  and a relation line, found {lines[0][:40]!r}')
    if any(not line.startswith("Comment") for line in lines[2:]):
        raise InputError("expected at most a comment after the relation: is a blank line missing?")
    text, last = "", 0
    entities: list[Entity] = []
    opened: dict[str, int] = {}
    for mark in _MARKS.finditer(head[2]):
        text += head[2][last : mark.start()]
        last = mark.end()
        if mark[1]:
            if mark[2] not in opened:
                raise InputError(f"</{mark[2]}> before <{mark[2]}>")
            start = opened[mark[2]]
            entities.append(Entity(mark[2], "nominal", start, len(text), text[start:]))
        else:
            opened[mark[2]] = len(text)
    text += head[2][last:]
    if {entity.id for entity in entities} != {"e1", "e2"} or len(entities) != 2:
        raise InputError("expected one <e1>..</e1> and one <e2>..</e2>")
    document = Document(f"{record.split}-{head[1]}", text, tuple(entities), _relation(lines[1].strip()))
    problem = next(document.problems(), None)
    if problem is not None:
        raise InputError(problem)
    return document


def _relation(line: str) -> tuple[Relation, ...]:
    if line == "Other":
        return ()
    match = _RELATION.fullmatch(line)
    if match is None or match[1] not in _DEFINITIONS or match[2] == match[3]:
        raise InputError(f"unknown relation {line!r}")
    return (Relation(match[2], match[1], match[3]),)


_SCHEMA = Schema.model_validate(
    {
        "name": "semeval2010-task8",
        "entities": ["nominal"],
        "relations": {k: {"definition": v} for k, v in _DEFINITIONS.items()},
    }
)

CORPORA = (
    Corpus(
        "semeval2010-task8",
        ("rc",),
        {
            "train": "SemEval2010_task8_training/TRAIN_FILE.TXT",
            "test": "SemEval2010_task8_testing_keys/TEST_FILE_FULL.TXT",
        },
        "semeval2010_task8",
        {_SCHEMA.name: _SCHEMA},
        block_records,
        read_sentence,
        licence="CC BY 3.0",
        source="https://github.com/onehaitao/SemEval2010-to-TACRED (SemEval2010_task8_all_data)",
    ),
)
