"""Calls of greenlets to Taurus, made by threads."""

from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import Future
from functools import partial
from typing import Any, Callable

import gevent
import taurus
from taurus import tauruscustomsettings

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.core.errors import fresh, is_of_the_device, no_answer_within
from taurus_tpo.green.greenlets import THREADS_ARE_REPLACED, result_of
from taurus_tpo.green.hub_threads import detached, end_with, threads
from taurus_tpo.scheme.program_calls import (
    FIRST_SCHEME,
    OF_DEVICES,
    factory_of,
    key_of,
    made,
    read_soon,
)

#: Key of the calls that make Taurus's factories.
_FACTORIES = object()

#: How long a call of stock Taurus takes at least that fails since a server hangs, s.
SLOW = 1.0

#: When a call to each device failed for that reason, and its error.
_SILENCES: dict[Hashable, tuple[float, BaseException]] = {}

#: The schemes whose factories are made.
_SCHEMES: set[str] = set()


def read_all(models: tuple[str, ...], timeout: float | None) -> list[Any]:
    """Read attributes in greenlets; return the value of each, or its error."""
    reads = [gevent.spawn(_outcome_of_read, model) for model in models]
    try:
        gevent.joinall(reads, timeout=timeout)
        return [_value_of(one, timeout) for one in reads]
    finally:
        gevent.killall(reads, block=False)


def _value_of(read: Any, timeout: float | None) -> Any:
    # Without a timeout, all are ready.
    if read.ready() or timeout is None:
        return read.get(block=False)
    return no_answer_within(timeout)


def _outcome_of_read(model: str) -> Any:
    """Return the value or the error; gevent prints an error that ends a greenlet."""
    try:
        asked = SYSTEM.monotonic()
        begun = in_thread(model, partial(_begin_read, model, asked))
        return result_of(begun) if isinstance(begun, Future) else begun
    except Exception as error:  # noqa: BLE001 - whatever Taurus and Tango raise
        # Without the frames of this greenlet.
        return error.with_traceback(None)


def write_one(model: str, value: Any, timeout: float | None) -> Any:
    """Write an attribute and return the value that was read back.

    :raises TimeoutError: after ``timeout`` s.
    """
    prepare(model)
    key: Hashable = key_of(model)
    if plugin_is_on():
        # A read need not wait for a write that hangs; Taurus's own devices are not made
        # for several threads.
        key = "write", key
    return _in_thread(key, model, partial(_write, model, value), timeout)


def in_thread(model: str, action: Callable[[], Any]) -> Any:
    """Call ``action`` after the earlier ones of the device of ``model``; wait for it.

    :raises Exception: whatever ``action`` raises.
    """
    prepare(model)
    return _in_thread(key_of(model), model, action)


def _in_thread(
    key: Hashable, model: str, action: Callable[[], Any], timeout: float | None = None
) -> Any:
    if taurus.getSchemeFromName(model) in OF_DEVICES:
        return threads().run(key, action, timeout)
    # Their factories give one of two threads an attribute that is not ready.
    held: list[Any] = []
    threads().run(_FACTORIES, partial(_make_into, held, model), timeout)
    return threads().run(key, partial(_act_with, held, action), timeout)


def _make_into(held: list[Any], model: str) -> None:
    held.append(made(model))


def _act_with(held: list[Any], action: Callable[[], Any]) -> Any:
    """Call ``action``, which gets the attribute in ``held``; let that end here."""
    try:
        return action()
    finally:
        held.clear()


def prepare(model: str) -> None:
    """Have the factory of ``model`` made, if it is not; waits in this greenlet.

    Taurus makes its manager and factories without a lock: of two threads, one would get
    an object that is not ready.
    """
    scheme = taurus.getSchemeFromName(model)
    if scheme in _SCHEMES:
        return
    if THREADS_ARE_REPLACED:
        # The threads of Taurus's manager are greenlets of the hub that makes it.
        _make_factory(scheme)
    else:
        threads().run(_FACTORIES, partial(_make_factory, scheme))


def _make_factory(scheme: str) -> None:
    for one in (FIRST_SCHEME, scheme):
        if one not in _SCHEMES:
            factory = taurus.Factory(one)
            if one == FIRST_SCHEME:
                end_with(factory)
                if not plugin_is_on():
                    # With subscriptions of several threads Tango may crash the process.
                    tauruscustomsettings.TANGO_AUTOSUBSCRIBE_CONF = False
            _SCHEMES.add(one)


def plugin_is_on() -> bool:
    """Return whether the plugin has the scheme ``tango``; after :func:`prepare`."""
    return hasattr(taurus.Factory(FIRST_SCHEME), "read_soon")


def _begin_read(model: str, asked: float) -> Any:
    """Have the pool read an attribute; or, without the plugin, read it.

    :param asked: when the read was requested, by the monotonic clock, s.
    :return: the future of the value, or the value.
    """
    if not hasattr(factory_of(model), "read_soon"):
        return _read_by_stock(model, asked)
    return read_soon(made(model))


def _read_by_stock(model: str, asked: float) -> Any:
    """Read an attribute as a script; one error is enough for a device that hangs.

    Its other attributes would wait as long, one after the other.
    """
    key, begun = key_of(model), SYSTEM.monotonic()
    failed, error = _SILENCES.get(key, (begun, None))
    if error is not None and failed > asked:
        raise fresh(error)
    try:
        value = made(model).read(cache=False)
    except Exception as error:
        now = SYSTEM.monotonic()
        if now - begun >= SLOW and not is_of_the_device(error):
            _SILENCES[key] = now, detached(error)
        raise
    _SILENCES.pop(key, None)
    return value


def _write(model: str, value: Any) -> Any:
    return made(model).write(value)
