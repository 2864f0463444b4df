"""A program cleans the factory up and goes on."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil

import pytest
from program_support import run_program
from tango_support import model

from taurus_tpo import tango_client
from taurus_tpo.core.modes import MODES


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_after_clean_up_all_is_new(batches, mode):
    names = [model(batches, f"volt{number:02}", "sim/batch/1") for number in (1, 2, 3)]
    job = {"names": names, "mode": mode.name}
    done = run_program("use_after_clean_up", json.dumps(job), facility=batches)
    assert done.returncode == 0, done.stderr
    before, kept, after = json.loads(done.stdout)
    assert before == after == [0.0, 3]
    assert kept == [0, 0]


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(tango_client.__path__)]
)
def test_nothing_of_tango_is_kept_by_a_module(name):
    """What is in the modules, and not in the factory, is not reset."""
    module = importlib.import_module(f"{tango_client.__name__}.{name}")
    kept = [what for what, value in vars(module).items() if _is_state(value)]
    assert not kept


#: What has threads, or refers to Tango.
_WITH_STATE = ("taurus_tpo.concurrency.", "taurus_tpo.tango_client.")


def _is_state(value: object) -> bool:
    """Return whether it is an object that may change."""
    klass = type(value)
    is_constant = dataclasses.is_dataclass(klass) and klass.__dataclass_params__.frozen
    return klass.__module__.startswith(_WITH_STATE) and not is_constant
