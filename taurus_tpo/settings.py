"""The plugin's settings: the keys of a Taurus settings file, checked, with origins.

Floor 0: takes plain values and file names; which module they come from is the business
of :mod:`taurus_tpo.compat`. Bad values never raise: each becomes a :class:`Problem`
that names the file, the key, the value and what would be right, and the next source
down decides.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from taurus_tpo import submode
from taurus_tpo.decision import Authority
from taurus_tpo.rules import Rule, RuleSet
from taurus_tpo.submode import SubMode, UnknownModeError
from taurus_tpo.text import one_line, shown, shown_fully

#: The section of a Taurus settings file.
SECTION = "taurus"

#: Where a value comes from that no settings file holds.
PROGRAM_ORIGIN = "taurus.tauruscustomsettings"

CHANGE_EVENT = "CHANGE_EVENT"

#: The longest period between two checks, ms.
_A_DAY = 86_400_000

#: What Python raises for a text that is no literal.
NO_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)

#: What Taurus raises for a settings file that it cannot read.
UNREADABLE = (*NO_LITERAL, configparser.Error, OSError)


@dataclass(frozen=True)
class Problem:
    """A bad value in the settings: what, where, and what would be right.

    :param key: empty where a whole file is bad.
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
    """The settings in force, each usable whatever the file says.

    :param enabled: ``TPO_ENABLED``.
    :param authority: ``TANGO_EVENT_SUB_MODE`` and ``TANGO_EVENT_SUB_MODE_RULES``.
    :param native_async_read: ``TANGO_ASYNCREAD_NATIVE``.
    :param first_read_workers: ``TANGO_FIRST_READ_WORKERS``, threads.
    :param event_check_period: ``TANGO_EVENT_CHECK_PERIOD``, ms; 0: never.
    :param events_disabled_by: who emptied ``TANGO_EVENTS_TO_SUBSCRIBE``, or None.
    :param problems: what is wrong in the files.
    """

    enabled: bool = True
    authority: Authority = field(
        default_factory=lambda: Authority.named(PROGRAM_ORIGIN)
    )
    native_async_read: bool = False
    first_read_workers: int = 8
    event_check_period: int = 0
    events_disabled_by: str | None = None
    problems: tuple[Problem, ...] = ()


class _RejectedError(Exception):
    """A value that a reader cannot use; the message says what would be right."""


def _read_bool(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise _RejectedError("must be True or False.")


def _read_workers(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 256:
        return value
    raise _RejectedError("must be a whole number of threads from 1 to 256.")


def _read_check_period(value: Any) -> int:
    if type(value) is int and (value == 0 or 1000 <= value <= _A_DAY):
        return value
    raise _RejectedError(
        f"must be a whole number of ms from 1000 to {_A_DAY}, or 0 for never."
    )


def _read_mode(value: Any) -> SubMode:
    try:
        return submode.parse(value)
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


#: The keys that the plugin reads, each with its reader; rules apart.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "TPO_ENABLED": _read_bool,
    "TANGO_EVENT_SUB_MODE": _read_mode,
    "TANGO_ASYNCREAD_NATIVE": _read_bool,
    "TANGO_FIRST_READ_WORKERS": _read_workers,
    "TANGO_EVENT_CHECK_PERIOD": _read_check_period,
    "TANGO_EVENTS_TO_SUBSCRIBE": _read_change_events,
}
RULES_KEY = "TANGO_EVENT_SUB_MODE_RULES"

#: Every key that the plugin reads.
KEYS: tuple[str, ...] = (*_READERS, RULES_KEY)


class _Reader:
    """One pass over the values, which gathers the problems as it goes."""

    def __init__(self, values: Mapping[str, Any], origin: Callable[[str], str]):
        self._values = values
        self._origin = origin
        self.problems: list[Problem] = []

    def value(self, key: str, default: Any) -> Any:
        """Return the value of ``key`` as its reader makes it, or ``default``."""
        if key not in self._values:
            return default
        raw = self._values[key]
        return self._try(_READERS[key], key, key, raw, default)

    def rules(self) -> RuleSet:
        """Return the good ones of the rules."""
        raw = self._values.get(RULES_KEY, ())
        if not isinstance(raw, (list, tuple)):
            reason = (
                'must be a list of pairs, [("sys/slow/*/*", "ASYNC"), ...]. Ignored.'
            )
            self._note(RULES_KEY, RULES_KEY, raw, reason)
            return RuleSet()
        rules = (
            self._try(_read_rule, RULES_KEY, f"{RULES_KEY}[{index}]", entry, None)
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
    """Check the raw ``values`` of :data:`KEYS`.

    :param values: only the keys that somebody set.
    :param origin: says where the value of a key comes from, for people.
    :return: settings that can be used as they are; never raises.
    """
    reader = _Reader(values, origin)
    mode = reader.value("TANGO_EVENT_SUB_MODE", None)
    events = "TANGO_EVENTS_TO_SUBSCRIBE"
    enabled = reader.value(events, True)
    return Settings(
        enabled=reader.value("TPO_ENABLED", True),
        authority=Authority(
            mode_origin=origin("TANGO_EVENT_SUB_MODE"),
            rules_origin=origin(RULES_KEY),
            mode=mode,
            rules=reader.rules(),
        ),
        native_async_read=reader.value("TANGO_ASYNCREAD_NATIVE", False),
        first_read_workers=reader.value("TANGO_FIRST_READ_WORKERS", 8),
        event_check_period=reader.value("TANGO_EVENT_CHECK_PERIOD", 0),
        events_disabled_by=None if enabled else f"{events} in {origin(events)}",
        problems=tuple(reader.problems),
    )


@dataclass(frozen=True)
class SettingsFile:
    """One Taurus settings file as it stands on disk.

    :param values: the literals of its ``[taurus]`` section.
    :param problems: what in it is no literal, or why it cannot be read.
    """

    path: str
    values: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


def read_file(path: str) -> SettingsFile | None:
    """Read a settings file; None where there is none.

    Never raises: a file that cannot be read or parsed, and a value that is no Python
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
    """Return a function that says which of ``files`` a value comes from.

    A file read later outranks one read earlier. Where no file holds the value that is
    in force, the program set it: :data:`PROGRAM_ORIGIN`.
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
