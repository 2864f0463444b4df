"""Waiting in an event loop for what other threads do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from taurus_tpo.core.errors import fresh, no_answer_within


async def outcomes(futures: Sequence[Future[Any]], timeout: float | None) -> list[Any]:
    """Wait for ``futures``; return the result of each, or its error.

    The futures are cancelled that are not done by then, or when the task is cancelled.

    :param timeout: s; None: no limit.
    :return: a ``TimeoutError`` for one that was not done in time.
    """
    waiting = [asyncio.wrap_future(future) for future in futures]
    late: set[asyncio.Future[Any]] = set()
    try:
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=timeout)
    finally:
        for future in futures:
            # Now: asyncio would pass its own cancellation on later.
            future.cancel()
        for one in waiting:
            if not one.cancel() and not one.cancelled():
                # asyncio logs an error that nobody has looked at.
                one.exception()
    return [_outcome(one, timeout if one in late else None) for one in waiting]


def _outcome(one: asyncio.Future[Any], exceeded: float | None) -> Any:
    if exceeded is not None:
        return no_answer_within(exceeded)
    if one.cancelled():
        return RuntimeError("the call was dropped: the attribute was cleaned up")
    error = one.exception()
    return one.result() if error is None else fresh(error)
