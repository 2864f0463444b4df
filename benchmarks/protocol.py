"""What a run is asked for, and what it tells: one JSON text a line.

A run is a process of its own. It gets its order on its standard input, and tells what
happens as it happens, so that a run that is cut short has told the part that was there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from benchmarks.facilities import Row

AnyOrder = TypeVar("AnyOrder", bound="Order")

#: What a run tells of.
WINDOW = "window"
SHOWN = "shown"
END = "end"


@dataclass(frozen=True)
class Order:
    """What a process of the benchmark is to do."""

    def to_json(self) -> str:
        """Return it as the one line that the process reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls: type[AnyOrder], text: str) -> AnyOrder:
        """Return what :meth:`to_json` wrote."""
        data = json.loads(text).items()
        return cls(**{k: _tuple(v) if isinstance(v, list) else v for k, v in data})


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(Row(**one) if isinstance(one, dict) else one for one in values)


@dataclass(frozen=True)
class FormOrder(Order):
    """What a run with a window is to do.

    :param rows: what the form is about, in this order.
    :param plugin: whether the plugin is to be on.
    :param mode: the plugin's mode; None for the default one, and for stock Taurus.
    :param limit: after so long the run gives up, s.
    :param watch: for how long the window is watched at the least, s.
    :param rest: how long after the last value the threads are counted, s; 0: not.
    """

    rows: tuple[Row, ...]
    plugin: bool
    mode: str | None
    limit: float
    watch: float
    rest: float


@dataclass(frozen=True)
class ReadOrder(Order):
    """What a run without a window is to do.

    :param rows: what is read, in this order.
    :param how: one of the ways of :data:`benchmarks.reads.WAYS`.
    :param workers: how many threads plain PyTango may use.
    :param limit: after so long the run gives up, s.
    """

    rows: tuple[Row, ...]
    how: str
    workers: int
    limit: float


@dataclass(frozen=True)
class LeaveOrder(Order):
    """What a process that is made to end is to do.

    :param models: what it uses, in this order.
    :param how: one of the ends of :data:`benchmarks.leaver.HOWS`.
    :param moment: when it is to end, s after it began.
    """

    models: tuple[str, ...]
    how: str
    moment: float


@dataclass(frozen=True)
class SoakOrder(Order):
    """What a process that works for long is to do.

    :param models: what it makes, at random.
    :param attributes: how many in all.
    :param seconds: within what time.
    :param seed: of what is random.
    """

    models: tuple[str, ...]
    attributes: int
    seconds: float
    seed: int


def load_taurus(with_plugin: bool) -> Any:
    """Do what is done once a process and is no matter of the facility.

    :return: Taurus's factory of the Tango scheme.
    :raises SystemExit: if that is not whose it is to be: a plugin that cannot be
        imported leaves stock Taurus in its place.
    """
    import taurus

    taurus.setLogLevel(taurus.Warning)
    factory = taurus.Factory("tango")
    if type(factory).__module__.startswith("taurus_tpo") != with_plugin:
        raise SystemExit(f"the factory of the tango scheme is {type(factory)}")
    return factory


class Telling:
    """The one who tells, on what was the standard output when it was made.

    From then on the standard output goes where the errors go: what others print is not
    to be taken for something told. May be used from any thread.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._channel = os.dup(1)
        os.dup2(2, 1)

    def tell(self, what: str, **facts: Any) -> None:
        """Tell of ``what``, with the time of day, s."""
        line = json.dumps({"what": what, "at": time.time(), **facts}) + "\n"
        # One call, so that the lines of two threads never mix.
        os.write(self._channel, line.encode())
