"""The end of a process in which a call to a device hangs."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

#: C would abort at its end; Python's own end is told by what is printed.
PROGRAM = """
import atexit, ctypes, sys
from taurus_tpo.tango_client.process_exit import leave_tango_behind
libc = ctypes.CDLL(None)
libc.on_exit(ctypes.cast(libc.abort, ctypes.c_void_p), None)
atexit.register(print, "Python has ended")
atexit.register(lambda: print(leave_tango_behind()))
libc.fopen.restype = ctypes.c_void_p
stream = libc.fopen(sys.argv[1].encode(), b"w")
libc.fputs(b"by C", ctypes.c_void_p(stream))
sys.exit(3)
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "on_exit"), reason="this C library has no on_exit"
)
def test_a_process_ends_with_its_status_before_cs_own_clean_up(tmp_path: Path) -> None:
    written = tmp_path / "written"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(written)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["True", "Python has ended"], done.stderr
    assert done.returncode == 3
    assert written.read_text() == "by C"


#: What is destroyed says so.
KEEPER = """
import weakref
from taurus_tpo.tango_client.process_exit import keep_for_ever

class Proxy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("destroyed", self.name)

class Other(Proxy):
    pass

kept, later, passing = Proxy("kept"), Other("other"), Proxy("passing")
dead = weakref.proxy(passing)
del passing
keep_for_ever(Proxy)
unkept = Proxy("new")
del kept, later, unkept
"""


def test_what_is_kept_for_ever_is_not_destroyed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEEPER],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["destroyed passing", "destroyed new"]
    assert done.returncode == 0
