# PYTHON makes the virtual environment; everything else runs inside it.
PYTHON ?= python3
# Extra flags for JupyterLab, for example LAB_FLAGS="--no-browser --port=9000".
LAB_FLAGS ?=

BIN := .venv/bin
STAMP := .venv/installed
STAMP_ALL := .venv/installed-all

# Two workers of one thread each: the threads of one small picture cost more than they save. A file stays with one
# worker, in the order given: the lessons first, since a long file at the end would leave the other worker idle.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -p no:cacheprovider \
	--nbval --nbval-current-env --nbval-cell-timeout=300 notebooks/en tests

.PHONY: help setup lab check test test-all wheel notebooks links

help:
	@echo "make lab        install, then open the first lesson in JupyterLab"
	@echo "make test       install, then check form and types, run the lessons and all tests but the slow ones"
	@echo "make test-all   install what the slow tests need too, then run all tests and the lessons"
	@echo "make setup      only install, into .venv"
	@echo "make wheel      build a wheel with the model inside, into dist/"
	@echo "make notebooks  run the lessons again and store their outputs"
	@echo "make links      write the repository's address into the lessons"

setup: $(STAMP)

$(BIN)/python:
	$(PYTHON) -m venv .venv

# Installs again only after one of these files has changed.
$(STAMP): pyproject.toml requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

$(STAMP_ALL): $(STAMP)
	$(BIN)/python -m pip install -c constraints.txt -e ".[cluster,browser,adapters]"
	touch $@

# The first lesson is part of the address that JupyterLab prints, so that copying it works too.
# The file browser shows the whole notebooks folder.
lab: setup
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/en/01_start.ipynb $(LAB_FLAGS)

check: setup
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

test: check
	$(PYTEST)

test-all: check $(STAMP_ALL)
	$(PYTEST) -m "not network"

# build/ goes first: setuptools would pack what an older version left there.
wheel: | $(BIN)/python
	rm -rf build
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

notebooks: setup
	$(BIN)/python -m tools.notebooks run

links: setup
	$(BIN)/python -m tools.links
