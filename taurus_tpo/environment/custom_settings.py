"""The plugin's settings from ``taurus.tauruscustomsettings``, validated, with origins.

Taurus reads its settings files on import and again for ``--settings``; programs assign
to the module at any time. All of these count: the settings are parsed again whenever
the object assigned to one of the plugin's keys has changed.
"""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from taurus_tpo.core import settings
from taurus_tpo.core.settings import Problem, Settings, SettingsFile
from taurus_tpo.core.text import shown_fully
from taurus_tpo.environment import taurus_compat

_MISSING = object()
_ALL_MISSING = (_MISSING,) * len(settings.KEYS)


class CustomSettings:
    """The plugin's view of ``taurus.tauruscustomsettings``.

    :meth:`current` may be called from any thread: its result is replaced as a whole.
    """

    def __init__(self) -> None:
        self._loaded: list[str] = []
        #: The raw values that were parsed, and the result.
        self._known: tuple[tuple[Any, ...], Settings] | None = None
        self._indigestible: dict[str, tuple[Any, Any]] = {}
        #: By key: the object that is Taurus's default, since :meth:`watch`.
        self._stock: dict[str, Any] = {}

    def current(self) -> Settings:
        """Return the settings in force; never raises."""
        module = taurus_compat.custom_settings()
        # Called several times per attribute: this is the fastest variant measured.
        raw = tuple(map(vars(module).get, settings.KEYS, _ALL_MISSING))
        known = self._known
        if known is not None and all(map(operator.is_, raw, known[0])):
            return known[1]
        values = dict(zip(settings.KEYS, raw))
        fresh = self._read_anew(values)
        digested = {**values, **self._make_digestible(values)}
        self._known = tuple(digested.values()), fresh
        return fresh

    @property
    def loaded(self) -> tuple[str, ...]:
        """The files read in addition to the system and user files."""
        return tuple(dict.fromkeys(self._loaded))

    def files(self) -> tuple[SettingsFile, ...]:
        """Return the settings files that were read, by increasing precedence."""
        module = taurus_compat.custom_settings()
        paths = (module.SYSTEM_CFG_FILE, module.USER_CFG_FILE, *self._loaded)
        # A file that was read twice takes effect at its last position.
        last_places = reversed(dict.fromkeys(reversed(paths)))
        found = (settings.read_file(path) for path in last_places)
        return tuple(file for file in found if file is not None)

    def problems(self) -> tuple[Problem, ...]:
        """Return the problems in the settings and in their files."""
        of_files = tuple(problem for file in self.files() for problem in file.problems)
        return (*of_files, *self.current().problems)

    def watch(self) -> None:
        """Record what files and programs set from now on.

        The settings files that ``load_configs`` reads; and a default of Taurus that a
        program assigns, which is an equal object.
        """
        module = taurus_compat.custom_settings()
        self._mark_default(settings.MODE.name)
        if not hasattr(module.load_configs, "__wrapped__"):
            vars(module)["load_configs"] = self._noting(module.load_configs)

    def _mark_default(self, key: str) -> None:
        """Tell Taurus's default of a text from an equal one that is set later."""
        module = taurus_compat.custom_settings()
        if key in self._stock:
            return
        value = vars(module).get(key, _MISSING)
        if not taurus_compat.has_default(key):
            self._stock[key] = _MISSING
        elif value == taurus_compat.STOCK_DEFAULTS[key]:
            self._stock[key] = "".join([*value])
            setattr(module, key, self._stock[key])

    def _noting(self, load: Callable[..., list[str]]) -> Callable[..., list[str]]:
        @functools.wraps(load)
        def load_configs(
            filenames: Sequence[str] | None = None, section: str = settings.SECTION
        ) -> list[str]:
            try:
                read = load(filenames, section)
            except settings.UNREADABLE:
                if filenames is None or section != settings.SECTION:
                    raise
                # Taurus raises at the first value that is not a literal and ignores the
                # rest of the file. Load the valid values; problems() reports the rest.
                read = _load_what_is_good(filenames)
            self._loaded.extend(read)
            self._known = None
            return read

        return load_configs

    def _read_anew(self, raw: Mapping[str, Any]) -> Settings:
        values = {key: self._as_set(key, value) for key, value in raw.items()}
        origin = settings.origin_in(self.files(), values)
        said = {
            key: value
            for key, value in values.items()
            if value is not _MISSING and not self._is_stock(key, value, origin)
        }
        return settings.read(said, origin)

    def _as_set(self, key: str, value: Any) -> Any:
        """Return the original value if :meth:`_make_digestible` replaced it."""
        original, replacement = self._indigestible.get(key, (value, value))
        return original if value is replacement else value

    def _is_stock(self, key: str, value: Any, origin: Callable[[str], str]) -> bool:
        """Return whether ``key`` has Taurus's default value and was not set."""
        if (
            origin(key) != settings.PROGRAM_ORIGIN
            or key not in taurus_compat.STOCK_DEFAULTS
        ):
            return False
        if key in self._stock:
            return value is self._stock[key]
        return shown_fully(value) == repr(taurus_compat.STOCK_DEFAULTS[key])

    def _make_digestible(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Replace values that the constructors of stock Taurus cannot handle.

        The original value is kept, and reported as the one that is set.

        :return: the replacements, by key.
        """
        module = taurus_compat.custom_settings()
        replaced: dict[str, Any] = {}
        for key, (digestible, replacement) in taurus_compat.DIGESTIBLE.items():
            value = values[key]
            if value is not _MISSING and not digestible(value):
                # A new object: an equal string set by the program must differ from it.
                replacement = "".join([*replacement])
                self._indigestible[key] = (value, replacement)
                setattr(module, key, replacement)
                replaced[key] = replacement
        return replaced


def _load_what_is_good(filenames: Sequence[str]) -> list[str]:
    module = taurus_compat.custom_settings()
    names = [filenames] if isinstance(filenames, (str, os.PathLike)) else filenames
    read = [settings.read_file(os.fspath(name)) for name in names]
    files = [file for file in read if file is not None]
    for file in files:
        vars(module).update(file.values)
    return [file.path for file in files]


#: The settings of this process.
CUSTOM_SETTINGS = CustomSettings()
