"""What had another name in version 0.1, and keeps it for one version more.

``import taurus_tpo.submode`` finds a module that takes all its names from
``taurus_tpo.core.modes``; ``attribute.story`` is ``attribute.status``. Either warns
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

#: What was documented, and where its names are now.
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


#: Classes that have other names in these modules.
RENAMED_CLASSES = {
    "Authority": "ModeSource",
    "Journal": "History",
    "Kind": "RequestKind",
    "Tally": "ProgressSummary",
    "Wish": "RowFilter",
}


def renamed(old: str, new: str) -> Any:
    """Return a property ``old`` that is what ``new`` is."""

    def get(self: Any) -> Any:
        warnings.warn(f"{old} is {new} now", DeprecationWarning, stacklevel=2)
        return getattr(self, new)

    return property(get, doc=f"What ``{new}`` was called.")


class _Renamed(MetaPathFinder, Loader):
    """Finds the modules of :data:`RENAMED`, after all other finders."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol of Python
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return how the module is loaded, None where it is none of ours."""
        return ModuleSpec(fullname, self) if fullname in RENAMED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that looks up each name when it is asked for."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Warn, and give the module its names."""
        name = module.__name__
        found = RENAMED[name]
        warnings.warn(
            f"{name} is {' and '.join(found)} now, and goes with the next version",
            DeprecationWarning,
            # Python leaves out its own frames: 2 is whoever imports.
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
    """Let the old names be found; may be called again."""
    if not any(isinstance(finder, _Renamed) for finder in sys.meta_path):
        sys.meta_path.append(_Renamed())
