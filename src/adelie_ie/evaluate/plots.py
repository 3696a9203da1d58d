"""Plots as inline SVG: drawn with matplotlib's Figure objects, coloured by the page's own style sheet.

Text stays text in the page's font and colour, series take the colours of CSS variables, the background is transparent:
one plot reads well on a light and on a dark page. The same data gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from io import StringIO
from itertools import pairwise
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_INK = "#010203"
_SLOTS = {
    "base": "#7a828d",
    "sft": "#1f65b3",
    "dpo": "#0fa08c",
    "other1": "#c77d0a",
    "other2": "#8a63b8",
    "other3": "#b5476b",
}
_STAND_IN = {slot: f"#0102{16 + place:02x}" for place, slot in enumerate(_SLOTS)}
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.linewidth": 0.6,
    "path.simplify": True,
}


class Bar(NamedTuple):
    """One bar: its colour slot, its length and, if known, the interval around it."""

    slot: str
    value: float | None
    low: float | None = None
    high: float | None = None


class Line(NamedTuple):
    """One curve: its colour slot and its points."""

    slot: str
    points: Sequence[tuple[float, float]]


def slot_of(model: str, models: Sequence[str]) -> str:
    """The colour slot of a model: its own for base, sft and dpo, another for any other."""
    if model in ("base", "sft", "dpo"):
        return model
    others = [name for name in models if name not in ("base", "sft", "dpo")]
    return f"other{(others.index(model) if model in others else 0) % 3 + 1}"


def grouped_bars(
    name: str, groups: Sequence[tuple[str, Sequence[Bar]]], title: str, *, show_values: bool = False
) -> str:
    """Groups of horizontal bars on a scale of 0 to 100, each group under its label; fits a phone's width.

    Args:
        name: unique in the page.
        groups: label and bars.
        title: read aloud instead of the plot.
        show_values: write the value at the end of each bar.
    """
    thick, gap = 16.0 if show_values else 12.0, 27.0
    height = sum(gap + thick * len(bars) for _, bars in groups)
    with rc_context(_RC):
        figure, axes = _figure(380, height + 24, left=2, right=14, top=0, bottom=24)
        axes.set_xlim(0, 100)
        axes.set_ylim(height, 0)
        axes.set_yticks([])
        axes.set_xticks(range(0, 101, 20))
        _grid(axes, "x")
        top = 0.0
        for label, bars in groups:
            axes.text(0, top + gap - 7, _short(label), ha="left", va="baseline", parse_math=False)
            for place, bar in enumerate(bars):
                _bar(axes, bar, top + gap + thick * (place + 0.5), thick, show_values)
            top += gap + thick * len(bars)
        return _svg(figure, name, title)


def _bar(axes: Axes, bar: Bar, middle: float, thick: float, show_value: bool) -> None:
    if bar.value is None:
        axes.text(0.8, middle, "not measured", ha="left", va="center_baseline", fontsize=9.5, alpha=0.6)
        return
    axes.barh(middle, bar.value, height=thick * 0.82, color=_STAND_IN[bar.slot])
    if bar.low is not None and bar.high is not None:
        spread = [[max(bar.value - bar.low, 0.0)], [max(bar.high - bar.value, 0.0)]]
        axes.errorbar(
            bar.value, middle, xerr=spread, fmt="none", ecolor=_INK, elinewidth=1.1, capsize=2.4, capthick=1.1
        )
    if show_value:
        inside = bar.value > 88
        place = bar.value - 1.2 if inside else max(bar.value, bar.high or 0.0) + 1.2
        axes.text(
            place, middle, f"{bar.value:.1f}", ha="right" if inside else "left", va="center_baseline", fontsize=10
        )


def curves(name: str, lines: Sequence[Line], title: str, *, percent: bool = False) -> str:
    """Values over training steps."""
    with rc_context(_RC):
        figure, axes = _figure(300, 190, left=36, right=8, top=8, bottom=38)
        for line in lines:
            steps, values = zip(*line.points, strict=True)
            few = {"marker": "o", "markersize": 3.2} if len(steps) <= 40 else {}
            axes.plot(steps, values, color=_STAND_IN[line.slot], linewidth=1.8, solid_capstyle="round", **few)  # type: ignore[arg-type]
        if percent:
            axes.set_ylim(0, 104)
        axes.locator_params(axis="x", nbins=6, integer=True)
        axes.locator_params(axis="y", nbins=5)
        axes.set_xlabel("step")
        _grid(axes, "y")
        return _svg(figure, name, title)


def histogram(
    name: str, edges: Sequence[float], counts: Sequence[float], title: str, marks: Sequence[tuple[str, float]] = ()
) -> str:
    """A histogram with named vertical marks."""
    with rc_context(_RC):
        figure, axes = _figure(380, 240, left=38, right=10, top=26, bottom=40)
        widths = [high - low for low, high in pairwise(edges)]
        axes.bar(edges[:-1], counts, width=[width * 0.92 for width in widths], align="edge", color=_STAND_IN["sft"])
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, max([*counts, 1]) * 1.06)
        for _, value in marks:
            axes.axvline(value, color=_INK, linewidth=1.2, linestyle=(0, (4, 3)), clip_on=False)
        _mark_labels(axes, marks)
        axes.set_xlabel("score of a sample")
        axes.locator_params(axis="y", nbins=5, integer=True)
        _grid(axes, "y")
        return _svg(figure, name, title)


def _mark_labels(axes: Axes, marks: Sequence[tuple[str, float]]) -> None:
    """Labels above the plot: away from each other where there is room, one above the other where there is none."""
    low, high = axes.get_xlim()
    previous: tuple[str, float] | None = None
    for place, (text, value) in enumerate(sorted(marks, key=lambda mark: mark[1])):
        share = (value - low) / (high - low)
        side = "right" if share > 0.7 or (share > 0.3 and not place) else "left"
        raised = previous is not None and previous[0] == side and share - previous[1] < 0.25
        previous = (side, share)
        height = 1.08 if raised else 1.01
        axes.text(value, height, text, transform=axes.get_xaxis_transform(), ha=side, va="bottom", fontsize=10)


def _figure(
    width: float, height: float, *, left: float, right: float, top: float, bottom: float
) -> tuple[Figure, Axes]:
    """A transparent figure whose units are the page's pixels, with margins in the same units."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    FigureCanvasSVG(figure)
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    axes.patch.set_visible(False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=10, pad=5)
    return figure, axes


def _grid(axes: Axes, axis: str) -> None:
    axes.grid(axis=axis, color=_INK, alpha=0.14, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 62 else text[:61] + "…"


def _svg(figure: Figure, name: str, title: str) -> str:
    """The figure as an element inside HTML: no prolog, no metadata, no outside names, colours from the page."""
    out = StringIO()
    with rc_context({**_RC, "svg.hashsalt": name}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style .*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[\w.]+_\d+"', "", svg)
    svg = svg.replace("xlink:href=", "href=")
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = svg.replace(_INK, "currentColor")
    for slot, stand_in in _STAND_IN.items():
        svg = svg.replace(stand_in, f"var(--{slot}, {_SLOTS[slot]})")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None, "matplotlib writes a viewBox"
    size = f'viewBox="0 0 {box[1]} {box[2]}" width="{box[1]}" height="{box[2]}"'
    opening = f'<svg {size} role="img" aria-label="{escape(title)}">'
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1)).strip()
