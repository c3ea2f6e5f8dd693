# Every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8000
DATA ?= .demo
PY := .venv/bin/python

help: ## List the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: ## Make the environment for running Bursar (.venv).
	@$(PYTHON) deploy/environment.py

setup-dev: ## Make the environment for working on Bursar (.venv).
	@$(PYTHON) deploy/environment.py --dev

demo: ## Run an example organization on a simulated cluster [PORT=8000] [DATA=.demo].
	@$(PYTHON) deploy/environment.py --data "$(DATA)"
	@BURSAR_DATA="$(DATA)" exec $(PY) manage.py demo --port "$(PORT)"

demo-reset: setup ## Forget what the demo holds, so that it starts over [DATA=.demo].
	@BURSAR_DATA="$(DATA)" $(PY) manage.py demo --reset

fmt: setup-dev ## Format the code.
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

lint: setup-dev ## Check format, rules, types, import directions, file lengths, migrations, templates.
	@$(PY) -m tests.harness.lint

test: setup-dev ## Install what the tests need and run everything.
	@$(PY) -m tests.harness.run

soak: setup-dev ## Try thirty times as many generated examples, and an hour of clusters against the obvious engine; or kill and freeze processes for so long [FAULTS=minutes] [FAULTS_ON=kubernetes] [FAULTS_REPORT=file].
	@$(PY) -m $(if $(FAULTS),tests.fault_run $(FAULTS) $(if $(FAULTS_ON),--on $(FAULTS_ON)),tests.harness.run --soak)

bench: setup-dev ## Measure [BENCH_JSON=file] [BENCH_ONLY=name].
	@$(PY) -m tests.bench

conformance: setup-dev ## Compare the engine with recorded outcomes of the reference [CONFORMANCE_DIR=folder].
	@$(PY) -m tests.conformance

cluster: setup-dev ## Run a Kubernetes control plane with fake nodes in the foreground.
	@exec $(PY) -m tests.cluster

.PHONY: help setup setup-dev demo demo-reset fmt lint test soak bench conformance cluster
