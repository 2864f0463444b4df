"""Completes ``%tpo`` with the Tab key: commands, options, devices and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from taurus_tpo.cli import session

#: How long a database or a device may take to tell its names, s.
ASKING = 1.0

#: The most names that are offered.
MOST_NAMES = 300


def completions(line: str, word: str, options: Mapping[str, list[str]]) -> list[str]:
    """Return what ``word``, the last one of ``line``, may become.

    Waits for at most :data:`ASKING` s; any thread.

    :param options: of each command.
    """
    before = line[: len(line) - len(word)].split()
    if len(before) <= 1:
        return [name for name in options if name.startswith(word)]
    if word.startswith("-"):
        known = options.get(before[1], [])
        return [option for option in known if option.startswith(word)]
    return _models(word)


def _models(word: str) -> list[str]:
    try:
        factory = session.plugin_factory()
        slashes = word.count("/")
        names = _attributes(factory, word) if slashes == 3 else _devices(factory, word)
    except click.ClickException:
        # The command says what is wrong; a key does not.
        return []
    found = (name for name in names if name.lower().startswith(word.lower()))
    # In the case that was typed: IPython compares it.
    return [word + name[len(word) :] for name in found][:MOST_NAMES]


def _devices(factory: Any, word: str) -> Iterable[str]:
    asked = session.ask_database(factory, "DbGetDeviceWideList", f"{word}*")
    names = session.database_answer(asked, ASKING)
    return [f"{name}/" for name in names if not name.lower().startswith("dserver/")]


def _attributes(factory: Any, word: str) -> Iterable[str]:
    name = word.rpartition("/")[0]
    with factory.hurry():
        device = factory.getDevice(name)
    asked = factory.device_access.connect(device)
    if not asked.done():
        # Its result is the connection, or an error; neither is raised here.
        asked.exception(ASKING)
    connection = asked.result()
    return [f"{name}/{attribute}" for attribute in connection.attributes]
