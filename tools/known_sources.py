"""Write what the plugin overrides and calls of the installed Taurus, as it is there.

``python tools/known_sources.py``, in the environment of the newest Taurus that is known
to work, writes ``taurus_tpo/environment/known_sources.py``.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import pathlib
from collections.abc import Iterator

import taurus
from taurus.core.evaluation.evalattribute import EvaluationAttribute
from taurus.core.tango.tangoattribute import TangoAttribute
from taurus.core.tango.tangodatabase import TangoAuthority
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.tango.tangofactory import TangoFactory
from taurus.core.tango.tangovalidator import TangoAttributeNameValidator

from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.unknown_versions import hash_of
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.scheme.authority import TpoTangoAuthority
from taurus_tpo.scheme.device import TpoTangoDevice
from taurus_tpo.scheme.evaluation import TpoEvaluationAttribute
from taurus_tpo.scheme.factory import TpoTangoFactory
from taurus_tpo.scheme.name_cache import AttributeNames

FILE = pathlib.Path(taurus_compat.__file__).with_name("known_sources.py")

PAIRS: tuple[tuple[type, type], ...] = (
    (TpoTangoFactory, TangoFactory),
    (TpoTangoAuthority, TangoAuthority),
    (TpoTangoDevice, TangoDevice),
    (TpoTangoAttribute, TangoAttribute),
    (TpoEvaluationAttribute, EvaluationAttribute),
    (AttributeNames, TangoAttributeNameValidator),
)

#: What each class has, or what is no method.
_OF_EACH = ("__module__", "__doc__", "__annotations__", "__slots__", "__qualname__")


def places() -> Iterator[tuple[str, str]]:
    """Return each name that is overridden, added or called, and its hash."""
    for ours, stock in PAIRS:
        for name in _names_of(ours, stock):
            found = inspect.getattr_static(stock, name, None)
            if found is None:
                yield f"{stock.__module__}:{stock.__qualname__}.{name}", ""
            elif hash_of(found):
                yield f"{stock.__module__}:{stock.__qualname__}.{name}", hash_of(found)
    for place in taurus_compat.PRIVATE_NAMES:
        if place.startswith("taurus.qt"):
            continue
        module, _, path = place.partition(":")
        owner, _, name = path.partition(".")
        stock = getattr(importlib.import_module(module), owner)
        yield place, hash_of(inspect.getattr_static(stock, name))


def _names_of(ours: type, stock: type) -> Iterator[str]:
    for klass in ours.__mro__:
        if klass in stock.__mro__:
            continue
        yield from (name for name in vars(klass) if name not in _OF_EACH)


def _owner_of(place: tuple[str, str]) -> str:
    return place[0].rpartition(".")[0]


def text() -> str:
    """Return the module that the plugin reads."""
    lines = [
        f'"""What the plugin overrides and calls of Taurus {taurus.Release.version}.',
        "",
        "Hashes of sources; empty: there is none. By ``tools/known_sources.py``.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        f'TAURUS = "{taurus.Release.version}"',
        "",
        "SOURCES = {",
    ]
    for owner, found in itertools.groupby(sorted(dict(places()).items()), _owner_of):
        lines.append(f'    "{owner}": {{')
        lines += [f'        "{place[len(owner) + 1 :]}": "{h}",' for place, h in found]
        lines.append("    },")
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    FILE.write_text(text())
