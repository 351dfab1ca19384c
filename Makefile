# make serve | test | torture | check | build | lock | clean
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  := torch==2.13.0
READY  := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml Makefile | cksum | cut -d' ' -f1)

# Small matrices: more threads only wait for each other, and one gives the same bits everywhere.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: serve test torture check build format lock clean

serve: $(READY)
	@$(BIN)/rag build --if-stale
	@$(BIN)/rag serve

build: $(READY)
	$(BIN)/rag build

test: $(READY)
	$(BIN)/python -m pytest --cov --cov-report=term

# What is too slow for every test run; writes its figures to tests/torture.json and .md.
torture: $(READY)
	$(BIN)/python -m pytest -s --timeout 3600 tests/torture_*.py

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory test

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Everything but torch comes from the lock, hashes checked, wheels only. --no-deps keeps pip from
# choosing a torch of its own: the default Linux build brings gigabytes of CUDA.
$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "python3 -m venv failed: on Debian or Ubuntu, apt install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(MAKE) --no-print-directory torch
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check
	@rm -f $(VENV)/.ready-* && touch $@

# A wheel that pip is configured to find; else the CPU index that uv knows; else the default build,
# which is CPU-only on macOS and Windows and is taken on Linux only where ALLOW_CUDA=1.
.PHONY: torch
torch:
	@$(BIN)/python -m pip install --quiet --no-index --no-deps $(TORCH) 2>/dev/null \
	  || $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --torch-backend cpu $(TORCH) \
	  || { { [ "$$(uname)" != Linux ] || [ "$(ALLOW_CUDA)" = 1 ]; } \
	       && $(BIN)/python -m pip install --quiet --no-deps $(TORCH); } \
	  || { echo "no CPU build of $(TORCH) was found: put its wheel in a folder and run"; \
	       echo "  PIP_FIND_LINKS=that-folder make torch"; exit 2; }

# Pins every package for every platform. torch and what only its CUDA build needs are left out.
UNLOCKED := torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti \
  nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand \
  nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink \
  nvidia-nvshmem-cu13 nvidia-nvtx
lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  $(UNLOCKED:%=--no-emit-package %) --all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV)
