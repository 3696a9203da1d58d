"""The sections of the report that say how good the models are: scores, quality of the outputs, general ability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adelie_ie.evaluate import plots
from adelie_ie.evaluate.page import Html, details, dot, figure, html, join, note, section, table, tag
from adelie_ie.evaluate.report_numbers import difference, interval, model_title, number, percent, shots_title

Data = dict[str, Any]


def all_shots(rows: Sequence[Data]) -> list[int]:
    """The numbers of demonstrations that occur, in order."""
    return sorted({row["shots"] for row in rows})


def _legend(models: Sequence[str]) -> Html:
    return tag("p", *(dot(plots.slot_of(model, models), model_title(model)) for model in models), class_="legend")


def _by_set(data: Data) -> list[tuple[Data, dict[str, Data]]]:
    """The test sets in the order of the metrics, each with its row per model."""
    sets: dict[tuple[Any, ...], dict[str, Data]] = {}
    for row in data["ie"]:
        sets.setdefault((row["task"], row["corpus"], row["shots"]), {})[row["model"]] = row
    return [(next(iter(rows.values())), rows) for rows in sets.values()]


def _set_name(row: Data) -> Html:
    """A test set: its task, and small below it corpus, shots and size."""
    about = f"{row['corpus']} · {shots_title(row['shots'])} · {number(row.get('n'), 0)} texts"
    return join([row["title"], tag("small", about)])


def _best_bold(values: Sequence[str], cells: Sequence[Html]) -> list[Html]:
    """The cells, with those that show the highest number in bold."""
    known = [float(value) for value in values if value != "–"]
    return [
        tag("strong", cell) if value != "–" and float(value) == max(known) else cell
        for value, cell in zip(values, cells, strict=True)
    ]


def _score_cells(rows: dict[str, Data], models: Sequence[str]) -> list[Html]:
    found = [rows.get(model, {}) for model in models]
    values = [percent(row.get("f1")) for row in found]
    cells = [join([value, tag("small", interval(row))]) for value, row in zip(values, found, strict=True)]
    return _best_bold(values, cells)


def scores_section(data: Data) -> Html:
    """F1 per task and corpus."""
    title, models = "F1 per task and corpus", data["models"]
    if not data["ie"]:
        return section("f1", title, "", note("This run has no information-extraction scores: nothing was evaluated."))
    sets = _by_set(data)
    names = [dot(plots.slot_of(model, models), model_title(model)) for model in models]
    means = {
        shots: {row["model"]: row for row in data["mean"] if row["shots"] == shots} for shots in all_shots(data["mean"])
    }
    scores = table(
        ["Test set", *names],
        [[_set_name(row), *_score_cells(rows, models)] for row, rows in sets],
        foot=[
            [join(["Mean", tag("small", shots_title(shots))]), *_score_cells(rows, models)]
            for shots, rows in means.items()
        ],
        caption="F1 in percent, with the 95% bootstrap interval; the best in bold",
    )
    figures = [_score_plot(sets, models, shots) for shots in all_shots(data["ie"])]
    return section(
        "f1",
        title,
        "A row counts as right when all its values equal those of a gold row. "
        "Bars carry the 95% bootstrap interval; where intervals overlap, do not read much into the order.",
        scores,
        _legend(models),
        tag("div", *figures, class_="plots"),
        _comparisons(data),
        details("Precision, recall and row counts", _precision(sets, models)),
    )


def _score_plot(sets: Sequence[tuple[Data, dict[str, Data]]], models: Sequence[str], shots: int) -> Html:
    groups = []
    for row, rows in sets:
        if row["shots"] == shots:
            bars = [_percent_bar(plots.slot_of(model, models), rows.get(model, {})) for model in models]
            groups.append((f"{row['title']} · {row['corpus']}", bars))
    title = f"F1, {shots_title(shots)}, percent"
    return figure(plots.grouped_bars(f"f1-{shots}", groups, title), title)


def _percent_bar(slot: str, row: Data, measure: str = "f1") -> plots.Bar:
    value, low, high = (None if row.get(key) is None else 100 * row[key] for key in (measure, "low", "high"))
    return plots.Bar(slot, value, low, high)


def _comparisons(data: Data) -> Html:
    """Differences between models, and whether chance alone explains them."""
    if not data["comparisons"]:
        return Html("")
    rows = []
    for row in data["comparisons"]:
        low, high = row.get("low"), row.get("high")
        reading = "within chance"
        if low is not None and high is not None and (low > 0 or high < 0):
            reading = "better" if low > 0 else "worse"
        pair = f"{model_title(row['first'])} → {model_title(row['second'])}"
        spread = f"{difference(low)} to {difference(high)}"
        name = join([pair, tag("small", shots_title(row["shots"]))])
        rows.append([name, difference(row.get("difference")), spread, reading])
    caption = "Difference of the mean F1, in percentage points (paired bootstrap)"
    return table(["Comparison", "Difference", "95% interval", "Reading"], rows, caption=caption)


def _precision(sets: Sequence[tuple[Data, dict[str, Data]]], models: Sequence[str]) -> Html:
    rows = [
        [
            _set_name(row),
            dot(plots.slot_of(model, models), model_title(model)),
            *(percent(found[model].get(key)) for key in ("precision", "recall", "f1")),
            *(number(found[model].get(key), 0) for key in ("gold_rows", "predicted_rows", "correct_rows")),
        ]
        for row, found in sets
        for model in models
        if model in found
    ]
    head = ["Test set", "Model", "Precision", "Recall", "F1", "Gold rows", "Predicted", "Correct"]
    return table(head, rows, text_columns=2, caption="Precision, recall and F1 in percent")


def quality_section(data: Data) -> Html:
    """What goes wrong with answers before their content is judged."""
    title, models = "Quality of the outputs", data["models"]
    if not data["ie"]:
        return section("quality", title, "", note("No outputs to judge: nothing was evaluated."))
    measures = (
        ("unparseable", "Unparseable"),
        ("outside_text", "Outside the text"),
        ("outside_schema", "Outside the schema"),
    )
    rows = [
        [_set_name(row), *(_share(found.get(model, {}).get(key)) for key, _ in measures for model in models)]
        for row, found in _by_set(data)
    ]
    names = [dot(plots.slot_of(model, models), model_title(model)) for _ in measures for model in models]
    shown = table(
        ["Test set", *names],
        rows,
        groups=[("", 1), *((name, len(models)) for _, name in measures)],
        caption="Shares in percent; lower is better",
    )
    lead = (
        "Unparseable: answers that could not be read as rows. Outside the text: values that had to be copied from the "
        "text and do not occur in it. Outside the schema: labels that the question did not offer."
    )
    return section("quality", title, lead, shown)


def _share(value: float | None) -> Html:
    """A share with a tint that grows with it."""
    tint = None if value is None else f"--share:{min(max(value, 0), 1):.3f}"
    return tag("span", percent(value), class_="share", style=tint)


def general_section(data: Data) -> Html:
    """Whether the model still answers general instructions."""
    title, models = "General ability", data["models"]
    if not data["general"]:
        return section(
            "general", title, "", note("This run has no general benchmark: general ability was not measured.")
        )
    by_model = {row["model"]: row for row in data["general"]}
    known = [model for model in models if model in by_model]
    scores = [percent(by_model[model].get("score")) for model in known]
    best = _best_bold(scores, [html(score) for score in scores])
    rows = [
        [
            dot(plots.slot_of(model, models), model_title(model)),
            best[place],
            number(by_model[model].get("perplexity"), 2),
            *(number(by_model[model].get(key), 0) for key in ("short", "free")),
        ]
        for place, model in enumerate(known)
    ]
    shown = table(["Model", "Score", "Perplexity", "Short", "Free"], rows, caption="Score in percent; numbers of pairs")
    bars = [_percent_bar(plots.slot_of(model, models), by_model[model], "score") for model in known]
    plot = plots.grouped_bars("general", [("Exact match on short answers", bars)], "General score", show_values=True)
    return section(
        "general",
        title,
        "General instructions that have nothing to do with extraction. Score: the share of short answers that equal "
        "the reference (higher is better). Perplexity: how surprising the reference of a free answer is to the model "
        "(lower is better).",
        tag("div", shown, figure(plot, "General score, percent"), class_="side"),
    )
