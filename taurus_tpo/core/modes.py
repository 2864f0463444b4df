"""The five event subscription modes of Tango, as data.

Code uses the properties of a mode (``mode.reads``, ``mode.raises``...) and never
compares names.

Source of the facts: ``EventSubMode`` of cppTango 10.1; each cell was verified with
PyTango 10.3.1. ``tests/integration/test_mode_table.py`` repeats that with a real device
server.
"""

from __future__ import annotations

import difflib
import enum
from dataclasses import dataclass
from typing import Any

from taurus_tpo.core.text import shown


class Reads(enum.Enum):
    """When a subscription reads the attribute; false for never."""

    NEVER = "no"
    DURING = "during subscription"
    AFTER = "after subscription"

    def __bool__(self) -> bool:
        return self is not Reads.NEVER


class FirstCallback(enum.Enum):
    """The first callback of a successful subscription."""

    AT_ONCE_WITH_DATA = "at once, with data"
    AFTER_READ_WITH_DATA = "after the read, with data"
    AFTER_SUBSCRIPTION_NO_DATA = "after subscription, no data"
    ON_NEXT_EVENT = "on the next event"


@dataclass(frozen=True)
class SubMode:
    """One subscription mode; this module defines all instances.

    :param name: name in Tango, a member of ``tango.EventSubMode``.
    :param tries: whether the call tries to subscribe before it returns.
    :param raises: whether a failed subscription raises, rather than calls back.
    :param retries: whether Tango retries a failed subscription.
    :param reads: whether, and when, the subscription reads the attribute.
    :param first_callback: the first callback of a successful subscription.
    """

    name: str
    tries: bool
    raises: bool
    retries: bool
    reads: Reads
    first_callback: FirstCallback

    @property
    def key(self) -> str:
        """Name in Taurus's settings: ``ASYNCREAD``."""
        return self.name.upper()

    @property
    def waits_unasked(self) -> bool:
        """Whether the call waits for the device though its caller does not ask for it.

        True for Stateless: the plugin subscribes in another thread then.
        """
        return self.tries and not self.raises

    @property
    def tells_success(self) -> bool:
        """Whether a callback reports that the subscription succeeded.

        In Sync there is none: the subscription has succeeded when the call returns.
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

#: The mode where no source decides.
DEFAULT = ASYNC_READ

#: The mode in which Tango retries a failed subscription.
RETRYING = ASYNC

_BY_KEY = {mode.key: mode for mode in MODES}
_NAMES = ", ".join(mode.name for mode in MODES)


class UnknownModeError(ValueError):
    """A value that is none of the five modes; the message lists them."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.nearest = _nearest(value)
        hint = f" Did you mean {self.nearest}?" if self.nearest else ""
        super().__init__(
            f"{shown(value)} is no event subscription mode (one of {_NAMES}).{hint}"
        )


def parse(value: Any) -> SubMode:
    """Return the mode named by ``value``, in upper or lower case.

    :param value: a string such as ``"asyncread"``, a :class:`SubMode`, or an object
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
    except Exception:  # noqa: BLE001 - a foreign property may raise anything
        return None


def _nearest(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    keys = difflib.get_close_matches(value.strip().upper(), list(_BY_KEY), n=1)
    return _BY_KEY[keys[0]].name if keys else None


def carrier(
    mode: SubMode, native_async_read: bool, tango_has_modes: bool = True
) -> SubMode:
    """Return the mode that is passed to Tango to carry out ``mode``.

    AsyncRead is carried out as Async, followed by a first read. cppTango reads one
    attribute after the other in one thread. First reads run in parallel for several
    devices, with one call for several attributes (three times faster with five slow
    devices). All other modes are passed unchanged.

    Before 10.1, Tango has two kinds of subscriptions, which both read the attribute in
    the call: the plain one raises, as SyncRead, and the stateless one does not. A mode
    in which no caller waits is carried out as the latter, in a thread of the plugin.

    :param native_async_read: pass AsyncRead itself (setting
        ``TANGO_ASYNCREAD_NATIVE``).
    :param tango_has_modes: whether Tango has the five modes.
    """
    if not tango_has_modes:
        return SYNC_READ if mode.raises else STATELESS
    return ASYNC if mode.reads is Reads.AFTER and not native_async_read else mode
