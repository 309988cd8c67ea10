# Postkeep: `make run` and `make test` are all one needs. A bare machine with Python >= 3.11 (with venv) and make is enough.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& command -v $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
DOVECOT := $(wildcard /usr/lib/dovecot/pop3)
CHROMIUM := $(shell command -v chromium chromium-browser google-chrome 2>/dev/null | head -n 1)

# Each of the test processes has its own PostgreSQL, Valkey and Chromium; above four they only wait for each other. JOBS=0: in one process.
JOBS ?= auto

.PHONY: help run test lint format torture bench setup requirements browser dovecot clean
.DEFAULT_GOAL := help

help:
	@echo "make run           start everything in the foreground (first start: a link for the first administrator)"
	@echo "make test          the whole test suite on servers of its own, browser tests included"
	@echo "make lint          ruff, mypy --strict, import rules, migrations, check --deploy"
	@echo "make torture       the long kill and fault loops"
	@echo "make bench         the benchmarks, beside notmuch where it is installed"
	@echo "make requirements  compile requirements*.in again, with hashes (with uv)"

run: $(VENV)/run.stamp
	@exec $(BIN)/python manage.py up

test: $(VENV)/dev.stamp browser dovecot
	@$(BIN)/python -m config.translations
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist worksteal $(ARGS)

lint: $(VENV)/dev.stamp
	@BIN=$(BIN) sh deploy/lint.sh

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

torture: $(VENV)/dev.stamp
	@$(BIN)/python -m config.translations
	POSTKEEP_TORTURE=1 $(BIN)/python -m pytest -m torture $(ARGS)

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks $(ARGS)

setup: $(VENV)/dev.stamp

COMPILE = --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

requirements: $(VENV)/dev.stamp
	@command -v uv >/dev/null || $(BIN)/python -m pip install --quiet uv
	PATH="$$PATH:$(BIN)" uv pip compile $(COMPILE) requirements.in -o requirements.txt
	PATH="$$PATH:$(BIN)" uv pip compile $(COMPILE) requirements-dev.in -o requirements-dev.txt

# The stamps hold the hash of what was installed, so a changed requirements file installs again and a touched one doesn't.
$(VENV)/run.stamp: requirements.txt
	@STAMP=$@ PYTHON="$(PYTHON)" VENV=$(VENV) sh deploy/install.sh requirements.txt

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt
	@STAMP=$@ PYTHON="$(PYTHON)" VENV=$(VENV) sh deploy/install.sh requirements-dev.txt

# Browser tests use the distribution's Chromium; root can fetch it, others are told.
browser:
ifeq ($(CHROMIUM),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing Chromium for the browser tests"; \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/dev/null \
		|| echo "Chromium could not be installed"; \
	else echo "no Chromium here: the browser tests are skipped (apt-get install chromium as root brings it)"; fi
endif

# A mail server to fetch from and to send to; the tests run it as their own, with a configuration of their own.
dovecot:
ifeq ($(DOVECOT),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing Dovecot for the tests of profiles"; \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dovecot-imapd dovecot-pop3d) >/dev/null \
		|| echo "Dovecot could not be installed"; \
	else echo "no Dovecot here: the tests that need it are skipped (apt-get install dovecot-imapd dovecot-pop3d as root brings it)"; fi
endif

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
