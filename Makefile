# The commands of the house. `make demo` and `make test` are all that a newcomer needs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# each process of a node would compile all that it imports anew: half of its start
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo cloud test check coverage bench docs clean

setup: $(READY)
	@$(BIN)/python islands/build.py || echo "Going on: pages show data as text, without the viewer."

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing into .venv ..."
# uv takes a fraction of the time; where it cannot be had, pip does it
	@export PANOSC_ISLANDS_LATER=1; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
	  $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]' || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)

demo: setup
	@$(BIN)/python scripts/demo.py

cloud: setup
	@$(BIN)/python cloud/run.py

test: setup
	@$(BIN)/python islands/build.py
	@$(BIN)/python scripts/ensure_chromium.py
	@$(BIN)/python scripts/example_data.py > /dev/null
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -n 4

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py
	$(BIN)/deptry .
	$(BIN)/codespell
	$(BIN)/python scripts/audit_dependencies.py

coverage: setup
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

bench: setup
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/ingest.py
	$(BIN)/python benchmarks/authorisation.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/ranking.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/slow_data.py
	$(BIN)/python benchmarks/every_array.py "$$($(BIN)/python scripts/example_data.py)"
	$(BIN)/python benchmarks/viewing.py
	$(BIN)/python benchmarks/downloads.py
	$(BIN)/python benchmarks/downloads.py --seaweed
	$(BIN)/python benchmarks/minting.py
	$(BIN)/python benchmarks/landing.py
	$(BIN)/python benchmarks/oai.py
	$(BIN)/python benchmarks/federation.py
	$(BIN)/python benchmarks/mutants.py 50000 1
	$(BIN)/python benchmarks/schemathesis_run.py

docs: setup
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv .demo .cloud site
