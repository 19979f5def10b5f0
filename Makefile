# make demo, make test: each makes .venv from constraints.txt first, if there is none or a pin has changed.

PYTHON ?= python3
BIN := .venv/bin
OUT := out
JOBS ?= 2

.PHONY: help demo test lint format docs bench bench-others audit clean constraints
.DEFAULT_GOAL := help

help:
	@echo "make demo         tag a sample of 40 trials and show what comes out"
	@echo "make test         lint, types, import layers and every test, two files at a time; JOBS=1: one"
	@echo "make lint         ruff, mypy, the import layers and the bound on complexity alone"
	@echo "make format       let ruff mend and format what it can"
	@echo "make docs         build the site of the documents into out/docs; needs no network"
	@echo "make bench        accuracy on the gold set, then the speed benchmarks"
	@echo "make bench-others medspaCy and EDS-NLP on the same terms and trials, in an environment of their own"
	@echo "make audit        ask the Python Packaging Advisory Database for every pin; needs a network"
	@echo "make constraints  write constraints.txt anew from the newest releases that fit pyproject.toml"
	@echo "make clean        remove what the other targets made, .venv too"

.venv/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is older than Python 3.11; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (some minutes the first time) …"
	@pins=constraints.txt; $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))' || { pins=/dev/null; \
		echo "constraints.txt is for Python 3.11 and 3.12; installing the newest releases"; }; \
		$(BIN)/python -m pip install -qq --disable-pip-version-check -c $$pins -e '.[dev]'
	@touch $@

demo: .venv/.made
	@$(BIN)/python benchmarks/sample/demo.py $(OUT)/demo

lint: .venv/.made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python .ci/complexity.py

test: lint
	$(BIN)/python -m pytest $(if $(filter-out 1,$(JOBS)),-n $(JOBS) --dist loadfile -p no:benchmark)

format: .venv/.made
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.made
	$(BIN)/python .ci/imports.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "$(OUT)/docs/index.html"

bench: .venv/.made
	$(BIN)/cart-nlp evaluate
	@mkdir -p $(OUT)
	$(BIN)/python -m pytest benchmarks/speed -o faulthandler_timeout=3600 --benchmark-json=$(OUT)/speed.json
	$(BIN)/python benchmarks/speed/report.py $(OUT)/speed.json --out $(OUT)/bench

# medspaCy and EDS-NLP beside us, in an environment of their own. On Python 3.11 medspaCy's pin of spaCy < 3.8 is
# overruled: what is measured of it runs on 3.8.
bench-others:
	$(PYTHON) -m venv $(OUT)/others
	$(OUT)/others/bin/python -m pip install -qq -c constraints.txt -e '.[dev]' edsnlp PyRuSH jsonschema medspacy_quickumls
	$(OUT)/others/bin/python -m pip install -qq --no-deps medspacy
	$(OUT)/others/bin/python -m pytest benchmarks/speed/test_anchors.py -o faulthandler_timeout=3600 --benchmark-json=$(OUT)/others.json
	$(OUT)/others/bin/python benchmarks/speed/report.py $(OUT)/others.json --out $(OUT)/bench-others

audit:
	$(PYTHON) -m venv $(OUT)/audit
	$(OUT)/audit/bin/python -m pip install -qq pip-audit
	$(OUT)/audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip

constraints:
	$(PYTHON) -m venv $(OUT)/fresh
	$(OUT)/fresh/bin/python -m pip install -q --upgrade --upgrade-strategy eager -e '.[dev]'
	(echo '# What `make` installs: exact releases, tested together on Python 3.11 (and 3.12). Written by `make constraints`.'; \
		$(OUT)/fresh/bin/python -m pip freeze --exclude-editable --exclude cart-nlp) > constraints.txt
	$(OUT)/fresh/bin/python .ci/licenses.py
	rm -rf $(OUT)/fresh

clean:
	rm -rf .venv $(OUT) dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks .import_linter_cache
	find cart_nlp tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
