"""Tasks: document + schema -> questions with gold rows. One file per task, found by the registry below."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from adelie_ie.tasks.question import Choices, Question, Task

__all__ = ["Choices", "Question", "Task", "find_task", "tasks"]


@cache
def tasks() -> dict[str, Task]:
    """Every task by name."""
    found: dict[str, Task] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        task = getattr(importlib.import_module(f"{__name__}.{module.name}"), "TASK", None)
        if task is not None:
            found[task.name] = task
    return found


def find_task(name: str) -> Task:
    """The task with this name.

    Raises:
        KeyError: there is none.
    """
    return tasks()[name]
