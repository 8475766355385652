# Everything sets itself up: a virtualenv in .venv, the toolchain in a cache outside the checkout.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Processes that run the tests; see tests/order.py.
WORKERS ?= $(shell nproc)
# Without compiled files every run would compile each module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up down test unit check docs lock upgrade bench

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/ready ## Deploy the local stack onto the simulated cluster.
	$(BIN)/pai up

down: .venv/ready ## Stop the simulated clusters and forget what was deployed on them.
	$(BIN)/pai down --all --yes

test: .venv/ready ## Run every tier of tests.
	$(BIN)/pai toolchain build
	$(BIN)/python -m pytest -n $(WORKERS) --durations=15 \
		tests/unit tests/policies tests/engine tests/conformance

unit: .venv/ready ## Run the tiers that need no cluster.
	$(BIN)/python -m pytest -n $(WORKERS) tests/unit tests/policies

check: .venv/ready ## Lint, imports, dependencies, types and the quick unit tests, in half a minute.
	$(BIN)/ruff check . toolchain/bin/pulumi
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/deptry .
	@# With the tests, which may import what is declared for development.
	$(BIN)/deptry . --exclude '\.venv' --ignore DEP002,DEP004
	@# Side by side: workers that start and end leave cores idle.
	@$(BIN)/pyrefly check & types=$$!; \
		$(BIN)/python -m pytest -n $(WORKERS) --hypothesis-profile quick \
			-m "not slow" tests/unit; tests=$$?; \
		wait $$types && exit $$tests

docs: .venv/ready ## Generate the reference pages and the JSON schema.
	$(BIN)/pai config reference
	$(BIN)/python -m policies.reference > docs/reference/policies.md
	$(BIN)/python -m catalog.metrics_reference > docs/reference/metrics.md
	$(BIN)/python -m catalog.licenses_reference > docs/reference/licenses.md
	$(BIN)/python -m catalog.upgrades.reference > docs/reference/upgrades.md
	$(BIN)/python -m review.report
	$(BIN)/python -m cli.reference > docs/reference/commands.md
	$(BIN)/python -m tests.conformance.differences > docs/reference/linters.md

lock: .venv/ready ## Pin the dependencies anew.
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header --extra dev \
		--quiet --upgrade pyproject.toml --output-file requirements.lock

upgrade: .venv/ready ## Show what this checkout changes in stacks that the commit FROM deployed.
	$(BIN)/python -m tests.upgrade $(FROM)

bench: .venv/ready ## Measure ratios against an empty program and against the floor.
	$(BIN)/python -m tests.bench

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed, $$($(PYTHON) --version) was found: set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
