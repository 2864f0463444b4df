"""The plugin's settings: keys of a Taurus settings file, validated, with origins.

Takes plain values and file names; :mod:`taurus_tpo.environment.taurus_compat` knows the
module that holds them. Invalid values never raise: each becomes a :class:`Problem` with
the file, the key, the value and what is valid, and the next source in order of
precedence decides.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from taurus_tpo.core import modes
from taurus_tpo.core.modes import SubMode, UnknownModeError
from taurus_tpo.core.precedence import ModeSource
from taurus_tpo.core.renamed import renamed
from taurus_tpo.core.rules import NamePattern, Rule, RuleSet
from taurus_tpo.core.text import one_line, shown, shown_fully

#: The section of a Taurus settings file.
SECTION = "taurus"

#: Origin of a value that no settings file contains.
PROGRAM_ORIGIN = "taurus.tauruscustomsettings"

CHANGE_EVENT = "CHANGE_EVENT"

#: The shortest and the longest period between two checks, ms.
_A_SECOND = 1000
_A_DAY = 86_400_000

#: Largest number of threads.
_MOST_WORKERS = 256

#: What Python raises for a text that is not a literal.
NO_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)

#: What Taurus raises for a settings file that it cannot read.
UNREADABLE = (*NO_LITERAL, configparser.Error, OSError)


@dataclass(frozen=True)
class Problem:
    """An invalid value in the settings: what, where, and what is valid.

    :param key: empty if the whole file is invalid.
    """

    key: str
    value: str
    origin: str
    reason: str

    def __str__(self) -> str:
        culprit = f"{self.key} = {self.value}: " if self.key else ""
        return f"{self.origin}: {culprit}{self.reason}"


@dataclass(frozen=True)
class Settings:
    """The settings in force; valid whatever the file contains.

    :param enabled: ``TPO_ENABLED``.
    :param source: ``TANGO_EVENT_SUB_MODE`` and ``TANGO_EVENT_SUB_MODE_RULES``.
    :param native_async_read: ``TANGO_ASYNCREAD_NATIVE``.
    :param first_read_workers: ``TANGO_FIRST_READ_WORKERS``, threads.
    :param read_one_by_one: ``TPO_READ_ONE_BY_ONE``, patterns of devices.
    :param event_check_period: ``TANGO_EVENT_CHECK_PERIOD``, ms; 0: never.
    :param progress: ``TPO_PROGRESS``.
    :param collects_in_gui_thread: ``TPO_COLLECT_IN_GUI_THREAD``.
    :param postpones_collections: ``TPO_POSTPONE_COLLECTIONS``.
    :param fast_forms: ``TPO_FAST_FORMS``.
    :param fast_widgets: ``TPO_FAST_WIDGETS``.
    :param events_disabled_by: where ``TANGO_EVENTS_TO_SUBSCRIBE`` disables events, or
        None.
    :param problems: the invalid values.
    """

    enabled: bool = True
    source: ModeSource = field(default_factory=lambda: ModeSource.named(PROGRAM_ORIGIN))
    native_async_read: bool = False
    first_read_workers: int = 8
    read_one_by_one: tuple[NamePattern, ...] = ()
    event_check_period: int = 0
    progress: bool = True
    collects_in_gui_thread: bool = True
    postpones_collections: bool = True
    fast_forms: bool = True
    fast_widgets: bool = True
    events_disabled_by: str | None = None
    problems: tuple[Problem, ...] = ()

    authority = renamed("authority", "source")


class _RejectedError(Exception):
    """A value that a reader rejects; the message says what is valid."""


def _read_bool(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise _RejectedError("must be True or False.")


def _read_workers(value: Any) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and 1 <= value <= _MOST_WORKERS:
        return int(value)
    reason = f"must be a whole number of threads from 1 to {_MOST_WORKERS}."
    raise _RejectedError(reason)


def _read_check_period(value: Any) -> int:
    if type(value) is int and (value == 0 or _A_SECOND <= value <= _A_DAY):
        return value
    raise _RejectedError(
        f"must be a whole number of ms from {_A_SECOND} to {_A_DAY}, or 0 for never."
    )


def _read_patterns(value: Any) -> tuple[NamePattern, ...]:
    is_list = isinstance(value, (list, tuple))
    if is_list and all(isinstance(one, str) and one for one in value):
        return tuple(map(NamePattern, value))
    raise _RejectedError('must be a list of patterns, ["sys/slow/*", ...].')


def _read_mode(value: Any) -> SubMode:
    try:
        return modes.parse(value)
    except UnknownModeError as error:
        raise _RejectedError(str(error)) from None


def _read_change_events(value: Any) -> bool:
    if isinstance(value, (list, tuple, set, frozenset)):
        return CHANGE_EVENT in [name for name in value if isinstance(name, str)]
    raise _RejectedError(
        f'must be a list: ["{CHANGE_EVENT}"], or [] to disable events.'
    )


def _read_rule(value: Any) -> Rule:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise _RejectedError('a rule must be a pair, ("sys/slow/*/*", "ASYNC").')
    pattern, mode = value
    if not isinstance(pattern, str) or not pattern:
        raise _RejectedError(
            'the pattern of a rule must be a string such as "sys/slow/*/*".'
        )
    return Rule(pattern, _read_mode(mode))


@dataclass(frozen=True)
class Setting:
    """One key of a settings file, for the code and the reference.

    :param name: the key.
    :param type: the valid literals, for users.
    :param default: the value where the key is not set, as in a file.
    :param meaning: its effect, for users.
    :param read: converts a literal to the value that the plugin uses, or rejects it.
    :param field: the field of :class:`Settings` for it; empty if it is handled
        separately.
    :param unit: of a number; empty if it has none.
    :param since: the first version of this package that reads it.
    """

    name: str
    type: str
    default: Any
    meaning: str
    read: Callable[[Any], Any]
    field: str = ""
    unit: str = ""
    since: str = "0.1.0"

    @property
    def literal(self) -> str:
        """The default as written in a settings file."""
        return repr(self.default).replace("'", '"')


MODE = Setting(
    "TANGO_EVENT_SUB_MODE",
    type="str",
    default=modes.DEFAULT.key,
    meaning="The mode where nothing else decides: one of the five, in any case.",
    read=_read_mode,
)
RULES = Setting(
    "TANGO_EVENT_SUB_MODE_RULES",
    type="list of pairs of str",
    default=[],
    meaning="Pairs (pattern, mode); the first match wins, before TANGO_EVENT_SUB_MODE.",
    read=_read_rule,
)
EVENTS = Setting(
    "TANGO_EVENTS_TO_SUBSCRIBE",
    type="list of str",
    default=[CHANGE_EVENT],
    meaning=f"Without {CHANGE_EVENT} in it, events are disabled and every attribute is "
    "polled.",
    read=_read_change_events,
)

#: All settings, in the order of the reference.
ALL: tuple[Setting, ...] = (
    Setting(
        "TPO_ENABLED",
        type="bool",
        default=True,
        meaning="Whether the plugin takes the tango scheme.",
        read=_read_bool,
        field="enabled",
    ),
    Setting(
        "TPO_PROGRESS",
        type="bool",
        default=True,
        meaning="Whether a bar in the status bar of each TaurusMainWindow, and so of "
        "each TaurusGui, says what its attributes still wait for.",
        read=_read_bool,
        field="progress",
    ),
    Setting(
        "TPO_COLLECT_IN_GUI_THREAD",
        type="bool",
        default=True,
        meaning="Whether Python collects garbage in the GUI thread while Taurus "
        "widgets show attributes. In another thread, a collection may end a program "
        "with PyQt.",
        read=_read_bool,
        field="collects_in_gui_thread",
    ),
    Setting(
        "TPO_POSTPONE_COLLECTIONS",
        type="bool",
        default=True,
        meaning="Whether Python makes no full garbage collection while many attributes "
        "or rows of forms are being made, and for 5 s after it; 60 s at most.",
        read=_read_bool,
        field="postpones_collections",
    ),
    Setting(
        "TPO_FAST_FORMS",
        type="bool",
        default=True,
        meaning="Whether a form of 50 models or more makes the rows in view first, and "
        "the others while its window is in use.",
        read=_read_bool,
        field="fast_forms",
    ),
    Setting(
        "TPO_FAST_WIDGETS",
        type="bool",
        default=True,
        meaning="Whether a label of Taurus is updated once where Taurus does it many "
        "times in one call, as while a row of a form is built; and, if it is not in "
        "view, when it is seen.",
        read=_read_bool,
        field="fast_widgets",
    ),
    MODE,
    RULES,
    Setting(
        "TANGO_ASYNCREAD_NATIVE",
        type="bool",
        default=False,
        meaning="Whether AsyncRead is left to Tango.",
        read=_read_bool,
        field="native_async_read",
    ),
    Setting(
        "TANGO_FIRST_READ_WORKERS",
        type=f"int from 1 to {_MOST_WORKERS}",
        default=8,
        meaning="How many threads connect to devices, read and poll them at a time. "
        "Read once, when Taurus makes its factory.",
        read=_read_workers,
        field="first_read_workers",
        unit="threads",
    ),
    Setting(
        "TPO_READ_ONE_BY_ONE",
        type="list of str",
        default=[],
        meaning="Patterns of devices whose attributes are read in calls of their own, "
        "and not several in one call. Looked at when a device is made.",
        read=_read_patterns,
        field="read_one_by_one",
    ),
    Setting(
        "TANGO_EVENT_CHECK_PERIOD",
        type=f"int, 0 or {_A_SECOND} to {_A_DAY}",
        default=0,
        meaning="How often attributes that are subscribed to are read, to compare them "
        "with what is shown; 0: never.",
        read=_read_check_period,
        field="event_check_period",
        unit="ms",
    ),
    EVENTS,
)

#: The keys of all settings.
KEYS: tuple[str, ...] = tuple(setting.name for setting in ALL)


class _SettingsReader:
    """One pass over the values, which collects the problems."""

    def __init__(self, values: Mapping[str, Any], origin: Callable[[str], str]):
        self._values = values
        self._origin = origin
        self.problems: list[Problem] = []

    def value(self, setting: Setting) -> Any:
        """Return the value of ``setting``, or its default."""
        return self.said(setting, setting.read(setting.default))

    def said(self, setting: Setting, nobody: Any) -> Any:
        """Return the value of ``setting`` where a valid one is set, else ``nobody``."""
        key = setting.name
        if key not in self._values:
            return nobody
        return self._try(setting.read, key, key, self._values[key], nobody)

    def rules(self) -> RuleSet:
        """Return the valid rules."""
        key = RULES.name
        raw = self._values.get(key, ())
        if not isinstance(raw, (list, tuple)):
            reason = (
                'must be a list of pairs, [("sys/slow/*/*", "ASYNC"), ...]. Ignored.'
            )
            self._note(key, key, raw, reason)
            return RuleSet()
        rules = (
            self._try(RULES.read, key, f"{key}[{index}]", entry, None)
            for index, entry in enumerate(raw)
        )
        return RuleSet([rule for rule in rules if rule is not None])

    def _try(
        self, reader: Callable[[Any], Any], key: str, place: str, raw: Any, default: Any
    ) -> Any:
        try:
            return reader(raw)
        except _RejectedError as rejected:
            self._note(key, place, raw, f"{rejected} Ignored.")
            return default

    def _note(self, key: str, place: str, raw: Any, reason: str) -> None:
        self.problems.append(Problem(place, shown(raw), self._origin(key), reason))


def read(
    values: Mapping[str, Any],
    origin: Callable[[str], str] = lambda _key: PROGRAM_ORIGIN,
) -> Settings:
    """Validate the raw ``values`` of :data:`KEYS`.

    :param values: only keys that are set.
    :param origin: returns where the value of a key is set, for users.
    :return: valid settings; never raises.
    """
    reader = _SettingsReader(values, origin)
    as_they_are = {one.field: reader.value(one) for one in ALL if one.field}
    disabled_by = f"{EVENTS.name} in {origin(EVENTS.name)}"
    source = ModeSource(
        mode_origin=origin(MODE.name),
        rules_origin=origin(RULES.name),
        # The default is a separate source.
        mode=reader.said(MODE, None),
        rules=reader.rules(),
    )
    return Settings(
        **as_they_are,
        source=source,
        events_disabled_by=None if reader.value(EVENTS) else disabled_by,
        problems=tuple(reader.problems),
    )


def rules_as_ini(rules: Iterable[tuple[str, str]]) -> list[str]:
    """Return rules as lines of a settings file; empty for no rules.

    :param rules: pairs of a pattern and the name of a mode.
    """
    entries = [f'    ("{pattern}", "{mode}"),' for pattern, mode in rules]
    return [f"{RULES.name} = [", *entries, "    ]"] if entries else []


@dataclass(frozen=True)
class SettingsFile:
    """Contents of one Taurus settings file.

    :param values: the literals of its ``[taurus]`` section.
    :param problems: values that are not literals, or why the file cannot be read.
    """

    path: str
    values: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


def read_file(path: str) -> SettingsFile | None:
    """Read a settings file; None if it does not exist.

    Never raises: a file that cannot be read or parsed, and a value that is not a Python
    literal, are problems of the result.
    """
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        if not parser.read(path):
            return None
    except UNREADABLE as error:
        reason = f"no Taurus settings file: {str(error).splitlines()[0]}"
        return SettingsFile(path, {}, (Problem("", "", path, reason),))
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key in parser.options(SECTION) if parser.has_section(SECTION) else ():
        try:
            values[key] = ast.literal_eval(parser.get(SECTION, key))
        except configparser.InterpolationError:
            reason = "has a % that is not doubled (%%). Ignored."
            problems.append(_file_problem(parser, key, path, reason))
        except NO_LITERAL:
            reason = 'is no Python literal (a text needs quotes: "like this"). Ignored.'
            problems.append(_file_problem(parser, key, path, reason))
    return SettingsFile(path, values, tuple(problems))


def _file_problem(
    parser: configparser.ConfigParser, key: str, path: str, reason: str
) -> Problem:
    return Problem(key, one_line(parser.get(SECTION, key, raw=True)), path, reason)


def origin_in(
    files: Iterable[SettingsFile], values: Mapping[str, Any]
) -> Callable[[str], str]:
    """Return a function that returns which of ``files`` the value of a key is from.

    Later files override earlier ones. A value in force that no file contains was set by
    the program: :data:`PROGRAM_ORIGIN`.
    """
    newest_first: Sequence[SettingsFile] = list(files)[::-1]

    def origin(key: str) -> str:
        holder = next((file for file in newest_first if key in file.values), None)
        if holder is None or not _same(holder.values[key], values.get(key)):
            return PROGRAM_ORIGIN
        return holder.path

    return origin


def _same(one: Any, other: Any) -> bool:
    return shown_fully(one) == shown_fully(other)
