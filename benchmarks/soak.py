"""Makes and drops attributes while servers restart, and checks for leaks.

``python -m benchmarks.soak`` runs one process that makes 100,000 attributes within ten
minutes, listens to them and drops them, while servers are restarted at random. Use
``--mode``, also repeatedly, for modes other than AsyncRead. At the end there must be no
more threads, open files and subscriptions (as counted by Tango) than at the beginning,
and the memory must have grown by less than 5 % in the last half.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from benchmarks import ROOT, finding_us
from benchmarks.facilities import Group, models_of, spec_of
from benchmarks.pages import page
from benchmarks.protocol import SoakOrder
from benchmarks.soaker import SAMPLE
from taurus_tpo.bench import child
from taurus_tpo.bench.protocol import END
from taurus_tpo.bench.tables import NOT_MET, TextTable, for_terminal
from taurus_tpo.core.modes import DEFAULT as DEFAULT_MODE
from taurus_tpo.core.modes import MODES
from taurus_tpo.sim import Facility

PAGE = ROOT / "docs" / "reference" / "soak-results.inc"

GROUP = Group("soak", devices=20, attributes=50, servers=10)

#: The maximum growth of the memory in the last half.
GROWTH = 0.05

#: The ranges of the random times that servers run, and are away, s.
RUNS, AWAY = (1.0, 10.0), (0.2, 3.0)

#: How much longer than planned it may take, s.
GRACE = 300.0

#: The numbers that must not be larger at the end than at the beginning.
COUNTED = ("threads", "files", "subscriptions")


@contextmanager
def restarting(facility: Facility, seed: int) -> Iterator[list[str]]:
    """Kill servers at random and start them again; all are running afterwards.

    :return: the names of the restarted servers, in order.
    """
    over = threading.Event()
    restarted: list[str] = []
    chance = random.Random(seed)

    def restart() -> None:
        while not over.wait(chance.uniform(*RUNS)):
            name = chance.choice(GROUP.server_names)
            facility.server(name).kill()
            over.wait(chance.uniform(*AWAY))
            facility.server(name).start()
            restarted.append(name)

    thread = threading.Thread(target=restart, name="restarts servers")
    thread.start()
    try:
        yield restarted
    finally:
        over.set()
        thread.join()


def soak(
    mode: str, attributes: int, seconds: float, seed: int, console: Console
) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    """Return the samples, the final message, and the number of restarts."""
    told: list[dict[str, Any]] = []

    def heard(news: dict[str, Any]) -> None:
        told.append(news)
        if news["what"] == SAMPLE:
            console.print(_line(news))

    with Facility(spec_of("Soak", [GROUP])) as facility:
        models = tuple(
            f"tango://{facility.tango_host}/{model}" for model in models_of(GROUP)
        )
        order = SoakOrder(models, attributes, seconds, seed, mode).to_json()
        environment = {**facility.environment(), "QT_QPA_PLATFORM": "offscreen"}
        with restarting(facility, seed) as restarted:
            limit = seconds + GRACE
            child.run("benchmarks.soaker", order, finding_us(environment), limit, heard)
    samples = [news for news in told if news["what"] == SAMPLE]
    if told[-1]["what"] != END:
        raise child.RunError("it was killed: it did not come to its end")
    return samples, told[-1], len(restarted)


def _line(news: dict[str, Any]) -> str:
    return (
        f"{news['seconds']:.0f} s: {news['made']} made, {news['threads']} threads, "
        f"{news['files']} files, {news['subscriptions']} subscriptions, "
        f"{news['memory'] / 1e6:.1f} MB"
    )


def growth(samples: Sequence[dict[str, Any]]) -> float:
    """Return the relative growth of the memory in the last half.

    It compares the maxima of its first and its last third, since the memory in use
    varies.
    """
    middle = samples[-1]["seconds"] / 2
    half = [sample["memory"] for sample in samples if sample["seconds"] >= middle]
    third = max(1, len(half) // 3)
    return max(half[-third:]) / max(half[:third]) - 1


def text_table(
    mode: str, samples: Sequence[dict[str, Any]], end: dict[str, Any], restarts: int
) -> TextTable:
    """Return the results as a table."""
    rows = [
        (
            name,
            str(end["before"][name]),
            str(end["after"][name]),
            "no more",
            "yes" if end["after"][name] <= end["before"][name] else NOT_MET,
        )
        for name in COUNTED
    ]
    grown = growth(samples)
    rows.append(
        (
            "memory, MB",
            f"{end['before']['memory'] / 1e6:.1f}",
            f"{end['after']['memory'] / 1e6:.1f}",
            f"{GROWTH:.0%} in the last half ({grown:+.1%})",
            "yes" if grown < GROWTH else NOT_MET,
        )
    )
    title = (
        f"{mode}: {end['made']} attributes within {samples[-1]['seconds']:.0f} s, "
        f"{end['values']} of them with a value; {restarts} restarts of servers"
    )
    head = ("what", "at the beginning", "at the end", "allowed", "met")
    return TextTable(title, head, tuple(rows))


@click.command()
@click.option(
    "--mode",
    "modes",
    type=click.Choice([mode.name for mode in MODES], case_sensitive=False),
    multiple=True,
    default=[DEFAULT_MODE.name],
    show_default=True,
    help="Mode; may be repeated.",
)
@click.option("--attributes", default=100_000, show_default=True, help="How many.")
@click.option("--seconds", default=600.0, show_default=True, help="Within what time.")
@click.option("--seed", default=1, show_default=True, help="Seed of the random times.")
@click.option("--docs", is_flag=True, help="Put the results into the documentation.")
def main(
    modes: tuple[str, ...], attributes: int, seconds: float, seed: int, docs: bool
) -> None:
    """Make and drop attributes while servers restart, and count what is left."""
    console = Console(highlight=False)
    tables = []
    for mode in modes:
        table = text_table(mode, *soak(mode, attributes, seconds, seed, console))
        console.print(for_terminal(table))
        tables.append(table)
    if docs:
        command = "python -m benchmarks.soak"
        command += "".join(f" --mode {mode}" for mode in modes)
        command += f" --attributes {attributes} --seconds {seconds:g} --seed {seed}"
        PAGE.write_text(page(command, *tables), encoding="utf-8")
    if any(NOT_MET in row for table in tables for row in table.rows):
        sys.exit(1)


if __name__ == "__main__":
    os.environ.pop("TANGO_HOST", None)
    main()
