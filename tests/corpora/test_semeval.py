"""SemEval-2010 Task 8: marked sentences, their relation and its direction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from adelie_ie.corpora import find_corpus
from adelie_ie.document import Document, Entity, Relation
from adelie_ie.errors import InputError

NAME = "semeval2010-task8"
ReadText = Callable[[str, str | bytes], list[Document]]


GOOD = (
    '1\t"The <e1>café</e1> of the <e2>old town</e2>, it "burns"."\nComponent-Whole(e1,e2)\nComment: easy\n\n'
    '2\t"<e1>Smoke</e1> from <e2>fire</e2>"\nCause-Effect(e2,e1)\nComment:\n\n'
    '3\t"A <e1>cup</e1><e2>board</e2>."\nOther\n'
)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_blocks_become_documents_with_two_nominals(read_text: ReadText, line_end: str) -> None:
    first, second, third = read_text(NAME, GOOD.replace("\n", line_end))
    assert (first.id, first.text) == ("train-1", 'The café of the old town, it "burns".')
    assert first.entities == (Entity("e1", "nominal", 4, 8, "café"), Entity("e2", "nominal", 16, 24, "old town"))
    assert first.relations == (Relation("e1", "Component-Whole", "e2"),)
    assert (second.id, second.relations) == ("train-2", (Relation("e2", "Cause-Effect", "e1"),))
    assert (third.text, third.relations) == ("A cupboard.", ())
    assert [entity.text for entity in third.entities] == ["cup", "board"]
    assert not [problem for document in (first, second, third) for problem in document.problems()]


ONE = '7\t"The <e1>café</e1> of <e2>Graz</e2>."\nComponent-Whole(e1,e2)\nComment:\n'
BROKEN = {
    "unknown relation": (ONE.replace("Component-Whole", "Part-Whole"), "unknown relation 'Part-Whole(e1,e2)'"),
    "no direction": (ONE.replace("(e1,e2)", ""), "unknown relation 'Component-Whole'"),
    "directed Other": (ONE.replace("Component-Whole", "Other"), "unknown relation 'Other(e1,e2)'"),
    "no relation line": (ONE.split("\n")[0] + "\n", "and a relation line"),
    "no quotes": (ONE.replace('"', ""), "expected  N TAB"),
    "no number": (ONE.replace("7\t", ""), "expected  N TAB"),
    "no second mark": (ONE.replace("<e2>Graz</e2>", "Graz"), "expected one <e1>..</e1> and one <e2>..</e2>"),
    "closed but not opened": (ONE.replace("<e2>", ""), "</e2> before <e2>"),
    "opened but not closed": (ONE.replace("</e2>", ""), "expected one <e1>..</e1> and one <e2>..</e2>"),
    "first mark twice": (ONE.replace("e2>", "e1>"), "expected one <e1>..</e1> and one <e2>..</e2>"),
}
ACCEPTED = {
    "related to itself": (ONE.replace("(e1,e2)", "(e1,e1)"), "(e1,e1)"),
    "empty mark": (ONE.replace("Graz", ""), "e2"),
    "no blank line between two": (ONE + ONE.replace("7\t", "8\t"), "blank"),
}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        *(pytest.param(*case, id=kind) for kind, case in BROKEN.items()),
        *(pytest.param(*case, id=kind) for kind, case in ACCEPTED.items()),
    ],
)
def test_a_broken_block_is_refused_with_file_and_line(
    read_text: ReadText, tmp_path: Path, block: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_text(NAME, f"{ONE}\n{block}")
    corpus = find_corpus(NAME)
    assert str(caught.value).startswith(f"{tmp_path / corpus.folder / corpus.splits['train']}:5: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(("split", "sentences", "others"), [("train", 8000, 1410), ("test", 2717, 454)])
def test_the_real_corpus_has_its_official_size_and_relations(
    shared_data: Path, split: str, sentences: int, others: int
) -> None:
    corpus = find_corpus(NAME)
    documents = list(corpus.read(split, shared_data))
    assert len(documents) == len({document.id for document in documents}) == sentences
    assert sum(not document.relations for document in documents) == others
    assert not [problem for document in documents for problem in document.problems(corpus.schemas[NAME])]
    raw = corpus.path(split, shared_data).read_text(encoding="utf-8")
    expected = Counter(re.findall(r"^[A-Z][a-z]+-[A-Z][a-z]+\(e[12],e[12]\)(?=\s*$)", raw, re.MULTILINE))
    assert expected == Counter(f"{r.type}({r.head},{r.tail})" for document in documents for r in document.relations)
