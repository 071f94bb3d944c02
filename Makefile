# Every target sets up what it needs; `make help` lists them.
PYTHON ?= $(shell for candidate in python3.11 python3.12 python3.13 python3; do \
	$$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& command -v $$candidate && break; done)
BIN := .venv/bin
READY := .venv/.ready
# One more than two cores: tests wait for disks, processes and platforms a quarter of their time.
WORKERS ?= 3
DBT := $(BIN)/dbt --no-version-check
export REGULARS_HOME ?= $(CURDIR)/.regulars
export OMP_NUM_THREADS ?= 1
# Compiling what Python could have kept takes seconds of every command.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo ui build test prove check bench docs clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 12

setup: $(READY) ## Make .venv with the tested versions

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python cannot make virtual environments. Install its venv package (Debian: apt install python3-venv)."; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version) (about two minutes) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@mkdir -p .regulars/logs
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt > .regulars/logs/setup.log 2>&1 \
		|| { tail -n 5 .regulars/logs/setup.log; echo "Installing the requirements failed; all of it is in .regulars/logs/setup.log. Is the package index reachable?"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e . >> .regulars/logs/setup.log 2>&1 \
		|| { tail -n 5 .regulars/logs/setup.log; exit 1; }
	@# pip compiles with one core, and half of the installation is that.
	@$(BIN)/python -m compileall -q -j 0 .venv/lib activation ml orchestration sandbox >> .regulars/logs/setup.log 2>&1 || true
	@# dbt reads the project for as long as a demo's landing folder is filled. What is wrong with it
	@# is told by whoever needs it.
	@$(BIN)/python -c "from orchestration.project import parse; parse()" >> .regulars/logs/setup.log 2>&1 || true
	@touch $@

demo: setup ## See the whole road on a simulated shop, from files to audiences
	@$(BIN)/regulars demo $(ARGS)

ui: setup ## Open Dagster on the same state
	@$(BIN)/regulars ui $(ARGS)

build: setup ## Build and test the dbt models on the landed data
	@mkdir -p $(REGULARS_HOME)
	@cd dbt_project && ../$(DBT) build --profiles-dir . $(ARGS)

test: setup ## Run the tests, all but the long proofs
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

prove: setup ## Run the long proofs: simulated shops against their truth, kills, long histories
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m slow $(ARGS)

check: setup ## Lint Python, SQL, layers and types
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests
	@mkdir -p $(REGULARS_HOME) && cd dbt_project && ../$(DBT) --quiet parse --profiles-dir .
	@$(BIN)/dbt-bouncer --config-file dbt_project/dbt-bouncer.yml

bench: setup ## Measure; one JSON line per figure
	@$(BIN)/python -m tests.benchmarks $(ARGS)

docs: setup ## Generate the column-level documentation of every model
	@mkdir -p $(REGULARS_HOME)
	@cd dbt_project && ../$(DBT) docs generate --profiles-dir . && echo "Open it: cd dbt_project && ../$(DBT) docs serve --profiles-dir ."

clean: ## Remove the environment and everything that was built (keeps .regulars)
	@rm -rf .venv dbt_project/target dbt_project/logs *.egg-info .mypy_cache .ruff_cache .pytest_cache
