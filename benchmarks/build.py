"""NER instruction building on real BIO corpora: instances per second on 1 and 2 processes, and peak memory against
corpus size.

    python benchmarks/build.py [DATA_ROOT]

Each corpus is read from files in its owners' layout; to see that memory does not grow, the same is measured on the
corpus repeated several times (as one longer file). The last line is one JSON document with all figures.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from adelie_ie.corpora import Corpus, find_corpus
from adelie_ie.instruct.builder import Job, Tally, build
from adelie_ie.instruct.settings import BuildSettings

ROOT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data"
CORPORA = ("bc5cdr", "ncbi-disease", "wnut17")
SETTINGS = BuildSettings(formats={"parenthesis": 0.8, "json": 0.2}, few_shot=0.5, max_shots=8)


def measure(corpus: Corpus, root: Path, workers: int, queue: multiprocessing.Queue) -> None:
    """Build in a process of its own, so that its peak memory is its own."""
    tally, size = Tally(), 0
    started = time.perf_counter()
    for text in build(Job(corpus, "ner", "train", "train", root, 1, SETTINGS), tally, workers):
        size += len(text)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak += workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if workers > 1 else 0
    read = tally.built + sum(tally.drops.values())
    queue.put({"built": tally.built, "read": read, "seconds": seconds, "bytes": size, "peak_mb": peak / 1024})


def in_process(corpus: Corpus, root: Path, workers: int) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue = context.Queue()
    process = context.Process(
        target=_measure_named, args=(corpus.name, corpus.splits["train"], corpus.folder, root, workers, queue)
    )
    process.start()
    result = queue.get()
    process.join()
    return result


def _measure_named(name: str, file: str, folder: str, root: Path, workers: int, queue: multiprocessing.Queue) -> None:
    corpus = find_corpus(name)
    measure(replace(corpus, folder=folder, splits={**corpus.splits, "train": file}), root, workers, queue)


def repeated(corpus: Corpus, times: int, folder: Path) -> Corpus:
    """The corpus with its training file repeated."""
    text = corpus.path("train", ROOT).read_text(encoding="utf-8").rstrip("\n") + "\n\n"
    with (folder / "train.txt").open("w", encoding="utf-8") as out:
        for _ in range(times):
            out.write(text)
    return replace(corpus, folder=str(folder), splits={**corpus.splits, "train": "train.txt"})


def main() -> None:
    if not ROOT.is_dir():
        sys.exit(f"{ROOT}: no such folder; give the folder of the real corpora as the argument")
    table = Table(title="NER instructions, half of them with 1 to 8 demonstrations")
    for column in ("corpus", "times", "processes", "instances", "seconds", "instances/s", "MB written", "peak MB"):
        table.add_column(column, justify="left" if column == "corpus" else "right")
    results = []
    for name in CORPORA:
        for times in (1, 20) if name == "bc5cdr" else (1,):
            with tempfile.TemporaryDirectory() as folder:
                corpus = repeated(find_corpus(name), times, Path(folder)) if times > 1 else find_corpus(name)
                for workers in (1, 2):
                    found = in_process(corpus, ROOT, workers)
                    row = {"corpus": name, "times": times, "processes": workers, **found}
                    row["per_second"] = found["built"] / found["seconds"]
                    results.append(row)
                    table.add_row(
                        name, str(times), str(workers), f"{found['built']:,}", f"{found['seconds']:.2f}",
                        f"{row['per_second']:,.0f}", f"{found['bytes'] / 1e6:.1f}", f"{found['peak_mb']:.0f}",
                    )  # fmt: skip
    Console().print(table)
    print(json.dumps({"benchmark": "build", "results": results}))


if __name__ == "__main__":
    main()
