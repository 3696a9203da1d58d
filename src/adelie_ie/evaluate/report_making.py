"""The sections of the report that say how the models came to be: training, preference pairs, data, stages."""

from __future__ import annotations

from typing import Any

from adelie_ie.evaluate import plots
from adelie_ie.evaluate.page import Html, details, figure, note, section, table, tag
from adelie_ie.evaluate.report_numbers import duration, number, stage_title

Data = dict[str, Any]

_CURVES = {
    "sft": (("loss", "SFT loss", 1.0), ("mean_token_accuracy", "SFT token accuracy, percent", 100.0)),
    "dpo": (
        ("loss", "DPO loss", 1.0),
        ("rewards/margins", "DPO reward margin", 1.0),
        ("rewards/accuracies", "DPO reward accuracy, percent", 100.0),
    ),
}
_STAGE_NAMES = {"sft": "supervised fine-tuning (SFT)", "dpo": "preference tuning (DPO)"}


def training_section(data: Data) -> Html:
    """Curves of both trainings."""
    figures, sentences = [], []
    for stage, curves in _CURVES.items():
        log = data["training"].get(stage)
        if log is None:
            sentences.append(note(f"This run has no {stage} stage: no {_STAGE_NAMES[stage]} took place."))
            continue
        if not log["series"]:
            sentences.append(note(f"The {stage} stage logged no step."))
        for key, title, scale in curves:
            if key in log["series"]:
                figures.append(_curve(stage, log, key, title, scale))
    shown = tag("div", *figures, class_="plots three") if figures else ""
    lead = "Each point is one logged step, or the mean of a few in a long log." if figures else ""
    return section("training", "Training", lead, shown, *sentences)


def _curve(stage: str, log: Data, key: str, title: str, scale: float) -> Html:
    series = log["series"][key]
    points = [(step, scale * value) for step, value in series["points"]]
    svg = plots.curves(f"{stage}-{key.replace('/', '-')}", [plots.Line(stage, points)], title, percent=scale != 1)
    digits = 1 if scale != 1 else 3
    first, last = (number(scale * series[end], digits) for end in ("first", "last"))
    return figure(svg, title, f"{first} → {last} over {log['steps']:,} steps")


def preference_section(data: Data) -> Html:
    """Scores of the samples from which pairs were made."""
    title, scores = "Preference scores", data["preference"]
    if scores is None:
        return section("preference", title, "", note("This run has no pair stage: no preference pairs were made."))
    known = [(name, scores.get(key)) for name, key in (("mean worst", "mean_worst"), ("mean best", "mean_best"))]
    low, high = scores["edges"][0], scores["edges"][-1]
    marks = [(name, value) for name, value in known if value is not None and low <= value <= high]
    plot = plots.histogram("preference", scores["edges"], scores["counts"], "Scores of the samples", marks)
    facts: list[tuple[str, str]] = [
        ("Samples scored", number(scores.get("samples"), 0)),
        ("Unreadable samples (score −1, not in the plot)", number(scores.get("unreadable"), 0)),
        ("Mean score of the best sample", number(scores.get("mean_best"), 3)),
        ("Mean score of the worst sample", number(scores.get("mean_worst"), 3)),
        ("Pairs, online (best over worst sample)", number(scores.get("pairs_online"), 0)),
        ("Pairs, offline (gold over worst sample)", number(scores.get("pairs_offline"), 0)),
        ("Pairs in all", number(scores.get("pairs"), 0)),
    ]
    return section(
        "preference",
        title,
        "The SFT model answered each question several times; every answer got a score against the gold one, "
        "and answers far enough apart became a pair for DPO.",
        tag("div", figure(plot, "Samples per score"), table(["", "Count"], facts), class_="side"),
    )


def data_section(data: Data) -> Html:
    """Counts and drops of the stages that make the training data."""
    parts: list[Html] = []
    for name, manifest in data["data"].items():
        parts.append(tag("h3", stage_title(name)))
        if manifest is None:
            parts.append(note(f"This run has no {name} stage."))
            continue
        tables = _count_tables(manifest["counts"], "Counts")
        parts.append(tag("div", *tables, *_drop_tables(manifest["drops"]), class_="tables"))
    return section("data", "Data", "What went into training, and what was left out and why.", *parts)


def _drop_tables(drops: dict[str, int]) -> list[Html]:
    """What was left out by reason, and where a reason names its set (``set: reason``) also by set."""
    if not drops:
        return [note("Nothing was left out.")]
    by_reason: dict[str, int] = {}
    by_set: dict[str, dict[str, int]] = {}
    for name, count in drops.items():
        place, _, reason = name.rpartition(": ")
        by_reason[reason] = by_reason.get(reason, 0) + count
        by_set.setdefault(place, {})[reason] = count
    tables = [_folded(["Reason", "Count"], [[reason, _count(n)] for reason, n in by_reason.items()], "Left out")]
    if set(by_set) != {""}:
        rows = [
            [place or "all", *(_count(found.get(reason, 0)) for reason in by_reason)] for place, found in by_set.items()
        ]
        tables.append(tag("div", details("Left out, set by set", table(["Set", *by_reason], rows)), class_="wide"))
    return tables


def _folded(head: list[str], rows: list[list[str]], caption: str) -> Html:
    """A table, folded away where it is long."""
    shown = table(head, rows, caption=caption)
    return shown if len(rows) <= 12 else details(f"{caption} ({len(rows)} rows)", shown)


def _count_tables(counts: Data, caption: str) -> list[Html]:
    """Counts as tables: plain numbers in one, each group in its own, groups of groups as rows and columns."""
    plain = [[_words(key), _count(value)] for key, value in counts.items() if not isinstance(value, dict)]
    tables = [_folded(["What", "Count"], plain, caption)] if plain else []
    for key, group in counts.items():
        if isinstance(group, dict) and group and all(isinstance(value, dict) for value in group.values()):
            columns = list(dict.fromkeys(column for value in group.values() for column in value))
            rows = [[name, *(_count(value.get(column)) for column in columns)] for name, value in group.items()]
            tables.append(_folded(["", *map(_words, columns)], rows, _words(key)))
        elif isinstance(group, dict):
            tables += _count_tables(group, _words(key))
    return tables


def _words(key: str) -> str:
    return key.replace("_", " ")


def _count(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if isinstance(value, float) and not value.is_integer():
        return number(value, 3)
    return (
        number(value, 0)
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else "–"
        if value is None
        else str(value)
    )


def making_section(data: Data) -> Html:
    """Stages, seconds, seed, fingerprints and versions."""
    title = "How it was made"
    if not data["stages"]:
        return section("making", title, "", note("This run has no finished stage."))
    rows = [
        [
            stage_title(stage["stage"]),
            tag("code", stage["fingerprint"] or "–"),
            "–" if stage["seed"] is None else stage["seed"],
            duration(stage["seconds"]),
        ]
        for stage in data["stages"]
    ]
    stages = table(
        ["Stage", "Fingerprint", "Seed", "Time"],
        rows,
        text_columns=2,
        foot=[["Total", "", "", duration(data["seconds"])]],
        caption="Stages",
    )
    versions = table(
        ["Package", "Version"],
        [[package, ", ".join(versions)] for package, versions in data["versions"].items()],
        caption="Versions",
    )
    lead = "The same fingerprint means the same settings, inputs and seed, and so the same result."
    return section("making", title, lead, tag("div", stages, versions, class_="side"))
