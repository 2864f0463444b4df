"""Attributes of Taurus for programs with gevent.

Nothing here waits for a device in the thread of the hub: attributes are made, read,
written and listened to by other threads, and end there. To be used by greenlets of any
hub.

All schemes of Taurus work. Without the plugin, and for schemes other than ``tango``,
Taurus is called as a script would, by one thread a device. The plugin is off where
``gevent.monkey`` has replaced threads.
"""

from __future__ import annotations

from typing import Any

try:
    from gevent.event import AsyncResult
except ImportError as error:
    raise ImportError(
        "taurus_tpo.green needs gevent: pip install 'taurus_tpo[gevent]'"
    ) from error

from taurus_tpo.concurrency.event_buffer import Event
from taurus_tpo.green.calls import read_all, write_one
from taurus_tpo.green.greenlets import begin
from taurus_tpo.green.stream import GreenEventStream, events

__all__ = ["AsyncResult", "Event", "GreenEventStream", "events", "read", "write"]


def read(*models: str, wait: bool = True, timeout: float | None = None) -> Any:
    """Read attributes, all at the same time; other greenlets go on.

    A device is asked for the value that it has now, as by ``attr.read(cache=False)``.
    Attributes of one device are read in a few calls (without the plugin: one after the
    other). A greenlet that is killed, or a timeout, ends no read of other callers.

    :param models: names of attributes. An attribute that a program reads repeatedly is
        found faster if the program keeps it, or listens to it.
    :param wait: False returns at once, with an ``AsyncResult`` that gets the list.
    :param timeout: s, whether ``wait`` or not; None: as long as Tango takes to give up.
    :return: in the order of ``models`` each value object, as ``attr.read()`` returns
        it, or the error: ``tango.DevFailed``, an exception of Taurus if the name is not
        valid, the built-in ``TimeoutError``.
    """
    return begin(read_all, tuple(map(str, models)), timeout, wait=wait)


def write(
    model: str, value: Any, wait: bool = True, timeout: float | None = None
) -> Any:
    """Write an attribute; other greenlets go on.

    The writes to one device are done one after the other, in the order of the calls. If
    the greenlet is killed, or there is a timeout, the value may have been written all
    the same.

    :param model: name of the attribute.
    :param wait: False returns at once, with an ``AsyncResult``, which gets the value or
        the error.
    :param timeout: s, whether ``wait`` or not; None: as long as Tango takes to give up.
    :return: the value object that was read back; None for a write-only attribute.
    :raises tango.DevFailed: if the device does not answer, or refuses.
    :raises TimeoutError: the built-in one, after ``timeout``.
    """
    return begin(write_one, str(model), value, timeout, wait=wait)
