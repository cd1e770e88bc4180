# `make run` and `make test` need Python 3.11 or newer, make and a package manager. They install the
# rest. `make help` lists all there is.

PORT ?= 8000
PYTHON ?= python3
export PYTHON

bin := .venv/bin
pytest := $(bin)/python -m pytest -n auto --dist worksteal
# The same Python for every lock, whichever one runs it.
compile := UV_PYTHON_DOWNLOADS=never $(bin)/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --custom-compile-command "make lock" pyproject.toml

.PHONY: help run test test-slow test-postgres bench fuzz check image screenshots sbom audit lock clean

help: ## List all commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

run: export DEBUG := true
# Links in emails lead to this address.
run: export PORTAL_URL ?= http://localhost:$(PORT)
run: ## Install what is missing, then serve the portal on this machine
	@tools/setup.sh run
	@printf '\n  In a few seconds the portal is at http://localhost:%s/\n  Ctrl-C stops it.\n\n' $(PORT)
	@exec $(bin)/python manage.py runserver 127.0.0.1:$(PORT)

# Tests mean the same on every machine, because its environment does not count.
test: export DEBUG := false
test: export DATABASE_URL :=
test: ## Install what is missing, then run the tests on SQLite, and the tests that depend on the database on PostgreSQL
	@tools/setup.sh test
	$(pytest)
	$(bin)/python -m tests.postgres $(pytest) -m "postgres and not slow"

test-slow: export DEBUG := false
test-slow: export DATABASE_URL :=
test-slow: ## Run the slow tests, then every test on PostgreSQL: at most half an hour
	@tools/setup.sh test
	$(pytest) -m slow
	@$(MAKE) --no-print-directory test-postgres

test-postgres: export DEBUG := false
test-postgres: ## Run every test on PostgreSQL, on a temporary server or on TEST_DATABASE_URL
	@tools/setup.sh test
	@if [ -n "$(TEST_DATABASE_URL)" ]; then DATABASE_URL="$(TEST_DATABASE_URL)" $(pytest) -m ""; \
	else $(bin)/python -m tests.postgres $(pytest) -m ""; fi

check: ## Check style, types, architecture, templates and migrations
	@tools/setup.sh test
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/djlint templates --check --lint --quiet
	$(bin)/hadolint Dockerfile
	$(bin)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(bin)/python manage.py check
	$(bin)/python manage.py makemigrations --check --dry-run

bench: export DATABASE_URL :=
bench: ## Measure costs on both databases, and write tests/bench/RESULTS.md
	@tools/setup.sh test
	$(bin)/python -m tests.bench

fuzz: ## Attack every page with 10,000 requests on each database: about five minutes for each
	@tools/setup.sh test
	$(bin)/python -m tests.fuzz
	$(bin)/python -m tests.postgres $(bin)/python -m tests.fuzz

image: ## As root on Debian: build the images of the Dockerfile, and run the portal in its own
	@tools/setup.sh test
	$(bin)/python -m tests.image

screenshots: ## Take a picture of every page, in both widths and colour schemes, into var/screenshots
	@tools/setup.sh test
	$(bin)/python tools/screenshots.py

sbom: ## List all packages, fonts and styles with their hashes, as CycloneDX, in var/sbom.json
	@tools/setup.sh test
	$(bin)/python tools/sbom.py

audit: ## Ask whether the locked packages have known vulnerabilities; needs a connection to api.osv.dev
	@tools/setup.sh test
	$(bin)/python tools/audit.py

lock: ## Lock the packages that pyproject.toml names, keeping versions that still fit
	@tools/setup.sh test
	$(compile) --output-file requirements.txt
	$(compile) --group dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## Remove what was installed or built here, but keep the records in var/
	rm -rf .venv staticfiles .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
