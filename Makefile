# make run: the main benchmark. make test: all checks. Both work from a bare clone with Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# A file of tests stays in one process: what its tests share is made once. One thread each: with more,
# the processes wait for one another.
PARALLEL := --numprocesses auto --maxprocesses 8 --dist loadfile
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
SOURCES := geobench geobench_geolocation plugins tests perf examples

.PHONY: run test test-slow lint format clean

run: $(VENV)/.methods
	$(BIN)/geobench run benchmarks.yaml

test: $(VENV)/.dev lint
	$(THREADS) $(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:
	rm -rf $(VENV) .geobench leaderboards/blue-marble build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "geobench needs Python 3.11 or later; say which: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.methods: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing geobench with torch and faiss (some GB, a few minutes, once)"
	$(PIP) --editable ".[methods]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing geobench with its development tools (some GB, a few minutes, once)"
	$(PIP) --editable ".[methods,backbones,dev]"
	@touch $@ $(VENV)/.methods
