# Two commands matter: `make demo` and `make test`. Both need Python >= 3.11 and make, and nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:
.PHONY: help demo test check dashboard screenshots generate bench faults clean

BIN := .venv/bin
ENVIRONMENT := @sh .make/python .make/environment.py
SERVERS := $(BIN)/python -m tests.servers
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

demo: ## migrate a generated portal in one process and show the balance (needs no root, no Docker, no Node)
	$(ENVIRONMENT) demo
	@$(BIN)/transfuse demo

test: ## everything: format, lint, types, architecture, then all tests on real PostgreSQL, RabbitMQ and Redis
	$(ENVIRONMENT) test
	@$(BIN)/python .make/check.py
	@$(SERVERS) $(PYTEST) $(ARGS)

check: ## format, lint, types, architecture, dependencies, dead code, spelling, dashboard; no other test is run
	$(ENVIRONMENT) test
	@$(BIN)/python .make/check.py

dashboard: ## build the dashboard again, into the gateway (Node of this machine, or of a Python package)
	$(ENVIRONMENT) test
	@$(BIN)/python .make/dashboard.py

screenshots: ## pictures of every page of the dashboard, light and dark, into .transfuse/screenshots (needs Chromium)
	$(ENVIRONMENT) test
	@$(BIN)/python .make/dashboard_packages.py
	@$(BIN)/python -m tests.browser.screenshots

generate: ## write the generated files again (OpenAPI, plan schema, functions; with Node the dashboard's types)
	$(ENVIRONMENT) test
	@$(BIN)/python -m transfuse.generate
	@$(BIN)/python .make/dashboard_types.py

bench: ## full-size measurements, beside what others would do
	$(ENVIRONMENT) test
	@$(BIN)/python .make/dashboard_packages.py || true # the others need none; `pages` says what is missing
	@$(SERVERS) $(BIN)/python -m bench $(ARGS)

faults: ## only the tests that kill, cut and starve, the random ones for ten minutes (TRANSFUSE_FAULTS_SECONDS)
	$(ENVIRONMENT) test
	@TRANSFUSE_FAULTS_SECONDS=$${TRANSFUSE_FAULTS_SECONDS:-600} $(SERVERS) $(PYTEST) -m faults $(ARGS)

clean: ## remove the environment, the demo's data and every cache below this folder
	@sh .make/python .make/clean.py
