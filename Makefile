# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test long fuzz corpus bench lint types contracts unit servers wheel clean

demo: $(VENV)/ready
	$(BIN)/avtald demo

test: $(VENV)/ready servers lint types contracts
	$(PYTEST) -q -n 2 --dist worksteal

long: $(VENV)/ready servers
	$(PYTEST) -q --long -n 2 --dist worksteal

fuzz: $(VENV)/ready
	$(PYTEST) -q --long -m long tests/parsers

corpus: $(VENV)/ready
	$(BIN)/python bench/corpus.py

bench: $(VENV)/ready
	for each in bench/bench_*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready
	$(BIN)/mypy

contracts: $(VENV)/ready
	$(BIN)/lint-imports

# What the tests start on loopback comes from Debian's packages; root installs what is missing.
servers:
	sh tests/servers.sh

wheel: $(VENV)/ready
	$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w dist .

$(VENV)/ready: requirements-dev.lock pyproject.toml
	sh tests/venv.sh "$(PYTHON)" "$(VENV)"
	touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
