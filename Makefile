# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Everything that make writes goes to .venv, .nox and .cache in this folder.

PYTHON ?= python3
JOBS ?= 2
TESTS ?= tests/unit tests/integration
# The attacks, and what is slow, take longer than all others: make checks runs them, and so does naming their file.
MARKS ?= $(if $(filter file,$(origin TESTS)),-m "not attacks and not slow")
ARGS ?=

venv := .venv/.ready-$(notdir $(PYTHON))
nox := .cache/nox-venv/.ready-$(notdir $(PYTHON))
cache := $(CURDIR)/.cache
python := .venv/bin/python

# Nothing is written outside this folder, and nothing of the user's is read but the settings of pip and git.
user_home := $(HOME)
export HOME := $(cache)/home
export TMPDIR := $(cache)/tmp
export XDG_CACHE_HOME := $(cache)/xdg
export XDG_DATA_HOME := $(cache)/xdg
export XDG_CONFIG_HOME ?= $(user_home)/.config
export GIT_CONFIG_GLOBAL ?= $(user_home)/.gitconfig
export GIT_CEILING_DIRECTORIES := $(cache)
export PIP_CACHE_DIR := $(cache)/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export ANSIBLE_HOME := $(HOME)/.ansible
# Left to the shell to expand: the path may hold what a shell would stumble over.
export ANSIBLE_REMOTE_TEMP := $$HOME/.ansible/tmp
# Tests and checks must not meet a real account.
unexport ZAPI_PARTNER_TOKEN ZAPI_API_URL

# A script that prepares ansible-test where it cannot download its own tools.
export ANSIBLE_TEST_BOOTSTRAP ?= $(if $(wildcard ../shared/tools/ansible-test-bootstrap),$(CURDIR)/../shared/tools/ansible-test-bootstrap)

# With Ansible, and with this clone as its collection
with_ansible = PATH="$(CURDIR)/.venv/bin:$$PATH" ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/.venv/collections"
# Ansible kills its workers when a play ends; coverage needs the time to write down what they did.
measured = ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT=100 ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY=0.1
# CI=true: formatters complain instead of changing files.
run_nox = CI=true .cache/nox-venv/bin/python -m nox --reuse-venv=yes

# Each job's output in one piece, where make can do that.
in_blocks = $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.DEFAULT_GOAL := help
.PHONY: help demo test check checks others lint format types docs schema sanity license changelog matrix bench clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | expand -t 10

demo: $(venv) ## start the emulator, audit a fleet, show drift, stop it
	@$(with_ansible) $(python) tests/demo.py

test: $(venv) ## unit and integration tests, with coverage (TESTS=… and ARGS=… narrow them)
	@$(python) -m coverage erase
	$(with_ansible) $(measured) $(python) -m coverage run -m pytest -n $(JOBS) --dist loadfile $(MARKS) $(TESTS) $(ARGS)
	@$(python) -m coverage combine --quiet
	@$(python) -m coverage report $(if $(filter-out file,$(origin TESTS))$(ARGS),--fail-under=0)

check: test checks ## everything CI runs

checks: $(nox) ## all of check but the tests
	@echo "The matrix and the other checks run at once, for some ten minutes; each is shown when it has ended."
	@$(MAKE) --no-print-directory --jobs $(JOBS) $(in_blocks) others matrix

others: $(nox)
	@$(run_nox)

lint: $(nox) ## format, lint, YAML and types: the quick checks
	@$(run_nox) --session lint

format: $(nox) ## bring the code into shape
	@CI= .cache/nox-venv/bin/python -m nox --reuse-venv=yes --session formatters

types: $(nox) ## mypy
	@$(run_nox) --session typing

sanity: $(nox) ## ansible-test sanity
	@$(run_nox) --tags sanity

license: $(nox) ## licences of all files
	@$(run_nox) --session license-check

changelog: $(nox) ## the changelog and its fragments
	@$(run_nox) --session changelog

matrix: $(nox) ## the tests with every supported ansible-core that a Python is here for
	@$(run_nox) --tags matrix

schema: $(venv) ## make docs/schemas/expectations.json from the table of attributes
	@$(with_ansible) $(python) docs/schemas/make.py

docs: $(nox) ## render plugins and guides to .cache/docs
	@$(run_nox) --session docs

bench: $(venv) ## the benchmarks
	@$(with_ansible) $(python) tests/benchmark/bench.py $(ARGS)

clean: ## remove everything that make and the tests wrote
	rm -rf .ansible .cache zapi-zapi-*.tar.gz .coverage* .hypothesis .mypy_cache .nox .pytest_cache .ruff_cache .venv tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

define new_venv
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("zapi.zapi is developed with Python 3.10 or newer. Name one: make PYTHON=python3.12 …")'
	@mkdir -p .cache/tmp .cache/home
	@echo "Setting up $(1) …"
	@$(PYTHON) -m venv --clear $(1)
	@$(1)/bin/python -m pip install --quiet --requirement $(2)
endef

$(venv): tests/requirements.txt tests/link_collection.py
	$(call new_venv,.venv,$<)
	@$(python) tests/link_collection.py > /dev/null
	@touch "$@"

$(nox): .ci/requirements.txt
	$(call new_venv,.cache/nox-venv,$<)
	@touch "$@"
