"""Proxies of attributes, which live as long as the process."""

from __future__ import annotations

from typing import Any

import tango

#: By the full name of the attribute.
_PROXIES: dict[str, Any] = {}

#: Those that two threads have made at once.
_OTHERS: list[Any] = []


def attribute_proxy(name: str) -> Any:
    """Return the ``tango.AttributeProxy`` of an attribute; waits for its device.

    The same one each time, and never the last reference: PyTango destroys one with
    Python's lock held, and waits for a lock of Tango's. Tango's own thread may have
    that one, while it tries a subscription again and waits for Python's: both stand
    still for good. (Seen with PyTango 10.3.1; a ``DeviceProxy`` lets go of Python's.)

    May be called from any thread.

    :raises tango.DevFailed: where the attribute is not there.
    """
    proxy = _PROXIES.get(name)
    if proxy is None:
        made = tango.AttributeProxy(name)
        proxy = _PROXIES.setdefault(name, made)
        if proxy is not made:
            _OTHERS.append(made)
    return proxy
