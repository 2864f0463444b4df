"""Logs which attributes are polled instead of subscribed: one line for many."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, Callable

#: How long attributes are collected for one line, s.
GATHERED_FOR = 2.0


class PolledReport:
    """Counts attributes that fell back to polling, and logs them together.

    One line at INFO for all that did so within :data:`GATHERED_FOR` seconds, with the
    reasons; a line at DEBUG for each. All methods may be called from any thread.

    :param log: logs a line at INFO; takes a format and its arguments.
    :param after: calls a function after a delay in s.
    """

    def __init__(
        self,
        log: Callable[..., Any],
        after: Callable[[float, Callable[[], Any]], Any],
    ) -> None:
        self._log = log
        self._after = after
        self._lock = threading.Lock()
        self._reasons: Counter[str] = Counter()

    def add(self, attribute: Any, reason: str) -> None:
        """Record that ``attribute`` is polled from now on.

        :param reason: why it has no subscription, for users.
        """
        attribute.debug("polled every %s ms: %s", attribute.getPollingPeriod(), reason)
        with self._lock:
            is_first = not self._reasons
            self._reasons[reason] += 1
        if is_first:
            self._after(GATHERED_FOR, self.report)

    def report(self) -> None:
        """Log the collected attributes, if any."""
        with self._lock:
            reasons, self._reasons = self._reasons, Counter()
        if not reasons:
            return
        number = sum(reasons.values())
        what = "1 attribute is" if number == 1 else f"{number} attributes are"
        why = ", ".join(f"{reason}: {count}" for reason, count in reasons.most_common())
        self._log("%s polled (%s)", what, why)
