"""Computes what a label shows once, where Taurus does it many times in one call.

While Taurus builds a row of a form, each of its three labels computes its text, palette
and tooltip seven times: when it gets its model, its role and its format, first without
a parent and then with one. Only the last result is ever shown. An event computes them
twice. Here the updates of labels are held during such a call, and carried out once, at
its end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Callable

#: Returns how many event loops run, one in another.
LoopLevel = Callable[[], int]


class HeldUpdates:
    """The updates of labels that are held; for the GUI thread.

    :param loop_level: for labels that a dialog updates meanwhile, whose event loop runs
        within the call: they are not held.
    """

    def __init__(self, loop_level: LoopLevel = lambda: 0) -> None:
        self._loop_level = loop_level
        self._depth = self._level = 0
        #: By the identity of the controller, in the order of requests.
        self._held: dict[int, tuple[Any, Callable[[Any], None]]] = {}

    def take(self, controller: Any, update: Callable[[Any], None]) -> bool:
        """Hold ``update(controller)``; return whether it is held.

        :param controller: a ``TaurusLabelController``.
        """
        if not self._depth or self._loop_level() != self._level:
            return False
        self._held[id(controller)] = controller, update
        return True

    def is_held(self, controller: Any) -> bool:
        """Return whether an update of ``controller`` is held."""
        return id(controller) in self._held

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Hold updates until the outermost of these contexts ends.

        :raises Exception: what an update raises.
        """
        if not self._depth:
            self._level = self._loop_level()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self.carry_out()

    @contextlib.contextmanager
    def not_holding(self) -> Iterator[None]:
        """Hold nothing within this context, also in contexts within it."""
        # No event loop has this level.
        outer = self._depth, self._level
        self._depth, self._level = 1, -1
        try:
            yield
        finally:
            self._depth, self._level = outer

    def carry_out(self) -> None:
        """Carry out the updates that are held.

        :raises Exception: what the first one raises that fails, after all others.
        """
        held, self._held = self._held, {}
        failed: Exception | None = None
        for controller, update in held.values():
            if not _is_current(controller):
                continue
            try:
                update(controller)
            except Exception as error:  # noqa: BLE001 - whatever a formatter raises
                failed = failed or error
        if failed is not None:
            raise failed


def _is_current(controller: Any) -> bool:
    """Return whether its label is there and has not got another model meanwhile."""
    label = controller.widget()
    return label is not None and label.controller() is controller
