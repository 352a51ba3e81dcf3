# Every command works on a bare machine with Python 3.11+, make and pip; `make help` lists them.

PYTHON = $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install run test check fmt lint migrate revision bench lock

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' Makefile | while read -r target text; do printf 'make %-9s %s\n' $$target "$$text"; done

install: ## .venv with the locked dependencies
	@python="$(PYTHON)"; test -n "$$python" || { echo "Python 3.11 or newer is needed; install it and try again."; exit 1; }; \
	$$python -I config/bootstrap.py dev

run: install ## API, worker, scheduler and admin with a demo market (DEMO=0: without; PORT=8000)
	@$(BIN)/python -m config.launcher

test: install ## the whole suite on servers of its own, or on DATABASE_URL (ARGS='-k name' for pytest)
	@$(BIN)/python -m config.embedded with --temporary -- \
		$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered $(ARGS)

check: lint ## everything that is checked without running the product
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run # without a database, and it says so
	@mkdir -p .local
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file .local/openapi.yaml
	diff -u docs/api/openapi.yaml .local/openapi.yaml
	@# Its lesser findings are the linter's rules S, where each exception gives its reason.
	$(BIN)/bandit -q --severity-level high -c pyproject.toml -r manage.py config accounts markets portfolios risk reporting

lint: install ## format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

fmt: install ## format, and repair what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

migrate: install ## bring the development database to the newest migration
	@$(BIN)/python -m config.embedded with -- sh -c \
		'DATABASE_URL="$${DATABASE_OWNER_URL:-$$DATABASE_URL}" exec $(BIN)/python manage.py migrate'

revision: install ## new migrations; MESSAGE='what they do' names them
	@test -n "$(MESSAGE)" || { echo "Say what it does: make revision MESSAGE='price override'"; exit 1; }
	$(BIN)/python manage.py makemigrations -n "$$(echo '$(MESSAGE)' | tr '[:upper:] -' '[:lower:]__')"

bench: install ## compare speed with the peers (QUICK=1: small; ARGS='api' for one part)
	@python="$(PYTHON)"; $$python -I config/bootstrap.py bench
	$(BIN)/python -m config.embedded with --temporary --durable -- $(BIN)/python manage.py bench $(if $(QUICK),--quick) $(ARGS)

COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet
lock: install ## write requirements/*.txt anew from the .in files (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) requirements/base.in -o requirements/base.txt
	$(COMPILE) $(ARGS) requirements/production.in -c requirements/base.txt -o requirements/production.txt
	$(COMPILE) $(ARGS) requirements/dev.in -c requirements/base.txt -o requirements/dev.txt
	$(COMPILE) $(ARGS) requirements/bench.in -c requirements/dev.txt -o requirements/bench.txt
