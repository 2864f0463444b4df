"""Finds the timeouts and periods of the plugin: the constants that are documented so.

One whose comment (``#:``) says ", s" or ", ms" is one.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import taurus_tpo

#: The packages whose times matter to a program that has the plugin.
PACKAGES = ("core", "concurrency", "tango_client", "scheme", "aio", "qt")

_PLUGIN = Path(taurus_tpo.__file__).parent

#: The unit, as a comment has it: ``How long it waits, s: no longer than a person``.
_UNIT = re.compile(r", (s|ms)(?=[.:;]|$)")


@dataclass(frozen=True)
class Timeout:
    """A constant of the code.

    :param name: ``module.NAME``, without the name of the plugin.
    :param value: with its unit.
    :param meaning: what its comment says.
    """

    name: str
    value: str
    meaning: str


def timeouts() -> Iterator[Timeout]:
    """Return all of them, package by package."""
    for package in PACKAGES:
        for path in sorted((_PLUGIN / package).rglob("*.py")):
            yield from _timeouts_of(path)


def _timeouts_of(path: Path) -> Iterator[Timeout]:
    inside = ".".join(path.relative_to(_PLUGIN).with_suffix("").parts)
    for name, comment in _constants_of(path.read_text(encoding="utf-8")):
        unit = _UNIT.search(comment)
        if unit is None or name.startswith("_"):
            continue
        module = importlib.import_module(f"{taurus_tpo.__name__}.{inside}")
        value = getattr(module, name)
        numbers = value if isinstance(value, tuple) else (value,)
        if all(isinstance(number, (int, float)) for number in numbers):
            told = ", ".join(f"{number:g}" for number in numbers)
            yield Timeout(f"{inside}.{name}", f"{told} {unit[1]}", comment)


def _constants_of(code: str) -> Iterator[tuple[str, str]]:
    """Return the constants of a module and their comments; some share one."""
    lines = code.splitlines()
    comment, end = "", 0
    for node in ast.parse(code).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id.isupper():
            shared = comment if node.lineno == end + 1 else ""
            comment = _comment_above(lines, node.lineno) or shared
            end = node.end_lineno or node.lineno
            yield target.id, comment


def _comment_above(lines: list[str], number: int) -> str:
    """Return the ``#:`` comment that ends above a line, the first of which is 1."""
    found: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.startswith("#:"):
            break
        found.insert(0, line[2:].strip())
    return " ".join(found)
