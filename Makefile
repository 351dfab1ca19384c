# make serve | test | torture | check | audit | bench | build | lock | clean
# PORT=8001 serves on another port; PYTHON=/path/to/python3.11 chooses the interpreter.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  := torch==2.13.0
SUM    := $(shell cat requirements.lock pyproject.toml Makefile .ci/uv.py | cksum | cut -d' ' -f1)
SUMDEV := $(SUM)-$(shell cksum < requirements-dev.lock | cut -d' ' -f1)
READY  := $(VENV)/.ready-$(SUM)
DEV    := $(VENV)/.ready-dev-$(SUMDEV)
# Progress is for a terminal; in a log it is noise.
QUIET  := $(shell [ -t 2 ] || echo --quiet)
UV     := $(BIN)/python .ci/uv.py

# Small matrices: more threads only wait for each other, and one gives the same bits everywhere.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: serve test torture check audit bench build format lock clean

serve: $(READY)
	@$(BIN)/python .ci/foreground.py -- $(BIN)/rag build --if-stale \
	  -- $(BIN)/rag serve $(if $(PORT),--port $(PORT))

build: $(READY)
	$(BIN)/rag build

test: $(DEV)
	$(BIN)/python -m pytest --cov --cov-report=term

# What is too slow for every test run; writes its figures to tests/torture/torture.json and
# docs/reliability.md.
torture: $(DEV)
	$(BIN)/python -m pytest -s --timeout 3600 tests/torture/torture_*.py

# Under 20 minutes on two cores; `make bench QUICK=1` in two. Writes eval/results/speed-*.json and
# docs/performance.md; quick figures go to index/cache/speed/quick/ alone.
bench: $(DEV)
	$(BIN)/python -m eval.speed bench $(if $(QUICK),--quick --results index/cache/speed/quick)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory test

# Locks, known holes, wheel, licences, list of parts: dist/. Asks a service for known holes, unless
# ADVISORIES names a copy of github.com/pypa/advisory-database. Writes docs/security.md if all is well.
audit: $(DEV)
	$(BIN)/python .ci/audit.py $(ADVISORIES)

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Installs a lock, hashes checked, wheels only: by uv, or by pip if uv does not find all of it.
# Neither chooses packages of its own (--no-deps): the default torch for Linux brings gigabytes of
# CUDA.
define install
@echo "installing $$(grep -c '^[a-zA-Z]' $(1)) packages of $(1)"
@LOCKED="--no-deps --require-hashes --only-binary :all: -r $(1)"; \
  if $(UV) pip install --python $(BIN)/python --quiet --dry-run $$LOCKED 2>/dev/null; then \
    $(UV) pip install --python $(BIN)/python $(QUIET) $$LOCKED; \
  else \
    echo "by pip, because uv does not find them: this takes a minute or more"; \
    $(BIN)/python -m pip install --quiet --quiet $$LOCKED; \
  fi
endef

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up $(VENV): one to three minutes, 1.5 GB, once"
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "python3 -m venv failed: on Debian or Ubuntu, apt install python3-venv"; exit 2; }
	@awk '/^uv==/ {p = 1} p; p && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --quiet --no-deps --require-hashes --only-binary :all: -r $(VENV)/uv.lock
	$(call install,requirements.lock)
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(MAKE) --no-print-directory torch
	@$(BIN)/python -m pip install --quiet --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check --quiet
	@rm -f $(VENV)/.ready-* && touch $@

# The tools for tests and checks, into the same environment.
$(DEV): $(READY)
	$(call install,requirements-dev.lock)
	@$(BIN)/python -m pip check --quiet
	@rm -f $(VENV)/.ready-dev-* && touch $@

# A wheel that pip is configured to find; else the CPU index that uv knows; else the default build,
# which is CPU-only on macOS and Windows and is taken on Linux only where ALLOW_CUDA=1.
.PHONY: torch
torch:
	@echo "installing $(TORCH), the build for CPUs"
	@$(BIN)/python -m pip install --quiet --quiet --no-index --no-deps $(TORCH) 2>/dev/null \
	  || $(BIN)/uv pip install $(QUIET) --python $(BIN)/python --no-deps --torch-backend cpu $(TORCH) \
	  || { { [ "$$(uname)" != Linux ] || [ "$(ALLOW_CUDA)" = 1 ]; } \
	       && $(BIN)/python -m pip install $(QUIET) --no-deps $(TORCH); } \
	  || { echo "no CPU build of $(TORCH) was found: put its wheel in a folder and run"; \
	       echo "  PIP_FIND_LINKS=that-folder make torch"; exit 2; }

# Pins every package for every platform, twice: what serving needs, and that with the tools for
# tests. torch is left out, and what only its CUDA build needs is not even seen: pyproject.toml tells
# uv what its CPU build needs.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-package torch pyproject.toml
lock: $(DEV)
	$(COMPILE) --all-extras -o requirements-dev.lock
	$(COMPILE) --no-annotate --extra eval --extra install -c requirements-dev.lock -o requirements.lock

clean:
	rm -rf $(VENV)
