"""Proxies of attributes, which are kept as long as the process runs."""

from __future__ import annotations

from typing import Any

import tango

#: By the full name of the attribute.
_PROXIES: dict[str, Any] = {}

#: Proxies made by a second thread at the same time.
_OTHERS: list[Any] = []


def attribute_proxy(name: str) -> Any:
    """Return the ``tango.AttributeProxy`` of an attribute; waits for its device.

    Returns the same proxy each time and keeps a reference: PyTango destroys an
    ``AttributeProxy`` with Python's lock held, and waits for a lock of Tango. Tango's
    own thread may hold that lock while it retries a subscription and waits for Python's
    lock: a deadlock. (Seen with PyTango 10.3.1; a ``DeviceProxy`` releases Python's
    lock.)

    May be called from any thread.

    :raises tango.DevFailed: if there is no such attribute.
    """
    proxy = _PROXIES.get(name)
    if proxy is None:
        made = tango.AttributeProxy(name)
        proxy = _PROXIES.setdefault(name, made)
        if proxy is not made:
            _OTHERS.append(made)
    return proxy
