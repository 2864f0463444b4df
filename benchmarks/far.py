"""A slow link between two network namespaces of this machine.

Each end is a TUN interface; a child process forwards the packets between them with a
delay. ``tc netem`` does the same in kernels that have it: decision 0031. Needs Linux,
``ip`` and root. Nothing outside of the two namespaces is changed, and they cannot reach
any other network.

``python -m benchmarks.far PARENT NEAR FAR DELAY`` is the forwarding process.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import selectors
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from taurus_tpo.concurrency.child_process import die_with_parent

#: The one-way delay of a packet, s: half of a round trip.
DELAY = 0.01

#: Addresses for documentation (RFC 5737), not in use.
NEAR_ADDRESS, FAR_ADDRESS = "192.0.2.1", "192.0.2.2"
_PREFIX = 24

#: The environment of a client of servers at the far end. Servers of one machine also
#: listen on Unix sockets, which namespaces do not separate: without it, only calls to
#: the database would cross the link.
ONLY_TCP = {"ORBclientTransportRule": "* tcp"}

_INTERFACE = "tpo"
_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LARGEST = 65536


class LinkError(Exception):
    """The link cannot be made on this machine; the message says why."""


class Link:
    """Two namespaces with a slow link between them, for the time of a ``with`` block.

    :param delay: the one-way delay of a packet, s.
    """

    def __init__(self, delay: float = DELAY) -> None:
        self._delay = delay
        self.near = f"tpo-near-{os.getpid()}"
        self.far = f"tpo-far-{os.getpid()}"
        self._carrier: subprocess.Popen[str] | None = None

    def __enter__(self) -> Link:
        """Make the link.

        :raises LinkError: if it cannot be made.
        """
        _check()
        try:
            for name in (self.near, self.far):
                _ip("netns", "add", name)
            self._carry()
            _set_up(self.near, NEAR_ADDRESS)
            _set_up(self.far, FAR_ADDRESS)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the link."""
        if self._carrier is not None:
            self._carrier.kill()
            self._carrier.communicate()
        for name in (self.near, self.far):
            if Path("/run/netns", name).exists():
                _ip("netns", "delete", name)

    def _carry(self) -> None:
        words = [sys.executable, "-m", "benchmarks.far", str(os.getpid())]
        words += [self.near, self.far, str(self._delay)]
        self._carrier = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert self._carrier.stdout is not None
        if not self._carrier.stdout.readline():
            _, written = self._carrier.communicate()
            raise LinkError(f"no interface can be made: {written.strip()}")

    def inside(self, name: str, command: Sequence[str]) -> list[str]:
        """Return the command line that runs ``command`` in the namespace ``name``."""
        return ["ip", "netns", "exec", name, *command]


def _check() -> None:
    if sys.platform != "linux":
        raise LinkError("network namespaces are Linux's")
    if shutil.which("ip") is None:
        raise LinkError("there is no command ip (iproute2)")
    if os.geteuid() != 0:
        raise LinkError("only root may make network namespaces")
    if not Path("/dev/net/tun").exists():
        raise LinkError("there is no /dev/net/tun")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise LinkError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _set_up(name: str, address: str) -> None:
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", name, "address", "add", f"{address}/{_PREFIX}", "dev", _INTERFACE)
    _ip("-n", name, "link", "set", _INTERFACE, "up")


# --- the forwarding process ----------------------------------------------------------


def _open_end(namespace: str) -> int:
    """Return an open TUN interface in ``namespace``, which the process enters.

    :raises OSError: if the system refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}") as where:
        if libc.setns(where.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH", _INTERFACE.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(end, _TUNSETIFF, request)
    return end


def carry(near: int, far: int, delay: float) -> None:
    """Forward packets between two TUN interfaces forever, each after ``delay`` s."""
    other = {near: far, far: near}
    selector = selectors.DefaultSelector()
    for end in other:
        selector.register(end, selectors.EVENT_READ)
    #: Due time, sequence number, target and contents of each packet.
    waiting: list[tuple[float, int, int, bytes]] = []
    number = 0
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(wait):
            number += 1
            due = time.monotonic() + delay
            packet = os.read(key.fd, _LARGEST)
            heapq.heappush(waiting, (due, number, other[key.fd], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(waiting)
            _put(end, packet)


def _put(end: int, packet: bytes) -> None:
    try:
        os.write(end, packet)
    except OSError as error:
        # A link may lose packets: the sender retransmits.
        print(f"a packet is lost: {error}", file=sys.stderr)


def _main(parent: str, near: str, far: str, delay: str) -> None:
    die_with_parent(int(parent))
    ends = _open_end(near), _open_end(far)
    print("open", flush=True)
    carry(*ends, float(delay))


if __name__ == "__main__":
    _main(*sys.argv[1:])
