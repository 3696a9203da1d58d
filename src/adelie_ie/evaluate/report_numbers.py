"""How the report writes numbers and names."""

from __future__ import annotations

from typing import Any

_MODELS = {"base": "Base", "sft": "SFT", "dpo": "DPO"}
_STAGES = {
    "build": "Build: annotated text to instructions",
    "mix": "Mix: instructions and general data",
    "sft": "SFT: supervised fine-tuning",
    "sample": "Sample: several answers per question",
    "pair": "Pair: preference pairs",
    "dpo": "DPO: preference tuning",
    "evaluate": "Evaluate: benchmarks",
}


def percent(fraction: float | None) -> str:
    """A fraction as percent with one decimal, without the sign."""
    return "–" if fraction is None else f"{100 * fraction:.1f}"


def number(value: float | None, digits: int = 1) -> str:
    """A number with thousands separators."""
    return "–" if value is None else f"{value:,.{digits}f}".replace("-", "−")


def difference(fraction: float | None) -> str:
    """A difference of two fractions in percentage points, with its sign."""
    if fraction is None:
        return "–"
    shown = f"{100 * fraction:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown.replace("-", "−")


def interval(row: dict[str, Any]) -> str:
    """The interval of a row with ``low`` and ``high``, in percent."""
    low, high = row.get("low"), row.get("high")
    return "" if low is None or high is None else f"{percent(low)}–{percent(high)}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def shots_title(shots: int | None) -> str:
    """How many demonstrations stood before the question."""
    return "zero-shot" if not shots else f"{shots}-shot"


def model_title(model: str) -> str:
    """A model's name as people write it."""
    return _MODELS.get(model, model)


def stage_title(stage: str) -> str:
    """A stage's name with what it does."""
    return _STAGES.get(stage, stage)
