# `make help` lists everything. Two commands do all the set-up from a fresh clone: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := requirements/build.txt requirements/base.txt

.DEFAULT_GOAL := help
.PHONY: help demo test live eval notify bench lock schema clean image-check

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

# Each stamp is newer than the lock it was made from, so a second run does nothing and needs no network.
.venv/base: $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Tocsin needs Python 3.11 to 3.13, this is " + sys.version.split()[0] + ": run make PYTHON=python3.12 ...")'
	@echo "Creating the environment in .venv (once; about a minute) ..."
	@$(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv  # also after a first try that was interrupted
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/distributed: .venv/base requirements/distributed.txt
	@echo "Adding what the services need (Kafka, Faust, Elasticsearch) ..."
	@$(PIP) install --require-hashes -r requirements/distributed.txt
	@touch $@

.venv/notify: .venv/base requirements/notify.txt
	@echo "Adding what sends notifications (Apprise) ..."
	@$(PIP) install --require-hashes -r requirements/notify.txt
	@touch $@

.venv/dev: .venv/distributed .venv/notify requirements/dev.txt
	@echo "Adding the test tools ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

demo: .venv/base ## the whole pipeline on the bundled sample site, in one process
	@$(BIN)/tocsin demo

test: .venv/dev ## every test, and the checks of types, style and structure
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache
	@$(BIN)/pytest --numprocesses 2 --dist loadgroup -m "not live"
	@$(BIN)/pytest -m live tests/live --reruns 1

live: .venv/dev ## only the tests against real Kafka and Elasticsearch (Java 21 or later and Maven, or their addresses)
	@$(BIN)/pytest -m live tests/live --reruns 1

image-check: .venv/dev ## build the container image and run every command of it, without Docker (root, buildah, debootstrap, Java, Maven)
	@$(BIN)/python -m deploy.checks.image

eval: .venv/base ## all scores on the development sets, with the goals beside them
	@$(BIN)/python -m benchmarks.scores

notify: .venv/notify ## what sends alerts to mail, chats and telephones (Apprise)

bench: .venv/base ## articles per second, by stage and end to end, and memory
	@$(BIN)/python -m benchmarks.embedded

lock: .venv/dev ## refresh the locked versions (the one way to do it)
	@$(PIP) install pip-tools
	@for name in build base distributed notify dev; do $(BIN)/python -m piptools compile --quiet --upgrade --generate-hashes --strip-extras \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header \
	  $$(case $$name in \
	    build) echo requirements/build.in;; \
	    base) echo pyproject.toml;; \
	    distributed) echo --extra distributed -c requirements/base.txt pyproject.toml;; \
	    notify) echo --extra notify -c requirements/base.txt -c requirements/distributed.txt pyproject.toml;; \
	    dev) echo --extra dev -c requirements/base.txt -c requirements/distributed.txt -c requirements/notify.txt pyproject.toml;; \
	  esac) \
	  --output-file requirements/$$name.txt; done

clean: ## remove the environment and all that was made
	rm -rf .venv .demo .eval .pytest_cache .mypy_cache .ruff_cache
