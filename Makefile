# Everything a developer does here. Needs make, a Python of at least 3.11 and a package registry; the rest is set up
# in .venv on first use. `make` alone lists the targets.
#
#   make test PYTHON=python3.13              another interpreter (after `make clean`)
#   make test VENV=.venv-3.13 PYTHON=...     a second environment beside the first
#   make test PYTEST_ARGS="-k settings -x"   some of the tests
#
# pip's and uv's own variables and configuration (registry, proxy, certificates) apply as everywhere.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
BENCH_ARGS ?=
RUN = $(VENV)/bin
DASHBOARD = fixtures/dashboard/pyproject.toml
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

# Stamps of what is installed, so that a second run begins at once.
CREATED = $(VENV)/.created
INSTALLED = $(VENV)/.installed
DEVELOPING = $(VENV)/.developing

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help package test standins docs tool-image check format profiles accuracy bench lock clean

help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

package: $(INSTALLED) ## build, inspect and import-test the dashboard function: dist/dashboard.zip
	$(RUN)/lambdapack check --config $(DASHBOARD) --function dashboard

test: $(DEVELOPING) ## run the tests
	$(RUN)/python -m pytest -n auto $(PYTEST_ARGS)

standins: $(DEVELOPING) ## build the images that container tests run in where the official ones are out of reach
	$(RUN)/python -m images.standin --load
	$(RUN)/python -m images.build 3.13 --standin

docs: $(DEVELOPING) ## build the documentation site: build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(RUN)/python -m mkdocs build --strict --quiet -f docs/mkdocs.yml

# IMAGE_ARGS="--build-arg BASE=..." builds it on another image that has Python
tool-image: $(INSTALLED) ## build a container image of lambdapack itself: lambdapack:latest
	rm -rf build/tool && mkdir -p build/tool
	cp images/tool/Dockerfile build/tool/
	$(RUN)/python -m pip wheel --quiet --wheel-dir build/tool/wheels . pip
	docker build --quiet --tag lambdapack:latest $(IMAGE_ARGS) build/tool

check: $(DEVELOPING) ## style, types, who imports whom, and whether the runtime profiles are up to date
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python tools/make_profiles.py --check

format: $(DEVELOPING) ## mend the style
	$(RUN)/ruff check --fix
	$(RUN)/ruff format

# Without a registry: `python tools/make_profiles.py`, from the written sources alone.
profiles: $(DEVELOPING) ## write lambdapack/profiles/data from its sources, after scanning the official images
	$(RUN)/python -m tools.scan_images $(PROFILE_ARGS)

# ACCURACY_ARGS="--only pandas,lxml --all-damages"; --write renews docs/accuracy.md
accuracy: $(DEVELOPING) ## hold the inspector's verdicts on many real artifacts against real imports (an hour)
	PATH="$(abspath $(RUN)):$$PATH" $(RUN)/python -m tools.accuracy $(ACCURACY_ARGS)

bench: $(DEVELOPING) ## measure lambdapack against well-known programs; BENCH_ARGS=--write keeps the tables
	$(RUN)/python -m tools.bench $(BENCH_ARGS)

lock: $(INSTALLED) ## write requirements-dev.txt from requirements-dev.in and pyproject.toml; takes the newest versions
	$(RUN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--output-file requirements-dev.txt pyproject.toml requirements-dev.in

clean: ## remove all that make has made
	rm -rf $(VENV) dist build fixtures/*/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "lambdapack needs Python 3.11 or newer; name one, e.g.: make PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(INSTALLED): pyproject.toml $(CREATED)
	$(RUN)/python -m pip install --quiet --editable .
	@touch $@

# With the development requirements come the project's own, all locked; so this one counts as installed, too.
$(DEVELOPING): requirements-dev.txt pyproject.toml $(CREATED)
	$(RUN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
	$(RUN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED) $@
