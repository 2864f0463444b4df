"""Models on the command line: names, and globs that are looked up in the database."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from concurrent.futures import Future, wait
from typing import Any

import click

from taurus_tpo.cli import session
from taurus_tpo.core.rules import compile_glob

#: The characters that make a model a glob.
_WILD = frozenset("*?[")


def expand(factory: Any, models: Iterable[str], timeout: float) -> list[str]:
    """Return ``models`` with each glob replaced by the attributes that match it.

    For ``sim/*/*/volt*`` the devices come from the database, the attributes from the
    devices, which are queried in parallel. A glob stays in the result for each device
    that does not answer in time, so that the caller can report it. Duplicates are
    removed.

    :param factory: the plugin's.
    :param timeout: for the database and all devices together, s.
    :raises click.ClickException: if the database does not answer, or a glob matches
        nothing.
    """
    end = time.monotonic() + timeout
    asked_for = {m: _ask_for_devices(factory, m) for m in models if is_glob(m)}
    globs = {
        model: _devices_of(model, answer, end - time.monotonic())
        for model, answer in asked_for.items()
    }
    names = dict.fromkeys(name for some in globs.values() for name in some)
    with factory.hurry():
        devices = {name: factory.getDevice(name) for name in names}
    asked = {
        name: factory.device_access.connect(device) for name, device in devices.items()
    }
    wait(asked.values(), max(0.0, end - time.monotonic()))
    found: dict[str, None] = {}
    for model in models:
        matching = [model]
        if model in globs:
            glob = model.rpartition("/")[2]
            told = [_attributes(name, glob, asked[name]) for name in globs[model]]
            matching = [name for some in told for name in some]
        if not matching:
            raise click.ClickException(f"nothing in the database matches {model!r}")
        found.update(dict.fromkeys(matching))
    return list(found)


def is_glob(model: str) -> bool:
    """Return whether ``model`` contains a wildcard."""
    return bool(_WILD & set(model))


def _ask_for_devices(factory: Any, model: str) -> Future[Any]:
    """Query the database for all defined devices that the glob may match."""
    glob, _, _ = model.rpartition("/")
    if glob.count("/") != 2:
        reason = "a glob needs four parts: domain/family/member/attribute"
        raise click.ClickException(f"{model!r}: {reason}")
    # The database supports no wildcard but the star.
    coarse = re.sub(r"\[[^]]*\]|\?", "*", glob)
    return session.ask_database(factory, "DbGetDeviceWideList", coarse)


def _devices_of(model: str, asked: Future[Any], timeout: float) -> list[str]:
    names = session.database_answer(asked, timeout)
    return _matching(names, model.rpartition("/")[0])


def _attributes(device: str, glob: str, asked: Future[Any]) -> list[str]:
    names: Iterable[str] = [glob]
    answered = asked.done() and not asked.cancelled() and not asked.exception()
    if is_glob(glob) and answered:
        # If the device does not answer, the glob stays as a name: reading it reports
        # why.
        connection = asked.result()
        if connection.configured:
            names = _matching(connection.attributes, glob)
    return [f"{device}/{name}" for name in names]


def _matching(names: Iterable[Any], glob: str) -> list[str]:
    pattern = compile_glob(glob)
    return [str(name) for name in names if pattern.match(str(name).lower())]
