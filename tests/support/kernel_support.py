"""A real kernel of Jupyter in a process of its own, and what its cells show."""

from __future__ import annotations

import ast
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager
from program_support import environment_of
from tango_support import SOON

if TYPE_CHECKING:
    from taurus_tpo.sim import Facility


@dataclass
class Shown:
    """What a cell has shown so far.

    :param outputs: results and displays, each by its kind.
    :param updates: what took the place of one of them.
    """

    outputs: list[dict[str, str]] = field(default_factory=list)
    updates: list[dict[str, str]] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    has_ended: bool = False

    @property
    def text(self) -> str:
        """The last result as text."""
        return self.outputs[-1]["text/plain"]

    @property
    def html(self) -> str:
        """The last result as HTML; empty if it has none."""
        return self.outputs[-1].get("text/html", "")

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """Take a message of the kernel."""
        if kind in ("display_data", "execute_result"):
            self.outputs.append(content["data"])
        elif kind == "update_display_data":
            self.updates.append(content["data"])
        elif kind == "stream":
            name = content["name"]
            setattr(self, name, getattr(self, name) + content["text"])
        elif kind == "status":
            self.has_ended = content["execution_state"] == "idle"
        elif kind == "error":
            self.error = f"{content['ename']}: {content['evalue']}"


class Kernel:
    """A kernel that runs one cell after the other."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(SOON)
        self._cells: dict[str, Shown] = {}
        self._displays: dict[str, Shown] = {}

    def begin(self, code: str) -> Shown:
        """Begin a cell; return what it shows from now on, while messages are taken."""
        return self._cells.setdefault(self.client.execute(code), Shown())

    def run(self, code: str) -> Shown:
        """Run a cell; return what it shows, also later, while messages are taken.

        :raises AssertionError: if it does not end.
        """
        shown = self.begin(code)
        self.take_until(lambda: shown.has_ended)
        return shown

    def take_until(
        self, condition: Callable[[], object], timeout: float = SOON
    ) -> None:
        """Take messages until something is the case.

        :raises AssertionError: if it is not.
        """
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, list(self._cells.values())[-1]
            self._take_message()

    def value(self, expression: str) -> Any:
        """Return the value of an expression: a literal."""
        shown = self.run(f"print(repr({expression}))")
        assert not shown.error, shown.error
        return ast.literal_eval(shown.stdout)

    def _take_message(self) -> None:
        """Take the next message of the kernel, if one comes soon."""
        with contextlib.suppress(Empty):
            message = self.client.get_iopub_msg(timeout=0.2)
            cell = message["parent_header"].get("msg_id", "")
            shown = self._cells.setdefault(cell, Shown())
            kind, content = message["msg_type"], message["content"]
            display = content.get("transient", {}).get("display_id")
            if kind == "update_display_data":
                # As in a notebook, whatever cell is running.
                shown = self._displays[display]
            elif display is not None:
                self._displays[display] = shown
            shown.take(kind, content)

    def close(self) -> None:
        """End it, at once if it still runs."""
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel(now=True)


@contextlib.contextmanager
def kernel_of(facility: Facility, folder: Path, **environment: str) -> Iterator[Kernel]:
    """Run a kernel that uses a facility.

    :param folder: an empty one, for its files.
    """
    own = {
        name: str(folder / name.lower())
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")
    }
    manager = KernelManager(
        kernel_name="python3", connection_file=str(folder / "kernel.json")
    )
    manager.start_kernel(env=environment_of(facility, **own, **environment))
    kernel = Kernel(manager)
    try:
        yield kernel
    finally:
        kernel.close()
