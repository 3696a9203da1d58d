"""The starter corpus that ships with the package: whole, valid and with nothing of the test split in training."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from adelie_ie.corpora import find_corpus
from adelie_ie.corpora.starter import GENERAL
from adelie_ie.document import Document
from adelie_ie.rows import ColumnKind, normalise
from adelie_ie.tasks import Question, tasks

DOMAINS = {"biomedicine", "business", "cyber-security", "news", "science", "sport"}
STARTER = find_corpus("starter")


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Document]]:
    return {split: list(STARTER.read(split)) for split in STARTER.splits}


def test_it_has_its_announced_sizes(splits: dict[str, list[Document]]) -> None:
    assert {split: len(documents) for split, documents in splits.items()} == {"train": 245, "test": 79}


def test_ids_are_unique(splits: dict[str, list[Document]]) -> None:
    ids = [document.id for documents in splits.values() for document in documents]
    assert len(set(ids)) == len(ids)


def test_every_domain_is_in_both_splits(splits: dict[str, list[Document]]) -> None:
    assert set(STARTER.schemas) == DOMAINS
    for documents in splits.values():
        assert {document.schema for document in documents} == DOMAINS


def test_every_annotation_is_valid(splits: dict[str, list[Document]]) -> None:
    documents = [document for split in splits.values() for document in split]
    assert not [problem for d in documents for problem in d.problems(STARTER.schema(d))]


def test_no_training_text_is_among_the_test_texts(splits: dict[str, list[Document]]) -> None:
    train, test = ({normalise(d.text).casefold() for d in splits[split]} for split in ("train", "test"))
    assert len(train) == 245 and len(test) == 79
    assert not train & test


def questions(documents: list[Document], task: str) -> list[Question]:
    return [q for d in documents for q in tasks()[task].questions(d, STARTER.schema(d))]


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("task", sorted(tasks()))
def test_each_task_has_questions_whose_rows_fit_their_columns(
    splits: dict[str, list[Document]], task: str, split: str
) -> None:
    assert task in STARTER.tasks
    asked = questions(splits[split], task)
    assert any(question.rows for question in asked)
    assert len({question.id for question in asked}) == len(asked)
    for question in asked:
        for row in question.rows:
            assert len(row) == len(question.columns)
            for value, column in zip(row, question.columns, strict=True):
                assert value or column.optional or column.kind is ColumnKind.FREE, (question.id, row)
                if value and column.kind is ColumnKind.LABEL:
                    assert value in column.labels, (question.id, row)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("task", ["ner", "rc", "re", "ed", "ee"])
def test_some_documents_have_nothing_to_find_but_most_have(
    splits: dict[str, list[Document]], task: str, split: str
) -> None:
    asked = questions(splits[split], task)
    assert 0 < sum(not question.rows for question in asked) < len(asked) / 2


def test_the_general_pairs_are_260_half_of_them_for_testing() -> None:
    pairs = [json.loads(line) for line in GENERAL.read_text(encoding="utf-8").splitlines()]
    assert Counter(pair["split"] for pair in pairs) == {"train": 130, "test": 130}
    assert len({pair["id"] for pair in pairs}) == 260
    assert all(pair["instruction"].strip() and pair["output"].strip() and pair["category"] for pair in pairs)
    train, test = (
        {normalise(pair["instruction"]).casefold() for pair in pairs if pair["split"] == split}
        for split in ("train", "test")
    )
    assert not train & test
