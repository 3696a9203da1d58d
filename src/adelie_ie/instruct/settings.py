"""How instructions are built: the rates of ADELIE's construction (section 3.1), as a recipe states them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adelie_ie.formats import format_names

Share = Annotated[float, Field(ge=0, le=1)]


class BuildSettings(BaseModel):
    """Instruction construction.

    Attributes:
        descriptions: how many wordings of each task description to use (the first N).
        formats: format name -> weight, for training instances; the tables of ODIE are always tables.
        test_format: the format of every evaluation instance.
        definitions: share of instances whose labels come with their definitions.
        shuffle_labels: whether the order of labels is shuffled in training instances.
        few_shot: share of instances with demonstrations.
        max_shots: the most demonstrations (1..max, uniform).
        na_demonstrations: share of demonstrations with an empty answer.
        max_words: the most words of a whole conversation; demonstrations are left out to fit.
        na_share: the most instances with an empty answer per corpus and task (None: keep all).
        pool: how many documents of a corpus serve as demonstrations.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    descriptions: Annotated[int, Field(ge=1)] = 5
    formats: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=lambda: {"parenthesis": 0.8, "json": 0.2})
    test_format: str = "parenthesis"
    definitions: Share = 0.0
    shuffle_labels: bool = True
    few_shot: Share = 0.5
    max_shots: Annotated[int, Field(ge=1, le=8)] = 8
    na_demonstrations: Share = 0.1
    max_words: Annotated[int, Field(ge=50)] = 1500
    na_share: Share | None = 0.2
    pool: Annotated[int, Field(ge=1)] = 2000

    @model_validator(mode="after")
    def _known_formats(self) -> BuildSettings:
        for name in (*self.formats, self.test_format):
            if name not in format_names():
                raise ValueError(f"unknown format {name!r}; there are: {', '.join(format_names())}")
        if not sum(self.formats.values()) > 0:
            raise ValueError("formats: at least one weight must be above 0")
        return self
