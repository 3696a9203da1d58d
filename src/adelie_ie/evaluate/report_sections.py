"""The report page: headline numbers, sections in order, examples. What a run lacks is said in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adelie_ie.evaluate.page import Html, dot, join, note, page, section, table, tag
from adelie_ie.evaluate.plots import slot_of
from adelie_ie.evaluate.report_making import data_section, making_section, preference_section, training_section
from adelie_ie.evaluate.report_numbers import duration, interval, model_title, percent, shots_title
from adelie_ie.evaluate.report_results import all_shots, general_section, quality_section, scores_section

Data = dict[str, Any]


def render(data: Data) -> str:
    """The whole page."""
    sections: list[tuple[str, str, Callable[[Data], Html]]] = [
        ("f1", "Scores", scores_section),
        ("quality", "Output quality", quality_section),
        ("general", "General ability", general_section),
        ("training", "Training", training_section),
        ("preference", "Preferences", preference_section),
        ("examples", "Examples", _examples),
        ("data", "Data", data_section),
        ("making", "How it was made", making_section),
    ]
    shown = [(name, short, make(data)) for name, short, make in sections]
    return page(f"{data['name']} – report", _header(data), shown)


def _header(data: Data) -> Html:
    """Title and the strip of headline numbers."""
    cards = [_mean_card(data, shots) for shots in all_shots(data["mean"])]
    if data["general"]:
        ends = data["general"][:1] + data["general"][1:][-1:]
        values = [(row["model"], percent(row.get("score")), "") for row in ends]
        cards.append(_card("General ability", "before and after, percent", data["models"], values))
    time = tag("div", tag("b", duration(data["seconds"])), class_="one")
    cards.append(
        tag(
            "div",
            tag("h2", "Total time"),
            tag("p", f"{len(data['stages'])} stages", class_="unit"),
            time,
            class_="card",
        )
    )
    return tag(
        "header",
        tag("p", "adelie-ie report", class_="kicker"),
        tag("h1", data["name"]),
        tag("p", "Base model: ", tag("code", data["model"])) if data["model"] else "",
        tag("div", *cards, class_="strip"),
    )


def _mean_card(data: Data, shots: int) -> Html:
    means = {row["model"]: row for row in data["mean"] if row["shots"] == shots}
    values = [
        (model, percent(means[model]["f1"]), interval(means[model])) for model in data["models"] if model in means
    ]
    return _card("Mean F1", f"{shots_title(shots)}, percent", data["models"], values)


def _card(title: str, unit: str, models: Sequence[str], values: Sequence[tuple[str, str, str]]) -> Html:
    """One number per model, from the first to the last."""
    steps = (
        tag(
            "div",
            dot(slot_of(model, models), model_title(model)),
            tag("b", value),
            tag("small", spread) if spread else "",
        )
        for model, value, spread in values
    )
    return tag("div", tag("h2", title), tag("p", unit, class_="unit"), tag("div", *steps, class_="flow"), class_="card")


def _examples(data: Data) -> Html:
    """Instances before and after."""
    title = "Examples, before and after"
    if not data["examples"]:
        return section("examples", title, "", note("This run kept no predictions to show."))
    titles = {row["task"]: row["title"] for row in data["ie"]}
    lead = (
        "Chosen by rule, not by hand: for each task the instance on which the last model improves most over the first, "
        "and one on which it still fails."
    )
    return section("examples", title, lead, *(_example(item, titles, data["models"]) for item in data["examples"]))


def _example(item: Data, titles: dict[str, str], models: Sequence[str]) -> Html:
    columns = item["columns"] or []
    about = f"{item['corpus']} · {shots_title(item['shots'])} · {item['id']}"
    gold = (
        table(columns, item["gold"], text_columns=len(columns))
        if item["gold"]
        else note("NA: there is nothing to extract.")
    )
    return tag(
        "article",
        tag(
            "h3",
            titles.get(item["task"], item["task"]),
            tag("span", item["why"], class_="badge bad" if item["why"] in ("still fails", "gets worse") else "badge"),
        ),
        tag("p", about, class_="unit"),
        tag("blockquote", item["text"], *(tag("p", line) for line in item["focus"]), dir="auto"),
        tag("h4", "Gold"),
        gold,
        tag("div", *(_answer(answer, item, models) for answer in item["answers"]), class_="answers"),
    )


def _answer(answer: Data, item: Data, models: Sequence[str]) -> Html:
    """One model's output, and its rows with a mark for right or wrong."""
    right, wrong = answer["right"].count(True), answer["right"].count(False)
    missed = len(item["gold"]) - right
    tally = f"{right} right · {wrong} wrong · {missed} missed"
    rows = [
        tag(
            "li",
            tag("span", "✓" if good else "✗", role="img", aria_label="right" if good else "wrong"),
            tag("span", join(row, " · "), dir="auto"),
            class_="right" if good else "wrong",
        )
        for row, good in zip(answer["rows"], answer["right"], strict=True)
    ]
    empty = "No rows (NA)." if answer["readable"] else "Could not be read as rows."
    return tag(
        "div",
        tag("h4", dot(slot_of(answer["model"], models), model_title(answer["model"]))),
        tag("ul", *rows) if rows else note(empty),
        tag("p", tally, class_="unit"),
        tag("pre", answer["output"] or "(empty)", dir="auto", tabindex=0, aria_label="raw output"),
    )
