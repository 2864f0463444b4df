"""As much of CORBA's wire protocol as it takes to ask whether a server is there.

Bytes in, bytes out; no sockets. A GIOP ``LocateRequest`` asks where an object
is; the ORB of a server answers it by itself, without the code of any device, so that an
answer says that the process runs, and nothing more. Source: the CORBA 3.3
specification, part 2 (OMG formal/2012-11-14), sections 9.3 (CDR), 9.4 (GIOP messages)
and 9.7.2 (the IIOP profile of a reference).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

#: What every message begins with.
_MAGIC = b"GIOP"
#: GIOP 1.0, the body in little-endian order, a LocateRequest.
_HEADER = _MAGIC + bytes((1, 0, 1, 3))
#: The length of the header of a message.
HEADER_LENGTH = 12
#: The tag of the profile that tells host and port.
_TAG_INTERNET_IOP = 0


class NoReferenceError(ValueError):
    """A text that is no object reference with a host and a port in it."""


@dataclass(frozen=True)
class Address:
    """Where an object of a server is.

    :param host: a name or a number.
    :param port: of TCP.
    :param key: by which the server knows the object.
    """

    host: str
    port: int
    key: bytes

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _ReferenceReader:
    """Reads CDR: each number is aligned to its size, counted from the beginning."""

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
            raise struct.error("it ends too early")
        self._at += length
        return found


def address_of(reference: str) -> Address:
    """Return where the object of a stringified reference (``IOR:...``) is.

    :raises NoReferenceError: where it does not tell.
    """
    prefix, _, digits = reference.partition(":")
    if prefix.upper() != "IOR":
        raise NoReferenceError(f"no object reference: {reference[:40]!r}")
    try:
        return _address_in(_ReferenceReader(bytes.fromhex(digits)))
    except (ValueError, struct.error) as error:
        raise NoReferenceError(f"not understood: {reference[:40]!r}: {error}") from None


def _address_in(reader: _ReferenceReader) -> Address:
    reader.octets()  # the type of the object
    for _ in range(reader.number("I")):
        tag, profile = reader.number("I"), reader.octets()
        if tag == _TAG_INTERNET_IOP:
            return _address_in_profile(_ReferenceReader(profile))
    raise ValueError("no host and port in it")


def _address_in_profile(reader: _ReferenceReader) -> Address:
    reader.skip(2)  # the version
    host = reader.octets().rstrip(b"\0").decode("ascii")
    port = reader.number("H")
    if not host.isprintable() or not host.strip() or not port:
        raise ValueError(f"no host and port: {host!r}, {port}")
    return Address(host, port, reader.octets())


def locate_request(number: int, key: bytes) -> bytes:
    """Return the message that asks for the object ``key``.

    :param number: by which the answer refers to it.
    """
    body = struct.pack("<II", number, len(key)) + key
    return _HEADER + struct.pack("<I", len(body)) + body


def is_answer(head: bytes) -> bool:
    """Return whether a message that begins so comes from an ORB that runs.

    :param head: the first :data:`HEADER_LENGTH` bytes. Whatever an ORB says, be it
        that it does not understand, it says because it runs.
    """
    return len(head) >= HEADER_LENGTH and head.startswith(_MAGIC)
