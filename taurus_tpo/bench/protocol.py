"""The orders of a run and the messages it sends, one JSON text per line.

A run is a process of its own. It reads its order from its standard input and sends each
message at once, so that an aborted run has reported its part.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

AnyOrder = TypeVar("AnyOrder", bound="Order")

#: The types of messages.
WINDOW = "window"
VALUE = "value"
STALL = "stall"
ATTRIBUTE = "attribute"
READ = "read"
CLOSING = "closing"
END = "end"


@dataclass(frozen=True)
class Order:
    """An order for a process of the benchmark."""

    def to_json(self) -> str:
        """Return the order as the line that the process reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls: type[AnyOrder], text: str) -> AnyOrder:
        """Return the order from the output of :meth:`to_json`."""
        data = json.loads(text).items()
        # JSON has no tuples.
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in data})


@dataclass(frozen=True)
class LookOrder(Order):
    """The order for a run with Taurus.

    :param models: the models, in this order.
    :param plugin: whether the plugin must be active.
    :param settings: settings files in addition to the system and user files.
    :param said: modes of the plugin, as pairs of a pattern (None for all) and the name
        of a mode, or ``disabled``; by increasing precedence.
    :param workers: the number of reader threads; None: as configured.
    :param patience: how long it waits for failed attributes, after the last change of
        any attribute, s.
    :param limit: the time limit of the run, s.
    :param rest: it continues until no device is called any more, and counts the
        plugin's threads this long after the last call, s; 0: it does not.
    :param watched: for how long a program that measures its steady state does so, s.
    """

    models: tuple[str, ...]
    plugin: bool
    settings: tuple[str, ...]
    said: tuple[tuple[str | None, str], ...]
    workers: int | None
    patience: float
    limit: float
    rest: float = 0.0
    watched: float = 0.0


@dataclass(frozen=True)
class SurveyOrder(Order):
    """The order for a run with plain PyTango.

    :param models: full names of the attributes, in this order.
    :param workers: the maximum number of threads; each device is read by one.
    :param limit: the time limit of the run, s.
    """

    models: tuple[str, ...]
    workers: int
    limit: float


@dataclass(frozen=True)
class DiscoverOrder(Order):
    """The order for a run that finds the attributes shown by a program.

    :param path: the configuration directory of a TaurusGui, or a Python program.
    :param limit: after this time it reports the attributes found, s.
    """

    path: str
    limit: float


def load_taurus(with_plugin: bool) -> Any:
    """Import Taurus and make its factory, which is not part of the measurement.

    :return: Taurus's factory of the ``tango`` scheme.
    :raises SystemExit: if it is not the expected one: if the plugin cannot be imported,
        Taurus falls back to its own factory.
    """
    import taurus

    taurus.setLogLevel(taurus.Warning)
    factory = taurus.Factory("tango")
    if type(factory).__module__.startswith("taurus_tpo") != with_plugin:
        raise SystemExit(f"the factory of the tango scheme is {type(factory)}")
    return factory


class Telling:
    """Sends messages to the original standard output; thread-safe.

    From its creation on, the standard output is redirected to the standard error, so
    that output of other code is not taken for a message.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._channel = os.dup(1)
        os.dup2(2, 1)

    def tell(self, what: str, **facts: Any) -> None:
        """Send a message of type ``what``, with the time in s since the epoch.

        :param facts: what it says; ``at`` replaces the present time.
        """
        line = json.dumps({"what": what, "at": time.time(), **facts}) + "\n"
        # A single write, so that lines of two threads are not mixed.
        os.write(self._channel, line.encode())
