# Only python3 and make are assumed; each target makes what it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint clean

setup: .venv/.done

.venv/.done: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: setup
	mkdir -p out
	$(BIN)/causalopt run thermostat --plot out/thermostat.png
	$(BIN)/causalopt run lorenz --set rho=0.8 --plot out/lorenz_stable.png
	$(BIN)/causalopt run lorenz --steps 2000 --plot out/lorenz_chaotic.png
	$(BIN)/causalopt rates lorenz --method rk4
	$(BIN)/causalopt draw thermostat --steps 4 --out out/thermostat.svg
	@echo "pictures are in out/"

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf .venv out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
