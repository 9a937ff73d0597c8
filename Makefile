# Every target makes the virtual environment it needs; python3 (3.11 or newer) and make are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HOT := $(wildcard engine/*.py risk/*.py strategies/*.py adapters/*/*.py engine/*.pxd risk/*.pxd strategies/*.pxd adapters/*/*.pxd)

.PHONY: demo test storm faults mutants soak crash damage lint bench build clean

demo: $(VENV)/.built
	$(BIN)/tickwright run configs/demo.yaml

test: $(VENV)/.built-dev
	$(BIN)/python -m pytest -q

# Random faults through the whole stack against the local venue: seeds 1 to SEEDS, or SEED alone, of its faults those
# in ONLY, for SAFETY seconds. `make faults` is the same.
SEEDS ?= 500
storm faults: $(VENV)/.built-dev
	$(BIN)/python tests/faults/storm.py $(if $(SEED),--seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(if $(SAFETY),--safety $(SAFETY)),--seeds $(SEEDS))

# Bugs planted one at a time in a copy: each must be noticed by the tests named for it. NAME: those whose name has the
# word; SHARE: every so many-th.
mutants: $(VENV)/.dev
	$(BIN)/python tests/mutants/plant.py $(if $(NAME),--name '$(NAME)') $(if $(SHARE),--share $(SHARE))

# So many hours of trading at each local venue on a virtual clock: memory, files and tasks must stay where they were.
HOURS ?= 24
soak: $(VENV)/.built-dev
	$(BIN)/python tests/faults/soak.py --hours $(HOURS)

# Processes killed at every point of the journal and at any moment, at both local venues: N deaths, from SEED.
N ?= 91
crash: $(VENV)/.built-dev
	$(BIN)/python tests/crash/crashes.py --deaths $(N) $(if $(SEED),--seed $(SEED))

# Every bit of a sample journal turned, every cut of its log made; half an hour.
damage: $(VENV)/.built-dev
	DAMAGE=all $(BIN)/python -m pytest -q --timeout 0 tests/engine/test_journal_damage.py

lint: $(VENV)/.built-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tests/typed_tree.py build/typed
	$(BIN)/mypy

bench: $(VENV)/.built-dev
	$(BIN)/python benchmarks/throughput.py

build: $(VENV)/.dev
	$(BIN)/python setup.py -q build_ext --inplace
	@touch $(VENV)/.built $(VENV)/.built-dev

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis $(VENV)
	find . -name '*.so' -not -path './$(VENV)/*' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip

# Dependencies first, without compiling; then the hot modules, once, beside their sources. What an earlier installation
# left beside them would hide strategies that are new since.
$(VENV)/.run: $(VENV)/bin/python pyproject.toml setup.py
	rm -rf tickwright.egg-info
	TICKWRIGHT_PURE=1 $(BIN)/pip install -q -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml setup.py
	rm -rf tickwright.egg-info
	TICKWRIGHT_PURE=1 $(BIN)/pip install -q -e '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.built: $(VENV)/.run $(HOT)
	$(BIN)/pip install -q -e . --no-deps
	@touch $@

$(VENV)/.built-dev: $(VENV)/.dev $(HOT)
	$(BIN)/python setup.py -q build_ext --inplace
	@touch $@ $(VENV)/.built
