"""The part of CORBA's wire protocol that tests whether a server is running.

Bytes in, bytes out; no sockets. A GIOP ``LocateRequest`` asks where an object is. The
ORB of a server answers it without calling device code, so that an answer only proves
that the process runs. Source: the CORBA 3.3 specification, part 2 (OMG
formal/2012-11-14), sections 9.3 (CDR), 9.4 (GIOP messages) and 9.7.2 (the IIOP profile
of a reference).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

#: First bytes of every message.
_MAGIC = b"GIOP"
#: GIOP 1.0, little-endian body, LocateRequest.
_HEADER = _MAGIC + bytes((1, 0, 1, 3))
#: Length of a message header, bytes.
HEADER_LENGTH = 12
#: Tag of the profile with host and port.
_TAG_INTERNET_IOP = 0


class NoReferenceError(ValueError):
    """A string that is not an object reference with host and port."""


@dataclass(frozen=True)
class Address:
    """Network address of an object of a server.

    :param host: a name or an IP address.
    :param port: TCP port.
    :param key: identifies the object within the server.
    """

    host: str
    port: int
    key: bytes

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _ReferenceReader:
    """Reads CDR: each number is aligned to its size, counted from the start."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:1] == b"\x01" else ">"
        self._at = 1

    def skip(self, count: int) -> None:
        self._at += count

    def number(self, format_: str) -> int:
        size = struct.calcsize(format_)
        self._at += -self._at % size
        (found,) = struct.unpack_from(self._order + format_, self._data, self._at)
        self._at += size
        return int(found)

    def octets(self) -> bytes:
        length = self.number("I")
        found = self._data[self._at : self._at + length]
        if len(found) < length:
            raise struct.error("truncated sequence")
        self._at += length
        return found


def address_of(reference: str) -> Address:
    """Return the address in a stringified object reference (``IOR:...``).

    :raises NoReferenceError: if it contains no host and port.
    """
    prefix, _, digits = reference.partition(":")
    if prefix.upper() != "IOR":
        raise NoReferenceError(f"not an object reference: {reference[:40]!r}")
    try:
        return _address_in(_ReferenceReader(bytes.fromhex(digits)))
    except (ValueError, struct.error) as error:
        raise NoReferenceError(f"bad reference: {reference[:40]!r}: {error}") from None


def _address_in(reader: _ReferenceReader) -> Address:
    reader.octets()  # the type of the object
    for _ in range(reader.number("I")):
        tag, profile = reader.number("I"), reader.octets()
        if tag == _TAG_INTERNET_IOP:
            return _address_in_profile(_ReferenceReader(profile))
    raise ValueError("no profile with host and port")


def _address_in_profile(reader: _ReferenceReader) -> Address:
    reader.skip(2)  # the version
    host = reader.octets().rstrip(b"\0").decode("ascii")
    port = reader.number("H")
    if not host.isprintable() or not host.strip() or not port:
        raise ValueError(f"no host and port: {host!r}, {port}")
    return Address(host, port, reader.octets())


def locate_request(number: int, key: bytes) -> bytes:
    """Return a ``LocateRequest`` message for the object ``key``.

    :param number: identifies the request in the reply.
    """
    body = struct.pack("<II", number, len(key)) + key
    return _HEADER + struct.pack("<I", len(body)) + body


def is_answer(head: bytes) -> bool:
    """Return whether a message that begins with ``head`` is from a running ORB.

    :param head: the first :data:`HEADER_LENGTH` bytes. Any GIOP message will do, also
        an error reply.
    """
    return len(head) >= HEADER_LENGTH and head.startswith(_MAGIC)
