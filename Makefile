# Every target sets itself up from nothing but Python 3.11 (or 3.12) and make.
#
#   make demo                     see it work
#   make PYTHON=python3.12 test   with another Python
#   make test ARGS="tests/maskgen -k weights"

PYTHON  ?= python3.11
VENV    ?= .venv
WORKERS ?= 2
ARGS    ?=

BIN   := $(VENV)/bin
READY := $(VENV)/.ready
LOCK  := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

export UV_LINK_MODE ?= copy

.DEFAULT_GOAL := help
.PHONY: help setup demo test mutants lint format bench lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 10

setup: $(READY)  ## make .venv with every pinned dependency and maskgen itself

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON); install Python 3.11 or 3.12, or say make PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## two portraits from faces to detections; opens nothing, writes demo/index.html
	$(BIN)/maskgen demo demo --overwrite

test: $(READY)  ## the whole test suite, examples in docstrings included
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

mutants: $(READY)  ## break the code on purpose, count what the tests see; ARGS=trainer.toml for one list
	$(BIN)/python tests/mutants/run.py --workers $(WORKERS) $(ARGS)

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## the figures, made again; ARGS="--material FOLDER" for those on real faces
	$(BIN)/python benchmarks/run.py $(ARGS)

# Without headers or addresses, so that the files install from any index or mirror.
lock: $(READY)  ## pin every dependency again (UPGRADE=1 moves them all)
	$(LOCK) $(if $(UPGRADE),--upgrade) pyproject.toml --group dev --all-extras -o requirements/dev.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/edge.in -c requirements/dev.txt -o requirements/edge.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/uv.in -o requirements/uv.txt

clean:  ## remove .venv, caches and what demo wrote
	rm -rf $(VENV) demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
