"""What differs between the versions of PyTango.

Tests with the versions of Taurus and PyTango that :mod:`taurus_tpo.environment.compat`
names hold it. PyTango is imported when it is asked for the first time.
"""

from __future__ import annotations

import functools
import importlib
import operator
from typing import Any

from taurus_tpo.core import modes
from taurus_tpo.core.modes import SubMode


def pytango_version() -> str | None:
    """Return the version of PyTango, or None where it cannot be imported."""
    try:
        return str(importlib.import_module("tango").__version__)
    except ImportError:
        return None


@functools.cache
def has_event_sub_mode() -> bool:
    """Return whether this PyTango has the five modes (since 10.1)."""
    return hasattr(importlib.import_module("tango"), "EventSubMode")


def default_mode() -> SubMode:
    """Return the mode where nobody has decided: a PyTango without modes reads during
    its plain subscription, which is what SyncRead does.
    """
    return modes.DEFAULT if has_event_sub_mode() else modes.SYNC_READ


@functools.cache
def tango_event_sub_mode(mode: SubMode) -> Any:
    """Return ``mode`` as Taurus 5.4's ``TangoAttribute.event_sub_mode`` has it.

    A ``tango.EventSubMode``, or the name in upper case where PyTango has none.
    """
    if not has_event_sub_mode():
        return mode.key
    return getattr(importlib.import_module("tango").EventSubMode, mode.name)


def synchronous(proxy: Any) -> Any:
    """Return ``proxy``, whose calls wait, and call back, in Tango's own way.

    Whatever ``PYTANGO_GREEN_MODE`` says: Taurus expects values, not futures, and calls
    from several threads, as the plugin does.
    """
    tango = importlib.import_module("tango")
    if proxy is not None:
        proxy.set_green_mode(tango.GreenMode.Synchronous)
    return proxy


def subscribe(
    proxy: Any, attribute: str, event_type: Any, callback: Any, mode: SubMode
) -> int:
    """Subscribe with ``mode``, as far as this PyTango can.

    Where it has no modes, those that raise are its plain subscription, and the others
    its stateless one; both read during the subscription.

    :raises tango.DevFailed: when the subscription fails and the mode raises.
    """
    if has_event_sub_mode():
        how = tango_event_sub_mode(mode)
        return int(proxy.subscribe_event(attribute, event_type, callback, how))
    stateless = not mode.raises
    return int(proxy.subscribe_event(attribute, event_type, callback, [], stateless))


def unsubscribe(proxy: Any, number: int) -> None:
    """Give a subscription up; also one that could not be given up before.

    PyTango forgets its number before it asks Tango to, which may be too busy: the next
    time it says that there is no such subscription, which Tango would keep for ever.

    :raises tango.DevFailed: where Tango does not give it up, or does not know it.
    """
    try:
        proxy.unsubscribe_event(number)
    except KeyError:
        getattr(proxy, "__unsubscribe_event")(number)


def is_subscription_failure(event: Any) -> bool:
    """Return whether ``event`` says that the subscription failed.

    An error of the attribute itself is none. Before PyTango 10.1 only the reason of
    the error tells the two apart.
    """
    if not event.err:
        return False
    tango = importlib.import_module("tango")
    if hasattr(tango, "EventReason"):
        return bool(event.event_reason == tango.EventReason.SubFail)
    enums = importlib.import_module("taurus.core.tango.enums")
    reasons = {error.reason for error in event.errors}
    no_server = {"API_CantConnectToDevice", "API_DeviceNotExported"}
    return bool(reasons & (no_server | set(enums.EVENT_TO_POLLING_EXCEPTIONS)))


#: The texts in a ``tango.AttributeInfoEx`` that somebody may have configured.
_TEXTS = (
    *("label", "description", "unit", "standard_unit", "display_unit", "format"),
    *("min_value", "max_value", "min_alarm", "max_alarm"),
)


_ALARM_TEXTS = (
    *("min_alarm", "max_alarm", "min_warning", "max_warning"),
    *("delta_t", "delta_val"),
)


_ALL_TEXTS = operator.attrgetter(*_TEXTS, *(f"alarms.{one}" for one in _ALARM_TEXTS))


def empty_unreadable(info: Any) -> tuple[str, ...]:
    """Empty the texts of a ``tango.AttributeInfoEx`` that PyTango cannot decode.

    It raises whenever one is looked at that is not in UTF-8.

    :return: the names of these texts.
    """
    try:
        _ALL_TEXTS(info)
        list(info.enum_labels)
    except UnicodeDecodeError:
        return _empty_unreadable(info)
    # It is made sure of for each attribute: this way takes a tenth of the time.
    return ()


def _empty_unreadable(info: Any) -> tuple[str, ...]:
    found = [(info, name) for name in _TEXTS]
    found += [(info.alarms, name) for name in _ALARM_TEXTS]
    unreadable = [name for owner, name in found if not _is_readable(owner, name)]
    if not _has_readable_labels(info):
        info.enum_labels = []
        unreadable.append("enum_labels")
    return tuple(dict.fromkeys(unreadable))


def _is_readable(owner: Any, name: str) -> bool:
    try:
        getattr(owner, name)
    except UnicodeDecodeError:
        setattr(owner, name, "")
        return False
    return True


def _has_readable_labels(info: Any) -> bool:
    try:
        list(info.enum_labels)
    except UnicodeDecodeError:
        return False
    return True
