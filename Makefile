# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# All commands write to .venv, .nox and .cache in this folder only.

PYTHON ?= python3
JOBS ?= 2
TESTS ?= tests/unit tests/integration
# Slow tests run in make check, and if you name their file.
MARKS ?= $(if $(filter file,$(origin TESTS)),-m "not slow")
ARGS ?=

venv := .venv/.ready-$(notdir $(PYTHON))
nox := .cache/nox-venv/.ready-$(notdir $(PYTHON))
cache := $(CURDIR)/.cache
python := .venv/bin/python

# Only the user's settings of pip and git are read.
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
# The shell expands $$HOME: the path can contain characters that are special to a shell.
export ANSIBLE_REMOTE_TEMP := $$HOME/.ansible/tmp
# Tests must not reach a real account.
unexport ZAPI_PARTNER_TOKEN ZAPI_CLIENT_TOKEN ZAPI_API_URL

# A script that prepares ansible-test on machines where it cannot download its own tools.
export ANSIBLE_TEST_BOOTSTRAP ?= $(if $(wildcard ../shared/tools/ansible-test-bootstrap),$(CURDIR)/../shared/tools/ansible-test-bootstrap)

with_ansible = PATH="$(CURDIR)/.venv/bin:$$PATH" ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/.venv/collections"

# All versions of Python that pyenv has installed; its own commands find the active one only.
pyenv := $(wildcard $(or $(PYENV_ROOT),$(user_home)/.pyenv)/versions/*/bin)
space := $() $()
# CI=true: formatters report instead of changing files.
run_nox = CI=true PATH="$(subst $(space),:,$(pyenv)):$$PATH" .cache/nox-venv/bin/python -m nox --reuse-venv=yes
parallel = --parallel $(JOBS) --allow-parallel

.DEFAULT_GOAL := help
.PHONY: help demo test check checks lint docs sanity changelog matrix format schema bench clean

help: ## show this list
	@sed -n 's/^\([a-z ]*\):.*## /\1	/p' Makefile | expand -t 30

demo: $(venv) ## adopt, audit and converge an emulated fleet
	@$(with_ansible) $(python) tests/demo.py

test: $(venv) ## unit and integration tests (TESTS=… and ARGS=… narrow them)
	$(with_ansible) $(python) -m pytest --numprocesses $(JOBS) --dist worksteal $(MARKS) $(TESTS) $(ARGS)

check: test checks ## everything that CI runs

checks: $(nox) ## all of make check except make test
	@echo "Checks take some 15 minutes; the output of each is shown when it ends."
	@$(run_nox) $(parallel)
	@$(run_nox) $(parallel) --tags matrix

lint docs changelog: $(nox) ## a part of make checks
	@$(run_nox) --session $@

sanity: $(nox) ## ansible-test
	@$(run_nox) --session ansible-test

matrix: $(nox) ## tests with every supported ansible-core
	@$(run_nox) $(parallel) --tags matrix

format: $(nox) ## format the code
	@CI= .cache/nox-venv/bin/python -m nox --reuse-venv=yes --session formatters

schema: $(venv) ## generate docs/schemas/expectations.json
	@$(with_ansible) $(python) docs/schemas/make.py

bench: $(venv) ## run the benchmarks
	@$(with_ansible) $(python) tests/benchmark/bench.py $(ARGS)

clean: ## remove everything that make and the tests wrote
	rm -rf .ansible .cache zapi-zapi-*.tar.gz .coverage* .hypothesis .mypy_cache .nox .pytest_cache .ruff_cache .venv tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Create a virtual environment; its output is shown only if that fails.
define new_venv
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("zapi.zapi is developed with Python 3.10 or newer: make PYTHON=python3.12 …")'
	@mkdir -p .cache/tmp .cache/home
	@{ $(PYTHON) -m venv --clear $(1) && $(1)/bin/python -m pip install --requirement $(2); } > .cache/setup.log 2>&1 \
		|| { cat .cache/setup.log >&2; exit 1; }
endef

$(venv): tests/requirements.txt tests/unit/requirements.txt tests/link_collection.py
	$(call new_venv,.venv,$<)
	@$(python) tests/link_collection.py > /dev/null
	@touch "$@"

$(nox): .ci/requirements.txt
	$(call new_venv,.cache/nox-venv,$<)
	@touch "$@"
