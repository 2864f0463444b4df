"""The five event subscription modes of Tango, as data.

Code asks a mode for what it does (``mode.reads``, ``mode.raises``...) and never
compares names.

Source of the facts: ``EventSubMode`` of cppTango 10.1, each cell seen on PyTango
10.3.1 (``tests/integration/test_mode_table.py`` looks again, against a real device
server).
"""

from __future__ import annotations

import difflib
import enum
from dataclasses import dataclass
from typing import Any

from taurus_tpo.core.text import shown


class Reads(enum.Enum):
    """When a subscription reads the attribute; true where it does at all."""

    NEVER = "no"
    DURING = "during subscription"
    AFTER = "after subscription"

    def __bool__(self) -> bool:
        return self is not Reads.NEVER


class FirstCallback(enum.Enum):
    """What the subscriber hears first from a subscription that succeeds."""

    AT_ONCE_WITH_DATA = "at once, with data"
    AFTER_READ_WITH_DATA = "after the read, with data"
    AFTER_SUBSCRIPTION_NO_DATA = "after subscription, no data"
    ON_NEXT_EVENT = "on the next event"


@dataclass(frozen=True)
class SubMode:
    """One subscription mode; the instances of this module are the only ones.

    :param name: Tango's name of it, a member of ``tango.EventSubMode``.
    :param tries: it tries to subscribe before the call returns.
    :param raises: a subscription that fails raises, instead of being told later.
    :param retries: Tango itself goes on trying after a failure.
    :param reads: whether, and when, the subscription reads the attribute.
    :param first_callback: what the subscriber hears first.
    """

    name: str
    tries: bool
    raises: bool
    retries: bool
    reads: Reads
    first_callback: FirstCallback

    @property
    def key(self) -> str:
        """The name as Taurus's settings spell it: ``ASYNCREAD``."""
        return self.name.upper()

    @property
    def tells_success(self) -> bool:
        """Whether a subscription that succeeded calls back to say so.

        Where it does not (Sync), the return of the call is the news.
        """
        return self.first_callback is not FirstCallback.ON_NEXT_EVENT

    def __str__(self) -> str:
        return self.name


SYNC_READ = SubMode(
    "SyncRead", True, True, False, Reads.DURING, FirstCallback.AT_ONCE_WITH_DATA
)
ASYNC_READ = SubMode(
    "AsyncRead", False, False, True, Reads.AFTER, FirstCallback.AFTER_READ_WITH_DATA
)
SYNC = SubMode("Sync", True, True, False, Reads.NEVER, FirstCallback.ON_NEXT_EVENT)
ASYNC = SubMode(
    "Async", False, False, True, Reads.NEVER, FirstCallback.AFTER_SUBSCRIPTION_NO_DATA
)
STATELESS = SubMode(
    "Stateless", True, False, True, Reads.DURING, FirstCallback.AT_ONCE_WITH_DATA
)

#: All modes, in the order of the table in the documentation.
MODES: tuple[SubMode, ...] = (SYNC_READ, ASYNC_READ, SYNC, ASYNC, STATELESS)

#: The mode where nobody has decided.
DEFAULT = ASYNC_READ

#: The mode by which Tango goes on trying after a subscription has failed.
RETRYING = ASYNC

_BY_KEY = {mode.key: mode for mode in MODES}
_NAMES = ", ".join(mode.name for mode in MODES)


class UnknownModeError(ValueError):
    """A value that names none of the five modes; the message lists them."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.nearest = _nearest(value)
        hint = f" Did you mean {self.nearest}?" if self.nearest else ""
        super().__init__(
            f"{shown(value)} is no event subscription mode (one of {_NAMES}).{hint}"
        )


def parse(value: Any) -> SubMode:
    """Return the mode that ``value`` names, in any case.

    :param value: a string such as ``"asyncread"``, a :class:`SubMode`, or anything
        whose ``name`` is one of the five (a ``tango.EventSubMode``).
    :raises UnknownModeError: for anything else.
    """
    name = value if isinstance(value, str) else _name_of(value)
    mode = _BY_KEY.get(name.strip().upper()) if isinstance(name, str) else None
    if mode is None:
        raise UnknownModeError(value)
    return mode


def _name_of(value: Any) -> Any:
    try:
        return getattr(value, "name", None)
    except Exception:  # noqa: BLE001 - somebody else's property: no mode of ours
        return None


def _nearest(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    keys = difflib.get_close_matches(value.strip().upper(), list(_BY_KEY), n=1)
    return _BY_KEY[keys[0]].name if keys else None


def carrier(mode: SubMode, native_async_read: bool) -> SubMode:
    """Return the mode that is handed to Tango to carry out ``mode``.

    AsyncRead is carried out as Async, and the first read fetches the value once the
    subscription is there: cppTango reads one attribute after the other on one thread,
    the first read one device beside the other, a device in one call (three times
    faster with five slow devices). Every other mode carries itself.

    :param native_async_read: leave AsyncRead to Tango
        (setting ``TANGO_ASYNCREAD_NATIVE``).
    """
    return ASYNC if mode.reads is Reads.AFTER and not native_async_read else mode
