"""Fixtures of the tests of the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from taurus_tpo.sim import Facility, find, load


@pytest.fixture(scope="session")
def documented() -> Iterator[Facility]:
    """The demo, and what else the documentation speaks of, in one control system."""
    demo, others = load(find("demo")), load(Path(__file__).parent / "facility.toml")
    both = replace(demo, servers=(*demo.servers, *others.servers))
    with Facility(both) as running:
        yield running
