"""A request of the pool whose result is a future."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any

from taurus_tpo.core.scheduler import Request


@dataclass(eq=False)
class FutureRequest(Request):
    """A request whose caller waits in another thread.

    :param future: gets the value or the error; the caller may cancel it.
    """

    future: Future[Any] = field(default_factory=Future)

    def is_cancelled(self) -> bool:
        """Return whether the caller has cancelled it."""
        return self.future.cancelled()

    def deliver(self, value: Any, error: BaseException | None) -> bool:
        """Set the result of the future; return False where it was cancelled."""
        try:
            if error is None:
                self.future.set_result(value)
            else:
                self.future.set_exception(error)
        except InvalidStateError:
            return False
        return True

    def cancel(self) -> None:
        """Cancel the future."""
        self.future.cancel()
