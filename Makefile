# make demo | test | test-unit | lint | bench | bench-latency | bench-endurance | bench-validation | chaos | chaos-proof | clean; each sets up what it needs the first time.
#   make demo ARGS="--summary out.json --events 5000"     flags of `scoring demo`
#   make test WORKERS=1                                   one test at a time
#   make chaos ARGS="--fault driver-kill --seeds 3"       faults caused for real, see docs/reliability.md; all of them take hours
#   make demo STORE=hbase                                 the operational store of the demo; postgres if none is named

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
STORE ?= postgres
# Test processes side by side; each has a broker, a PostgreSQL and at times a Spark of its own: about 3 GB.
WORKERS ?= 2
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal

.PHONY: demo test test-unit lint bench bench-latency bench-endurance bench-validation chaos chaos-proof clean setup setup-dev setup-bench

demo: setup
	@$(BIN)/scoring demo --store $(STORE) $(ARGS)

test: setup-dev
	@$(PYTEST) $(ARGS)

test-unit: setup-dev
	@$(PYTEST) -m "not integration and not slow" $(ARGS)

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict streaming jobs
	@$(BIN)/scoring schema check

bench: setup
	@$(BIN)/python benchmarks/throughput.py $(ARGS)

bench-latency: setup
	@$(BIN)/python benchmarks/latency.py $(ARGS)

bench-endurance: setup
	@$(BIN)/python benchmarks/endurance.py $(ARGS)

bench-validation: setup-bench
	@$(BIN)/python benchmarks/validation.py $(ARGS)

chaos: setup-dev
	@PYTHONPATH=tests $(BIN)/python -m faults.run $(ARGS)

chaos-proof: setup-dev
	@PYTHONPATH=tests $(BIN)/python -m faults.broken

clean:
	@if [ -x $(BIN)/scoring ] && [ -d var ]; then $(BIN)/scoring down; fi
	@rm -rf var

setup:
	@$(PYTHON) streaming/local/bootstrap.py local

setup-dev:
	@$(PYTHON) streaming/local/bootstrap.py local dev

setup-bench:
	@$(PYTHON) streaming/local/bootstrap.py local bench
