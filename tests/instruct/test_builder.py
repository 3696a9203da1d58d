"""Instruction building: every instance reads back, and nothing but seed and ids decides its bytes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from adelie_ie.corpora import Corpus, find_corpus
from adelie_ie.formats import ANSWER_MARK, format_names, make_format
from adelie_ie.instruct.builder import Job, Tally, build
from adelie_ie.instruct.instance import Instance
from adelie_ie.instruct.settings import BuildSettings
from adelie_ie.tasks import tasks

EVERY_FORMAT = BuildSettings(formats=dict.fromkeys(format_names(), 1.0), max_shots=8)


def job(task: str = "ner", corpus: Corpus | None = None, settings: BuildSettings = EVERY_FORMAT, **changes: Any) -> Job:
    return Job(
        corpus or find_corpus("starter"), task, "train", "train", None, changes.pop("seed", 1), settings, **changes
    )


def lines(one: Job, workers: int = 1) -> bytes:
    return b"".join(build(one, Tally(), workers))


def instances(one: Job) -> list[Instance]:
    return [Instance.from_dict(json.loads(line)) for line in lines(one).splitlines()]


@pytest.mark.parametrize("task", tasks())
def test_every_instance_of_the_starter_corpus_reads_back(task: str) -> None:
    built = instances(job(task))
    assert built
    for instance in built:
        assert instance.answer.startswith(ANSWER_MARK)
        parsed = make_format(instance.format, instance.columns).parse(instance.answer)
        assert parsed.rows == instance.rows and not parsed.problems
        roles = [message["role"] for message in instance.messages]
        assert roles == ["user", "assistant"] * (instance.shots + 1)


def test_same_seed_same_bytes_on_one_process_or_two_and_another_seed_other_bytes() -> None:
    first = lines(job("re"))
    assert lines(job("re"), workers=2) == first
    assert lines(job("re", seed=2)) != first


def test_a_larger_quota_keeps_what_a_smaller_one_chose() -> None:
    settings = replace_settings(na_share=None)
    small = {i.id for i in instances(job(settings=settings, quota=20))}
    large = {i.id for i in instances(job(settings=settings, quota=60))}
    assert len(small) == 20 and len(large) == 60 and small < large


def replace_settings(**changes: Any) -> BuildSettings:
    return EVERY_FORMAT.model_copy(update=changes)


def test_empty_answers_are_capped_at_their_share() -> None:
    built = instances(job("rc", settings=replace_settings(na_share=0.2)))
    empty = sum(not instance.rows for instance in built)
    assert 0.15 < empty / len(built) <= 0.2


def test_rates_of_formats_and_shots_follow_the_settings() -> None:
    settings = BuildSettings(formats={"parenthesis": 0.8, "json": 0.2}, few_shot=0.5, max_shots=4, na_share=None)
    built = [i for task in ("rc", "eae", "ere", "ed", "ner") for i in instances(job(task, settings=settings))]
    share = Counter(instance.format for instance in built)["json"] / len(built)
    few = [instance for instance in built if instance.shots]
    assert abs(share - 0.2) < 0.04
    assert abs(len(few) / len(built) - 0.5) < 0.04
    assert {instance.shots for instance in few} == {1, 2, 3, 4}


def test_demonstrations_never_show_the_question_itself_and_the_instruction_stands_once() -> None:
    for instance in instances(job("ed", settings=replace_settings(few_shot=1.0))):
        turns = [message["content"] for message in instance.messages if message["role"] == "user"]
        assert sum(instance.source in turn for turn in turns) == 1
        assert ["Event classes:" in turn for turn in turns] == [True] + [False] * instance.shots


def test_conversations_keep_within_the_word_limit() -> None:
    for instance in instances(job("ee", settings=replace_settings(few_shot=1.0, max_words=300))):
        assert instance.shots == 0 or sum(len(message["content"].split()) for message in instance.messages) <= 300


def test_evaluation_instances_have_the_wanted_number_of_shots_and_one_format() -> None:
    built = instances(replace(job("ner"), split="test", shots=3, quota=10))
    assert len(built) == 10
    assert {(instance.shots, instance.format) for instance in built} == {(3, "parenthesis")}


def test_real_corpus_builds_whole_and_reads_back(shared_data) -> None:  # type: ignore[no-untyped-def]
    corpus = find_corpus("bc5cdr")
    built = instances(replace(job(corpus=corpus), root=shared_data))
    assert len(built) == 4560
    assert all(make_format(i.format, i.columns).parse(i.answer).rows == i.rows for i in built)


def test_a_bad_record_stops_the_build_or_is_counted(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "train.tsv").write_text("good\tO\n\nword\tB-Nonsense\n\nfine\tB-Chemical\n")
    corpus = replace(find_corpus("bc5cdr"), folder=str(tmp_path))
    plain = BuildSettings(na_share=None, few_shot=0.0)
    with pytest.raises(Exception, match=r"train\.tsv:3: .*unknown entity type 'Nonsense'"):
        lines(job(corpus=corpus, settings=plain))
    tally = Tally()
    assert len(b"".join(build(job(corpus=corpus, settings=plain, drop_bad=True), tally)).splitlines()) == 2
    assert [count for reason, count in tally.drops.items() if "Nonsense" in reason] == [1]
