# Each target builds what it needs from nothing: Python 3.11+ and make are all that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DIR := ../shared/truth

.DEFAULT_GOAL := help
.PHONY: help demo test truth check lint format types imports bench localstack clean

help:
	@echo 'make demo        replay a poisoned queue of the example service, on an embedded AWS'
	@echo 'make test        run the tests'
	@echo 'make truth       hold the project against recordings of AWS: DIR=folder (default $(DIR))'
	@echo 'make check       lint, format, types, imports between stations'
	@echo 'make bench       run the benchmarks'
	@echo 'make localstack  start LocalStack (with Docker where there is an engine, without it elsewhere)'
	@echo 'make clean       remove what the targets above have built'

demo: $(VENV)/.project
	$(BIN)/replay demo
	@echo '# (pytest is in the environment that make has built:  . $(abspath $(BIN))/activate)'

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# A folder of recordings, with an index.json or a folder for each category; what differs from AWS, and what could not be read, ends in exit 1.
truth: $(VENV)/.dev
	$(BIN)/python -m tests.truth "$(DIR)"

check: lint format types imports

lint: $(VENV)/.dev
	$(BIN)/ruff check .

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py

localstack:
	@if docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then \
	  docker compose up -d --wait && echo 'export AWS_ENDPOINT_URL=http://127.0.0.1:4566'; \
	else \
	  exec $(PYTHON) -m tests.emulators localstack --port 4566; \
	fi

clean:
	rm -rf $(VENV) .venv-emulators replay-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The stamps make a second run instant; a changed pyproject.toml makes them stale.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "replay needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	  echo 'Name another one: make PYTHON=python3.12 ...'; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'  # knows dependency groups
	@touch $@

$(VENV)/.project: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[pytest]'
	@touch $@

$(VENV)/.dev: $(VENV)/.project
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
