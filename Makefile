# PYTHON makes the virtual environment; everything else runs inside it.
PYTHON ?= python3
# Extra flags for JupyterLab, for example LAB_FLAGS="--no-browser --port=9000".
LAB_FLAGS ?=
# keep: your copies of the lessons come with the stored outputs. clear: without, so that you see them appear.
OUTPUTS ?= clear
# en or ja: the language of the lessons, read by sdkit.lessons and by the kernels that it starts. Not LANG or LANGUAGE,
# which many systems set.
export SDKIT_LANGUAGE ?= en
# Which PyTorch `make setup` takes. cpu: the small build for processors, from PyTorch's own index. default: the one of
# your package index, which on Linux brings 2.7 GB for NVIDIA's cards. cuda means the same as default.
# To change it after the installation, delete .venv.
NVIDIA := $(wildcard /proc/driver/nvidia)$(shell command -v nvidia-smi 2>/dev/null)
TORCH ?= $(if $(NVIDIA),default,$(if $(filter Linux,$(shell uname -s)),cpu,default))
ifeq ($(filter cpu cuda default,$(TORCH)),)
$(error TORCH is "$(TORCH)"; use TORCH=cpu, TORCH=cuda or TORCH=default)
endif
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
# For which systems and versions of Python `make bundle` packs: BUNDLE="--for linux windows macos --python 3.11 3.13".
# Without it, for machines like this one.
BUNDLE ?=

BIN := .venv/bin
STAMP := .venv/installed
STAMP_ALL := .venv/installed-all
STAMP_SITE := .venv/installed-site

# English, whatever the language of whoever runs the tests. One thread each: the threads of one small picture cost more
# than they save. Three workers keep two cores busy, since tests wait for kernels, browsers and processes now and then. A
# file stays with one worker, in the order given, which tests/conftest.py changes a little. Python keeps what it has
# compiled, also where it is told not to. The memory of large tensors is kept for the next ones: glibc would give it back
# to the system, and a batch of eight pictures takes 11 % longer.
PYTEST := SDKIT_LANGUAGE=en OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= \
	MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=1073741824 $(BIN)/python -m pytest \
	-n 3 --dist loadfile --no-loadscope-reorder -p no:cacheprovider \
	--nbval --nbval-current-env --nbval-cell-timeout=300 notebooks/en tests

.PHONY: help setup lab reset check test test-all wheel slides bundle browser site course notebooks links

help:
	@echo "make lab        open your own copies of the lessons, in my-lessons/, in JupyterLab"
	@echo "make lab SDKIT_LANGUAGE=ja   the same in Japanese, in my-lessons-ja/"
	@echo "make reset LESSON=06   start lesson 6 afresh; your version is kept beside it"
	@echo "make test       check form and types, run the lessons and all tests but the slow ones"
	@echo "make test-all   the same with the slow tests, after installing what they need"
	@echo "make setup      only set up .venv, as the others do on first use; TORCH=cpu or TORCH=cuda chooses the PyTorch"
	@echo "make wheel      build a wheel with the model inside, into dist/"
	@echo "make slides     slides of the lessons, into dist/slides/; SDKIT_LANGUAGE=ja: dist/slides-ja/"
	@echo "make bundle     a zip file for laptops without a network, into dist/; BUNDLE=\"--for windows\" says for which"
	@echo "make browser    the model for a browser, into dist/browser/; needs npm"
	@echo "make site       the lessons as a web site, into dist/site/; needs npm"
	@echo "make notebooks  run the lessons again and store their outputs"
	@echo "make course     write the exercises as a course for nbgrader, into dist/course/"
	@echo "make links      write the repository's address into the lessons"

setup: $(STAMP)

$(BIN)/python:
	$(PYTHON) -m venv .venv

# Installs again only after one of these files has changed.
$(STAMP): pyproject.toml requirements.txt constraints.txt | $(BIN)/python
	@echo "Setting up .venv, this once: about 2 minutes on a fast network, and 2 GB of disk."
	@echo "NVIDIA card: $(if $(NVIDIA),found,not found). PyTorch: TORCH=$(TORCH); others: cpu, cuda, default."
ifeq ($(TORCH),cpu)
	@set -x; $(BIN)/python -m pip install --no-deps --retries 1 --timeout 20 --index-url $(TORCH_CPU_INDEX) \
		"$$(grep '^torch==' constraints.txt)" || { set +x; echo \
		"PyTorch's CPU build did not come from $(TORCH_CPU_INDEX). The next command takes the PyTorch of your" \
		"package index, on Linux with 2.7 GB for NVIDIA's cards. Ctrl+C stops it."; } 2>/dev/null
endif
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

$(STAMP_ALL): $(STAMP)
	$(BIN)/python -m pip install -c constraints.txt -e ".[cluster,browser,course,site]"
	touch $@ $(STAMP_SITE)

$(STAMP_SITE): $(STAMP)
	$(BIN)/python -m pip install -c constraints.txt -e ".[site]"
	touch $@

lab: setup
	$(BIN)/python -m sdkit.lessons --outputs $(OUTPUTS) --lab $(LAB_FLAGS)

reset: setup
	$(if $(LESSON),,$(error say which lesson, as in: make reset LESSON=06))
	$(BIN)/python -m sdkit.lessons --outputs $(OUTPUTS) --reset $(LESSON)

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

slides: setup
	$(BIN)/python -m tools.slides build

bundle: setup
	TORCH_CPU_INDEX=$(TORCH_CPU_INDEX) $(BIN)/python -m tools.bundle $(BUNDLE)

browser: $(STAMP_SITE)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.browser_build

site: browser
	$(BIN)/python -m tools.site

notebooks: setup
	$(BIN)/python -m tools.notebooks run

links: setup
	$(BIN)/python -m tools.links

course: setup
	$(BIN)/python -m tools.course
