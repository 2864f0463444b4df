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
    models = list(models)
    globs = _find_devices(factory, models, end)
    # Not after the devices have been waited for.
    _or_raise(globs.values())
    expanded = _or_raise(_find_attributes(factory, models, globs, end).values())
    return list(dict.fromkeys(name for names in expanded for name in names))


def expand_each(factory: Any, models: Iterable[str], timeout: float) -> dict[str, str]:
    """Return the attributes of ``models``, each with an empty text; never raises.

    The parameters, and what becomes of a glob, are those of :func:`expand`. Where that
    raises, the glob stays in the result, with the text of the error.
    """
    end = time.monotonic() + timeout
    models = list(models)
    globs = _find_devices(factory, models, end)
    found: dict[str, str] = {}
    for model, names in _find_attributes(factory, models, globs, end).items():
        if isinstance(names, click.ClickException):
            found[model] = names.message
        else:
            found.update(dict.fromkeys(names, ""))
    return found


def is_glob(model: str) -> bool:
    """Return whether ``model`` contains a wildcard."""
    return bool(_WILD & set(model))


def _or_raise(found: Iterable[list[str] | click.ClickException]) -> list[list[str]]:
    """Return the names of all; raise the first error."""
    names = []
    for one in found:
        if isinstance(one, click.ClickException):
            raise one
        names.append(one)
    return names


def _find_devices(
    factory: Any, models: Iterable[str], end: float
) -> dict[str, list[str] | click.ClickException]:
    """Return the devices of each glob, or why they are not known."""
    asked: dict[str, Future[Any]] = {}
    found: dict[str, list[str] | click.ClickException] = {}
    for model in filter(is_glob, models):
        try:
            asked[model] = _ask_for_devices(factory, model)
        except click.ClickException as error:
            found[model] = error
    for model, answer in asked.items():
        try:
            found[model] = _devices_of(model, answer, end - time.monotonic())
        except click.ClickException as error:
            found[model] = error
    return found


def _find_attributes(
    factory: Any,
    models: Iterable[str],
    globs: dict[str, list[str] | click.ClickException],
    end: float,
) -> dict[str, list[str] | click.ClickException]:
    """Return the attributes of each model; the devices are queried in parallel.

    :param globs: the devices of each glob, as of :func:`_find_devices`.
    """
    lists = [names for names in globs.values() if isinstance(names, list)]
    with factory.hurry():
        devices = {
            name: factory.getDevice(name)
            for name in dict.fromkeys(name for names in lists for name in names)
        }
    asked = {
        name: factory.device_access.connect(device) for name, device in devices.items()
    }
    wait(asked.values(), max(0.0, end - time.monotonic()))
    return {model: _matching_model(model, globs.get(model), asked) for model in models}


def _matching_model(
    model: str,
    devices: list[str] | click.ClickException | None,
    asked: dict[str, Future[Any]],
) -> list[str] | click.ClickException:
    """Return the attributes that a model stands for.

    :param devices: None: it is no glob.
    """
    if devices is None:
        return [model]
    if isinstance(devices, click.ClickException):
        return devices
    glob = model.rpartition("/")[2]
    told = [_attributes(name, glob, asked[name]) for name in devices]
    found = [name for names in told for name in names]
    if not found:
        return click.ClickException(f"nothing in the database matches {model!r}")
    return found


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
