"""Ends before C does: C would abort at its end; Python's own end is printed.

The argument is a file that C has written when the process ends.
"""

from __future__ import annotations

import atexit
import ctypes
import sys

from taurus_tpo.tango_client.process_exit import leave_tango_behind

libc = ctypes.CDLL(None)
libc.on_exit(ctypes.cast(libc.abort, ctypes.c_void_p), None)
atexit.register(print, "Python has ended")
atexit.register(lambda: print(leave_tango_behind()))
libc.fopen.restype = ctypes.c_void_p
stream = libc.fopen(sys.argv[1].encode(), b"w")
libc.fputs(b"by C", ctypes.c_void_p(stream))
sys.exit(3)
