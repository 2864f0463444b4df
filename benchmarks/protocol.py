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
from typing import Any

from benchmarks.facilities import Row

#: What a run tells of.
WINDOW = "window"
SHOWN = "shown"
END = "end"


@dataclass(frozen=True)
class FormOrder:
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

    def to_json(self) -> str:
        """Return it as the one line that a run reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> FormOrder:
        """Return what :meth:`to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        data["rows"] = tuple(Row(**row) for row in data["rows"])
        return cls(**data)


@dataclass(frozen=True)
class ReadOrder:
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

    def to_json(self) -> str:
        """Return it as the one line that a run reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ReadOrder:
        """Return what :meth:`to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        data["rows"] = tuple(Row(**row) for row in data["rows"])
        return cls(**data)


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
