# One entry for everything; `make` alone lists it. CI runs the very same targets.
# Needs make and Python 3.11 or newer with venv. Writes only below this folder; variables: PORT, DATA, ONCE=1 (demo), ARGS (test).

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
PORTAL := $(PY) -m partner_portal.console.main
# What the goal needs installed: the development set includes the other.
READY := $(if $(filter test test-long dev accept screenshots,$(MAKECMDGOALS)),$(VENV)/.dev,$(VENV)/.runtime)
# Caches of pip, fontconfig and the browser: not in anybody's home, which may not even be writable.
export XDG_CACHE_HOME := $(CURDIR)/.cache
# Each process of the tests has servers of its own. Most of them wait for others most of the time, so there are more than there are cores.
SIDE_BY_SIDE := --numprocesses=3 --dist=loadfile
export PLAYWRIGHT_BROWSERS_PATH := $(CURDIR)/.cache/browsers

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

# --- the two commands, each sets up all it needs ---

demo: $(VENV)/.runtime $(VENV)/.pango $(VENV)/.assets ## the whole portal with a demo world; PORT=, DATA=, ONCE=1 ends after the story
	@$(PORTAL) demo $(if $(filter-out 0,$(ONCE)),--once)

test: check $(VENV)/.pango $(VENV)/.browser $(VENV)/.test-assets ## every check, and every test against real PostgreSQL, Valkey, SMTP and a browser
	@$(PY) -m pytest $(SIDE_BY_SIDE) $(ARGS)

# --- while developing ---

test-long: $(VENV)/.dev $(VENV)/.pango $(VENV)/.browser $(VENV)/.test-assets ## every test with the full counts of kills, lives and fuzzing
	@$(PY) -m pytest -m "long or not long" --timeout=3600 $(SIDE_BY_SIDE) $(ARGS)

fast: $(VENV)/.dev ## the rules only, in seconds
	@$(PY) -m pytest -q tests/kernel $(wildcard tests/*/test_policy*.py tests/*/test_workflow*.py)

check: $(VENV)/.dev ## format, lint, types, arrows between packages
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(PY) -c "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())" --no-cache

dev: $(VENV)/.dev $(VENV)/.pango $(VENV)/.assets ## the portal without the story; the web process restarts when a file changes
	@$(PORTAL) demo --no-story --reload

migration: $(VENV)/.dev ## write the migration of a table change: APP=billing WHAT="add due date"
	@test -n "$(APP)" && test -n "$(WHAT)" || { echo 'Say which: make migration APP=billing WHAT="add due date"'; exit 2; }
	@$(VENV)/bin/piccolo migrations new $(APP) --auto --desc="$(WHAT)"

accept: $(VENV)/.dev $(VENV)/.pango $(VENV)/.browser $(VENV)/.test-assets ## approve mails, letters and API as they are made now: look at the difference in git before you commit
	@ACCEPT=1 $(PY) -m pytest $(ARGS)

screenshots: $(VENV)/.dev $(VENV)/.pango $(VENV)/.browser $(VENV)/.test-assets ## every page, mail and letter as a picture, to var/screenshots/index.html: ARGS="-k customers" chooses
	@$(PY) -m pytest -q --timeout=0 tests/browser/screenshots.py $(ARGS)

mutation: $(VENV)/.dev ## change the rules one by one and see whether a test notices (long)
	@$(VENV)/bin/mutmut run && $(VENV)/bin/mutmut results

bench: $(READY) $(VENV)/.pango $(VENV)/.assets ## speed beside a floor measured in the same run: ARGS="--quick --json"
	@$(PORTAL) bench $(ARGS)

lock: $(VENV)/.dev ## pin the newest versions allowed by pyproject.toml
	@$(LOCK) --upgrade --group build --output-file requirements.lock
	@$(LOCK) --upgrade --group build --group dev --constraint requirements.lock --no-annotate --output-file requirements-dev.lock

LOCK = $(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
	--custom-compile-command "make lock" > /dev/null

# --- set-up, once, and again when a lock file changes ---

$(VENV)/.runtime: requirements.lock pyproject.toml .ci/venv
	@.ci/venv requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml .ci/venv
	@.ci/venv requirements-dev.lock
	@touch $(VENV)/.runtime $@

$(VENV)/.pango: .ci/pango | $(READY)
	@.ci/pango
	@touch $@

$(VENV)/.assets: package-lock.json partner_portal/web/icons.txt partner_portal/console/assets.py .ci/assets | $(READY)
	@.ci/assets
	@touch $@

$(VENV)/.test-assets: package-lock.json partner_portal/web/icons.txt partner_portal/console/assets.py .ci/assets | $(VENV)/.dev
	@.ci/assets --tests
	@touch $(VENV)/.assets $@

$(VENV)/.browser: .ci/browser | $(VENV)/.dev
	@.ci/browser
	@touch $@

.PHONY: help demo test test-long fast check dev migration accept screenshots mutation bench lock
