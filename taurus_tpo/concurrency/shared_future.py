"""Separate futures for several callers that wait for the same result."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any


def own(shared: Future[Any]) -> Future[Any]:
    """Return a new future that gets the result of ``shared``.

    Cancelling it does not affect other callers. It is cancelled when ``shared`` is. May
    be called from any thread.
    """
    mine: Future[Any] = Future()
    shared.add_done_callback(partial(pass_on, mine))
    return mine


def pass_on(mine: Future[Any], shared: Future[Any]) -> None:
    """Give ``mine`` the result of ``shared``, which is done; any thread."""
    # Its caller may have cancelled it.
    with contextlib.suppress(InvalidStateError):
        if shared.cancelled():
            mine.cancel()
        elif shared.exception() is not None:
            mine.set_exception(shared.exception())
        else:
            mine.set_result(shared.result())
