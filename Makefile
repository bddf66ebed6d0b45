# make run: the main benchmark. make test: all checks. Both work from a bare clone with Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Everything from a lock, each file by its SHA-256; then geobench itself, which fetches nothing.
LOCKED := $(PIP) --require-hashes --requirement
EDITABLE := $(PIP) --no-deps --no-build-isolation --editable .
# A file of tests stays in one process: what its tests share is made once. One thread each: with more,
# the processes wait for one another.
PARALLEL := --numprocesses auto --maxprocesses 8 --dist loadfile
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
SOURCES := geobench geobench_geolocation plugins tests perf examples

.PHONY: run test test-slow fuzz lint format lock clean

run: $(VENV)/.methods
	$(BIN)/geobench run benchmarks.yaml

test: $(VENV)/.dev lint
	$(THREADS) $(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

# Damaged inputs through every command: make fuzz SECONDS=600 SEED=7. What breaks a rule is kept in tests/fuzz/found/.
SECONDS ?= 60
SEED ?= 0

fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(SECONDS) --seed $(SEED)

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# The locks hold for Python 3.11 and later on every system, by markers. What they pin stays as it is while
# it fits pyproject.toml: make lock UPGRADE=--upgrade takes what is new, UPGRADE="--upgrade-package torch" one.
# uv makes them, in an environment of its own, because it resolves for all systems at once; pip-tools locks for
# the machine that it runs on. Nobody needs it to install.
UV := build/uv/bin/uv
COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate \
	--quiet --custom-compile-command "make lock" $(UPGRADE)

lock:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"
	$(COMPILE) --extra methods --extra backbones --extra dev --group build --output-file locks/dev.txt
	$(COMPILE) --extra methods --group build --constraint locks/dev.txt --output-file locks/methods.txt

clean:
	rm -rf $(VENV) .geobench leaderboards/blue-marble build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "geobench needs Python 3.11 or later; say which: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.methods: pyproject.toml locks/methods.txt | $(VENV)/bin/python
	@echo "installing geobench with torch and faiss (some GB, a few minutes, once)"
	$(LOCKED) locks/methods.txt
	$(EDITABLE)
	@touch $@

$(VENV)/.dev: pyproject.toml locks/dev.txt | $(VENV)/bin/python
	@echo "installing geobench with its development tools (some GB, a few minutes, once)"
	$(LOCKED) locks/dev.txt
	$(EDITABLE)
	@touch $@ $(VENV)/.methods
