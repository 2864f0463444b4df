"""Attributes of Taurus for programs with an asyncio event loop.

Nothing here waits for a device in the thread of the loop: attributes are made, read,
written and listened to by other threads, and end there. Functions and streams are to be
used in the thread of a running event loop; there may be several, in several threads.

All schemes of Taurus work: attributes of others than ``tango`` are made and read as by
a script, each by one thread at a time. If the plugin is off, everything raises
``RuntimeError``.
"""

from __future__ import annotations

from typing import Any

from taurus_tpo.aio.calls import CALLS
from taurus_tpo.aio.outcomes import outcomes
from taurus_tpo.aio.stream import EventStream, events
from taurus_tpo.concurrency.event_buffer import Event

__all__ = ["Event", "EventStream", "events", "read", "write"]


async def read(*models: str, timeout: float | None = None) -> list[Any]:
    """Read attributes, all at the same time.

    A device is asked for the value that it has now, as by ``attr.read(cache=False)``;
    what an event brings meanwhile is as new. Attributes of one device are read in a few
    calls. The listeners of the attributes get the values, too.

    Cancelling it, or a timeout, ends no read of other callers.

    :param models: names of attributes. An attribute that a program reads repeatedly is
        found faster if the program keeps it (``taurus.Attribute``).
    :param timeout: s; None: as long as Tango takes to give up.
    :return: in the order of ``models`` each value object, as ``attr.read()`` returns
        it, or the error: ``tango.DevFailed``, an exception of Taurus if the name is not
        valid, the built-in ``TimeoutError``.
    """
    return await outcomes([CALLS.read(str(model)) for model in models], timeout)


async def write(model: str, value: Any, timeout: float | None = None) -> Any:
    """Write an attribute.

    The writes to one device are done one after the other, in the order of the calls.
    If it is cancelled, or times out, the value may have been written all the same.

    :param model: name of the attribute.
    :param timeout: s; None: as long as Tango takes to give up.
    :return: the value object that was read back; None for a write-only attribute.
    :raises tango.DevFailed: if the device does not answer, or refuses.
    :raises TimeoutError: the built-in one, after ``timeout``.
    """
    [outcome] = await outcomes([CALLS.write(str(model), value)], timeout)
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
