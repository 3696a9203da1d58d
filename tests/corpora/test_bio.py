"""Entities in columns: BIO files small and broken, and the real corpora counted independently."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from adelie_ie.corpora import find_corpus
from adelie_ie.document import Document
from adelie_ie.errors import InputError

ReadText = Callable[[str, str | bytes], list[Document]]


def found(document: Document) -> list[tuple[str, str, int]]:
    return [(entity.text, entity.type, entity.start) for entity in document.entities]


GOOD = "Chronic\tB-Disease\npain\tI-Disease\nafter\tO\naspirin\tB-Chemical\n\n\n \t\nNothing\tO\n.\tO"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_sentences_between_blank_lines_become_documents(read_text: ReadText, line_end: str) -> None:
    first, second = read_text("bc5cdr", GOOD.replace("\n", line_end))
    assert (first.id, first.text) == ("train-1", "Chronic pain after aspirin")
    assert found(first) == [("Chronic pain", "disease", 0), ("aspirin", "chemical", 19)]
    assert (second.id, second.text, found(second)) == ("train-8", "Nothing .", [])
    assert not list(first.problems(find_corpus("bc5cdr").schema(first)))


def test_two_mentions_side_by_side_stay_two(read_text: ReadText) -> None:
    (document,) = read_text("bc5cdr", "a\tB-Disease\nb\tB-Disease\nc\tI-Disease\nd\tI-Chemical\n")
    assert found(document) == [("a", "disease", 0), ("b c", "disease", 2), ("d", "chemical", 6)]


def test_iob1_begins_a_mention_with_an_inner_tag(read_text: ReadText) -> None:
    (document,) = read_text("wikigold", "Ana I-PER\nin O\nNew I-LOC\nYork I-LOC\nBBC I-ORG\nCNN B-ORG\n")
    assert document.text == "Ana in New York BBC CNN"
    assert found(document) == [
        ("Ana", "person", 0),
        ("New York", "location", 7),
        ("BBC", "organization", 16),
        ("CNN", "organization", 20),
    ]


def test_the_tag_is_the_last_of_many_columns(read_text: ReadText) -> None:
    text = "-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\nrejects VBZ I-VP O\n"
    (document,) = read_text("conll2003", text)
    assert (document.id, document.text, found(document)) == ("train-3", "EU rejects", [("EU", "organization", 0)])


def test_a_tag_of_several_types_is_a_mention_of_each(read_text: ReadText) -> None:
    (document,) = read_text("wnut17", "Old\tB-location,B-group\nTrafford\tI-location,I-group\nwon\tO\n")
    assert found(document) == [("Old Trafford", "location", 0), ("Old Trafford", "group", 0)]


def test_a_mention_goes_on_while_another_type_begins_or_ends(read_text: ReadText) -> None:
    (document,) = read_text(
        "wnut17",
        "the\tB-creative-work\nAna\tI-creative-work,B-person\nLee\tI-creative-work,I-person\nshow\tI-creative-work\n",
    )
    assert sorted(found(document)) == [("Ana Lee", "person", 4), ("the Ana Lee show", "creative work", 0)]


def test_a_byte_order_mark_is_no_part_of_the_first_token(read_text: ReadText) -> None:
    (document,) = read_text("bc5cdr", "\ufeffpain\tB-Disease\n")
    assert found(document) == [("pain", "disease", 0)]


def test_unicode_separators_do_not_end_a_line(read_text: ReadText) -> None:
    (document,) = read_text("bc5cdr", "a\u2028b\x85c\tB-Disease\n")
    assert found(document) == [("a\u2028b\x85c", "disease", 0)]


BROKEN = {
    "no tag": ("a\tO\n\nb\tO\nc\nd\tO\n", 3, "line 4: expected a token and its tag, found 'c'"),
    "empty tag": ("a\tO\n\nb\tO\nc\t\n", 3, "line 4: expected a token and its tag"),
    "unknown type": ("a\tO\n\nb\tB-Gene\n", 3, "line 3: unknown entity type 'Gene' (known: Chemical, Disease)"),
    "unknown type in mid-sentence": ("a\tO\n\nb\tO\nc\tI-Gene\nd\tO\n", 3, "line 4: unknown entity type 'Gene'"),
    "unknown scheme": ("a\tO\n\nb\tS-Disease\n", 3, "line 3: unknown tag 'S-Disease' (B-, I- or O expected)"),
    "blank tag": ("a\tO\nb\t \n", 1, "line 2: unknown tag ' '"),
    "tag without a type": ("a\tO\nb\tB-\n", 1, "line 2: unknown entity type ''"),
    "tag of one letter": ("a\tO\nb\tB\n", 1, "line 2: unknown tag 'B'"),
    "spaces for tabs": ("a O\n", 1, "line 1: expected a token and its tag, found 'a O'"),
}
CRASHES = {
    "tag without a hyphen": ("a\tO\nb\tB_Disease\n", 1, "line 2"),  # read as Disease
    "empty token": ("a\tO\n\tB-Disease\n", 1, "line 2"),  # an empty mention
}


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        *(pytest.param(*case, id=kind) for kind, case in BROKEN.items()),
        *(pytest.param(*case, id=kind) for kind, case in CRASHES.items()),
    ],
)
def test_a_broken_sentence_is_refused_with_file_and_line(
    read_text: ReadText, tmp_path: Path, content: str, line: int, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_text("bc5cdr", content)
    assert str(caught.value).startswith(f"{tmp_path / 'bio_bc5cdr' / 'train.tsv'}:{line}: ")
    assert message in str(caught.value)


def test_a_file_in_another_encoding_is_refused_by_name(read_text: ReadText) -> None:
    with pytest.raises(InputError, match=r"train\.tsv: not UTF-8"):
        read_text("bc5cdr", "Müller\tO\n".encode("latin-1"))


@pytest.mark.parametrize("content", ["", "\n\n \n"])
def test_a_file_without_records_is_refused_by_name(read_text: ReadText, content: str) -> None:
    with pytest.raises(InputError, match=r"train\.tsv: the file holds no records"):
        read_text("bc5cdr", content)


def test_a_missing_file_is_refused_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train\.tsv: corpus 'bc5cdr': no such file; get it from https://"):
        list(find_corpus("bc5cdr").read("train", tmp_path))


def test_an_unknown_split_or_corpus_is_refused_with_what_there_is() -> None:
    with pytest.raises(InputError, match="no split 'validation'; it has: train, dev, test"):
        list(find_corpus("bc5cdr").read("validation", "."))
    with pytest.raises(InputError, match="no corpus 'bc5'; there are: bc5cdr, "):
        find_corpus("bc5")


def sentences_of_tags(path: Path) -> list[list[str]]:
    """The tags of every sentence, straight from the file."""
    lines = path.read_text(encoding="utf-8").split("\n")
    blocks = [list(block) for blank, block in groupby(lines, lambda line: not line.strip()) if not blank]
    return [[line.split()[-1] for line in block] for block in blocks if not block[0].startswith("-DOCSTART-")]


def check(name: str, split: str, root: Path, sentences: int) -> list[list[str]]:
    """Read a real split, check all but the number of its mentions, and give its tags."""
    corpus = find_corpus(name)
    documents = list(corpus.read(split, root))
    tags = sentences_of_tags(corpus.path(split, root))
    assert len(documents) == len(tags) == sentences
    assert len({document.id for document in documents}) == sentences
    assert not [problem for document in documents for problem in document.problems(corpus.schema(document))]
    assert [len(document.text.split(" ")) for document in documents] == [len(sentence) for sentence in tags]
    return tags


def mentions(name: str, split: str, root: Path) -> int:
    return sum(len(document.entities) for document in find_corpus(name).read(split, root))


@pytest.mark.parametrize(
    ("name", "split", "sentences"),
    [
        ("bc5cdr", "train", 4560),
        ("bc5cdr", "dev", 4581),
        ("bc5cdr", "test", 4797),
        ("ncbi-disease", "train", 5424),
        ("ncbi-disease", "dev", 923),
        ("ncbi-disease", "test", 940),
        ("wnut17", "train", 3394),
        ("wnut17", "dev", 1009),
        ("wnut17", "test", 1287),
    ],
)
def test_a_real_corpus_has_a_mention_per_beginning_tag(
    shared_data: Path, name: str, split: str, sentences: int
) -> None:
    tags = check(name, split, shared_data, sentences)
    # One mention of WNUT-17's test set begins with I-: the annotators disagreed on where it starts.
    orphans = 1 if (name, split) == ("wnut17", "test") else 0
    beginnings = sum(tag.count("B-") for sentence in tags for tag in sentence)
    assert mentions(name, split, shared_data) == beginnings + orphans


def test_wikigold_in_iob1_has_a_mention_per_run_of_a_type(shared_data: Path) -> None:
    tags = check("wikigold", "train", shared_data, 1696)
    assert not any(tag.startswith("B-") for sentence in tags for tag in sentence)
    runs = sum(1 for sentence in tags for tag, _ in groupby(sentence) if tag != "O")
    assert mentions("wikigold", "train", shared_data) == runs
