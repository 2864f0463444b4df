"""Results of reads, and parallel reads of one device.

A device whose server has no monitor lock (PyTango's green modes gevent and asyncio, and
any server with the serial model ``NO_SYNC``) reads several attributes in parallel;
others read them one after the other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tango

from taurus_tpo.core.clock import Clock

_LOG = logging.getLogger(__name__)

#: How long to wait for one answer before checking the others, ms.
_LOOK = 20

#: Tango's error reason: there is no answer yet.
_NOT_YET = "API_AsynReplyNotArrived"

#: How much earlier the slow read of a trial is begun, s: it has to reach the device
#: first.
_AHEAD = 0.05


# Not frozen, only to be made for each poll in half the time.
@dataclass
class Reading:
    """Result of reading one attribute: a value or an error; never changed.

    :param value: Tango's ``DeviceAttribute``.
    :param error: Tango's ``DevFailed``.
    :param begun: when the call began, seconds since the epoch by our clock.
    """

    value: Any
    error: Any
    begun: float

    @classmethod
    def of(cls, answer: Any, begun: float) -> Reading:
        """Return the content of a ``DeviceAttribute``."""
        if answer.has_failed:
            return cls(None, tango.DevFailed(*answer.get_err_stack()), begun)
        return cls(answer, None, begun)


@dataclass(frozen=True)
class Answer:
    """Result of one of several parallel calls.

    :param number: index of its attribute.
    :param reading: the reading; None if the call failed.
    :param error: why it failed, Tango's ``DevFailed``.
    :param seconds: duration of the call, s.
    """

    number: int
    reading: Reading | None
    error: Any
    seconds: float


def read_at_once(
    proxy: Any, attributes: Sequence[str], begun: float, clock: Clock
) -> Iterator[Answer]:
    """Read each of ``attributes`` in a separate call, in parallel; waits.

    :param begun: the time of our clock, seconds since the epoch.
    :return: the answers as they arrive, each within Tango's timeout.
    """
    start = clock.monotonic()
    waiting: dict[int, int] = {}
    for number, name in enumerate(attributes):
        try:
            waiting[number] = proxy.read_attributes_asynch([name])
        except tango.DevFailed as error:
            yield Answer(number, None, error, clock.monotonic() - start)
    while waiting:
        for at, (number, call) in enumerate(list(waiting.items())):
            wait = () if at else (_LOOK,)
            try:
                answers = proxy.read_attributes_reply(call, *wait)
            except tango.DevFailed as error:
                if error.args[0].reason == _NOT_YET:
                    continue
                answer = Answer(number, None, error, clock.monotonic() - start)
            else:
                reading = Reading.of(answers[0], begun)
                answer = Answer(number, reading, None, clock.monotonic() - start)
            del waiting[number]
            yield answer


def read_beside(
    proxy: Any, attribute: str, other: str, begun: float, clock: Clock
) -> tuple[Reading, float]:
    """Read a slow ``attribute``, and ``other`` meanwhile; waits for both.

    :param begun: the time of our clock, seconds since the epoch.
    :return: the result of the first read, and the fraction of its time that the second
        took: all of it if the device has a monitor lock.
    :raises tango.DevFailed: if the first read fails as a whole.
    """
    start = clock.monotonic()
    call = proxy.read_attributes_asynch([attribute])
    threading.Event().wait(_AHEAD)
    between = clock.monotonic()
    try:
        proxy.read_attribute(other)
    except tango.DevFailed as error:
        _LOG.debug("%s, read beside %s: %s", other, attribute, error)
    taken = clock.monotonic() - between
    # 0: until Tango's timeout.
    answers = proxy.read_attributes_reply(call, 0)
    return Reading.of(answers[0], begun), taken / (clock.monotonic() - start)
