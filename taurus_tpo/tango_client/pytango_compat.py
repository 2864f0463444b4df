"""Differences between the versions of PyTango.

Tested with the versions of Taurus and PyTango in
:mod:`taurus_tpo.environment.taurus_compat`. PyTango is imported when it is first
needed.
"""

from __future__ import annotations

import functools
import importlib
import operator
from typing import Any

from taurus_tpo.core import modes
from taurus_tpo.core.modes import SubMode


def pytango_version() -> str | None:
    """Return the version of PyTango, or None if it cannot be imported."""
    try:
        return str(importlib.import_module("tango").__version__)
    except ImportError:
        return None


@functools.cache
def has_event_sub_mode() -> bool:
    """Return whether this PyTango has the five modes (since 10.1)."""
    return hasattr(importlib.import_module("tango"), "EventSubMode")


def default_mode() -> SubMode:
    """Return the mode where no source decides.

    SyncRead where PyTango has no modes: its plain subscription reads as SyncRead does.
    """
    return modes.DEFAULT if has_event_sub_mode() else modes.SYNC_READ


@functools.cache
def tango_event_sub_mode(mode: SubMode) -> Any:
    """Return ``mode`` as a value of ``TangoAttribute.event_sub_mode`` of Taurus 5.4.

    A ``tango.EventSubMode``, or the name in upper case where PyTango has none.
    """
    if not has_event_sub_mode():
        return mode.key
    return getattr(importlib.import_module("tango").EventSubMode, mode.name)


def synchronous(proxy: Any) -> Any:
    """Return ``proxy`` with its green mode set to synchronous.

    Whatever ``PYTANGO_GREEN_MODE`` says: Taurus expects values, not futures, and calls
    proxies from several threads, as the plugin does.
    """
    tango = importlib.import_module("tango")
    if proxy is not None:
        proxy.set_green_mode(tango.GreenMode.Synchronous)
    return proxy


def subscribe(
    proxy: Any, attribute: str, event_type: Any, callback: Any, mode: SubMode
) -> int:
    """Subscribe with ``mode``, as far as this PyTango can.

    Without modes, those that raise are PyTango's plain subscription, and the others its
    stateless one; both read during the subscription.

    :raises tango.DevFailed: if the subscription fails and the mode raises.
    """
    if has_event_sub_mode():
        how = tango_event_sub_mode(mode)
        return int(proxy.subscribe_event(attribute, event_type, callback, how))
    stateless = not mode.raises
    return int(proxy.subscribe_event(attribute, event_type, callback, [], stateless))


def unsubscribe(proxy: Any, number: int) -> None:
    """End a subscription; may be called again after a failure.

    PyTango forgets the number before it calls Tango, which may be too busy. Its next
    call then raises KeyError, and Tango would keep the subscription.

    :raises tango.DevFailed: if Tango does not end it, or does not know it.
    """
    try:
        proxy.unsubscribe_event(number)
    except KeyError:
        getattr(proxy, "__unsubscribe_event")(number)


@functools.cache
def _subscription_failure() -> Any:
    """Return ``tango.EventReason.SubFail``; None where PyTango has no reasons."""
    reasons = getattr(importlib.import_module("tango"), "EventReason", None)
    return None if reasons is None else reasons.SubFail


def is_subscription_failure(event: Any) -> bool:
    """Return whether ``event`` says that the subscription failed.

    Not for an error of the attribute itself. Before PyTango 10.1, only the error reason
    distinguishes the two.
    """
    if not event.err:
        return False
    failure = _subscription_failure()
    if failure is not None:
        return bool(event.event_reason == failure)
    enums = importlib.import_module("taurus.core.tango.enums")
    reasons = {error.reason for error in event.errors}
    no_server = {"API_CantConnectToDevice", "API_DeviceNotExported"}
    return bool(reasons & (no_server | set(enums.EVENT_TO_POLLING_EXCEPTIONS)))


#: The configurable texts in a ``tango.AttributeInfoEx``.
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

    PyTango raises on each access to a text that is not in UTF-8.

    :return: the names of these texts.
    """
    try:
        _ALL_TEXTS(info)
        labels = info.enum_labels
        if len(labels):
            list(labels)
    except UnicodeDecodeError:
        return _empty_unreadable(info)
    # Called for each attribute: this way takes a tenth of the time.
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
