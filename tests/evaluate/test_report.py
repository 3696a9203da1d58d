"""The report of a small run folder written here: what it shows, what it never holds, what it says of missing parts."""

from __future__ import annotations

import json
import math
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from adelie_ie.errors import InputError
from adelie_ie.evaluate.report import write_report
from adelie_ie.evaluate.report_examples import judge
from adelie_ie.stage import write_json, write_jsonl

NASTY = '<script>alert("x")</script> & <img src=http://evil.example/a.png onerror=1> \'"'
MODELS = ("base", "sft", "dpo")
SETS = (
    ("ner", "Named entity recognition", "conll2003"),
    ("re", "Relation extraction", "ade"),
    ("eae", "Event arguments", "phee"),
)
COLUMNS = {"ner": ["entity", "type"], "re": ["subject", "relation", "object"], "eae": ["word", "role"]}


def _manifest(run: Path, stage: str, inputs: tuple[str, ...] = (), **facts: Any) -> None:
    base = {
        "stage": stage,
        "fingerprint": f"{stage}0123456789ab"[:16],
        "seed": 7,
        "settings": {},
        "counts": {},
        "drops": {},
    }
    inputs_map = dict.fromkeys(inputs, "00ff")
    versions = {"python": "3.11.2", "torch": "2.9.0"}
    write_json(
        run / stage / "manifest.json",
        {**base, "seconds": 61.0, "inputs": inputs_map, "outputs": {}, "versions": versions, **facts},
    )


def _metrics() -> dict[str, Any]:
    ie: list[dict[str, Any]] = []
    for place, (task, title, corpus) in enumerate(SETS):
        for shots in (0, 4):
            for rank, model in enumerate(MODELS):
                f1 = (0.0313, 0.4127, 0.4471)[rank] + 0.1 * place + 0.05 * (shots > 0)
                ie.append(
                    {
                        "model": model, "corpus": corpus, "task": task, "title": title, "shots": shots, "n": 120,
                        "precision": f1 + 0.021, "recall": f1 - 0.019, "f1": f1, "low": f1 - 0.03, "high": f1 + 0.035,
                        "unparseable": (0.714, 0.021, 0.012)[rank], "outside_text": (0.333, 0.053, 0.037)[rank],
                        "outside_schema": None if task == "openie" else (0.25, 0.011, 0.008)[rank],
                        "gold_rows": 1300, "predicted_rows": 1200 + rank, "correct_rows": 500 + rank,
                    }
                )  # fmt: skip
    mean = [
        {"model": model, "shots": shots, "f1": f1 + shots / 100, "low": f1 - 0.02, "high": f1 + 0.07}
        for shots in (0, 4)
        for model, f1 in zip(MODELS, (0.1318, 0.5127, 0.5471), strict=True)
    ]
    general = [
        {
            "model": model,
            "n": 200,
            "short": 140,
            "free": 60,
            "exact_match": score / 100,
            "perplexity": ppl,
            "score": score / 100,
        }
        for model, score, ppl in zip(MODELS, (37.14, 38.57, 39.29), (8.412, 7.955, 7.961), strict=True)
    ]
    comparisons = [
        {"first": "base", "second": "sft", "shots": 0, "difference": 0.3809, "low": 0.3512, "high": 0.4103},
        {"first": "sft", "second": "dpo", "shots": 0, "difference": 0.0344, "low": -0.0021, "high": 0.0712},
    ]
    return {"models": list(MODELS), "ie": ie, "mean": mean, "general": general, "comparisons": comparisons}


def _predictions(model: str) -> list[dict[str, Any]]:
    text = "Peter Blackburn of the European Commission said on Thursday that Germany would not back the ban on lamb."
    right = {
        "ner": [["Peter Blackburn", "person"], ["European Commission", "organization"], ["Germany", "location"]],
        "re": [["rash", "adverse effect of", "penicillin"]],
        "eae": [["penicillin", "drug"], ["rash", "effect"]],
    }
    records = []
    for task, _, corpus in SETS:
        for number in range(3):
            gold = right[task]
            wrong = ["Thursday", *gold[0][1:]]
            rows = {"base": [], "sft": [gold[0], wrong], "dpo": gold if number else gold[:1]}[model]
            output = "[Answer]: " + "; ".join(": ".join(row) for row in rows)
            if model == "base":
                output = f"Sure! Here is the information you asked for:\n\n* {text}"
            focus = ["Event: rash"] if task == "eae" else []
            records.append(
                {
                    "id": f"{task}/{number}", "corpus": corpus, "task": task, "shots": 0, "text": text, "focus": focus,
                    "columns": COLUMNS[task], "gold": gold, "output": output, "rows": rows, "readable": model != "base",
                }
            )  # fmt: skip
    return records


def make_run(run: Path) -> Path:
    """A run folder with every part."""
    write_json(run / "recipe.json", {"name": "quickstart", "model": "SmolLM2-135M-Instruct"})
    counts = {"instances": 1940, "few_shot": 970, "by_task": {"ner": 1000, "re": 500, "eae": 440}}
    _manifest(run, "build", counts=counts, drops={"conll-ner: too long": 31, "phee-eae: too long": 12, "no text": 2})
    _manifest(run, "mix", ("build",), counts={"ie": 1940, "general": 7760, "na_share": 0.183})
    _manifest(run, "sft", ("mix",), seconds=3725.0)
    _manifest(run, "pair", ("sft", "build"), counts={"online": 212, "offline": 498, "pairs": 710})
    _manifest(run, "dpo", ("sft", "pair"))
    _manifest(run, "evaluate", ("sft", "dpo"))
    log: list[dict[str, Any]] = [
        {
            "step": step, "epoch": step / 300, "loss": 0.7 + 2 * math.exp(-step / 60) + 0.07 * math.sin(step),
            "learning_rate": 1e-4, "grad_norm": 1.0,
            "mean_token_accuracy": 0.9 - 0.4 * math.exp(-step / 60) + 0.01 * math.sin(2 * step),
        }
        for step in range(1, 600)
    ]  # fmt: skip
    write_jsonl(run / "sft" / "log.jsonl", [*log, {"step": 599, "train_runtime": 12.0}])
    log = [
        {
            "step": step, "epoch": step / 30, "loss": 0.69 - 0.004 * step, "rewards/margins": 0.03 * step,
            "rewards/accuracies": min(0.5 + 0.012 * step, 0.93),
            "rewards/chosen": 0.01 * step, "rewards/rejected": -0.02 * step,
        }
        for step in range(0, 60, 2)
    ]  # fmt: skip
    write_jsonl(run / "dpo" / "log.jsonl", log)
    heights = [140, 90, 120, 160, 210, 260, 300, 280, 330, 610]
    scores = {"edges": [place / 10 for place in range(11)], "counts": heights, "unreadable": 97, "samples": 2597}
    write_json(run / "pair" / "scores.json", {**scores, "mean_best": 0.8312, "mean_worst": 0.4125})
    write_json(run / "evaluate" / "metrics.json", _metrics())
    for model in MODELS:
        write_jsonl(run / "evaluate" / "predictions" / f"{model}.jsonl", _predictions(model))
    return run


class Page(HTMLParser):
    """What a browser would load or run, the ids, the text, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "br", "hr"):
            self.open.append(tag)
        for key, value in attrs:
            if key in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
                self.loads.append(value or "")
            if key == "id":
                self.ids.append(value or "")
            assert not key.startswith("on"), key

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _page(run: Path, folder: Path) -> Page:
    write_report(run, folder)
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert not page.open
    return page


def test_page_is_self_contained(tmp_path: Path) -> None:
    page = _page(make_run(tmp_path / "run"), tmp_path / "out")
    assert all(address.startswith("#") for address in page.loads)
    assert {address[1:] for address in page.loads} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "link", "iframe", "object", "embed", "img"} & set(page.tags)
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "http:" not in html and "https:" not in html
    assert "@import" not in html
    assert "url(#" in html or "url(" not in html
    assert page.tags.count("svg") == 9


def test_numbers_are_those_of_the_metrics(tmp_path: Path) -> None:
    page = _page(make_run(tmp_path / "run"), tmp_path / "out")
    metrics = json.loads((tmp_path / "run" / "evaluate" / "metrics.json").read_text())
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    for item in metrics["ie"]:
        shots = "4-shot" if item["shots"] else "zero-shot"
        name = f"{item['title']}<small>{item['corpus']} · {shots} · {item['n']} texts</small>"
        (row,) = [row for row in rows if row[0] == name and len(row) == 4]
        cell = re.sub(r"<[^>]+>", " ", row[1 + MODELS.index(item["model"])]).split()
        assert cell == [f"{100 * item['f1']:.1f}", f"{100 * item['low']:.1f}–{100 * item['high']:.1f}"]
        (shares,) = [row for row in rows if row[0] == name and len(row) == 10]
        for place, key in enumerate(("unparseable", "outside_text", "outside_schema")):
            assert f">{100 * item[key]:.1f}<" in shares[1 + 3 * place + MODELS.index(item["model"])]
    for item in metrics["mean"]:
        assert f"{100 * item['f1']:.1f}" in page.text
    for item in metrics["general"]:
        assert f"{100 * item['score']:.1f}" in page.text
        assert f"{item['perplexity']:.2f}" in page.text
    assert "37.1" in page.text and "+38.1" in page.text and "−0.2 to +7.1" in page.text
    assert "1 h 7 min" in page.text  # 3725 s + 5 × 61 s
    assert "212" in page.text and "498" in page.text and "2,597" in page.text
    assert ["too long", "43"] in rows and ["conll-ner", "31", "0"] in rows and ["all", "0", "2"] in rows


def test_best_score_is_bold(tmp_path: Path) -> None:
    write_report(make_run(tmp_path / "run"), tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<strong>44.7<small>" in html
    assert "<strong>41.3<small>" not in html


def test_whatever_a_corpus_or_a_model_wrote_is_escaped(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    surrogate = json.loads('"\\ud800"')
    write_json(run / "recipe.json", {"name": NASTY, "model": {"source": NASTY}})
    metrics = _metrics()
    for item in metrics["ie"]:
        item.update(title=f"{NASTY} $\\frac{{", corpus=f"{NASTY} _x_ -->")
    write_json(run / "evaluate" / "metrics.json", metrics)
    for model in MODELS:
        bad = [
            {**item, "text": NASTY, "output": f"{NASTY}\x00\x1b[31m{surrogate}", "rows": [[NASTY, NASTY]],
             "gold": [[NASTY, "b"]], "columns": [NASTY, "c"], "focus": [NASTY], "corpus": NASTY}
            for item in _predictions(model)
        ]  # fmt: skip
        (run / "evaluate" / "predictions" / f"{model}.jsonl").write_text("\n".join(map(json.dumps, bad)))
    _manifest(
        run, "mix", ("build",), counts={NASTY: 3, "by": {NASTY: {NASTY: 1}}}, drops={NASTY: 2}, versions={NASTY: NASTY}
    )
    page = _page(run, tmp_path / "out")
    assert not {"script", "img"} & set(page.tags)
    assert all(address.startswith("#") for address in page.loads)
    assert page.text.count(NASTY) > 20
    json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (("dpo",), "This run has no dpo stage"),
        (("sft",), "This run has no sft stage"),
        (("pair",), "This run has no pair stage"),
        (("build",), "This run has no build stage"),
        (("evaluate",), "nothing was evaluated"),
        (("evaluate/predictions",), "This run kept no predictions"),
        (("build", "mix", "sft", "pair", "dpo", "evaluate"), "This run has no finished stage"),
    ],
)
def test_a_missing_part_is_a_sentence(tmp_path: Path, missing: tuple[str, ...], sentence: str) -> None:
    run = make_run(tmp_path / "run")
    for name in missing:
        shutil.rmtree(run / name)
    assert sentence in _page(run, tmp_path / "out").text


def test_missing_recipe_general_and_values(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "recipe.json").unlink()
    metrics = _metrics()
    metrics["general"], metrics["comparisons"] = [], []
    for item in metrics["ie"]:
        item.update(f1=None, low=None, high=None, outside_text=None)
    write_json(run / "evaluate" / "metrics.json", metrics)
    text = _page(run, tmp_path / "out").text
    assert "general ability was not measured" in text
    assert "not measured" in text


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_report(make_run(tmp_path / name), tmp_path / f"out-{name}")
    write_report(tmp_path / "a", tmp_path / "a" / "report")
    write_report(tmp_path / "a", tmp_path / "a" / "report")  # a report in the run folder does not report on itself
    for file in ("report.json", "report.html"):
        first = (tmp_path / "out-a" / file).read_bytes()
        assert (tmp_path / "out-b" / file).read_bytes() == first
        assert (tmp_path / "a" / "report" / file).read_bytes() == first


def test_examples_are_the_biggest_gain_and_a_failure(tmp_path: Path) -> None:
    data = write_report(make_run(tmp_path / "run"), tmp_path / "out")
    chosen = [(item["task"], item["why"], item["id"]) for item in data["examples"]]
    assert chosen == [
        ("eae", "improves most", "eae/1"), ("eae", "still fails", "eae/0"),
        ("ner", "improves most", "ner/1"), ("ner", "still fails", "ner/0"),
        ("re", "improves most", "re/0"),
    ]  # fmt: skip
    sft = data["examples"][0]["answers"][1]
    assert sft["right"] == [True, False]
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "✓" in html and "✗" in html


def test_a_gold_row_answers_one_row_only() -> None:
    assert judge([["a", "x"], ["a ", "x"], ["b", "x"]], [["a", "x"], ["c", "x"]]) == [True, False, False]


def test_stages_stand_in_the_order_of_their_inputs(tmp_path: Path) -> None:
    data = write_report(make_run(tmp_path / "run"), tmp_path / "out")
    assert [stage["stage"] for stage in data["stages"]] == ["build", "mix", "sft", "pair", "dpo", "evaluate"]


def test_long_logs_are_thinned_and_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    log = [{"step": step, "loss": math.nan if step == 5 else 1.0} for step in range(10_001)]
    (run / "sft" / "log.jsonl").write_text("\n".join(map(json.dumps, log)))
    data = write_report(run, tmp_path / "out")
    curve = data["training"]["sft"]["series"]["loss"]
    assert len(curve["points"]) <= 400
    assert {value for _, value in curve["points"]} == {1.0}
    assert "NaN" not in (tmp_path / "out" / "report.json").read_text()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "evaluate" / "metrics.json").write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json"):
        write_report(run, tmp_path / "out")
    with pytest.raises(InputError, match="no such run folder"):
        write_report(tmp_path / "nowhere", tmp_path / "out")
