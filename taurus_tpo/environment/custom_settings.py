"""Taurus's custom settings, as the plugin reads them: live, checked, with origins.

Taurus reads its settings files when it is imported and, with ``--settings``, once more;
programs assign to ``taurus.tauruscustomsettings``. All of it counts, at any time: what
is asked here is read anew whenever one of the plugin's keys was assigned another
object.
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

    May be asked from any thread: an answer is replaced as a whole.
    """

    def __init__(self) -> None:
        self._loaded: list[str] = []
        #: What was read, beside what was made of it.
        self._known: tuple[tuple[Any, ...], Settings] | None = None
        self._indigestible: dict[str, tuple[Any, Any]] = {}

    def current(self) -> Settings:
        """Return the settings in force; never raises."""
        module = taurus_compat.custom_settings()
        # Asked several times an attribute: of its ways, this is the fastest.
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
        """The files that were read beside those that every process reads."""
        return tuple(dict.fromkeys(self._loaded))

    def files(self) -> tuple[SettingsFile, ...]:
        """Return the settings files that were read, the strongest last."""
        module = taurus_compat.custom_settings()
        paths = (module.SYSTEM_CFG_FILE, module.USER_CFG_FILE, *self._loaded)
        # A file that is read again gets its later place.
        last_places = reversed(dict.fromkeys(reversed(paths)))
        found = (settings.read_file(path) for path in last_places)
        return tuple(file for file in found if file is not None)

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong in the settings and in their files."""
        of_files = tuple(problem for file in self.files() for problem in file.problems)
        return (*of_files, *self.current().problems)

    def watch(self) -> None:
        """Take note of the settings files that ``load_configs`` reads from now on."""
        module = taurus_compat.custom_settings()
        if not hasattr(module.load_configs, "__wrapped__"):
            vars(module)["load_configs"] = self._noting(module.load_configs)

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
                # Taurus gives up at the first value that is no literal, with a
                # traceback. The rest of the file is good: problems() tells of it.
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
        """Return what was set before this class put something digestible there."""
        original, replacement = self._indigestible.get(key, (value, value))
        return original if value is replacement else value

    @staticmethod
    def _is_stock(key: str, value: Any, origin: Callable[[str], str]) -> bool:
        """Return whether nobody has set ``key``: it is as Taurus ships it."""
        if (
            origin(key) != settings.PROGRAM_ORIGIN
            or key not in taurus_compat.STOCK_DEFAULTS
        ):
            return False
        return shown_fully(value) == repr(taurus_compat.STOCK_DEFAULTS[key])

    def _make_digestible(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Let Taurus's own constructors live with a value that they cannot use.

        The bad value is remembered: it stays the one that is reported.

        :return: what was put into the place of bad values.
        """
        module = taurus_compat.custom_settings()
        replaced: dict[str, Any] = {}
        for key, (digestible, replacement) in taurus_compat.DIGESTIBLE.items():
            value = values[key]
            if value is not _MISSING and not digestible(value):
                # A new object, so that an equal one set by the program is told apart.
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
