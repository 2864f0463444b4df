"""The subscriptions of one device."""

from __future__ import annotations

import threading
import weakref

from taurus_tpo.tango_client.subscription import Subscription


class DeviceSubscriptions:
    """Tells whether one of the subscriptions of a device works; for any thread.

    They are not kept alive.
    """

    def __init__(self) -> None:
        self.restart_in_child()
        self._subscriptions: weakref.WeakSet[Subscription] = weakref.WeakSet()
        #: One of these that works: searching for one takes time.
        self._working: weakref.ref[Subscription] | None = None

    def restart_in_child(self) -> None:
        """Reset in a forked child process: a thread of the parent may hold the lock."""
        # One thread may add a subscription while another searches for one that works.
        self._lock = threading.RLock()

    def add(self, subscription: Subscription) -> None:
        """Take note of ``subscription``."""
        with self._lock:
            self._subscriptions.add(subscription)

    @property
    def work(self) -> bool:
        """Whether one of them has brought something other than an error."""
        known = None if self._working is None else self._working()
        if known is None or not known.works:
            with self._lock:
                known = next((one for one in self._subscriptions if one.works), None)
            self._working = None if known is None else weakref.ref(known)
        return known is not None
