"""The end of a process in which a call to a device hangs."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from program_support import run_program


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "on_exit"), reason="this C library has no on_exit"
)
def test_a_process_ends_with_its_status_before_cs_own_clean_up(tmp_path: Path) -> None:
    written = tmp_path / "written"
    done = run_program("leave_tango_behind", str(written))
    assert done.stdout.splitlines() == ["True", "Python has ended"], done.stderr
    assert done.returncode == 3
    assert written.read_text() == "by C"


def test_what_is_kept_for_ever_is_not_destroyed() -> None:
    done = run_program("never_destroy")
    assert done.stdout.splitlines() == ["destroyed passing", "destroyed new"]
    assert done.returncode == 0
