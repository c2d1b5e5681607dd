# PYTHON makes the virtual environment; everything else runs inside it.
PYTHON ?= python3
# Extra flags for JupyterLab, for example LAB_FLAGS="--no-browser --port=9000".
LAB_FLAGS ?=

BIN := .venv/bin
STAMP := .venv/installed

.PHONY: help setup lab test wheel notebooks links

help:
	@echo "make lab        install, then open the first lesson in JupyterLab"
	@echo "make test       install, then run all tests, the lessons included"
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

# The first lesson is part of the address that JupyterLab prints, so that copying it works too.
# The file browser shows the whole notebooks folder, with both languages.
lab: setup
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/en/01_start.ipynb $(LAB_FLAGS)

# The Japanese lessons have the same code as the English ones, so only these are run.
test: setup
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest tests
	$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=300 -p no:cacheprovider notebooks/en

# build/ goes first: setuptools would pack what an older version left there.
wheel: | $(BIN)/python
	rm -rf build
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

notebooks: setup
	$(BIN)/python -m tools.notebooks run

links: setup
	$(BIN)/python -m tools.links
