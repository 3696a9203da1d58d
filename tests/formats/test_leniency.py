"""Reading what models really write: answers with something around, something missing, or something in excess."""

from __future__ import annotations

import json

import pytest

from adelie_ie.formats import ANSWER_MARK, Parsed, format_names, make_format
from adelie_ie.rows import Columns, label, mention

NER: Columns = (mention("entity"), label("type", ("drug", "effect")))
EVENT: Columns = (mention("event"), label("class"), mention("word", optional=True), label("role", optional=True))
ROWS = (("aspirin", "drug"), ("gastric bleeding", "effect"))
CHATTY = ("colon", "parenthesis", "angle", "pipe", "arrow", "bracket")


def parse(name: str, text: str, columns: Columns = NER) -> Parsed:
    return make_format(name, columns).parse(text)


def kinds(parsed: Parsed) -> list[str]:
    return [problem.kind for problem in parsed.problems]


@pytest.mark.parametrize("name", format_names())
@pytest.mark.parametrize(
    "wrapping",
    [
        "{}",
        "\n\n  {}  \n",
        "[answer]: {}",
        "[ANSWER]{}",
        "[ Answer ] :\n{}",
        "[Explanation]: The text names two: aspirin; bleeding.\n[Answer]: {}",
        "[Step-by-Step Explanation]: 1. The [Answer]: has a drug.\n2. Done.\n[Answer]: {}",
        "```\n{}\n```",
        "[Answer]:\n```json\n{}\n```",
        "Sure, here it is:\n[Answer]:\n```\n{}\n```\n",
    ],
)
def test_what_stands_around_an_answer_is_no_part_of_it(name: str, wrapping: str) -> None:
    text = make_format(name, NER).render(ROWS)
    assert parse(name, wrapping.replace("{}", text)) == parse(name, text)
    assert parse(name, text).rows == ROWS and not parse(name, text).problems


NOTHING = (
    "",
    " \n",
    "NA",
    "NA.",
    "N/A",
    "n/a.",
    "None",
    "none.",
    "Nothing",
    "null",
    "[]",
    "NA;",
    "```\nNA\n```",
    "```json\n[]\n```",
)


@pytest.mark.parametrize("name", format_names())
@pytest.mark.parametrize("text", NOTHING)
def test_an_answer_of_nothing_is_empty_and_readable(name: str, text: str) -> None:
    for answer in (text, ANSWER_MARK + text, f"[Explanation]: no drugs here.\n{ANSWER_MARK}{text}"):
        assert parse(name, answer) == Parsed(())


@pytest.mark.parametrize("name", format_names())
def test_prose_instead_of_an_answer_is_unreadable(name: str) -> None:
    parsed = parse(name, "I am sorry and cannot help with that")
    assert parsed.rows == () and kinds(parsed) == ["unreadable"] and not parsed.readable


@pytest.mark.parametrize("name", [*CHATTY, pytest.param("sentence")])
def test_a_missing_last_delimiter_costs_nothing(name: str) -> None:
    text = make_format(name, NER).render(ROWS)
    assert parse(name, text.rstrip(" ;,\n)>].")) == Parsed(ROWS)


@pytest.mark.parametrize("number", ["{}. ", "{}) ", "- ", "* ", "• "])
@pytest.mark.parametrize("name", [*CHATTY, "sentence"])
def test_a_list_with_numbers_or_bullets_is_read_line_by_line(name: str, number: str) -> None:
    fmt = make_format(name, NER)
    lines = [number.replace("{}", str(i)) + fmt.render((row,)) for i, row in enumerate(ROWS, 1)]
    assert fmt.parse("\n".join(lines)) == Parsed(ROWS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("colon", "aspirin:drug;gastric bleeding :effect"),
        ("arrow", "aspirin->drug\ngastric bleeding -> effect"),
        ("pipe", "aspirin|drug\r\ngastric bleeding|effect\r\n"),
        ("angle", "<aspirin, drug> <gastric bleeding,effect>"),
        ("bracket", "[aspirin/drug] [gastric bleeding / effect]"),
        ("parenthesis", "(aspirin;\n drug)\n(gastric bleeding; effect)"),
        ("parenthesis", "( aspirin ; drug )( gastric bleeding ; effect )"),
        pytest.param("parenthesis", "(aspirin; drug), (gastric bleeding; effect)"),
        pytest.param("parenthesis", "[(aspirin; drug); (gastric bleeding; effect)]"),
        pytest.param("bracket", "[aspirin / drug]; [gastric bleeding / effect]"),
        pytest.param("pipe", "| aspirin | drug |\n| gastric bleeding | effect |"),
    ],
)
def test_white_space_and_row_ends_may_differ(name: str, text: str) -> None:
    assert parse(name, text).rows == ROWS


@pytest.mark.parametrize(
    ("name", "text", "entity"),
    [
        ("parenthesis", "(Warfarin (Coumadin); drug); ", "Warfarin (Coumadin)"),
        ("parenthesis", "(Coumadin (warfarin) 5 mg (oral); drug)", "Coumadin (warfarin) 5 mg (oral)"),
        ("colon", "Warfarin (Coumadin): drug", "Warfarin (Coumadin)"),
        ("angle", "<p <0.05>, drug>", "p <0.05>"),
        ("bracket", "[vitamin [B12] / drug]", "vitamin [B12]"),
        ("colon", '"type 2: diabetes": drug', "type 2: diabetes"),
        ("table", "| entity | type |\n|---|---|\n| a \\| b (c) | drug |", "a | b (c)"),
    ],
)
def test_a_field_may_hold_the_brackets_of_its_row(name: str, text: str, entity: str) -> None:
    assert parse(name, text) == Parsed(((entity, "drug"),), header=("entity", "type") if name == "table" else None)


def test_an_unclosed_bracket_costs_its_own_row_only() -> None:
    parsed = parse("parenthesis", "(aspirin; drug); (gastric bleeding")
    assert parsed.rows == ROWS[:1] and kinds(parsed) == ["unreadable"]


def test_an_unterminated_quote_is_part_of_the_field() -> None:
    assert parse("parenthesis", '("aspirin; drug)').rows == (('"aspirin', "drug"),)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("parenthesis", "(aspirin; drug); (bleeding)"),
        ("colon", "aspirin: drug; bleeding"),
        ("pipe", "aspirin | drug\nbleeding"),
    ],
)
def test_a_row_with_too_few_fields_is_left_out_and_told(name: str, text: str) -> None:
    parsed = parse(name, text)
    assert parsed.rows == ROWS[:1]
    assert [(problem.kind, problem.excerpt) for problem in parsed.problems] == [("unreadable", "bleeding")]


@pytest.mark.parametrize(
    ("name", "text"), [("parenthesis", "(aspirin; )"), ("colon", "Here are the entities:\naspirin: drug")]
)
def test_a_field_left_empty_that_its_column_needs_is_missing(name: str, text: str) -> None:
    assert "missing field" in kinds(parse(name, text))


@pytest.mark.parametrize(
    ("name", "text", "row"),
    [
        ("parenthesis", "(aspirin; drug; 5 mg)", ("aspirin", "drug")),
        ("angle", "<aspirin, drug, 5 mg, daily>", ("aspirin", "drug")),
        ("colon", "type 2: diabetes: effect", ("type 2: diabetes", "effect")),
        ("pipe", "a | b | drug", ("a | b", "drug")),
    ],
)
def test_a_row_with_too_many_fields_is_kept_and_told(name: str, text: str, row: tuple[str, str]) -> None:
    parsed = parse(name, text)
    assert parsed.rows == (row,) and kinds(parsed) == ["extra field"]


@pytest.mark.parametrize("tail", ["", "; ", "; ; "])
def test_optional_fields_may_be_left_out(tail: str) -> None:
    assert parse("parenthesis", f"(attack; war{tail})", EVENT) == Parsed((("attack", "war", "", ""),))


RECORDS = [{"entity": entity, "type": kind} for entity, kind in ROWS]
COMPACT = json.dumps(RECORDS)


@pytest.mark.parametrize(
    "text",
    [
        COMPACT,
        json.dumps(RECORDS, indent=4),
        json.dumps(RECORDS, separators=(",", ":")),
        json.dumps([{"type": kind, "entity": entity, "note": 1} for entity, kind in ROWS]),
        json.dumps({"entities": RECORDS}),
        json.dumps({"entities": RECORDS}, indent=2),
        pytest.param(json.dumps({"entities": RECORDS, "count": 2})),
    ],
)
def test_whole_json_is_read_however_it_is_laid_out(text: str) -> None:
    assert parse("json", text) == Parsed(ROWS)


@pytest.mark.parametrize(
    "text",
    [
        COMPACT + "\nI hope this helps!",
        "Here you are: " + COMPACT,
        COMPACT[:-1],
        COMPACT[:-1] + ', {"entity": "nau',
        json.dumps({"entities": RECORDS}, indent=2)[:-4],
        "\n".join(map(json.dumps, RECORDS)),
    ],
)
def test_of_broken_json_every_whole_object_is_read_and_it_is_told(text: str) -> None:
    parsed = parse("json", text)
    assert parsed.rows == ROWS and kinds(parsed) == ["truncated"]


def test_json_cut_anywhere_gives_only_rows_of_the_whole() -> None:
    for cut in range(1, len(COMPACT)):
        parsed = parse("json", COMPACT[:cut])
        whole = COMPACT[:cut].count("}")
        assert parsed.rows == ROWS[:whole], cut
        assert parsed.problems, cut


def test_a_json_record_without_a_needed_field_is_left_out_and_told() -> None:
    parsed = parse(
        "json",
        '[{"entity": "x"}, {"entity": "aspirin", "type": "drug"}, ["y", "drug"], {"entity": null, "type": "drug"}]',
    )
    assert parsed.rows == ROWS[:1] and kinds(parsed) == ["missing field"] * 3


def test_json_values_that_are_no_text_are_read_as_they_are_written() -> None:
    assert parse("json", '[{"entity": 5, "type": ["drug"]}]').rows == (("5", '["drug"]'),)


def test_optional_json_fields_may_be_absent_or_null() -> None:
    text = '[{"event": "attack", "class": "war"}, {"event": "raid", "class": "war", "word": null, "role": ""}]'
    assert parse("json", text, EVENT) == Parsed((("attack", "war", "", ""), ("raid", "war", "", "")))


TABLE = "| entity | type |\n| --- | --- |\n| aspirin | drug |\n| gastric bleeding | effect |"


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.replace("\n", "\r\n"),
        TABLE.replace(" ", ""),
        TABLE.replace("---", ":-:"),
        TABLE.replace("entity", "Entity").replace("type", "TYPE"),
        "Here is the table:\n\n" + TABLE,
        "type | entity\n--- | ---\ndrug | aspirin\neffect | gastric bleeding",
        "| type | entity |\n|---|---|\n| drug | aspirin |\n| effect | gastric bleeding |",
        "| no | type | entity |\n|---|---|---|\n| 1 | drug | aspirin |\n| 2 | effect | gastric bleeding |",
        "| aspirin | drug |\n| gastric bleeding | effect |",
        "aspirin | drug\ngastric bleeding | effect",
        pytest.param("| entity | type |\n| aspirin | drug |\n| gastric bleeding | effect |"),
    ],
)
def test_a_table_is_read_by_its_header_with_or_without_outer_pipes_and_rule(text: str) -> None:
    parsed = parse("table", text.replace("gastricbleeding", "gastric bleeding"))
    assert parsed.rows == ROWS and not parsed.problems


def test_a_table_with_other_names_is_read_by_place_and_told() -> None:
    parsed = parse("table", TABLE.replace("entity", "name").replace("type", "kind"))
    assert parsed.rows == ROWS and parsed.header == ("name", "kind") and kinds(parsed) == ["wrong header"]


def test_a_table_line_with_too_few_or_too_many_cells_is_told() -> None:
    parsed = parse("table", TABLE + "\n| a |\n| b | drug | c |\n\nDone.")
    assert parsed.rows == (*ROWS, ("a", ""), ("b", "drug"))
    assert kinds(parsed) == ["missing field", "extra field", "unreadable"]


def test_a_table_with_a_header_alone_is_empty_and_readable() -> None:
    parsed = parse("table", "| entity | type |\n|---|---|")
    assert parsed.rows == () and parsed.readable


def test_text_between_sentences_is_told_and_costs_no_row() -> None:
    first, second = (make_format("sentence", NER).render((row,)) for row in ROWS)
    parsed = parse("sentence", f"We find: {first} Moreover, {second} That is all.")
    assert parsed.rows == ROWS and kinds(parsed) == ["unreadable"] * 3
