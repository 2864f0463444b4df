"""A future for each of several callers who wait for one thing."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any


def own(shared: Future[Any]) -> Future[Any]:
    """Return a future of the caller's own that gets what ``shared`` gets.

    Cancelling it cancels nothing for others. It is cancelled when ``shared`` is. May be
    called from any thread.
    """
    mine: Future[Any] = Future()
    shared.add_done_callback(partial(_pass_on, mine))
    return mine


def _pass_on(mine: Future[Any], shared: Future[Any]) -> None:
    # Whoever has cancelled it meanwhile wants to know nothing.
    with contextlib.suppress(InvalidStateError):
        if shared.cancelled():
            mine.cancel()
        elif shared.exception() is not None:
            mine.set_exception(shared.exception())
        else:
            mine.set_result(shared.result())
