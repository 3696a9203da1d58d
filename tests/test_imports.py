"""Reading data needs no deep-learning library: each package is imported whole in a fresh interpreter."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
if package.__name__ != "adelie_ie":
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(*sorted({"torch", "transformers", "trl", "datasets", "vllm", "ray", "fastapi"} & set(sys.modules)))
"""


@pytest.mark.parametrize("name", ["", ".corpora", ".tasks", ".formats", ".instruct"])
def test_importing_a_data_package_loads_no_heavy_library(name: str) -> None:
    package = f"adelie_ie{name}"
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"there is no {package}")
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, package], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


HELP_AND_BUILD = """
import sys
from typer.testing import CliRunner
from adelie_ie.cli import app

assert CliRunner().invoke(app, ["--help"]).exit_code == 0
small = "corpora=[{name: starter, train: 4, test: 1}]"
built = CliRunner().invoke(app, ["mix", "quickstart", "--out", sys.argv[1], "--set", small])
assert built.exit_code == 0, built.exception
print(*sorted({"torch", "transformers", "trl", "datasets"} & set(sys.modules)))
"""


def test_help_building_and_mixing_load_no_heavy_library(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP_AND_BUILD, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
    assert (tmp_path / "run" / "mix" / "train.jsonl").stat().st_size > 0
