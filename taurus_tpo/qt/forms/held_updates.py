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


#: No event loop has this level.
_NO_LEVEL = -1


class HeldUpdates:
    """The updates of labels that are held; for the GUI thread.

    :param loop_level: for labels that a dialog updates meanwhile, whose event loop runs
        within the call: they are not held.
    """

    def __init__(self, loop_level: LoopLevel = lambda: 0) -> None:
        self._loop_level = loop_level
        self._depth = self._level = 0
        #: Whether updates are held for one event, in which no widget is made.
        self.is_event = False
        #: By the identity of the controller, in the order of requests.
        self._held: dict[int, tuple[Any, Callable[[Any], None]]] = {}

    @property
    def is_off(self) -> bool:
        """Whether nothing is held within the present context."""
        return self._level == _NO_LEVEL and self._depth > 0

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

    def give_back(self, controller: Any) -> Callable[[Any], None] | None:
        """Hold the update of ``controller`` no more; return it, if one was held."""
        _, update = self._held.pop(id(controller), (None, None))
        return update

    def begin(self, is_event: bool = False) -> None:
        """Hold updates until :meth:`end` has been called as often as this.

        :param is_event: whether it is for one event of a label.
        """
        if not self._depth:
            self._level = self._loop_level()
            self.is_event = is_event
        self._depth += 1

    def end(self) -> None:
        """End what :meth:`begin` began; the last one carries the updates out.

        :raises Exception: what an update raises.
        """
        self._depth -= 1
        if not self._depth:
            self.carry_out()

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Hold updates until the outermost of these contexts ends.

        :raises Exception: what an update raises.
        """
        self.begin()
        try:
            yield
        finally:
            self.end()

    @contextlib.contextmanager
    def not_holding(self) -> Iterator[None]:
        """Hold nothing within this context, also in contexts within it."""
        outer = self._depth, self._level
        self._depth, self._level = 1, _NO_LEVEL
        try:
            yield
        finally:
            self._depth, self._level = outer

    def carry_out(self) -> None:
        """Carry out the updates that are held.

        :raises Exception: what the first one raises that fails, after all others.
        """
        if not self._held:
            return
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
