"""The processes of a facility: started, stopped, resumed, and always ended."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from taurus_tpo.sim.spec import FacilityError

log = logging.getLogger(__name__)

#: How long a process may take to end after SIGTERM (s).
END_TIMEOUT = 3.0
#: How many lines of the output of a process an error message shows.
_TAIL_LINES = 15
#: The folder from which ``python -m taurus_tpo...`` can import this package.
_PACKAGE_ROOT = str(Path(__file__).parents[2])


class Spawner:
    """The thread that starts the processes of one facility.

    Linux kills a child when the thread that started it ends (see
    :mod:`taurus_tpo.concurrency.child_process`), so children are started by a thread
    that lives as long as the facility, not by the caller. Thread-safe.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "TpoSim spawner")
        self._children: list[subprocess.Popen[bytes]] = []

    def spawn(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: Path
    ) -> subprocess.Popen[bytes]:
        """Start ``python -m arguments...`` with its output in the file ``output``."""
        return self._thread.submit(self._spawn, arguments, environment, output).result()

    def _spawn(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: Path
    ) -> subprocess.Popen[bytes]:
        path = [_PACKAGE_ROOT, environment.get("PYTHONPATH", "")]
        launch = ["-m", "taurus_tpo.concurrency.child_process", str(os.getpid())]
        with output.open("wb") as stream:
            child = subprocess.Popen(
                [sys.executable, *launch, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, path))},
                # Ctrl-C in the terminal must reach this process only: it ends the rest.
                start_new_session=True,
            )
        # Stored here: a signal may interrupt the caller before it receives the child.
        self._children = [c for c in self._children if c.poll() is None] + [child]
        return child

    def close(self) -> None:
        """Kill every child that is still running, and end the thread."""
        self._thread.shutdown()
        for child in self._children:
            child.kill()
        for child in self._children:
            child.wait()


class Process:
    """One process of a facility, which can be restarted.

    Any thread may use it, but only one at a time.

    :param name: its name in messages
    :param output: the file with its output since the last start
    """

    def __init__(
        self,
        name: str,
        spawner: Spawner,
        environment: Mapping[str, str],
        output: Path,
    ) -> None:
        self.name = name
        self.output = output
        self._spawner = spawner
        self._environment = environment
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def arguments(self) -> list[str]:
        """The arguments after ``python -m``."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether the process exists; also true if it is stopped (:meth:`hang`)."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """The process id.

        :raises FacilityError: if the process is not running
        """
        if self._child is None or self._child.poll() is not None:
            raise FacilityError(f"{self.name} does not run")
        return self._child.pid

    def launch(self) -> None:
        """Start the process without waiting until it serves.

        :raises FacilityError: if it is already running
        """
        if self.running:
            raise FacilityError(f"{self.name} runs already")
        self._child = self._spawner.spawn(
            self.arguments, self._environment, self.output
        )

    def hang(self) -> None:
        """Stop the process (SIGSTOP); it is stopped on return and does not answer."""
        os.kill(self.pid, signal.SIGSTOP)
        if hasattr(os, "waitid"):  # not on macOS
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Resume a stopped process."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill the process (SIGKILL), as in a crash; no effect if it has ended."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def ask_to_end(self) -> None:
        """Send SIGTERM, after resuming a stopped process; do not wait."""
        if self.running:
            self.resume()
            os.kill(self.pid, signal.SIGTERM)

    def terminate(self, timeout: float = END_TIMEOUT) -> None:
        """Send SIGTERM and wait; kill the process after ``timeout`` s."""
        self.ask_to_end()
        self.wait_ended(timeout)

    def wait_ended(self, timeout: float = END_TIMEOUT) -> None:
        """Wait for the end of the process; kill it after ``timeout`` s."""
        if self._child is None:
            return
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end within %g s: killed", self.name, timeout)
            self.kill()

    def check_running(self) -> None:
        """Raise a :class:`FacilityError` with the end of the output if it has ended."""
        if self._child is not None and self._child.poll() is not None:
            code = self._child.returncode
            raise FacilityError(f"{self.name} ended with {code}:\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines of its output."""
        if not self.output.exists():
            return ""
        lines = self.output.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])
