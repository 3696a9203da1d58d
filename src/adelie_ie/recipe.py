"""Recipes: one YAML file says everything about a run; an unknown key or a bad value is an error with its path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from adelie_ie.corpora import Corpus, find_corpus
from adelie_ie.corpora.jsonl import jsonl_corpus
from adelie_ie.errors import InputError
from adelie_ie.evaluate.settings import EvaluateSettings
from adelie_ie.feedback.settings import PairSettings, SampleSettings
from adelie_ie.instruct.settings import BuildSettings
from adelie_ie.mixture.mix import MixSettings
from adelie_ie.schema import Schema
from adelie_ie.tasks import tasks
from adelie_ie.train.settings import DpoSettings, SftSettings

Quota = Annotated[int, Field(ge=0)]


class CorpusEntry(BaseModel):
    """A corpus of a run.

    Attributes:
        name: a registered corpus, or any name for one's own.
        tasks: which tasks; empty: all that the corpus supports.
        train, test: the most instances per task (or a mapping task -> most); null: all; 0: none.
        path: for one's own corpus: a folder with ``train.jsonl``, ``test.jsonl`` and ``schema.yaml``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    tasks: tuple[str, ...] = ()
    train: Quota | dict[str, Quota] | None = None
    test: Quota | dict[str, Quota] | None = None
    path: str | None = None

    @field_validator("tasks")
    @classmethod
    def _known_tasks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in tasks():
                raise ValueError(f"unknown task {name!r}; there are: {', '.join(tasks())}")
        return value

    def quota(self, split: str, task: str) -> int | None:
        """The most instances of a task in ``train`` or ``test``."""
        wanted = self.train if split == "train" else self.test
        return wanted.get(task) if isinstance(wanted, dict) else wanted

    def corpus(self) -> Corpus:
        """The corpus itself.

        Raises:
            InputError: unknown name, missing schema, or a task that its annotation does not support.
        """
        if self.path is None:
            corpus = find_corpus(self.name)
        else:
            schema = Schema.load(Path(self.path) / "schema.yaml")
            folder = Path(self.path).resolve()
            splits = {"train": "train.jsonl", "test": "test.jsonl"}
            corpus = jsonl_corpus(self.name, folder, splits, {schema.name: schema}, self.tasks or tuple(tasks()))
        for task in self.tasks:
            if task not in corpus.tasks:
                raise InputError(
                    f"corpus {self.name!r} has no annotation for {task!r}; it has: {', '.join(corpus.tasks)}"
                )
        return corpus


class DataSettings(BaseModel):
    """Where data are and how they are read.

    Attributes:
        root: the folder that holds the corpora's folders.
        bad_records: ``stop`` at the first bad record, or ``drop`` (and count) them.
        workers: processes that build instances.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: str | None = None
    bad_records: Annotated[str, Field(pattern="^(stop|drop)$")] = "stop"
    workers: Annotated[int, Field(ge=1)] = 1


class Recipe(BaseModel):
    """Everything about a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    seed: int = 1
    model: str
    data: DataSettings = DataSettings()
    corpora: Annotated[tuple[CorpusEntry, ...], Field(min_length=1)]
    build: BuildSettings = BuildSettings()
    mix: MixSettings = MixSettings()
    sft: SftSettings = SftSettings()
    sample: SampleSettings = SampleSettings()
    pair: PairSettings = PairSettings()
    dpo: DpoSettings = DpoSettings()
    evaluate: EvaluateSettings = EvaluateSettings()


def load_recipe(name: str, changes: list[str] | None = None) -> Recipe:
    """Load a recipe.

    Args:
        name: a YAML file, or the name of one that ships with the package (``quickstart``, ``recipes/real-small.yaml``).
        changes: ``a.b=c`` each: the value at that path, as YAML; numbers index lists.

    Raises:
        InputError: no such recipe, not YAML, or a key or value that is not allowed (with its path).
    """
    path = _find(name)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())}", path=path) from None
    if not isinstance(data, dict):
        raise InputError("a recipe is a mapping of settings", path=path)
    for change in changes or []:
        _apply(data, change)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise InputError("; ".join(_explain(fault) for fault in error.errors()), path=path) from None


def recipe_names() -> list[str]:
    """The recipes that ship with the package."""
    return sorted(
        path.name[: -len(".yaml")]
        for path in resources.files("adelie_ie.recipes").iterdir()
        if path.name.endswith(".yaml")
    )


def _find(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    stem = path.name.removesuffix(".yaml")
    if stem in recipe_names() and path.parent.as_posix() in (".", "recipes"):
        return Path(str(resources.files("adelie_ie.recipes") / f"{stem}.yaml"))
    raise InputError(f"no such recipe; recipes that come with the package: {', '.join(recipe_names())}", path=name)


def _apply(data: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals:
        raise InputError(f"--set {change}: expected  path.to.key=value")
    place: Any = data
    *parents, last = key.split(".")
    try:
        for part in parents:
            if isinstance(place, list):
                place = place[int(part)]
            else:
                if place.get(part) is None:
                    place[part] = {}
                place = place[part]
        if isinstance(place, list):
            place[int(last)] = yaml.safe_load(value)
        else:
            place[last] = yaml.safe_load(value)
    except (ValueError, IndexError, AttributeError, TypeError, yaml.YAMLError):
        raise InputError(f"--set {change}: there is no place {key!r} in the recipe") from None


def _explain(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key{_did_you_mean(fault['loc'])}"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')} (found {fault['input']!r:.60})"


def _did_you_mean(loc: tuple[Any, ...]) -> str:
    import difflib

    model: Any = Recipe
    for part in loc[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        if field is None:
            return ""
        model = field.annotation
    close = difflib.get_close_matches(str(loc[-1]), getattr(model, "model_fields", {}), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
