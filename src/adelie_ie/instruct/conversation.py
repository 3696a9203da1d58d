"""A question -> a conversation: the words of a prompt are put together here and nowhere else.

The instruction (task description, labels, form of the answer) stands in the first turn only; demonstrations are turns
of their own before the question (ADELIE, section 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import yaml

from adelie_ie.formats import ANSWER_MARK, Format, make_format
from adelie_ie.instruct.instance import Instance, Message
from adelie_ie.instruct.settings import BuildSettings
from adelie_ie.tasks import Choices, Question

_DESCRIPTIONS = Path(__file__).resolve().parent / "descriptions"


@cache
def task_descriptions(task: str, limit: int) -> tuple[str, ...]:
    """The first ``limit`` wordings that ask for a task."""
    data = yaml.safe_load((_DESCRIPTIONS / f"{task}.yaml").read_text(encoding="utf-8"))
    return tuple(data["descriptions"][:limit])


def instruction(description: str, choices: Sequence[Choices], requirement: str, *, definitions: bool) -> str:
    """The first lines of a conversation: what to do, with which labels, in which form."""
    lines = [description, *(_choices_line(group, definitions) for group in choices), requirement]
    return "\n".join(lines)


def _choices_line(group: Choices, definitions: bool) -> str:
    shown = []
    for name, definition, takes in group.labels:
        entry = f"{name} ({', '.join(takes)})" if takes else name
        shown.append(f"\n- {entry}: {definition}" if definitions and definition else entry)
    return f"{group.title}: " + ("".join(shown) if definitions and shown[0].startswith("\n") else ", ".join(shown))


def question_turn(question: Question) -> str:
    """The text and what the question is about."""
    return "\n".join((f"Text: {question.text}", *question.focus))


def answer_turn(fmt: Format, question: Question) -> str:
    """The gold answer."""
    return ANSWER_MARK + fmt.render(question.rows)


def shuffled(choices: Sequence[Choices], rng: Random) -> tuple[Choices, ...]:
    """The same groups with their labels in random order."""
    return tuple(Choices(group.title, tuple(rng.sample(group.labels, len(group.labels)))) for group in choices)


def converse(
    question: Question, demonstrations: Sequence[Question], format_name: str, opening: str, max_words: int
) -> tuple[list[Message], int]:
    """The turns of a conversation, and how many demonstrations fitted.

    Args:
        question: the last question; its gold answer is the last turn.
        demonstrations: questions with the same schema, first shown first.
        format_name: the form of all answers.
        opening: the instruction.
        max_words: the most words of all turns together; demonstrations beyond it are left out.
    """
    last = question_turn(question)
    answer = answer_turn(make_format(format_name, question.columns), question)
    words = _words(opening) + _words(last) + _words(answer)
    pairs: list[tuple[str, str]] = []
    for shown in demonstrations:
        pair = (question_turn(shown), answer_turn(make_format(format_name, shown.columns), shown))
        words += _words(pair[0]) + _words(pair[1])
        if words > max_words:
            break
        pairs.append(pair)
    shots = len(pairs)
    pairs.append((last, answer))
    messages: list[Message] = []
    for i, (asked, answered) in enumerate(pairs):
        messages.append({"role": "user", "content": f"{opening}\n\n{asked}" if i == 0 else asked})
        messages.append({"role": "assistant", "content": answered})
    return messages, shots


def _words(text: str) -> int:
    return text.count(" ") + text.count("\n") + 1


def evaluation_instance(
    question: Question,
    demonstrations: Sequence[Question],
    corpus: str,
    task: str,
    settings: BuildSettings,
    format_name: str,
) -> Instance:
    """The question in the form that every model is evaluated with: first description, schema order, fixed format."""
    fmt = make_format(format_name, question.columns)
    description = task_descriptions(task, 1)[0]
    opening = instruction(description, question.choices, fmt.requirement(), definitions=False)
    messages, shots = converse(question, demonstrations, format_name, opening, settings.max_words)
    return make_instance(question, corpus, task, format_name, shots, messages)


def make_instance(
    question: Question, corpus: str, task: str, format_name: str, shots: int, messages: list[Message]
) -> Instance:
    """Put question and conversation together."""
    return Instance(
        id=f"{corpus}/{question.id}",
        corpus=corpus,
        task=task,
        format=format_name,
        shots=shots,
        columns=question.columns,
        rows=question.rows,
        source=question.source,
        text=question.text,
        focus=question.focus,
        messages=tuple(messages),
    )
