"""Models as people type them: names, and globs that the database knows how to fill."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import click

from taurus_tpo.rules import compile_glob

#: What makes a model a glob.
_WILD = frozenset("*?[")


def expand(models: Iterable[str]) -> list[str]:
    """Return ``models`` with each glob replaced by the attributes that match it.

    ``sim/*/*/volt*``: the devices come from the database, the attributes from the
    devices. A device that does not tell its attributes stays as a glob, so that whoever
    reads it says so. Duplicates count once.

    :raises click.ClickException: where the database does not answer, or a glob matches
        nothing.
    """
    found: dict[str, None] = {}
    for model in models:
        names = list(_expand_one(model)) if is_glob(model) else [model]
        if not names:
            raise click.ClickException(f"nothing in the database matches {model!r}")
        found.update(dict.fromkeys(names))
    return list(found)


def is_glob(model: str) -> bool:
    """Return whether ``model`` holds a wild card."""
    return bool(_WILD & set(model))


def _expand_one(model: str) -> Iterator[str]:
    device_glob, _, attribute_glob = model.rpartition("/")
    if device_glob.count("/") != 2:
        reason = "a glob needs four parts: domain/family/member/attribute"
        raise click.ClickException(f"{model!r}: {reason}")
    for device in _devices(device_glob):
        yield from _attributes(device, attribute_glob)


def _devices(glob: str) -> list[str]:
    """Return the devices that the database has, running or not, which match."""
    import tango

    # The database knows no wild card but the star.
    coarse = re.sub(r"\[[^]]*\]|\?", "*", glob)
    try:
        names = tango.Database().command_inout("DbGetDeviceWideList", coarse)
    except tango.DevFailed as error:
        reason = f"the database does not answer: {error.args[0].desc}"
        raise click.ClickException(reason) from error
    return _matching(names, glob)


def _attributes(device: str, glob: str) -> list[str]:
    import tango

    names = [glob]
    if is_glob(glob):
        try:
            names = _matching(tango.DeviceProxy(device).get_attribute_list(), glob)
        except tango.DevFailed:
            # The glob itself goes on as a name: reading it says why the device does not
            # answer.
            names = [glob]
    return [f"{device}/{name}" for name in names]


def _matching(names: Iterable[Any], glob: str) -> list[str]:
    pattern = compile_glob(glob)
    return [str(name) for name in names if pattern.match(str(name).lower())]
