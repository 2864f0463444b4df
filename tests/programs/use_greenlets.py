"""Uses each verb of ``taurus_tpo.green``; tells what came of it."""

from __future__ import annotations

import gc
from typing import Any

from tests.programs.greenlets_base import (
    HEALTHY,
    PERIOD,
    TICK,
    begin_to_tick,
    gevent,
    green,
    hang,
    job,
    resume,
    telling,
    told,
)
from tests.support.stopwatch import Stopwatch

# isort: split
import tango
from gevent.event import AsyncResult

from taurus_tpo.green.hub_threads import MOST_THREADS, threads

RW = f"{HEALTHY}/rw"
CALM = f"{HEALTHY}/volt01"
HUNG = "sim/greenlets/hung1/rw"


def plain(value: Any) -> Any:
    return getattr(value.rvalue, "magnitude", value.rvalue)


def kind_of(error: Any) -> str:
    return type(error).__name__


def read() -> None:
    green.write(RW, 2.5)
    told["one"] = [plain(value) for value in green.read(RW)]
    told["none"] = green.read()
    value, wrong, result = green.read(RW, "no/such/name/at/all", "eval:1+2")
    told["several"] = [plain(value), kind_of(wrong), plain(result)]
    begin_to_tick()


def read_without_waiting() -> None:
    result = green.read(RW, wait=False)
    told["result"] = [isinstance(result, AsyncResult), result.ready()]
    told["result"] += [plain(value) for value in result.get()]


def write() -> None:
    told["written"] = plain(green.write(RW, 3.5))
    result = green.write(RW, 4.5, wait=False)
    told["written later"] = plain(result.get())
    try:
        green.write(RW, 99.0)
    except tango.DevFailed as error:
        told["refused"] = [kind_of(error), str(error.args[0].reason)]
    failed = green.write(RW, 99.0, wait=False)
    failed.wait()
    told["refused later"] = kind_of(failed.exception)


def order_of_writes() -> None:
    results = [green.write(RW, float(n), wait=False) for n in range(8)]
    told["in order"] = [plain(result.get()) for result in results]


def listen() -> None:
    kept = {}
    with green.events(RW, CALM, "sim/no/no/no", period=PERIOD) as stream:
        for event in stream:
            if event.error is not None:
                kept[event.model] = kind_of(event.error)
            elif plain(event.value) is not None:
                kept[event.model] = plain(event.value)
            if kept.get(RW) == 7.0 and len(kept) == 3:
                green.write(RW, 9.0)
            if kept.get(RW) == 9.0:
                break
    told["events"] = list(kept.items())
    told["after the end"] = list(stream)
    try:
        stream.__enter__()
    except RuntimeError as error:
        told["used twice"] = str(error)


def listen_to_what_is_known() -> None:
    """A second stream begins with the value that the first one has got."""
    with green.events(CALM, period=PERIOD) as first:
        next(event for event in first if event.value is not None)
        gc.collect()
        with green.events(CALM, period=PERIOD) as second:
            told["known"] = plain(next(second).value)


def newest_events() -> None:
    """Events that nobody takes do not pile up."""
    for latest in (True, False):
        with green.events(RW, latest=latest, most=3, period=TICK) as stream:
            assert next(stream) is not None
            for n in range(8):
                green.write(RW, float(n))
            wanted = 1 if latest else 3
            kept = []
            for event in stream:
                if event.value is not None:
                    kept.append(plain(event.value))
                if kept and kept[-1] == 7.0:
                    break
        told[f"latest {latest}"] = len(kept) <= wanted + 1


def end_by_another() -> None:
    with green.events(CALM, period=PERIOD) as stream:
        reader = gevent.spawn(list, stream)
        gevent.sleep(5 * TICK)
        stream.close()
        told["ended"] = isinstance(reader.get(timeout=10), list)


def time_out() -> None:
    """Before the server counts as hung, and late enough for a busy machine."""

    def write() -> None:
        try:
            green.write(HUNG, 1.0, timeout=0.6)
        except TimeoutError as error:
            told["write late"] = [kind_of(error), str(error)]

    hang()
    watch = Stopwatch()
    result = green.read(HUNG, wait=False, timeout=0.6)
    writer = gevent.spawn(write)
    late, value = green.read(HUNG, CALM, timeout=0.6)
    told["late"] = [kind_of(late), str(late), plain(value)]
    told["late later"] = [kind_of(one) for one in result.get()]
    writer.join()
    told["timeouts"] = watch.seconds


def be_killed() -> None:
    waiting = [
        gevent.spawn(green.read, HUNG),
        gevent.spawn(green.write, HUNG, 2.0),
        gevent.spawn(wait_for_value, HUNG),
    ]
    gevent.sleep(5 * TICK)
    watch = Stopwatch()
    gevent.killall(waiting)
    told["killed"] = [kind_of(one.value) for one in waiting]
    told["killing"] = watch.seconds
    told["still reads"] = plain(green.read(CALM)[0])


def wait_for_value(model: str) -> Any:
    with green.events(model, period=PERIOD) as stream:
        return next(event for event in stream if event.error is None)


def come_back() -> None:
    """After the server goes on, its attribute has values again."""
    resume()
    while isinstance(green.read(HUNG)[0], Exception):
        gevent.sleep(PERIOD)
    told["back"] = plain(green.read(HUNG)[0]) in (1.0, 2.0, 2.5)


def let_threads_end() -> None:
    """Threads without a call end."""
    pool = threads()._threads
    told["threads"] = 0 < pool.size <= MOST_THREADS
    while pool.size:
        gevent.sleep(PERIOD)
    told["reads again"] = plain(green.read(CALM)[0])


parts = [read, read_without_waiting, write, order_of_writes, listen]
parts += [listen_to_what_is_known, newest_events, let_threads_end]
parts += [end_by_another, time_out, be_killed, come_back]
told["patched"] = job["patched"]
telling(*parts)
