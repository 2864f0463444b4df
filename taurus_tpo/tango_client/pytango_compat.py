"""Differences between the versions of PyTango.

Tested with the versions of Taurus and PyTango in
:mod:`taurus_tpo.environment.taurus_compat`. PyTango is imported when it is first
needed.
"""

from __future__ import annotations

import functools
import importlib
import operator
import sys
import threading
from typing import Any

from taurus_tpo.core import modes
from taurus_tpo.core.modes import SubMode

#: The names of PyTango that are used, by the object that has them: of a PyTango that is
#: not known, which is compiled, no more can be compared.
PYTANGO_NAMES = {
    "": (
        *("DevFailed", "DeviceProxy", "Database", "EnsureOmniThread", "EventType"),
        *("GreenMode", "AttributeInfoEx", "AttrConfEventData", "StdStringVector"),
    ),
    "DeviceProxy": (
        *("subscribe_event", "unsubscribe_event", "__unsubscribe_event"),
        *("read_attribute", "read_attributes", "write_attribute", "command_inout"),
        *("attribute_query", "attribute_list_query_ex", "get_attribute_config_ex"),
        *("set_green_mode", "set_timeout_millis"),
    ),
    "EventType": ("CHANGE_EVENT", "ATTR_CONF_EVENT"),
    "EventReason": ("SubFail",),
    "EventSubMode": ("SyncRead", "AsyncRead", "Sync", "Async", "Stateless"),
}

#: The method of a ``DeviceProxy`` that returns, by the number of each subscription, a
#: tuple that begins with the object that Tango calls back (PyTango 9.5 to 10.3).
EVENT_MAP = "__get_event_map"

#: The attribute of a ``DeviceProxy`` that has its green mode (PyTango 9.5 to 10.3).
GREEN_MODE = "_green_mode"


@functools.cache
def has_event_sub_mode() -> bool:
    """Return whether this PyTango has the five modes (since 10.1)."""
    return hasattr(importlib.import_module("tango"), "EventSubMode")


def carrier(mode: SubMode, native_async_read: bool = False) -> SubMode:
    """Return the mode with which :func:`subscribe` carries out ``mode``.

    See :func:`taurus_tpo.core.modes.carrier`.
    """
    return modes.carrier(mode, native_async_read, has_event_sub_mode())


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
    if proxy is None:
        return None
    mode = importlib.import_module("tango").GreenMode.Synchronous
    if GREEN_MODE in vars(proxy):
        # Its own method calls the device twice, for the names of all commands and
        # attributes, before it sets this.
        vars(proxy)[GREEN_MODE] = mode
    else:
        proxy.set_green_mode(mode)
    return proxy


def subscribe(
    proxy: Any, attribute: str, event_type: Any, callback: Any, mode: SubMode
) -> int:
    """Subscribe with ``mode``, a result of :func:`carrier`.

    Where Tango has no modes, one that raises is the plain subscription of PyTango, and
    any other its stateless one; both read the attribute in the call.

    :param callback: gets the events.
    :raises tango.DevFailed: if the subscription fails and the mode raises.
    """
    how: tuple[Any, ...] = ([], not mode.raises)
    if has_event_sub_mode():
        how = (tango_event_sub_mode(mode),)
    number = int(proxy.subscribe_event(attribute, event_type, callback, *how))
    _call_directly(proxy, number, callback)
    return number


def _call_directly(proxy: Any, number: int, callback: Any) -> None:
    """Have PyTango call ``callback`` itself for each event.

    Since 10.1 PyTango makes a function around it for each event, which takes longer
    than what we add to stock Taurus. It is needed for green modes, and for tools that
    trace what Python does. PyTango replaces the callback in this way, too, when a
    subscription is ended.
    """
    synchronous_mode = importlib.import_module("tango").GreenMode.Synchronous
    if _is_traced() or proxy.get_green_mode() != synchronous_mode:
        return
    event_map: dict[int, Any] = getattr(proxy, EVENT_MAP, dict)()
    receiver = event_map.get(number, (None,))[0]
    if hasattr(receiver, "push_event"):
        receiver.push_event = callback


def _is_traced() -> bool:
    """Return whether a tool traces Python in this thread, or in new ones."""
    return bool(sys.gettrace() or getattr(threading, "_trace_hook", None))


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


@functools.cache
def missing_name() -> str | None:
    """Return which name of PyTango is not there; None if all are."""
    tango = importlib.import_module("tango")
    for owner, names in PYTANGO_NAMES.items():
        place = getattr(tango, owner, None) if owner else tango
        for name in names:
            if not hasattr(place, name):
                return f"tango.{owner}{'.' if owner else ''}{name} is not there"
    return None


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


#: All other fields, but for lists of texts.
_OTHERS = (
    *("name", "data_type", "data_format", "max_dim_x", "max_dim_y", "disp_level"),
    *("writable", "writable_attr_name", "memorized", "root_attr_name"),
    *("events.ch_event.abs_change", "events.ch_event.rel_change"),
    *("events.arch_event.archive_abs_change", "events.arch_event.archive_rel_change"),
    *("events.arch_event.archive_period", "events.per_event.period"),
)

_ALL_OTHERS = operator.attrgetter(*_OTHERS)


def same_configuration(one: Any, other: Any) -> bool:
    """Return whether two ``tango.AttributeInfoEx``, or None, say the same.

    PyTango compares them since 10.3; before, no two objects are equal. Their texts have
    to be readable, see :func:`empty_unreadable`.
    """
    if one is None or other is None:
        return one is other
    info_class: Any = type(one)
    if info_class.__eq__ is not object.__eq__:
        return bool(one == other)
    return _ALL_TEXTS(one) == _ALL_TEXTS(other) and (
        (_ALL_OTHERS(one), _lists(one)) == (_ALL_OTHERS(other), _lists(other))
    )


def _lists(info: Any) -> list[list[str]]:
    return [list(info.enum_labels), list(info.extensions), list(info.sys_extensions)]


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
        # A list is accepted since PyTango 10.1.
        info.enum_labels = importlib.import_module("tango").StdStringVector()
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
