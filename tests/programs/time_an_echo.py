"""Prints how long an echo takes, s; the argument is the address of ``echo``."""

from __future__ import annotations

import socket
import sys
import time

with socket.create_connection((sys.argv[1], 5555)) as asking:
    begun = time.monotonic()
    asking.sendall(b"x")
    asking.recv(1)
    print(time.monotonic() - begun)
