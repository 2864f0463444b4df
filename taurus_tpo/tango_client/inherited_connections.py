"""The connections of a process that was forked, which belong to its parent.

omniORB keeps a connection to each server and uses it for the next call. Parent and
child have the same ones after a fork, and each may read the answer to a call of the
other: a call times out, or its answer cannot be decoded (seen with omniORB 4.3, with
and without the plugin). omniORB cannot be told to forget them, but connects again where
a server has closed a connection. So the child replaces each by one that was closed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import stat
from collections.abc import Collection, Iterator
from typing import Union

from taurus_tpo.core.giop import Address

_LOG = logging.getLogger(__name__)

#: Where Linux and macOS list the open files of a process.
_OPEN_FILES = "/dev/fd"

#: The directory of the sockets by which omniORB reaches the servers of the same host:
#: ``/tmp/omni-USER``, by default.
_LOCAL = re.compile(r".*/omni-[^/]*/[^/]+")

#: What a connection leads to: the path of a local socket, or IP address and port.
_Peer = Union[str, "tuple[str, int]"]


def close_inherited(addresses: Collection[Address]) -> None:
    """Close what a forked process has inherited of connections to Tango.

    To be called in the child, before it calls Tango. The connections of the parent stay
    as they are. The name of a host is resolved, which may block, if there is a
    connection to that port.

    :param addresses: of all servers and databases; local sockets are found without.
    """
    try:
        connections = list(_connections())
        peers = _peers_of_tango(addresses, [peer for _, peer in connections])
        _replace([number for number, peer in connections if peer in peers])
    except OSError as error:
        why = "calls of both may fail"
        _LOG.warning("the connections of the parent stay in use, %s: %s", why, error)


def _peers_of_tango(
    addresses: Collection[Address], peers: Collection[_Peer]
) -> set[_Peer]:
    """Return what connections to servers and databases of Tango may lead to.

    :param peers: what the connections of this process lead to.
    """
    found: set[_Peer] = {
        peer for peer in peers if isinstance(peer, str) and _LOCAL.fullmatch(peer)
    }
    ports = {peer[1] for peer in peers if not isinstance(peer, str)}
    for address in addresses:
        if address.port in ports:
            found.update((host, address.port) for host in _hosts_of(address))
    return found


def _hosts_of(address: Address) -> set[str]:
    """Return the IP addresses of a host; none if its name cannot be resolved."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        _LOG.debug("%s: %s", address, error)
        return set()
    return {str(where[0]) for *_, where in found}


def _replace(numbers: list[int]) -> None:
    """Put a connection that was closed in the place of each of these."""
    if not numbers:
        return
    closed, other = socket.socketpair()
    other.close()
    with closed:
        for number in numbers:
            # The number stays in use: omniORB closes it when it finds out.
            os.dup2(closed.fileno(), number, inheritable=False)


def _connections() -> Iterator[tuple[int, _Peer]]:
    """Return the connections of this process, each with what it leads to.

    :raises OSError: if the system does not list open files.
    """
    for number in map(int, os.listdir(_OPEN_FILES)):
        # That of the list itself is closed by now; other sockets have no peer.
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number, _peer(number)


def _peer(number: int) -> _Peer:
    """Return what a socket leads to.

    :raises OSError: if it is not connected.
    """
    with socket.socket(fileno=os.dup(number)) as found:
        peer = found.getpeername()
    if not isinstance(peer, tuple):
        return str(peer)
    # IPv4 in a socket of IPv6.
    return str(peer[0]).replace("::ffff:", ""), int(peer[1])
