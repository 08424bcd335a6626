# Only python3 and make are assumed; each target makes what it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test test-second test-torch lint map changes bench truth truth-short kills mutants mutants-smoke clean

setup: .venv/.done

.venv/.done: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: setup
	$(BIN)/causalopt reproduce --demo --out out

test: setup
	$(BIN)/python -m pytest -n auto --dist loadgroup

# The tests on another Python, where one is installed: see tools/second_python.py.
test-second: setup
	$(BIN)/python -m tools.second_python

# The tests that need torch, which is large: in an environment of its own.
test-torch: .venv-torch/.done
	.venv-torch/bin/python -m pytest tests/with_torch

.venv-torch/.done: requirements.lock pyproject.toml tests/with_torch/requirements.txt
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/python -m pip install --quiet --disable-pip-version-check \
		-r requirements.lock -r tests/with_torch/requirements.txt
	.venv-torch/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The code map in CONTRIBUTING.md and the imports in docs/design.md, from the tree.
map: setup
	$(BIN)/python -m tools.code_map

# What the next release's changelog will say.
changes: setup
	$(BIN)/towncrier build --draft --version next

# What users call, timed beside others: docs/performance.md. QUICK=1 shows in less than a minute that
# it works, PROFILE=1 what takes more than a fifth of a call, ONLY="find_optimizers: ring" some cases.
bench: .venv-bench/.done
	.venv-bench/bin/python -m benchmarks $(if $(QUICK),--quick) $(if $(PROFILE),--profile) \
		$(if $(ONLY),--only "$(ONLY)")

.venv-bench/.done: requirements.lock pyproject.toml benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check \
		-r requirements.lock -r benchmarks/requirements.txt
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# The package beside foreign oracles, which clash with requirements.lock; writes docs/truth.md.
# ORACLES narrows it down to some sections. The short form takes a few cases of each, and writes none.
truth: .venv-truth/.done
	.venv-truth/bin/python -m tests.truth $(ORACLES)

truth-short: .venv-truth/.done
	.venv-truth/bin/python -m tests.truth --short $(ORACLES)

.venv-truth/.done: requirements-truth.lock pyproject.toml
	$(PYTHON) -m venv .venv-truth
	.venv-truth/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-truth.lock
	.venv-truth/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# A sweep killed at random moments: its store must equal an uninterrupted run's, byte for byte. Some
# minutes; SHORT=1 kills ten times.
kills: setup
	$(BIN)/python -m tools.kills $(if $(SHORT),--short)

# Mutation testing, hours of it: CONTRIBUTING.md says how to read it. MODULES narrows it down.
mutants: .venv-mutants/.done
	.venv-mutants/bin/python -m tools.mutants $(MODULES)

mutants-smoke: .venv-mutants/.done
	.venv-mutants/bin/python -m tools.mutants --smoke

.venv-mutants/.done: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv-mutants
	.venv-mutants/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	.venv-mutants/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[mutants]"
	touch $@

clean:
	rm -rf .venv .venv-* .mutants out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
