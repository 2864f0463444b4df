# Everything runs in a virtual environment, which tools/bootstrap.py makes and checks.
#   PYTHON       the Python to make it from (3.9 or newer)
#   VENV         where it is
#   SCREENSHOT   what `make demo` saves
#   JOBS         how many processes share the tests of `make unit`; 0: none beside its own
#   SEED         of an earlier run of `make unit`, to repeat its order and its chances
#   DEMO_ARGS, PYTEST_ARGS, BENCH_ARGS, DIFFERENTIAL_ARGS, PEERS_ARGS, DIST_ARGS, MATRIX_ARGS   more arguments for these commands
#   PICTURES     which ones `make docs-pictures` takes (all)

PYTHON ?= python3
VENV ?= .venv
SCREENSHOT ?= demo.png
# Most tests wait for others most of the time.
JOBS ?= 4
SEED ?=

BIN = $(VENV)/bin
BOOTSTRAP = @"$(PYTHON)" tools/bootstrap.py --venv "$(VENV)"

# What decides, and needs no GUI to be tested.
STRICT = $(addprefix taurus_tpo/, __init__.py core concurrency environment aio green) \
    taurus_tpo/tango_client/pytango_compat.py taurus_tpo/tango_client/process_exit.py \
    $(addprefix tools/, bootstrap.py dist.py matrix.py pythons.py qt_probe.py run_tests.py try_installed.py)

# What people look at: these run with any binding of Qt.
WIDGET_TESTS = $(wildcard tests/gui/test_inspector*.py tests/gui/test_progress.py \
    tests/gui/test_designer.py tests/gui/test_real_window.py \
    tests/gui/test_deferred_updates.py tests/gui/test_fast_widgets.py)

# Of another Python than the one in $(VENV).
unexport PYTHONPATH PYTHONHOME

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test test-faults test-bench test-differential test-bindings test-peers test-cells matrix lint unit coverage docs docs-pictures docs-notebook docs-links \
    bench benchmark-core dist format clean venv-demo venv-test

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 13

demo: venv-demo  ## run the demo: a report here, a screenshot in demo.png
	"$(BIN)/taurus" tpo demo --screenshot "$(SCREENSHOT)" $(DEMO_ARGS)

test: lint unit docs test-cells  ## run all checks: lint, unit, docs and test-cells

lint: venv-test  ## check style (ruff) and types (mypy)
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/mypy" --strict --follow-imports silent $(STRICT)

# TANGO_HOST may name a control system that is in use.
RUN_TESTS = env -u TANGO_HOST QT_QPA_PLATFORM=offscreen \
    "$(BIN)/python" tools/run_tests.py --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

unit: venv-test  ## run the tests in random order
	$(RUN_TESTS) $(PYTEST_ARGS)

coverage: venv-test  ## run them with a coverage report: a quarter longer
	$(RUN_TESTS) --coverage $(PYTEST_ARGS)

test-faults: venv-test  ## run all faults, and fill in the fault matrix: an hour
	env -u TANGO_HOST QT_QPA_PLATFORM=offscreen \
	    "$(BIN)/python" -m pytest -m "faults or matrix" \
	    --matrix=docs/reference/faults-results.inc $(PYTEST_ARGS)

test-bench: venv-test  ## run the tests of taurus tpo bench and of the benchmarks
	env -u TANGO_HOST QT_QPA_PLATFORM=offscreen \
	    "$(BIN)/python" -m pytest -m measuring $(PYTEST_ARGS)

test-differential: venv-test  ## run 1000 scenarios beside stock Taurus: 40 minutes
	env -u TANGO_HOST QT_QPA_PLATFORM=offscreen \
	    "$(BIN)/python" -m pytest -s -m differential tests/differential \
	    --scenarios 1000 $(DIFFERENTIAL_ARGS)

# Taurus 5.4 and later; both beside PyQt5, in an environment of their own.
test-bindings:  ## run the tests of the widgets with PyQt6 and PySide6
	@"$(PYTHON)" tools/bootstrap.py --venv "$(VENV)-bindings" \
	    --extras test,pyqt6,pyside6
	for api in pyqt6 pyside6; do env -u TANGO_HOST QT_QPA_PLATFORM=offscreen \
	    QT_API=$$api PYTEST_QT_API=$$api "$(VENV)-bindings/bin/python" -m pytest \
	    $(WIDGET_TESTS) $(PYTEST_ARGS) || exit 1; done

# Sardana's fixtures start a Pool and a MacroServer.
test-peers:  ## run the tests of taurus_pyqtgraph and Sardana with the plugin and without
	@"$(PYTHON)" tools/bootstrap.py --venv "$(VENV)-peers" --extras peers
	env -u TANGO_HOST QT_QPA_PLATFORM=offscreen \
	    "$(VENV)-peers/bin/python" -m tests.peers --docs $(PEERS_ARGS)

# The Pythons are looked for on the path and under pyenv.
matrix: venv-test  ## run all combinations of versions, and fill in their table: hours
	"$(BIN)/nox" $(MATRIX_ARGS)

test-cells: venv-test  ## run a part of the oldest versions, and of another Qt
	"$(BIN)/nox" -t tested -- quick

docs: venv-test  ## build the documentation in docs/_build/html
	"$(BIN)/sphinx-build" -q -W --keep-going -b html docs docs/_build/html

docs-pictures: venv-test  ## take the pictures of the documentation anew, in two minutes
	"$(BIN)/python" tools/pictures.py $(PICTURES)

docs-notebook: venv-test  ## run the notebook of the documentation, and keep its outputs
	"$(BIN)/python" -m tools.notebook

docs-links: venv-test  ## look whether links to other hosts lead somewhere
	"$(BIN)/sphinx-build" -q --keep-going -b linkcheck docs docs/_build/links

bench: venv-test  ## measure windows, plugin and stock Taurus in turn: an hour
	env -u TANGO_HOST "$(BIN)/python" -m benchmarks $(BENCH_ARGS)

benchmark-core: venv-test  ## measure what rules, transitions and the schedule cost
	"$(BIN)/python" -m benchmarks.core_costs --docs

# Installs from the network, into environments that go again.
dist: venv-test  ## build sdist and wheel, and try the wheel with each Python
	"$(BIN)/python" -m tools.dist $(DIST_ARGS)

format: venv-test  ## let ruff format the code and fix what it can
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

clean:  ## remove what the other targets made, but for the virtual environment
	rm -rf docs/_build htmlcov build dist .coverage .coverage.* "$(SCREENSHOT)" \
	    .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find taurus_tpo tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +

venv-demo:
	$(BOOTSTRAP) --extras demo --window

venv-test:
	$(BOOTSTRAP) --extras demo,test,docs --display-tools
