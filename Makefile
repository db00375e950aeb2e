.DEFAULT_GOAL := help
.PHONY: help demo test faults hosts check fix bench docs screenshots up down logs
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	# a test oracle of which one file is read; what it requires would be gigabytes
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps neuraloperator
	@touch $(READY)

demo: $(READY)  ## tune a network and its loss balancing on Burgers' equation, in under five minutes
	$(BIN)/tuner run examples/burgers_balancing.yaml

test: $(READY)  ## the tests
	$(BIN)/python -m pytest -q --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not fault and not hosts"

faults: $(READY)  ## the tests that break whole sweeps
	$(BIN)/python -m pytest -q --numprocesses 3 --dist loadfile --no-loadscope-reorder -m fault tests/faults

hosts: $(READY)  ## the tests of the whole service, on hosts of its own; takes root
	$(BIN)/python -m pytest -q -m hosts tests/hosts

check: $(READY)  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(READY)  ## mend what tools can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## the measured claims, each beside a peer in the same run
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks

docs: $(READY)  ## generate docs/balancers.md, problems.md and performance.md
	$(BIN)/python docs/make_balancers.py
	$(BIN)/python docs/make_problems.py
	$(BIN)/python docs/make_performance.py

screenshots: $(READY)  ## the pictures of the README, docs/seeing.md and docs/mlflow.md, by Debian's Chromium
	$(BIN)/python docs/make_seeing.py
	$(BIN)/python docs/make_mlflow.py

up: export TUNER_UID = $(shell test $$(id -u) = 0 && echo 1000 || id -u)
up:  ## the service on this machine, in containers: Ray, MLflow, PostgreSQL (docs/cluster.md)
	sh cluster/secrets.sh
	docker compose up --detach --build --wait --scale worker=$(or $(WORKERS),2)

down:  ## end the service; sweeps, artifacts and the database stay
	docker compose down

logs:  ## what the service says
	docker compose logs --follow --tail=100
