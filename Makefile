# Two commands do all the set-up:  make quickstart  and  make test.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
export TOKENIZERS_PARALLELISM := false

.PHONY: install quickstart test lint bench clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train,dev]'
	touch $(STAMP)

quickstart: install
	$(BIN)/adelie-ie run quickstart --out runs/quickstart

test: install
	$(BIN)/pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python benchmarks/build.py
	$(BIN)/python benchmarks/generate.py
	$(BIN)/python benchmarks/sft.py

clean:
	rm -rf $(VENV) runs
