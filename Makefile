# make example   set up .venv, run the main job on a real complex, print the path of its report
# make test      set up .venv, run every test (with IMP found: the module, ctest, parity too); what
#                samples, searches or fits once more with each set of instructions of the processor
# make sanitize  the core's tests, sampling and fitting with the compiler's sanitizers
# make docs      the manual as web pages, build/doc/index.html
# make bench     the benchmarks of minutes behind benchmark/RESULTS.md
# make lint      ruff and clang-format

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := $(wildcard src/core/*/*.h src/core/*/*.cpp pyext/*.cpp pyext/*.h tools/*.cmake \
                      pyext/emgmm/*/__init__.py pyext/emgmm/*/*/__init__.py) \
           CMakeLists.txt pyproject.toml VERSION

CHOSEN_SET = $(shell $(BIN)/python -c 'from emgmm import _core; print(_core.instruction_set())')
ALL_SETS = $(shell $(BIN)/python -c \
             'from emgmm import _core; print(*_core.available_instruction_sets())')

.PHONY: setup example test sanitize docs bench lint clean
setup: $(STAMP)

# Editable: Python files are used in place; what C++ changes, or a new package, sets it up again.
$(STAMP): $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

example: $(STAMP)
	$(BIN)/python examples/run_example.py

# By rounding alone, trajectories end elsewhere with another set of instructions.
test: $(STAMP)
	$(BIN)/python -m pytest -q
	$(BIN)/cmake -S . -B build/core -DEMGMM_WITH_IMP=OFF > build/core.log
	$(BIN)/cmake --build build/core --parallel 2 >> build/core.log
	set -e; for set in $(ALL_SETS); do \
	  echo "instruction set $$set, of $(ALL_SETS)"; export EMGMM_INSTRUCTION_SET=$$set; \
	  $(BIN)/ctest --test-dir build/core --output-on-failure --parallel 2; \
	  test $$set = $(CHOSEN_SET) || $(BIN)/python -m pytest -q -m instruction_sets; \
	done
	PYTHON=$(BIN)/python tools/test_module.sh

sanitize: $(STAMP)
	PYTHON=$(BIN)/python tools/sanitize.sh

docs: $(STAMP)
	$(BIN)/python doc/requirements.py | $(BIN)/python -m pip install --quiet --disable-pip-version-check -r /dev/stdin
	$(BIN)/python doc/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo build/doc/index.html

bench: $(STAMP)
	$(BIN)/python benchmark/native/run_all.py

lint: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint]'
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror include/*.h src/*.h src/*.cpp src/core/*/*.h src/core/*/*.cpp pyext/*.h pyext/*.cpp test/*.h test/*.cpp

clean:
	rm -rf build $(VENV)
