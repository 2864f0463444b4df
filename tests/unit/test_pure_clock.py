"""When it is whose turn, by its name alone."""

from __future__ import annotations

import zlib

import pytest

from taurus_tpo.core.clock import phase_of


def test_it_is_the_same_in_every_process() -> None:
    """The hash of a text is not, nor is the address of an object."""
    assert phase_of("sim/one/1") == zlib.crc32(b"sim/one/1") / 2**32


@pytest.mark.parametrize("name", ["", "sim/one/1", "sím/öne/1", "\udce9"])
def test_it_is_within_a_period(name: str) -> None:
    assert 0.0 <= phase_of(name) < 1.0


def test_different_names_are_spread_over_the_period() -> None:
    phases = [phase_of(f"tango://host:10000/sim/many/{n}") for n in range(1000)]
    for tenth in range(10):
        assert 50 < sum(tenth <= 10 * phase < tenth + 1 for phase in phases) < 150
