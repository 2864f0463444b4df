"""Ends processes at random moments of their start; none may crash or hang.

``python -m benchmarks.endings`` starts 300 of them, a third with a hung server. Each is
ended as by a user: the window is closed, Ctrl-C is pressed, ``sys.exit`` is called, or
the script ends. The time from there to the end of the process is measured, and compared
with that of the same program on ``eval:`` models, without a network.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from benchmarks import ROOT, finding_us
from benchmarks.facilities import Group, State, eval_models, mixed, spec_of
from benchmarks.leaver import BEGUN, CTRL_C, HOWS
from benchmarks.pages import page
from benchmarks.protocol import LeaveOrder
from benchmarks.trouble import hung
from taurus_tpo.bench.child import begin, hear, tail
from taurus_tpo.bench.protocol import END
from taurus_tpo.bench.tables import NOT_MET, TextTable, for_terminal
from taurus_tpo.sim import Facility

PAGE = ROOT / "docs" / "reference" / "endings-results.inc"

#: The models of a process.
HEALTHY, HUNG, EVAL = "healthy", "hung", "eval"
GROUPS = (
    Group(HEALTHY, devices=4, attributes=10, servers=2),
    Group(HUNG, devices=2, attributes=5, state=State.HUNG),
)

#: The range of the random moments, s after the start: until then all is shown and idle.
START = 3.0

#: How much longer the end may take than without a network, s.
ALLOWED = 1.0

#: The time after which a process counts as hung, s.
HANGS = 60.0


@dataclass(frozen=True)
class Ended:
    """How one process ended.

    :param what: ``healthy``, ``hung`` or ``eval``.
    :param seconds: how long it ran after its end had begun; None: it was killed.
    :param code: its exit status.
    :param written: the end of its output.
    """

    what: str
    how: str
    moment: float
    seconds: float | None
    code: int
    written: str

    @property
    def crashed(self) -> bool:
        """Whether it ended by a signal other than SIGINT or a fatal Python error."""
        by_signal = self.code < 0 and self.code != -signal.SIGINT
        return by_signal or "Fatal Python error" in self.written


def end_one(facility: Facility, what: str, how: str, moment: float) -> Ended:
    """Start a process, make it end, and return how it ended."""
    groups = GROUPS if what == HUNG else GROUPS[:1]
    models = eval_models(mixed(groups)) if what == EVAL else mixed(groups)
    order = LeaveOrder(tuple(models), how, moment)
    environment = {
        **facility.environment(),
        "QT_QPA_PLATFORM": "offscreen",
        # As in any session. Without it Qt prints a warning through a Python function of
        # Taurus; a KeyboardInterrupt raised in that function is lost.
        "XDG_RUNTIME_DIR": tempfile.gettempdir(),
    }
    with tempfile.TemporaryFile("w+", errors="replace") as written:
        with hung(facility, groups if what == HUNG else ()):
            child = begin("benchmarks.leaver", finding_us(environment), written)
            seconds = _see_it_end(child, order)
        return Ended(what, how, moment, seconds, child.returncode, tail(written))


def _see_it_end(child: subprocess.Popen[str], order: LeaveOrder) -> float | None:
    killed = threading.Event()

    def kill() -> None:
        killed.set()
        child.kill()

    killer = threading.Timer(HANGS, kill)
    killer.start()
    ends: list[float] = []

    def heard(news: dict[str, Any]) -> None:
        if news["what"] == END:
            ends.append(news["at"])
        elif news["what"] == BEGUN and order.how == CTRL_C:
            threading.Event().wait(order.moment)
            ends.append(time.time())
            child.send_signal(signal.SIGINT)

    try:
        hear(child, order.to_json(), heard)
        child.wait()
    finally:
        killer.cancel()
    gone = time.time()
    return None if killed.is_set() or not ends else gone - ends[0]


def plan(processes: int, seed: int) -> list[tuple[str, str, float]]:
    """Return what is done: a third with a hung server, all ends equally often.

    In addition, as many runs as of one end are made on ``eval:`` models.
    """
    chance = random.Random(seed)
    whats = [HUNG if number % 3 == 0 else HEALTHY for number in range(processes)]
    hows = [HOWS[number // 3 % len(HOWS)] for number in range(processes)]
    hows += [HOWS[number % len(HOWS)] for number in range(processes // len(HOWS))]
    whats += [EVAL] * (len(hows) - processes)
    turns = [(w, h, chance.uniform(0.0, START)) for w, h in zip(whats, hows)]
    chance.shuffle(turns)
    return turns


def text_table(found: Sequence[Ended]) -> TextTable:
    """Return the results as a table.

    The time without a network is the median over all ends.
    """
    by_kind: dict[tuple[str, str], list[Ended]] = {}
    for ended in found:
        by_kind.setdefault((ended.how, ended.what), []).append(ended)
    own = _median(ended for ended in found if ended.what == EVAL)
    rows = [
        _row(how, what, by_kind.get((how, what), []), own + ALLOWED)
        for how in HOWS
        for what in (EVAL, HEALTHY, HUNG)
    ]
    head = ("end", "on", "processes", "crashed", "median, s", "longest, s")
    return TextTable(
        "From its end to the end of the process",
        (*head, "allowed, s", "met"),
        tuple(rows),
    )


def _row(
    how: str, what: str, ended: Sequence[Ended], allowed: float
) -> tuple[str, ...]:
    crashed, longest = sum(one.crashed for one in ended), _longest(ended)
    met = "yes" if not crashed and longest <= allowed else NOT_MET
    judged = ("", "") if what == EVAL else (f"{allowed:.2f}", met)
    times = (f"{seconds:.2f}" for seconds in (_median(ended), longest))
    return (how, what, str(len(ended)), str(crashed), *times, *judged)


def _seconds(ended: Iterable[Ended]) -> list[float]:
    return [float("inf") if e.seconds is None else e.seconds for e in ended]


def _longest(ended: Iterable[Ended]) -> float:
    return max(_seconds(ended), default=0.0)


def _median(ended: Iterable[Ended]) -> float:
    return statistics.median(_seconds(ended) or [0.0])


@click.command()
@click.option("--processes", default=300, show_default=True, help="How many end.")
@click.option("--seed", default=1, show_default=True, help="Of the random moments.")
@click.option("--docs", is_flag=True, help="Put the results into the documentation.")
def main(processes: int, seed: int, docs: bool) -> None:
    """End processes at random moments of their start, and see how long that takes."""
    console = Console(highlight=False)
    found = []
    turns = plan(processes, seed)
    with Facility(spec_of("Endings", GROUPS)) as facility:
        for number, turn in enumerate(turns):
            found.append(end_one(facility, *turn))
            console.print(f"{number + 1} of {len(turns)}: {_line(found[-1])}")
    table = text_table(found)
    console.print(for_terminal(table))
    for ended in found:
        if ended.crashed or ended.seconds is None:
            console.print(f"{_line(ended)}\n{ended.written}", markup=False)
    if docs:
        command = f"python -m benchmarks.endings --processes {processes} --seed {seed}"
        PAGE.write_text(page(command, table), encoding="utf-8")
    if any(NOT_MET in row for row in table.rows):
        sys.exit(1)


def _line(ended: Ended) -> str:
    took = "never" if ended.seconds is None else f"{ended.seconds:.2f} s"
    return f"{ended.what}, {ended.how} after {ended.moment:.2f} s: {took}, {ended.code}"


if __name__ == "__main__":
    os.environ.pop("TANGO_HOST", None)
    main()
