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

AnyOrder = TypeVar("AnyOrder", bound="Order")

#: What a run tells of.
WINDOW = "window"
VALUE = "value"
STALL = "stall"
ATTRIBUTE = "attribute"
READ = "read"
CLOSING = "closing"
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
        # JSON has no tuples.
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in data})


@dataclass(frozen=True)
class LookOrder(Order):
    """What a run that looks at attributes through Taurus is to do.

    :param models: what it looks at, in this order.
    :param plugin: whether the plugin is to be on.
    :param settings: files that are read beside those that every process reads.
    :param said: the modes of the plugin, as pairs of the pattern that each is about
        (None for all) and its name, or ``disabled``; the last one counts most.
    :param workers: how many threads the plugin may read with; None: as set.
    :param patience: how long it waits for those that have failed, after the last news
        of any of them, s.
    :param limit: after so long the run gives up, s.
    :param rest: it goes on until nobody calls a device any more, and counts the
        plugin's threads so long after the last call, s; 0: it does not.
    """

    models: tuple[str, ...]
    plugin: bool
    settings: tuple[str, ...]
    said: tuple[tuple[str | None, str], ...]
    workers: int | None
    patience: float
    limit: float
    rest: float = 0.0


@dataclass(frozen=True)
class SurveyOrder(Order):
    """What a run with plain PyTango is to do.

    :param models: full names of the attributes, in this order.
    :param workers: how many threads it may use: one a device.
    :param limit: after so long the run gives up, s.
    """

    models: tuple[str, ...]
    workers: int
    limit: float


@dataclass(frozen=True)
class DiscoverOrder(Order):
    """What a run that finds out what a program shows is to do.

    :param path: the configuration directory of a TaurusGui, or a Python program.
    :param limit: after so long it tells what there is, s.
    """

    path: str
    limit: float


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
