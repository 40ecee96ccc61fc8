# demo, test, fuzz, lint, bench, docs and the others: each makes .venv and installs what it needs. PYTHON chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin
TIME ?= 1m
FUZZ_TIME ?= 20s
# As a plain path: beside the folder of the clone, Python would take that for a package without files.
INSTALL := -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat -e

.PHONY: demo test test-browser test-examples test-processors coverage faults fuzz lint bench docs man clean

# What a user has; everything else than the demo needs .venv/tested too.
.venv/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python $(INSTALL) .
	touch $@

.venv/tested: .venv/installed
	$(BIN)/python $(INSTALL) '.[dev,docs,chinese]'
	touch $@

demo: .venv/installed
	$(BIN)/textrnn train data/english.txt --name demo --overwrite --time $(TIME)
	$(BIN)/textrnn generate --model demo --seed "The fox " --length 400
	$(BIN)/textrnn generate --model demo --seed "Dear Nell," --length 400
	$(BIN)/textrnn classify data/reviews.csv --name reviews --overwrite --time $(TIME) -o reviews.predicted.csv

# Two processes start TensorFlow twice, and end in two thirds of the time of one; tests/conftest.py orders the files.
test: .venv/tested
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The page of textrnn serve in chromium, which has to be there: a line says how to get it.
test-browser: .venv/browser
	$(BIN)/python tests/browser.py

.venv/browser: .venv/tested
	$(BIN)/python $(INSTALL) '.[browser]'
	touch $@

# The tests that compare numbers, as on six older processors: about half an hour.
test-processors: .venv/tested
	$(BIN)/python tests/processors.py -n 2 --dist loadfile --no-loadscope-reorder

# The scripts of examples/ with Ray and Spark (which needs Java), in an environment of their own: half a gigabyte.
test-examples: .venv-examples/installed
	.venv-examples/bin/python -m pytest tests/test_examples.py

.venv-examples/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-examples
	.venv-examples/bin/python $(INSTALL) '.[dev,examples]'
	touch $@

# Lines and branches of textrnn/ that the tests reach; the least covered files come first.
coverage: .venv/tested
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report term

# Faults seeded one at a time, and whether the tests notice: about half an hour.
faults: .venv/tested
	$(BIN)/python tests/faults.py

# Changed copies of real files and runs, see SECURITY.md; FUZZ_TIME=15m looks for longer.
fuzz: .venv/tested
	$(BIN)/python -m fuzz --time $(FUZZ_TIME) --seed 0

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/tested
	$(BIN)/python -m benchmarks

# Runs every command of the pages (some minutes), writes what they print and draw into docs/, builds build/docs.
docs: .venv/tested
	$(BIN)/python -m docs

# The manual page of all commands; a wheel that is built afterwards holds it.
man: .venv/tested
	$(BIN)/python -m docs.man

clean:
	rm -rf .venv .venv-examples build *.egg-info light/build light/*.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage*
