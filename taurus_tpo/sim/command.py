"""``taurus tpo sim FILE``: run a facility until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from taurus_tpo.sim.database import HOST
from taurus_tpo.sim.facility import Facility
from taurus_tpo.sim.files import find
from taurus_tpo.sim.spec import FacilityError, FacilitySpec, load

#: The signals that end the command: Ctrl-C, ``kill``, and a closed terminal.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("sim")
@click.argument("file")
@click.option(
    "--tango-host",
    metavar="HOST:PORT",
    help="Add the devices to this Tango database, which runs already, and remove them "
    "at the end, instead of starting a database.",
)
@click.option(
    "--existing",
    is_flag=True,
    help="The same with the database that the environment's TANGO_HOST names. (Without "
    "this option that is left alone: it may well be that of the accelerator.)",
)
@click.option(
    "--host",
    default=HOST,
    show_default=True,
    metavar="ADDRESS",
    help="Where database and servers listen: at an address of this machine in a "
    "network, programs of other machines reach them.",
)
def sim(file: str, tango_host: str | None, existing: bool, host: str) -> None:
    """Run the simulated Tango facility FILE until Ctrl-C.

    FILE is a facility file or the bare name of one that comes with the package, as
    "demo". The first line of the output is TANGO_HOST=HOST:PORT, printed once all
    devices answer.
    """
    try:
        spec = load(find(file))
        facility = Facility(spec, tango_host or _environment_host(existing), host)
        _run(facility)
    except FacilityError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from None


def _environment_host(existing: bool) -> str | None:
    if existing and not os.environ.get("TANGO_HOST"):
        raise FacilityError("--existing: TANGO_HOST is not set in the environment")
    return os.environ["TANGO_HOST"] if existing else None


def _run(facility: Facility) -> None:
    """Run the facility until one of these signals; main thread only."""
    for number in _ENDING:
        # nohup ignores SIGHUP, which must stay ignored.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt_once)
    try:
        with facility:
            click.echo(f"TANGO_HOST={facility.tango_host}")
            Console(stderr=True).print(table(facility.spec))
            threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("All processes have ended.", err=True)


def _interrupt_once(_number: int, _frame: FrameType | None) -> Any:
    """Interrupt the main thread, and ignore further signals during the cleanup."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def table(spec: FacilitySpec) -> Table:
    """Return an overview of the facility, one row per server."""
    shown = Table(title=spec.title or None, title_justify="left")
    for heading in ("server", "green mode", "condition"):
        shown.add_column(heading)
    for heading in ("devices", "attributes"):
        shown.add_column(heading, justify="right")
    for server in spec.servers:
        attributes = sum(len(device.attributes) for device in server.devices)
        numbers = str(len(server.devices)), str(attributes)
        shown.add_row(server.name, server.green_mode, server.condition, *numbers)
    return shown
