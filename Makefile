# Two commands: `make demo` and `make test`. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint notebooks notebooks-check docs clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BIN)/python setup.cfg constraints.txt
	$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.all: $(VENV)/.core
	$(PIP) -c constraints.txt torch==2.13.0
	$(PIP) -c constraints.txt -e '.[grad,events,brian,sweep,bench,docs,dev]'
	@touch $@

demo: $(VENV)/.core
	$(BIN)/neuro run nmnist-lsm --preset demo

test: $(VENV)/.all
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.all
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# writes and runs the .ipynb of every py:percent source
notebooks: $(VENV)/.all
	for source in docs/notebooks/*.py; do \
	  $(BIN)/jupytext --quiet --to ipynb $$source && \
	  PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter execute --inplace $${source%.py}.ipynb || exit 1; \
	done

notebooks-check: $(VENV)/.all
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest --nbmake -m "" docs/notebooks

docs: $(VENV)/.all
	$(BIN)/sphinx-build -q -b html docs docs/_build/html

clean:
	rm -rf $(VENV) build dist *.egg-info docs/_build
