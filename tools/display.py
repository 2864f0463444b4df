"""An X server without a screen (Xvfb), for programs whose windows nobody looks at."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

#: How long the server may take to end, s.
SOON = 10.0


@contextmanager
def display(width: int, height: int) -> Iterator[str]:
    """Yield the name of a display of this size, which ends with the context.

    Xvfb finds a free number.

    :raises RuntimeError: Xvfb does not start.
    """
    read, write = os.pipe()
    size = f"{width}x{height}x24"
    options = ("-screen", "0", size, "-nolisten", "tcp", "-noreset")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), *options],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            number = told.readline().strip()
        if not number:
            raise RuntimeError("Xvfb does not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(SOON)
