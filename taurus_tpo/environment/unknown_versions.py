"""Whether the plugin may try itself on a Taurus that it does not know.

What it overrides and calls is compared with what it knows: names and sources, and so
signatures.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

from taurus_tpo.environment.known_sources import SOURCES


def hash_of(method: Any) -> str:
    """Return the hash of the source of a function or a property, without indentation.

    Empty if it has none, as in a frozen program.
    """
    parts = [method]
    if isinstance(method, property):
        parts = [one for one in (method.fget, method.fset, method.fdel) if one]
    elif isinstance(method, (staticmethod, classmethod)):
        parts = [method.__func__]
    try:
        sources = [textwrap.dedent(inspect.getsource(one)) for one in parts]
    except (OSError, TypeError):
        return ""
    return hashlib.sha256("".join(sources).encode()).hexdigest()[:16]


@functools.cache
def difference_of_taurus() -> str | None:
    """Return what of Taurus is not as the plugin knows it; None if all is."""
    return difference(SOURCES)


def difference(sources: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the first of ``sources`` that is not as it says, for users, or None.

    :param sources: by class, such as ``"taurus.core:Class"``, the hashes of its
        methods, and those that it derives from others. An empty hash: there is none.
    """
    for place, methods in sources.items():
        module, _, name = place.partition(":")
        try:
            owner = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            return f"{place} is not there"
        for method, known in methods.items():
            found = inspect.getattr_static(owner, method, None)
            if not known and found is not None:
                return f"{name}.{method} is new, and the plugin has another one"
            if known and (found is None or hash_of(found) != known):
                return f"{name}.{method} is another one, or is not there"
    return None
