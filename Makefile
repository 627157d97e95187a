# SPDX-License-Identifier: Apache-2.0
# `make demo` shows the product, `make test` tests it; CI runs .ci/run, which calls these targets.

PYTHON ?= python3
PYTEST_WORKERS ?= 2
PYTEST_ARGS ?=
# Hundreds of tests start the command: without its bytecode each would compile it again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
RUN := $(VENV)/bin/python
TYPED := kguard support
TYPED_VERSIONS := 3.11 3.12 3.13 3.14
RESOLVE := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-header --no-emit-index-url --no-annotate
OPA = $(shell $(PYTHON) -m support.testbed --where opa)

# What is true of every API server that kguard reads, asked of the oldest one too.
LIVE_TESTS := $(addprefix tests/e2e/test_,cluster.py live_shop.py regular_audits.py audit_counters.py \
	reports_in_cluster.py live_images.py)

.DEFAULT_GOAL := help
.PHONY: help demo test testbed lint conformance conformance-full bench docs package mutants clean lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One environment, in two steps: what a scan of files needs, and on top of it what the tests need.
# Both come from lock files with hashes and are reused until the lock changes.
INSTALL = $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	--only-binary :all:

$(VENV)/.core: requirements-core.lock
	@echo "environment: $(VENV) from $<"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(INSTALL) -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.core
	@echo "environment: $(VENV) from $<"
	@$(INSTALL) -r $<
	@touch $@

demo: $(VENV)/.core ## scan examples/shop, write remedies, proof and an HTML report into out/
	@$(RUN) -m support.demo

test: $(VENV)/.dev ## every test that needs no testbed, and those whose systems are built
	$(RUN) -m pytest -n $(PYTEST_WORKERS) --dist loadgroup $(PYTEST_ARGS) tests

testbed: ## build the real systems that tests run against (once, outside the checkout)
	@$(PYTHON) -m support.testbed

lint: $(VENV)/.dev ## ruff, mypy for every supported Python, import contracts, sizes, workflows, Rego
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	@for version in $(TYPED_VERSIONS); do \
		echo "mypy --strict, Python $$version"; \
		$(VENV)/bin/mypy --strict --python-version $$version $(TYPED) || exit 1; \
	done
	PYTHONPATH=. $(VENV)/bin/lint-imports
	$(RUN) -m support.sizes kguard
	$(VENV)/bin/zizmor --offline --quiet .github action.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-actions action.yml
	@$(PYTHON) -m support.testbed opa
	$(RUN) -m support.rego_lint $(OPA)

conformance: $(VENV)/.dev ## the recorded answers of real systems, as a table
	$(RUN) -m support.conformance

conformance-full: $(VENV)/.dev testbed ## the long oracle runs, resumable by seed range
	$(RUN) -m support.oracle_runs
	$(RUN) -m support.bench.reports 1000000
	KGUARD_NETWORK_CLUSTERS=6000 $(RUN) -m pytest -q tests/properties/network/test_every_kind.py
	KGUARD_INSTALL=1 $(RUN) -m pytest -q -o timeout=1200 tests/e2e/test_containerfile.py
	KGUARD_AUDIT_POLICIES=all $(RUN) -m pytest -q tests/e2e/test_audit.py
	@$(PYTHON) -m support.testbed kube-apiserver-1.33 kwok promtool pushgateway
	KGUARD_PROMETHEUS=1 KGUARD_TESTBED=required $(RUN) -m pytest -q tests/e2e/test_prometheus.py
	KGUARD_APISERVER=1.33 KGUARD_TESTBED=required $(RUN) -m pytest -q $(LIVE_TESTS)
	KGUARD_SCALE=1 KGUARD_TESTBED=required $(RUN) -m pytest -q -s tests/e2e/test_scale.py
	KGUARD_RANDOM_CLUSTERS=500 $(RUN) -m pytest -q tests/properties/test_mtls_remedies.py
	KGUARD_KILLS=60 $(RUN) -m pytest -q -n 0 tests/unit/history/test_history.py -k killed
	KGUARD_FLEET=500 $(RUN) -m pytest -q -o timeout=1800 tests/e2e/test_fleet.py
	KGUARD_SLICED_CLUSTERS=300 $(RUN) -m pytest -q tests/properties/test_slices.py
	KGUARD_SLICED_CASES=all $(RUN) -m pytest -q tests/properties/test_sliced_cases.py

bench: $(VENV)/.dev ## times and memory beside those of peers in the same run
	$(RUN) -m support.bench
	$(RUN) -m support.bench.pulls

docs: $(VENV)/.dev ## write the generated pages of docs/
	$(RUN) -m support.docs

package: $(VENV)/.dev ## the wheel and the source archive, into dist/
	$(RUN) -m build --no-isolation --outdir dist .

mutants: $(VENV)/.dev ## every named mutant of a semantic model must fail the conformance slice
	$(RUN) -m support.mutants

lock: ## resolve the lock files again (needs uv)
	$(RESOLVE) --all-extras -o requirements.lock pyproject.toml
	$(RESOLVE) -c requirements.lock -o requirements-core.lock pyproject.toml
	$(RESOLVE) -c requirements.lock --all-extras --group dev -o requirements-dev.lock pyproject.toml

clean: ## remove what the targets made in the checkout
	rm -rf $(VENV) out dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
