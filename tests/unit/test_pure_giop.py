"""The little of CORBA's wire protocol that is spoken."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core import giop
from taurus_tpo.core.giop import Address, NoReferenceError, address_of, is_answer

hosts = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-:", min_size=1, max_size=40)
ports = st.integers(1, 65535)
keys = st.binary(max_size=40)
orders = st.sampled_from("<>")


class Writer:
    """Writes CDR: each number is aligned to its size, counted from the beginning."""

    def __init__(self, order: str) -> None:
        self._order = order
        self.data = bytes([order == "<"])

    def number(self, format_: str, value: int) -> Writer:
        size = struct.calcsize(format_)
        self.data += bytes(-len(self.data) % size)
        self.data += struct.pack(self._order + format_, value)
        return self

    def octets(self, value: bytes) -> Writer:
        self.number("I", len(value))
        self.data += value
        return self

    def raw(self, value: bytes) -> Writer:
        self.data += value
        return self


def profile(order: str, host: str, port: int, key: bytes, more: bytes = b"") -> bytes:
    """An IIOP profile; ``more`` is what later versions have in it."""
    writer = Writer(order).raw(b"\x01\x02").octets(host.encode() + b"\0")
    return writer.number("H", port).octets(key).raw(more).data


def reference(
    order: str, *profiles: tuple[int, bytes], type_: bytes = b"IDL:x\0"
) -> str:
    writer = Writer(order).octets(type_).number("I", len(profiles))
    for tag, data in profiles:
        writer.number("I", tag).octets(data)
    return f"IOR:{writer.data.hex()}"


# --- references ----------------------------------------------------------------------


@given(orders, orders, hosts, ports, keys, st.binary(max_size=9), st.binary(max_size=9))
def test_what_was_written_is_read(
    outer: str, inner: str, host: str, port: int, key: bytes, type_: bytes, more: bytes
) -> None:
    written = reference(
        outer, (0, profile(inner, host, port, key, more)), type_=type_ + b"\0"
    )
    assert address_of(written) == Address(host, port, key)


@given(orders, st.lists(st.tuples(st.integers(1, 2**32 - 1), keys), max_size=3), ports)
def test_the_first_profile_with_host_and_port_counts(
    order: str, others: list[tuple[int, bytes]], port: int
) -> None:
    first = (0, profile(order, "first", port, b"key"))
    second = (0, profile(order, "second", port, b"key"))
    found = address_of(reference(order, *others, first, *others, second))
    assert found == Address("first", port, b"key")


@pytest.mark.parametrize("prefix", ["IOR:", "ior:", "Ior:"])
def test_the_prefix_may_be_in_any_case(prefix: str) -> None:
    written = reference("<", (0, profile("<", "host", 1, b"key")))
    assert address_of(written.replace("IOR:", prefix)).host == "host"


def test_an_address_is_shown_as_people_write_it() -> None:
    assert str(Address("host", 10000, b"key")) == "host:10000"


@pytest.mark.parametrize(
    "text",
    ["", "nada", "none", "IOR", "IOR:", "IOR:0", "IOR:xx", "corbaloc::host:1/key"],
)
def test_what_is_no_reference_is_none(text: str) -> None:
    with pytest.raises(NoReferenceError):
        address_of(text)


@pytest.mark.parametrize(
    ("host", "port"), [("", 1), ("host", 0), ("ho\0st", 1), ("   ", 1)]
)
def test_a_reference_with_no_host_and_port_is_none(host: str, port: int) -> None:
    with pytest.raises(NoReferenceError):
        address_of(reference("<", (0, profile("<", host, port, b"key"))))


@given(orders)
def test_a_reference_without_a_profile_is_none(order: str) -> None:
    for written in (reference(order), reference(order, (1, b"something"))):
        with pytest.raises(NoReferenceError):
            address_of(written)


@given(orders, orders, hosts, ports, st.binary(min_size=1, max_size=20), st.data())
def test_a_reference_that_ends_too_early_is_none(
    outer: str, inner: str, host: str, port: int, key: bytes, data: st.DataObject
) -> None:
    whole = reference(outer, (0, profile(inner, host, port, key)))
    octets = (len(whole) - len("IOR:")) // 2
    left = data.draw(st.integers(0, octets - 1))
    with pytest.raises(NoReferenceError):
        address_of(whole[: len("IOR:") + 2 * left])


@given(st.binary(max_size=200))
def test_any_octets_are_a_reference_or_none(octets: bytes) -> None:
    for text in (f"IOR:{octets.hex()}", octets.decode("latin-1")):
        try:
            found = address_of(text)
        except NoReferenceError:
            continue
        assert found.host
        assert 0 < found.port < 65536


@given(st.binary(max_size=60), st.data())
def test_a_damaged_reference_is_one_or_none(noise: bytes, data: st.DataObject) -> None:
    whole = bytes.fromhex(
        reference("<", (0, profile(">", "host", 1, b"key"))).partition(":")[2]
    )
    at = data.draw(st.integers(0, len(whole)))
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        found = address_of(f"IOR:{damaged.hex()}")
    except NoReferenceError:
        return
    assert found.host
    assert 0 < found.port < 65536


@given(st.text(max_size=50))
def test_any_text_is_a_reference_or_none(text: str) -> None:
    for one in (text, f"IOR:{text}"):
        with pytest.raises(NoReferenceError):
            address_of(one)


# --- messages ------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), keys)
def test_a_question_is_a_locate_request(number: int, key: bytes) -> None:
    message = giop.locate_request(number, key)
    magic, major, minor, flags, kind, size = struct.unpack_from("<4sBBBBI", message)
    assert (magic, major, minor) == (b"GIOP", 1, 0)
    assert (flags, kind) == (1, 3), "little-endian, a LocateRequest"
    assert struct.calcsize("<4sBBBBI") == giop.HEADER_LENGTH
    assert size == len(message) - giop.HEADER_LENGTH
    assert struct.unpack_from("<II", message, giop.HEADER_LENGTH) == (number, len(key))
    assert message[giop.HEADER_LENGTH + 8 :] == key


@given(st.binary(max_size=20))
def test_whatever_an_orb_says_is_an_answer(more: bytes) -> None:
    head = b"GIOP" + more
    assert is_answer(head) is (len(head) >= giop.HEADER_LENGTH)


@given(st.binary(max_size=30).filter(lambda head: not head.startswith(b"GIOP")))
def test_what_no_orb_says_is_none(head: bytes) -> None:
    assert not is_answer(head)
