# Placet's commands. Every one makes its own environment first; nothing needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export TLDEXTRACT_CACHE ?= $(CURDIR)/var/cache

.PHONY: run test coverage browser broker faults check format bench lock clean

run: $(STAMP)
	@$(BIN)/python -m governance.config.launch

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto

coverage: $(STAMP)
	@$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered -m "not browser"

browser: $(STAMP)
	@PLACET_REQUIRE_CHROMIUM=1 $(BIN)/python -m pytest -m browser

broker: $(STAMP)
	@$(BIN)/python -m pytest -m broker

faults: $(STAMP)
	@$(BIN)/python -m pytest -m faults tests/faults

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python -m pytest -q tests/architecture/test_tree.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# make bench ONLY=http is the gateway over HTTP, with two web processes, beside its peers.
bench: $(STAMP)
	@$(BIN)/python -m tests.load.bench $(ONLY)

lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --group embedded --group dev --generate-hashes \
		--no-emit-index-url --no-header --universal --upgrade -o requirements.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(STAMP): requirements.txt
	@echo "Setting up Placet's own environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Placet needs Python 3.11 or newer; set PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q uv
	@$(BIN)/uv pip sync -q --require-hashes requirements.txt --python $(BIN)/python
	@touch $@
