"""A program cleans the factory up and goes on."""

from __future__ import annotations

import json

import pytest
from program_support import run_program
from tango_support import model

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
