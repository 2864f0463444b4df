"""Names of version 0.1, which are kept in 0.2 and removed in 0.3.

``import taurus_tpo.submode`` returns a module with the names of
``taurus_tpo.core.modes``; ``attribute.story`` returns ``attribute.status``. Both warn
(DeprecationWarning).
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

#: Documented modules of version 0.1, and the present modules of their names.
RENAMED: dict[str, tuple[str, ...]] = {
    "taurus_tpo.activation": ("taurus_tpo.environment.activation",),
    "taurus_tpo.cache": ("taurus_tpo.core.value_cache",),
    "taurus_tpo.customsettings": ("taurus_tpo.environment.custom_settings",),
    "taurus_tpo.decision": ("taurus_tpo.core.precedence",),
    "taurus_tpo.firstread": (
        "taurus_tpo.concurrency.io_pool",
        "taurus_tpo.core.scheduler",
        "taurus_tpo.core.server_health",
    ),
    "taurus_tpo.journal": ("taurus_tpo.core.history",),
    "taurus_tpo.qt.rows": ("taurus_tpo.qt.inspector.rows",),
    "taurus_tpo.qt.tally": ("taurus_tpo.qt.progress_summary",),
    "taurus_tpo.rules": ("taurus_tpo.core.rules",),
    "taurus_tpo.scheme.proxy": ("taurus_tpo.scheme.absent_proxy",),
    "taurus_tpo.settings": ("taurus_tpo.core.settings",),
    "taurus_tpo.story": ("taurus_tpo.core.status",),
    "taurus_tpo.submode": ("taurus_tpo.core.modes",),
    "taurus_tpo.subscription": ("taurus_tpo.core.lifecycle",),
}


#: Classes of these modules that were renamed.
RENAMED_CLASSES = {
    "Authority": "ModeSource",
    "Journal": "History",
    "Kind": "RequestKind",
    "Tally": "ProgressSummary",
    "Wish": "RowFilter",
}


def renamed(old: str, new: str) -> Any:
    """Return a property ``old`` that warns and returns the value of ``new``."""

    def get(self: Any) -> Any:
        warnings.warn(f"{old} is {new} now", DeprecationWarning, stacklevel=2)
        return getattr(self, new)

    return property(get, doc=f"Deprecated name of ``{new}``.")


class _Renamed(MetaPathFinder, Loader):
    """Import finder of the modules in :data:`RENAMED`, after all other finders."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol of Python
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the spec of a renamed module, None for any other."""
        return ModuleSpec(fullname, self) if fullname in RENAMED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return an empty module."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Warn, and have the names of the module looked up on access."""
        name = module.__name__
        found = RENAMED[name]
        warnings.warn(
            f"{name} is {' and '.join(found)} now, and is removed in 0.3",
            DeprecationWarning,
            # Python skips the frames of its import system: 2 is the importing code.
            stacklevel=2,
        )

        def get(attribute: str) -> Any:
            current = RENAMED_CLASSES.get(attribute, attribute)
            for home in map(importlib.import_module, found):
                if hasattr(home, current):
                    return getattr(home, current)
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

        vars(module)["__getattr__"] = get


def install() -> None:
    """Install the finder of the old names; may be called repeatedly."""
    if not any(isinstance(finder, _Renamed) for finder in sys.meta_path):
        sys.meta_path.append(_Renamed())
