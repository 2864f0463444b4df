"""The configurations of one device, and which are requested again."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.configuration_cache import MANY, ConfigurationCache

NAMES = st.sets(st.sampled_from(["A", "b", "C", "d", "e"]))


def cache_of(*names: str) -> ConfigurationCache[str]:
    """Return what is known once a device has returned all at 10 s."""
    cache: ConfigurationCache[str] = ConfigurationCache()
    cache.take_all([(name, f"{name} at 10") for name in names], 10.0)
    return cache


def test_a_configuration_is_as_old_as_its_request() -> None:
    cache = cache_of("A", "b")
    assert cache.get("a", after=10.0) == "A at 10"
    assert cache.get("a", after=10.1) is None
    assert cache.get("a", after=-math.inf) == "A at 10"
    assert cache.get("other", after=-math.inf) is None


def test_what_is_requested_again_leaves_the_others_as_they_are() -> None:
    cache = cache_of("A", "b")
    cache.take([("A", "A at 20")], 20.0)
    assert cache.get("A", after=20.0) == "A at 20"
    assert cache.get("b", after=10.1) is None
    assert cache.get("b", after=10.0) == "b at 10"
    assert cache.attributes == ("A", "b")


def test_what_has_changed_is_forgotten() -> None:
    cache = cache_of("A")
    cache.forget()
    assert cache.get("A", after=-math.inf) is None
    assert cache.attributes == ("A",)


@given(there=NAMES, wanted=NAMES)
def test_only_what_is_wanted_is_requested_again(
    there: set[str], wanted: set[str]
) -> None:
    cache = cache_of(*there)
    for name in wanted:
        cache.get(name.swapcase(), after=0.0)
    requested = cache.to_request()
    if wanted < there:
        assert requested == sorted(name.lower() for name in wanted)
    else:
        # All are wanted, or one that the device did not have when it was asked.
        assert requested == []


def test_all_are_requested_while_many_attributes_are_made() -> None:
    names = [f"a{n}" for n in range(3 * MANY)]
    cache = cache_of(*names)
    for name in names[:MANY]:
        assert cache.get(name, after=10.0) is not None
    assert cache.get(names[MANY], after=10.1) is None
    assert cache.to_request() == []
    cache.take_all([(name, f"{name} at 20") for name in names], 20.0)
    assert cache.to_request() == sorted(names[: MANY + 1])


def test_only_what_is_wanted_is_requested_of_attributes_made_now_and_then() -> None:
    names = [f"a{n}" for n in range(3 * MANY)]
    cache = cache_of(*names)
    for wanted, name in enumerate(names[: 2 * MANY], 1):
        assert cache.get(name, after=10.1) is None
        assert cache.to_request() == sorted(names[:wanted])
        cache.take([(name, f"{name} at 20") for name in cache.to_request()], 20.0)
    # Nor where what is too old was wanted before.
    for name in names[:-1]:
        cache.get(name, after=10.0)
    assert cache.get(names[0], after=30.0) is None
    assert cache.to_request() == sorted(names[:-1])
