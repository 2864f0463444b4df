"""One run with plain PyTango: each device is read in one call, devices in parallel.

``python -m taurus_tpo.bench.survey`` reads a
:class:`~taurus_tpo.bench.protocol.SurveyOrder`. The run measures the lower bound of the
network. The first one also reports the types of the attributes, for the models without
a network (:mod:`taurus_tpo.bench.kinds`).
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter

import tango

from taurus_tpo.bench.census import Census
from taurus_tpo.bench.protocol import ATTRIBUTE, END, READ, VALUE, SurveyOrder, Telling
from taurus_tpo.bench.watching import count_calls
from taurus_tpo.core.errors import reason_of


class _Survey:
    def __init__(self, order: SurveyOrder) -> None:
        self._order = order
        self._telling = Telling()
        self._calls = count_calls()
        self._census = Census(order.limit, self._give_up)
        self._begun = time.monotonic()
        #: The errors, by model.
        self._errors: dict[str, str] = {}

    def run(self) -> None:
        """Read all devices and report the results."""
        self._census.start()
        pairs = sorted(model.rpartition("/")[::2] for model in self._order.models)
        devices = [
            (device, [name for _, name in some])
            for device, some in itertools.groupby(pairs, key=itemgetter(0))
        ]
        with ThreadPoolExecutor(self._order.workers, "survey") as pool:
            list(pool.map(lambda pair: self._read(*pair), devices))
        self._tell_end(gave_up=False)

    def _read(self, device: str, names: Sequence[str]) -> None:
        models = [f"{device}/{name}" for name in names]
        try:
            proxy = tango.DeviceProxy(device)
            # A hung device must cost no more than Tango's default timeout; a slow one
            # may use the whole time limit.
            proxy.ping()
            proxy.set_timeout_millis(int(1000 * self._order.limit))
            begun = time.monotonic()
            readings = proxy.read_attributes(list(names))
        except tango.DevFailed as error:
            self._errors.update(dict.fromkeys(models, reason_of(error)))
            return
        now = time.monotonic()
        self._telling.tell(READ, device=device, took=now - begun)
        seconds = now - self._begun
        for model, reading in zip(models, readings):
            if reading.has_failed:
                failed = tango.DevFailed(*reading.get_err_stack())
                self._errors[model] = reason_of(failed)
                continue
            self._telling.tell(VALUE, model=model, seconds=seconds)
            self._telling.tell(
                ATTRIBUTE,
                model=model,
                type=str(reading.type),
                format=str(reading.data_format),
                shape=[reading.dim_x, reading.dim_y],
            )

    def _give_up(self) -> None:
        self._tell_end(gave_up=True)
        os._exit(0)

    def _tell_end(self, gave_up: bool) -> None:
        self._telling.tell(
            END,
            gave_up=gave_up,
            rows=len(self._order.models),
            errors=dict(self._errors),
            calls=dict(self._calls),
            threads=self._census.most,
            plugin_threads=0,
            memory_before=0,
            memory=0,
        )


def main() -> None:
    """Carry out the order from the standard input."""
    _Survey(SurveyOrder.from_json(sys.stdin.readline())).run()
    # The end of this process is not measured.
    os._exit(0)


if __name__ == "__main__":
    main()
