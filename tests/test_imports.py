"""Reading data needs no deep-learning library: each package is imported whole in a fresh interpreter."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

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
