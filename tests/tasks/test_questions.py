"""Tasks: what each of the nine asks of a small document, to the letter."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adelie_ie.document import (
    Argument,
    Document,
    Entity,
    Event,
    EventRelation,
    OpenTuple,
    Relation,
    Table,
)
from adelie_ie.rows import ColumnKind
from adelie_ie.schema import Schema
from adelie_ie.tasks import Question, find_task, tasks
from adelie_ie.tasks.question import mark

SCHEMA = Schema.model_validate(
    {
        "name": "crime",
        "entities": {"person": "A human being.", "city": "", "object": ""},
        "relations": {
            "lives in": {"definition": "The home of somebody.", "head": ["person"], "tail": ["city"]},
            "mayor of": {"head": ["person"], "tail": ["city"]},
        },
        "events": {
            "theft": {"definition": "Taking without asking.", "roles": ["Thief", "Goods"]},
            "arrest": {"roles": ["Suspect", "Goods"]},
            "rain": {},
        },
        "event_relations": {"before": "The first is earlier.", "causes": ""},
    }
)
TEXT = "Ana of Graz stole a ring; she was arrested as it rained."
#       0   4  7    12    18     26      34          46 49
ANA, GRAZ = Entity("T1", "person", 0, 3, "Ana"), Entity("T2", "city", 7, 11, "Graz")
RING = Entity("T3", "object", 18, 24, "a ring")
THEFT = Event("E1", "theft", 12, 17, "stole", (Argument("Goods", 18, 24, "a ring"), Argument("Thief", 0, 3, "Ana")))
ARREST = Event("E2", "arrest", 34, 42, "arrested")
RAIN = Event("E3", "rain", 49, 55, "rained")


def ask(task: str, **layers: object) -> list[Question]:
    document = Document("d1", layers.pop("text", TEXT), **layers)  # type: ignore[arg-type]
    assert list(document.problems(SCHEMA)) == []
    return list(find_task(task).questions(document, SCHEMA))


def ask_one(task: str, **layers: object) -> Question:
    (question,) = ask(task, **layers)
    assert question.document == "d1" and question.source == layers.get("text", TEXT) and question.schema == "crime"
    return question


def shape(question: Question) -> list[tuple[str, str, tuple[str, ...], bool]]:
    return [(column.name, column.kind.value, column.labels, column.optional) for column in question.columns]


def test_there_are_nine_tasks() -> None:
    assert sorted(tasks()) == ["eae", "ed", "ee", "ere", "ner", "odie", "openie", "rc", "re"]
    assert all(task.name == name and find_task(name) is task for name, task in tasks().items())


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(KeyError):
        find_task("summary")


def test_ner_asks_for_every_mention_in_the_order_of_the_text() -> None:
    twice = Entity("T4", "person", 26, 29, "she")
    nested = Entity("T5", "person", 0, 11, "Ana of Graz")
    question = ask_one("ner", entities=(twice, RING, nested, GRAZ, ANA))
    assert question.id == "ner/d1"
    assert (question.text, question.focus) == (TEXT, ())
    assert question.rows == (
        ("Ana", "person"),
        ("Ana of Graz", "person"),
        ("Graz", "city"),
        ("a ring", "object"),
        ("she", "person"),
    )
    assert shape(question) == [("entity", "mention", (), False), ("type", "label", ("person", "city", "object"), False)]
    assert [tuple(choices) for choices in question.choices] == [
        ("Entity types", (("person", "A human being.", ()), ("city", "", ()), ("object", "", ())))
    ]


def test_ner_gives_a_mention_that_occurs_twice_two_rows() -> None:
    text = "Ana met Ana"
    entities = (Entity("T1", "person", 0, 3, "Ana"), Entity("T2", "person", 8, 11, "Ana"))
    assert ask_one("ner", text=text, entities=entities).rows == (("Ana", "person"), ("Ana", "person"))


def test_rc_asks_about_a_related_pair_with_both_ends_marked() -> None:
    question = ask_one("rc", entities=(ANA, GRAZ), relations=(Relation("T1", "lives in", "T2"),))
    assert question.id == "rc/d1/1"
    assert question.text == (
        "<entity> Ana </entity> of <entity> Graz </entity> stole a ring; she was arrested as it rained."
    )
    assert question.focus == ("First entity: Ana", "Second entity: Graz")
    assert question.rows == (("Ana", "lives in", "Graz"),)
    assert shape(question) == [
        ("subject", "mention", (), False),
        ("relation", "label", ("lives in", "mayor of"), False),
        ("object", "mention", (), False),
    ]
    assert question.choices[0].labels == (("lives in", "The home of somebody.", ()), ("mayor of", "", ()))


def test_rc_names_the_pair_in_the_order_of_the_text_and_the_row_in_the_direction_of_the_relation() -> None:
    text = "Graz elected Ana"
    entities = (Entity("T1", "person", 13, 16, "Ana"), Entity("T2", "city", 0, 4, "Graz"))
    question = ask_one("rc", text=text, entities=entities, relations=(Relation("T1", "mayor of", "T2"),))
    assert question.text == "<entity> Graz </entity> elected <entity> Ana </entity>"
    assert question.focus == ("First entity: Graz", "Second entity: Ana")
    assert question.rows == (("Ana", "mayor of", "Graz"),)


def test_rc_asks_once_about_a_pair_with_two_relations() -> None:
    both = (Relation("T1", "mayor of", "T2"), Relation("T1", "lives in", "T2"))
    assert ask_one("rc", entities=(ANA, GRAZ), relations=both).rows == (
        ("Ana", "mayor of", "Graz"),
        ("Ana", "lives in", "Graz"),
    )


def test_rc_asks_about_the_first_unrelated_pair_that_a_relation_could_join() -> None:
    graz_again = Entity("T4", "city", 34, 42, "arrested")
    questions = ask("rc", entities=(RING, graz_again, GRAZ, ANA), relations=(Relation("T1", "lives in", "T2"),))
    assert [(question.id, question.focus, question.rows) for question in questions] == [
        ("rc/d1/1", ("First entity: Ana", "Second entity: Graz"), (("Ana", "lives in", "Graz"),)),
        ("rc/d1/2", ("First entity: Ana", "Second entity: arrested"), ()),
    ]


def test_rc_asks_nothing_where_no_relation_is_possible() -> None:
    overlapping = Entity("T4", "city", 0, 11, "Ana of Graz")
    assert ask("rc", entities=()) == ask("rc", entities=(ANA,)) == ask("rc", entities=(ANA, RING)) == []
    assert ask("rc", entities=(ANA, overlapping)) == []


def test_re_asks_for_all_relations_in_the_order_of_their_subjects_then_objects() -> None:
    graz = Entity("T4", "city", 49, 55, "rained")
    she = Entity("T5", "person", 26, 29, "she")
    found = (Relation("T5", "lives in", "T2"), Relation("T1", "mayor of", "T4"), Relation("T1", "lives in", "T2"))
    question = ask_one("re", entities=(ANA, GRAZ, RING, graz, she), relations=found)
    assert (question.id, question.text, question.focus) == ("re/d1", TEXT, ())
    assert question.rows == (
        ("Ana", "lives in", "Graz"),
        ("Ana", "mayor of", "rained"),
        ("she", "lives in", "Graz"),
    )
    assert [name for name, *_ in shape(question)] == ["subject", "relation", "object"]


def test_ed_asks_for_triggers_with_their_classes_without_roles() -> None:
    also = Event("E4", "arrest", 12, 17, "stole")
    question = ask_one("ed", events=(RAIN, ARREST, THEFT, also))
    assert (question.id, question.text, question.focus) == ("ed/d1", TEXT, ())
    assert question.rows == (("stole", "theft"), ("stole", "arrest"), ("arrested", "arrest"), ("rained", "rain"))
    assert shape(question) == [("event", "mention", (), False), ("class", "label", ("theft", "arrest", "rain"), False)]
    assert [tuple(choices) for choices in question.choices] == [
        ("Event classes", (("theft", "Taking without asking.", ()), ("arrest", "", ()), ("rain", "", ())))
    ]


def test_eae_asks_about_each_event_with_roles_and_marks_it() -> None:
    questions = ask("eae", events=(ARREST, THEFT))
    assert [question.id for question in questions] == ["eae/d1/1", "eae/d1/2"]
    theft, arrest = questions
    assert theft.text == "Ana of Graz <event> stole </event> a ring; she was arrested as it rained."
    assert theft.source == TEXT
    assert theft.focus == ("Event: stole (theft)", "Roles: Thief, Goods")
    assert theft.rows == (("Ana", "Thief"), ("a ring", "Goods"))
    assert shape(theft) == [("word", "mention", (), False), ("role", "label", ("Thief", "Goods"), False)]
    assert arrest.text == "Ana of Graz stole a ring; she was <event> arrested </event> as it rained."
    assert arrest.focus == ("Event: arrested (arrest)", "Roles: Suspect, Goods")
    assert arrest.rows == ()


def test_eae_asks_nothing_about_a_class_without_roles() -> None:
    assert ask("eae", events=(RAIN,)) == []


def test_ee_gives_a_row_per_argument_and_an_open_row_to_an_event_without() -> None:
    question = ask_one("ee", events=(ARREST, THEFT))
    assert (question.id, question.text, question.focus) == ("ee/d1", TEXT, ())
    assert question.rows == (
        ("stole", "theft", "Ana", "Thief"),
        ("stole", "theft", "a ring", "Goods"),
        ("arrested", "arrest", "", ""),
    )
    assert shape(question) == [
        ("event", "mention", (), False),
        ("class", "label", ("theft", "arrest", "rain"), False),
        ("word", "mention", (), True),
        ("role", "label", ("Thief", "Goods", "Suspect"), True),
    ]
    assert question.choices[0].labels[0] == ("theft", "Taking without asking.", ("Thief", "Goods"))


def test_ere_asks_about_each_annotated_pair_in_the_direction_of_the_annotation() -> None:
    related = (
        EventRelation("E2", "causes", "E1"),
        EventRelation("E1", "before", "E2"),
        EventRelation("E1", "causes", "E2"),
    )
    questions = ask("ere", events=(THEFT, ARREST, RAIN), event_relations=related)
    assert [question.id for question in questions] == ["ere/d1/1", "ere/d1/2"]
    marked = "Ana of Graz <event> stole </event> a ring; she was <event> arrested </event> as it rained."
    assert [question.text for question in questions] == [marked, marked]
    assert [question.focus for question in questions] == [
        ("First event: arrested", "Second event: stole"),
        ("First event: stole", "Second event: arrested"),
    ]
    assert questions[0].rows == (("arrested", "causes", "stole"),)
    assert questions[1].rows == (("stole", "before", "arrested"), ("stole", "causes", "arrested"))
    assert shape(questions[0]) == [
        ("first event", "mention", (), False),
        ("relation", "label", ("before", "causes"), False),
        ("second event", "mention", (), False),
    ]


def test_openie_asks_for_five_columns_with_no_labels() -> None:
    facts = (OpenTuple("stole", "Ana of Graz", "a ring"), OpenTuple("rained", "it", time="then", location="there"))
    question = ask_one("openie", tuples=facts)
    assert (question.id, question.text, question.focus, question.choices) == ("openie/d1", TEXT, (), ())
    assert question.rows == (("stole", "Ana of Graz", "a ring", "", ""), ("rained", "it", "", "then", "there"))
    assert [(column.name, column.optional) for column in question.columns] == [
        ("predicate", False),
        ("subject", False),
        ("object", True),
        ("time", True),
        ("location", True),
    ]


def test_odie_asks_for_the_columns_of_each_request_as_a_table() -> None:
    tables = (
        Table("Who stole what?", ("who", "what"), (("Ana", "a ring"),)),
        Table("List the cities.", ("city",), (("Graz",), ("",))),
    )
    first, second = ask("odie", tables=tables)
    assert (first.id, first.text, first.choices) == ("odie/d1/1", TEXT, ())
    assert first.focus == ("Request: Who stole what?", "Columns: who | what")
    assert first.rows == (("Ana", "a ring"),)
    assert [(column.name, column.kind) for column in first.columns] == [
        ("who", ColumnKind.FREE),
        ("what", ColumnKind.FREE),
    ]
    assert (second.id, second.focus) == ("odie/d1/2", ("Request: List the cities.", "Columns: city"))
    assert second.rows == (("Graz",), ("",))
    assert find_task("odie").formats == ("table",)


@pytest.mark.parametrize("task", ["ner", "re", "ed", "ee"])
def test_a_document_with_nothing_to_find_is_still_asked_about(task: str) -> None:
    question = ask_one(task)
    assert question.rows == () and question.text == TEXT and question.columns


@pytest.mark.parametrize("task", ["rc", "eae", "ere", "openie", "odie"])
def test_a_document_with_nothing_to_ask_about_gives_no_question(task: str) -> None:
    assert ask(task) == []


@pytest.mark.parametrize(
    ("text", "spans", "marked"),
    [
        ("abc", [(1, 2)], "a<e> b </e>c"),
        ("abc", [(0, 3)], "<e> abc </e>"),
        ("ab", [(0, 1), (1, 2)], "<e> a </e><e> b </e>"),
        ("ab", [(1, 2), (0, 1)], "<e> a </e><e> b </e>"),
        ("New York", [(0, 8), (4, 8)], "<e> New <e> York </e> </e>"),
        ("New York", [(0, 3), (0, 8)], "<e> <e> New </e> York </e>"),
        ("abc", [(0, 3), (1, 2)], "<e> a<e> b </e>c </e>"),
        ("a", [(0, 1), (0, 1)], "<e> <e> a </e> </e>"),
        ("é😀中", [(1, 2)], "é<e> 😀 </e>中"),
    ],
)
def test_marks_stand_right_around_spans_that_touch_or_nest(
    text: str, spans: list[tuple[int, int]], marked: str
) -> None:
    assert mark(text, spans, "e") == marked


@given(st.text(max_size=8), st.sets(st.integers(0, 8), min_size=2))
def test_marks_of_touching_spans_come_out_whole_and_leave_the_text(text: str, cuts: set[int]) -> None:
    spans = [(a, b) for a, b in pairwise(sorted(cuts)) if b <= len(text)]
    pieces = mark(text.replace("<", "("), spans, "e").split("<e> ")
    assert [piece.split(" </e>")[0] for piece in pieces[1:]] == [text.replace("<", "(")[a:b] for a, b in spans]
    assert "".join(pieces).replace(" </e>", "") == text.replace("<", "(")
