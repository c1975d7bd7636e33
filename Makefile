# Two commands: `make networking` proves the reference manifests on an embedded cluster, `make test` tests netproof.
# Both do all set-up; they are thin over pip, pytest and tox.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

.PHONY: networking test setup clean

networking: setup
	$(VENV)/bin/pytest -c pyproject.toml -m networking $(ARGS)

test: setup
	$(VENV)/bin/tox run -e lint,unit,cluster

setup: $(VENV)/.installed
	$(VENV)/bin/netproof setup

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --editable '.[kind,browser,dev]'
	touch $@

clean:
	rm -rf $(VENV) .tox .mypy_cache .ruff_cache .pytest_cache
