"""Recipes: what is wrong is said with its path, and changes from the command line land where they should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adelie_ie.errors import InputError
from adelie_ie.recipe import load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_by_each_of_its_names(name: str) -> None:
    assert load_recipe(name).name == load_recipe(f"recipes/{name}.yaml").name == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sft.epoch=2", r"sft\.epoch: unknown key \(did you mean 'epochs'\?\)"),
        ("sft.learning_rate=fast", r"sft\.learning_rate: .*\(found 'fast'\)"),
        ("sft.batch=7", r"sft: batch \(7\) must be a multiple of micro_batch"),
        ("corpora.0.tasks=[nerr]", r"corpora\.0\.tasks: unknown task 'nerr'"),
        ("build.test_format=xml", r"unknown format 'xml'"),
        ("corpora.9.train=1", r"there is no place 'corpora\.9\.train'"),
        ("sft.epochs", r"expected  path\.to\.key=value"),
    ],
)
def test_a_bad_setting_is_an_error_with_its_path(change: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_recipe("quickstart", [change])


def test_set_changes_values_lists_and_nested_mappings() -> None:
    recipe = load_recipe("quickstart", ["corpora.0.train=5", "sft.lora.rank=4", "data.root=/data", "sft.epochs=0.5"])
    assert recipe.corpora[0].train == 5 and recipe.sft.epochs == 0.5
    assert recipe.sft.lora is not None and recipe.sft.lora.rank == 4
    assert recipe.data.root == "/data"


def test_a_missing_recipe_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no such recipe; .*quickstart"):
        load_recipe("no-such-recipe")


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: [unclosed")
    with pytest.raises(InputError, match=r"r\.yaml: not YAML"):
        load_recipe(str(path))


def test_a_corpus_without_the_wanted_annotation_is_refused() -> None:
    recipe = load_recipe("real-small", ["corpora.0.tasks=[re]"])
    with pytest.raises(InputError, match="'bc5cdr' has no annotation for 're'"):
        recipe.corpora[0].corpus()


def test_a_users_own_corpus_needs_no_registration(tmp_path: Path) -> None:
    (tmp_path / "schema.yaml").write_text("name: mine\nentities: [gadget]\n")
    entity = {"id": "E1", "type": "gadget", "start": 2, "end": 6, "text": "lamp"}
    entry = json.dumps({"id": "1", "text": "A lamp.", "entities": [entity]})
    (tmp_path / "train.jsonl").write_text(entry + "\n")
    recipe = load_recipe("quickstart", [f"corpora=[{{name: mine, path: {tmp_path}, tasks: [ner]}}]"])
    assert [document.entities[0].text for document in recipe.corpora[0].corpus().read("train")] == ["lamp"]
