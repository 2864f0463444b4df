"""What the packages for programs (``aio``, ``green``) call of Taurus, in their threads.

None of these functions waits for a device that hangs. Those of other schemes than
Tango's, and of stock Taurus, wait as long as Taurus.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Callable

import taurus
from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.concurrency.event_buffer import Event

#: Schemes whose models begin with the name of a device.
OF_DEVICES = ("tango", "tango-nodb")

#: The scheme whose factory is made first: evaluations use it.
FIRST_SCHEME = "tango"


def key_of(model: str) -> str:
    """Return what one thread serves at a time: the device of a Tango model."""
    if taurus.getSchemeFromName(model) not in OF_DEVICES:
        return model
    return model.partition("#")[0].rpartition("/")[0].lower()


def factory_of(model: str) -> Any:
    """Return the factory of the scheme of ``model``."""
    return taurus.Factory(taurus.getSchemeFromName(model))


def hurry() -> AbstractContextManager[None]:
    """Return the context in which the plugin waits as the GUI thread does.

    An evaluation may refer to Tango's attributes.
    """
    factory = taurus.Factory(FIRST_SCHEME)
    context: AbstractContextManager[None]
    context = factory.hurry() if hasattr(factory, "hurry") else nullcontext()
    return context


def made(model: str) -> Any:
    """Return Taurus's attribute.

    :raises Exception: whatever Taurus raises.
    """
    with hurry():
        attribute = taurus.Attribute(model)
    if attribute is None:
        raise ValueError(f"{model} is not the name of an attribute")
    return attribute


def read_soon(attribute: Any) -> Future[Any]:
    """Have the pool of the plugin read an attribute, which lives until that is done.

    :return: the read, not to be cancelled: several callers may wait for it.
    """
    read: Future[Any] = attribute.factory().read_soon(attribute)
    # The pool does not keep the attribute alive, and must be the last to do so: the end
    # of an attribute is not for an event loop.
    read.add_done_callback(partial(_keep, attribute))
    return read


def _keep(_attribute: Any, _read: Future[Any]) -> None:
    """Do nothing; the future refers to the attribute as long as to this."""


class StreamListener:
    """Listens to one attribute, for a stream that keeps it alive.

    :param deliver: takes an event, in any thread.
    """

    def __init__(self, model: str, deliver: Callable[[Event], None]) -> None:
        self._model = model
        self._deliver = deliver
        #: Set and removed by a thread: the end of an attribute may wait for its device.
        self._attribute: Any = None
        #: Whether the stream has ended; set by its owner.
        self.has_ended = False

    def listen(self, make: Callable[[str], Any] = made) -> None:
        """Make the attribute and listen to it, unless the stream has ended.

        :raises Exception: whatever Taurus raises.
        """
        if not self.has_ended:
            self._attribute = make(self._model)
            with hurry():
                self._attribute.addListener(self)

    def end(self) -> None:
        """Stop listening; after what :meth:`listen` has begun."""
        attribute, self._attribute = self._attribute, None
        if attribute is not None:
            attribute.removeListener(self)

    def eventReceived(self, source: Any, kind: Any, value: Any) -> None:
        """Deliver an event of Taurus; in any thread."""
        error = None
        if kind == TaurusEventType.Error:
            is_known = isinstance(value, BaseException)
            error = value if is_known else RuntimeError(f"{self._model}: {value}")
            value = None
        self._deliver(Event(self._model, source, kind, value, error, 0))
