# License Ledger for Salesforce. `make` prints this help.
SHELL := /bin/sh
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help

help: ## Print this help.
	@grep -E '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "} {printf "  %-15s%s\n", $$1, $$2}'

run: $(VENV)/.run ## Take today's snapshot in Airflow (demo org unless a connection is configured) and print the result.
	@$(BIN)/python scripts/run.py $(ARGS)

ui: $(VENV)/.run ## Start the whole Airflow with its UI on the same state; Ctrl-C stops it.
	@$(BIN)/python scripts/ui.py $(ARGS)

authorize: $(VENV)/.run ## Get the refresh token of your org with a browser, for `make run` and `make ui`.
	@$(BIN)/python scripts/ledger.py authorize $(ARGS)

ledger: $(VENV)/.run ## Any other command on the same state: make ledger ARGS="check".
	@$(BIN)/python scripts/ledger.py $(ARGS)

test: $(VENV)/.dev ## Run the test suite.
	@sh scripts/browser.sh >/dev/null
	@$(BIN)/python -m pytest -n 2 --dist loadscope -m "not endurance" --durations 20 --durations-min 5 $(ARGS)

endurance: $(VENV)/.dev ## Run the tests that take minutes each: kills by the hundred, clusters, a year of days.
	@sh scripts/browser.sh >/dev/null
	@sh scripts/redis.sh >/dev/null
	@$(BIN)/python -m pytest -n 2 --dist loadscope -m endurance --durations 20 --durations-min 20 $(ARGS)

check: $(VENV)/.dev ## Run the static checks: ruff, mypy, import contracts, generated docs, licenses, secrets, compose files.
	@sh scripts/check.sh

bench: $(VENV)/.dev ## Measure the extract beside other extractors, and the budgets; about a quarter of an hour.
	@PYTHONPATH=scripts:. $(BIN)/python -m bench $(ARGS)

setup: $(VENV)/.dev ## Set up the virtual environment with everything.

docs: $(VENV)/.dev ## Write the generated documentation anew.
	@$(BIN)/python scripts/generate_docs.py
	@$(BIN)/python scripts/licenses.py

site: $(VENV)/.dev ## Build the documentation as a site, into var/site.
	@$(BIN)/python scripts/site.py $(ARGS)

audit: $(VENV)/.dev ## Look up every locked package among known weaknesses; needs the network.
	@$(BIN)/python scripts/audit.py $(ARGS)

fuzz: $(VENV)/.dev ## Fuzz the parsers, guided by coverage.
	@$(BIN)/python scripts/fuzz.py $(ARGS)

mutation: $(VENV)/.dev ## Change the pure core in every place and see that a test notices; takes about an hour.
	@$(BIN)/python scripts/mutation.py $(ARGS)

pictures: $(VENV)/.dev ## Take the pictures of README and docs from a real Airflow with the demo org.
	@sh scripts/browser.sh >/dev/null
	@PYTHONPATH=. $(BIN)/python scripts/take_pictures.py $(ARGS)

superset: $(VENV)/.dev ## Install Apache Superset beside, import the dashboard over the warehouse, and serve it.
	@$(BIN)/python scripts/superset.py $(ARGS)

release: $(VENV)/.dev ## Build the packages of the committed version, and sign them: see docs/releasing.md.
	@sh scripts/ssh_keygen.sh >/dev/null
	@$(BIN)/python scripts/release.py make $(ARGS)

verify-release: ## See that a release is whole and signed: make verify-release ARGS="DIRECTORY".
	@sh scripts/ssh_keygen.sh >/dev/null
	@$(PYTHON) scripts/release.py verify $(ARGS)

secrets: ## Make the secrets of the compose files, and .env; what is there stays.
	@$(PYTHON) scripts/make_secrets.py $(ARGS)

lock: $(VENV)/.dev ## Resolve the locks anew from requirements.in and requirements-dev.in.
	@$(BIN)/uv pip compile requirements.in -o requirements.txt --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(ARGS)
	@$(BIN)/uv pip compile requirements-dev.in -c requirements.txt -o requirements-dev.txt --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(ARGS)
	@$(BIN)/uv pip compile pyproject.toml --extra s3 --extra postgres --extra celery --extra notify --extra statsd --extra lineage deploy/image/requirements.in -c requirements-dev.txt -o deploy/image/requirements.txt --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(ARGS)
	@$(BIN)/uv pip compile bi/superset/requirements.in -o bi/superset/requirements.txt --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(ARGS)

clean: ## Remove the virtual environment, caches and the local state of `make run` and `make ui`.
	rm -rf $(VENV) var .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The stamps say which lock the environment was made from; a changed lock makes it anew.
$(VENV)/.run: requirements.txt pyproject.toml
	@PYTHON=$(PYTHON) sh scripts/setup.sh requirements.txt $@

$(VENV)/.dev: requirements-dev.txt requirements.txt pyproject.toml
	@PYTHON=$(PYTHON) sh scripts/setup.sh requirements-dev.txt $@
	@touch $(VENV)/.run

.PHONY: help run ui authorize ledger test endurance check bench setup docs site audit fuzz mutation pictures superset release verify-release secrets lock clean
