# `make quickstart` shows the toolkit; `make test` and `make check` must pass before a change lands.
# All build .venv on the first call, and again when the dependencies change.

PYTHON ?= python3
PYTEST_ARGS ?= -n 2 -m 'not slow'

BIN := .venv/bin
RUN := runs/quickstart

# Folder of the labelled sets that the bundled model is trained on.
DATA ?= runs/data

LOWEST := .venv-lowest
# TensorFlow Datasets calls a function of protobuf 6 that protobuf 7 no longer has.
LOWEST_ARGS ?= -n 2 -m 'not slow' -W 'ignore:label() is deprecated:DeprecationWarning'

.PHONY: help quickstart test test-slow test-wide test-lowest check format docs wheels release weights clean
.DELETE_ON_ERROR:

help:
	@echo 'make quickstart  train, evaluate, export and read (some minutes)'
	@echo 'make test        run the tests'
	@echo 'make test-slow   run the tests that take minutes: the wheel, the benchmarks'
	@echo 'make test-wide   run the same checks on each combination of layers (most of an hour)'
	@echo 'make test-lowest run the tests with the lowest versions of all dependencies'
	@echo 'make check       check format, lint, types and layers'
	@echo 'make format      format the code and fix what the linter can fix'
	@echo 'make docs        build the documentation into site/'
	@echo 'make wheels      build the wheels of both distributions into dist/'
	@echo 'make release     build both wheels, check them, and run them in clean environments'
	@echo 'make weights     train the bundled models (most of a day): configs/*/README.md'
	@echo 'make clean       remove .venv and build outputs; keep runs/'

quickstart: .venv/installed
	$(BIN)/python train.py --flagfile=configs/quickstart.flags
	$(BIN)/python eval.py --model=$(RUN)
	$(BIN)/python export.py --model=$(RUN) --export_dir=$(RUN)/export
	$(BIN)/attention-ocr render --out_dir=$(RUN)/samples --overwrite --count=12 --seed=1 --part=eval \
	  --kinds=words+numbers --case=lower --characters=lower+digits --max_length=8 \
	  --difficulty=0.1 --fonts=bundled
	$(BIN)/attention-ocr read $(RUN)/samples/images --model=$(RUN)/export --overlay_dir=$(RUN)/overlays

test: .venv/installed-dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: .venv/installed-dev
	$(BIN)/python -m pytest -m 'slow and not wide'

test-wide: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 -m wide

test-lowest: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest $(LOWEST_ARGS)

check: .venv/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

docs: .venv/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheels: .venv/installed-dev
	$(BIN)/python -m release.wheels dist

# In order: both wheels, their metadata and licences, and both in clean environments.
release: .venv/installed-dev
	rm -rf dist
	$(BIN)/python -m release.wheels dist
	$(BIN)/python -m release.metadata dist
	WHEELS=dist $(BIN)/python -m pytest -n 0 tests/release tests/test_package.py

weights: .venv/installed
	$(BIN)/python -m pip install wordfreq
	$(BIN)/python configs/make_weights.py --data=$(DATA)

clean:
	rm -rf .venv $(LOWEST) build dist site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache attention_ocr.egg-info

# The pip of Python 3.10 takes over ten minutes to resolve versions, a current one seconds.
.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; v = "%d.%d" % sys.version_info[:2]; (3, 10) <= sys.version_info < (3, 14) \
	  or sys.exit("Expected Python 3.10 to 3.13. Received: " + v + " (choose with make PYTHON=python3.12)")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --upgrade pip

.venv/installed: .venv/pyvenv.cfg pyproject.toml setup.py
	$(BIN)/python -m pip install --editable .
	touch $@

.venv/installed-dev: .venv/pyvenv.cfg pyproject.toml setup.py
	$(BIN)/python -m pip install --editable '.[dev]'
	touch $@ .venv/installed

# A separate environment: .venv tests the newest versions.
$(LOWEST)/installed: pyproject.toml setup.py
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install uv
	$(LOWEST)/bin/uv pip install --python $(LOWEST) --resolution lowest-direct --editable '.[dev]'
	touch $@
