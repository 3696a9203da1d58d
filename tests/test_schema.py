"""Schemas: written and read back, in their short forms, from pydantic, and refused with the place of the mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from adelie_ie.errors import InputError
from adelie_ie.schema import EntityType, EventRelationType, EventType, RelationType, Role, Schema

# PyYAML reads fewer characters than there are: those are the subject of a test of their own.
SHOWN = st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\x85")
TEXT = st.text(SHOWN, max_size=15)


@st.composite
def schemas(draw: st.DrawFn, text: st.SearchStrategy[str] = TEXT) -> Schema:
    entity_types = draw(st.lists(text, unique=True, max_size=3))
    some_types = st.lists(st.sampled_from(entity_types), max_size=2).map(tuple) if entity_types else st.just(())
    texts = st.lists(text, max_size=2).map(tuple)
    facts = {"definition": text, "aliases": texts, "examples": texts}
    roles = st.dictionaries(text, st.builds(Role, types=some_types, **facts), max_size=2)
    relation = st.builds(RelationType, head=some_types, tail=some_types, symmetric=st.booleans(), **facts)
    pairs = draw(st.lists(text, unique=True, max_size=2))
    inverse = st.sampled_from([None, *pairs])
    return Schema(
        name=draw(text),
        entities={name: draw(st.builds(EntityType, **facts)) for name in entity_types},
        relations=draw(st.dictionaries(text, relation, max_size=2)),
        events=draw(st.dictionaries(text, st.builds(EventType, roles=roles, **facts), max_size=2)),
        event_relations={name: draw(st.builds(EventRelationType, inverse=inverse, **facts)) for name in pairs},
    )


def same(read: Schema, written: Schema) -> bool:
    """Equal, and with the labels in the same order (prompts list them in it)."""
    return read == written and json.dumps(read.model_dump()) == json.dumps(written.model_dump())


def file(folder: Path, content: str | bytes, name: str = "schema.yaml") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_load_inverts_save(tmp_path_factory: pytest.TempPathFactory, suffix: str) -> None:
    path = tmp_path_factory.mktemp("schema") / f"schema.{suffix}"
    text = TEXT if suffix == "yaml" else st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=15)

    @settings(max_examples=300)
    @given(schemas(text))
    def holds(schema: Schema) -> None:
        schema.save(path)
        assert same(Schema.load(path), schema)

    holds()


@pytest.mark.parametrize(
    ("suffix", "character"),
    [
        ("yaml", "\x7f"),
        ("yaml", "\u2028"),
        ("yaml", "\uffff"),
        ("json", "\u2028"),
        pytest.param("yaml", "\x85"),
        pytest.param("json", "\x7f"),
        pytest.param("json", "\x85"),
        pytest.param("json", "\uffff"),
    ],
    ids=ascii,
)
def test_a_saved_schema_keeps_every_character(tmp_path: Path, suffix: str, character: str) -> None:
    schema = Schema(name=f"a{character}b")
    schema.save(tmp_path / f"schema.{suffix}")
    assert Schema.load(tmp_path / f"schema.{suffix}") == schema


@pytest.mark.parametrize(
    "content",
    [json.dumps({"name": "😀"}), json.dumps({"name": "😀"}, ensure_ascii=False, indent="\t")],
    ids=["escaped beyond the BMP", "indented with tabs"],
)
def test_json_as_other_programs_write_it_is_read(tmp_path: Path, content: str) -> None:
    read = Schema.load(file(tmp_path, content, "schema.json")).name
    assert ascii(read) == ascii("😀")  # lone surrogates in a message would stop pytest-xdist


def test_short_forms_mean_the_long_form(tmp_path: Path) -> None:
    short = """
        entities: [drug, effect]
        relations: {causes: The first brings the second about., treats: }
        events:
          adverse event: {roles: [Drug, Effect]}
          recovery: {roles: {Patient: Who gets well., Drug: {types: [drug]}}}
          other:
        event_relations:
    """
    assert Schema.load(file(tmp_path, short)) == Schema(
        entities={"drug": EntityType(), "effect": EntityType()},
        relations={"causes": RelationType(definition="The first brings the second about."), "treats": RelationType()},
        events={
            "adverse event": EventType(roles={"Drug": Role(), "Effect": Role()}),
            "recovery": EventType(roles={"Patient": Role(definition="Who gets well."), "Drug": Role(types=("drug",))}),
            "other": EventType(),
        },
    )


def test_labels_keep_the_order_of_the_file(tmp_path: Path) -> None:
    assert list(Schema.load(file(tmp_path, "entities: {z: , a: , m: }")).entities) == ["z", "a", "m"]


MISTAKES = {
    "entities: {drug: {defn: x}}": "entities.drug.defn",
    "entities: {drug: {definition: 3}}": "entities.drug.definition",
    "entities: {drug: [x]}": "entities.drug",
    "entities: 3": "entities",
    "labels: [drug]": "labels",
    "entities: [drug]\nrelations: {treats: {head: [drugs]}}": "relations.treats.head: unknown entity type 'drugs'",
    "entities: [drug]\nrelations: {treats: {tail: drug}}": "relations.treats.tail",
    "events: {death: {roles: {Who: {types: [person]}}}}": "events.death.roles.Who.types: unknown entity type 'person'",
    "events: {death: {roles: 3}}": "events.death.roles",
    "event_relations: {before: {inverse: after}}": "event_relations.before.inverse: unknown label 'after'",
}
CRASHES = {
    "events: death": "events",
    "entities:\n  - drug: A medicine.": "entities",
    "events: {death: {roles: [{Who: The victim.}]}}": "events.death.roles",
}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        *MISTAKES.items(),
        *(pytest.param(*crash) for crash in CRASHES.items()),
    ],
)
def test_an_error_names_the_file_and_the_key(tmp_path: Path, content: str, place: str) -> None:
    path = file(tmp_path, content)
    with pytest.raises(InputError) as caught:
        Schema.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"entities: [drug", b"name: caf\xe9 noir", b"", b"- drug", b"drug"])
def test_a_file_that_holds_no_schema_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = file(tmp_path, content)
    with pytest.raises(InputError) as caught:
        Schema.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such schema file"):
        Schema.load(tmp_path / "none.yaml")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Schema.load(tmp_path)


def test_fields_of_text_become_entity_types() -> None:
    class Report(BaseModel):
        drug: str
        side_effect: list[str] = Field(description="What the drug does besides.")
        patient: str | None = None
        dose: list[str] | None = None

    schema = Schema.from_pydantic(Report)
    assert schema.name == "Report"
    assert list(schema.entities) == ["drug", "side effect", "patient", "dose"]
    assert schema.entities["side effect"].definition == "What the drug does besides."
    assert not schema.relations and not schema.events


@pytest.mark.parametrize("ends", [("head", "tail"), ("subject", "object")])
def test_a_model_of_two_ends_becomes_a_relation(ends: tuple[str, str]) -> None:
    pair = type(
        "Pair", (BaseModel,), {"__annotations__": dict.fromkeys(ends, str), "__doc__": "One  treats\n the other."}
    )
    report = type("Report", (BaseModel,), {"__annotations__": {"treated_with": list[pair]}})  # type: ignore[valid-type]
    schema = Schema.from_pydantic(report)
    assert schema.relations == {"treated with": RelationType(definition="One treats the other.")}
    assert not schema.entities and not schema.events


def test_any_other_model_becomes_an_event_with_its_fields_as_roles() -> None:
    class Attack(BaseModel):
        """Somebody harms somebody."""

        trigger: str
        attacker: str = Field(description="Who does it.")
        home_town: list[str]

    class Report(BaseModel):
        attack: list[Attack]
        raid: Attack | None = Field(None, description="A sudden attack.")

    roles = {"attacker": Role(definition="Who does it."), "home town": Role()}
    assert Schema.from_pydantic(Report).events == {
        "attack": EventType(definition="Somebody harms somebody.", roles=roles),
        "raid": EventType(definition="A sudden attack.", roles=roles),
    }


@pytest.mark.parametrize(
    "annotation",
    [
        int,
        list[float],
        dict,
        pytest.param(dict[str, int]),
        pytest.param(str | int),
    ],
    ids=str,
)
def test_a_field_that_is_neither_text_nor_a_model_is_refused_by_name(annotation: object) -> None:
    model = type("Report", (BaseModel,), {"__annotations__": {"dose": annotation}})
    with pytest.raises(InputError, match=r"Report\.dose"):
        Schema.from_pydantic(model)


def valid(value: object, rule: dict) -> bool:  # type: ignore[type-arg]
    """The part of JSON Schema that answers need, checked by hand."""
    if "const" in rule:
        return value == rule["const"]
    if "enum" in rule:
        return value in rule["enum"]
    if "anyOf" in rule:
        return any(valid(value, variant) for variant in rule["anyOf"])
    if rule["type"] == "string":
        return isinstance(value, str)
    if rule["type"] == "array":
        return isinstance(value, list) and all(valid(item, rule["items"]) for item in value)
    assert rule["type"] == "object" and rule["additionalProperties"] is False
    if not isinstance(value, dict) or set(value) - set(rule["properties"]) or set(rule["required"]) - set(value):
        return False
    return all(valid(item, rule["properties"][key]) for key, item in value.items())


EVERYTHING = Schema.model_validate(
    {
        "name": "everything",
        "entities": ["drug", "effect"],
        "relations": ["causes"],
        "events": {"death": {"roles": ["Victim"]}, "rain": {}},
        "event_relations": ["before"],
    }
)
GOOD = {
    "entities": [{"entity": "aspirin", "type": "drug"}],
    "relations": [{"subject": "aspirin", "relation": "causes", "object": "bleeding"}],
    "events": [
        {"event": "died", "class": "death", "arguments": [{"word": "the man", "role": "Victim"}]},
        {"event": "rained", "class": "rain"},
    ],
    "event_relations": [{"first event": "rained", "relation": "before", "second event": "died"}],
}
BAD = {
    "unknown type": {**GOOD, "entities": [{"entity": "aspirin", "type": "medicine"}]},
    "missing field": {**GOOD, "entities": [{"entity": "aspirin"}]},
    "unknown field": {**GOOD, "entities": [{"entity": "aspirin", "type": "drug", "note": "x"}]},
    "role of no class": {**GOOD, "events": [{"event": "rained", "class": "rain", "arguments": []}]},
    "unknown role": {
        **GOOD,
        "events": [{"event": "died", "class": "death", "arguments": [{"word": "he", "role": "Agent"}]}],
    },
    "missing section": {key: value for key, value in GOOD.items() if key != "relations"},
    "unknown relation": {**GOOD, "event_relations": [{"first event": "a", "relation": "x", "second event": "b"}]},
    "text for a list": {**GOOD, "relations": "none"},
}


def test_the_json_schema_accepts_a_good_answer_and_empty_lists() -> None:
    rule = json.loads(json.dumps(EVERYTHING.to_json_schema()))
    assert rule["title"] == "everything"
    assert valid(GOOD, rule)
    assert valid({key: [] for key in GOOD}, rule)


@pytest.mark.parametrize("mistake", BAD)
def test_the_json_schema_refuses_a_bad_answer(mistake: str) -> None:
    assert not valid(BAD[mistake], EVERYTHING.to_json_schema())


def test_the_json_schema_asks_only_for_the_sections_there_are() -> None:
    assert set(Schema(entities={"drug": EntityType()}).to_json_schema()["properties"]) == {"entities"}
