# Jiuji 救急. On a fresh machine with Python 3.11 or later and make, `make run` and `make test` do all set-up.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
PIP := -m pip --disable-pip-version-check --no-input --quiet
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := help
.PHONY: help run examples demo-reset test spark lint types contracts check bench bench-lists lock clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: $(VENV)/.runtime ## Serve the system with demo data on 127.0.0.1:8000 (first run: makes them)
	@export JIUJI_DEMO=1; $(BIN)/jiuji migrate --quiet && $(BIN)/jiuji demo --if-empty && $(BIN)/jiuji serve $(ARGS)

examples: $(VENV)/.runtime ## Decide the example county's cases and print the explanations
	@$(BIN)/jiuji rulebook examples 150199

demo-reset: ## Throw the demo data away; the next `make run` makes them anew
	rm -rf var

bench-lists: $(VENV)/.dev ## Measure the lists of 25 out of a million households; writes benchmarks/lists.md
	@$(BIN)/python benchmarks/lists.py $(ARGS)

test: $(VENV)/.dev ## Run all tests (Spark, PostgreSQL and Chromium where present)
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)
	@echo "数据库测试，PostgreSQL 上再做一遍 The tests of the database once more, on PostgreSQL"
	@JIUJI_TEST_ENGINE=postgres $(BIN)/python -m pytest -n $(JOBS) $(ARGS) || [ $$? -eq 5 ]

spark: $(VENV)/.spark ## Add PySpark for the tests on Spark (needs Java 17)

lint: $(VENV)/.dev ## Check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types
	@$(BIN)/python -m mypy

contracts: $(VENV)/.dev ## Check which package may import which
	@$(BIN)/lint-imports

check: test lint types contracts ## Everything that CI checks

bench: $(BENCH)/.bench ## Measure speed and memory against other engines; writes benchmarks/results.md
	@$(BENCH)/bin/python benchmarks/run.py $(ARGS)

lock: ## Pin the requirements anew (with hashes, without any index address)
	@test -n "$(PYTHON)" && $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python $(PIP) install uv
	@cd requirements && for name in runtime dev spark bench; do \
		../.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--custom-compile-command "make lock" -o $$name.txt $$name.in || exit 1; done

clean: ## Remove what set-up made
	rm -rf $(VENV) $(BENCH) .venv-lock .pytest_cache .mypy_cache .ruff_cache .hypothesis

# --- set-up: each stamp is as new as the lock file that it was made from; a broken environment is made again ---

ifeq ($(PYTHON),)
$(VENV)/.base $(BENCH)/.bench:
	@echo "需要 Python 3.11 或更高版本。请安装后重试，或用 make PYTHON=/路径/python3 指定。" >&2
	@echo "Python 3.11 or later is needed. Install it, or name it: make PYTHON=/path/to/python3." >&2
	@exit 1
else
# A virtual environment whose interpreter no longer starts is thrown away before make looks at the stamps.
$(foreach v,$(VENV) $(BENCH),$(shell test -d $(v) && ! $(v)/bin/python -c '' >/dev/null 2>&1 && rm -rf $(v)))

$(VENV)/.base:
	@echo "准备运行环境 Setting up $(VENV) with $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(BENCH)/.bench: requirements/bench.txt pyproject.toml
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python $(PIP) install --require-hashes -r requirements/bench.txt
	@$(BENCH)/bin/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
endif

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/.base
	@$(BIN)/python $(PIP) install --require-hashes -r requirements/runtime.txt
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/.base
	@$(BIN)/python $(PIP) install --require-hashes -r requirements/dev.txt
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $@

$(VENV)/.spark: requirements/spark.txt $(VENV)/.dev
	@$(BIN)/python $(PIP) install --require-hashes -r requirements/spark.txt
	@touch $@
