# Every target sets itself up from nothing but Python (3.11 to 3.13) and make.
#
#   make demo                     see it work
#   make test PYTHON=python3.13   with another Python than the first that is found, in an environment of its own
#   make test ARGS="tests/maskgen -k weights"

NAMED   := $(filter command environment,$(firstword $(origin PYTHON)))
PYTHON  ?= $(shell .ci/python)
VENV    ?= .venv$(if $(NAMED),-$(notdir $(PYTHON)))
WORKERS ?= 2
ARGS    ?=

BIN   := $(VENV)/bin
READY := $(VENV)/.ready
LOCK  := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

export UV_LINK_MODE ?= copy

.DEFAULT_GOAL := help
.PHONY: help setup demo gallery test mutants versions lint format bench lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 10

setup: $(READY)  ## make .venv with every pinned dependency and maskgen itself

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	test -x $(BIN)/python || $(or $(PYTHON),false) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## two portraits from faces to detections; opens nothing, writes demo/index.html
	$(BIN)/maskgen demo demo --overwrite

gallery: $(READY)  ## draw docs/gallery.md again: one picture of every mask, wear, confuser, accessory, fault of a camera
	$(BIN)/python benchmarks/gallery.py $(ARGS)

test: $(READY)  ## the whole test suite, examples in docstrings included
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

versions: $(READY)  ## the suite with the lowest versions on Python 3.11, with the highest on 3.13; ARGS=lowest or highest
	UV=$(abspath $(BIN)/uv) WORKERS=$(WORKERS) .ci/versions $(ARGS)

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

clean:  ## remove environments, caches and what demo wrote
	rm -rf .venv .venv-* .versions demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
