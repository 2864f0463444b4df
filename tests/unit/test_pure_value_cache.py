"""What may replace what is known of an attribute."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.value_cache import YOUNGER, Known, ValueCache

BROKEN = ValueError("broken")


def test_at_first_nothing_is_known() -> None:
    assert ValueCache().known.empty
    assert ValueCache().known == Known()


def test_a_value_and_an_error_are_known() -> None:
    cache: ValueCache[str] = ValueCache()
    assert cache.offer("new", stamp=10, now=20)
    assert cache.known == Known("new", None, 10, 20, 20)
    assert not cache.known.empty
    assert cache.offer_error(BROKEN, now=30)
    assert cache.known == Known(None, BROKEN, 30, 30, 30)
    assert not cache.known.empty


def test_the_last_value_stays_when_there_is_an_error() -> None:
    cache: ValueCache[str] = ValueCache()
    assert cache.last_value is None
    cache.offer("old", stamp=10, now=20)
    cache.offer_error(BROKEN, now=30)
    assert (cache.known.value, cache.last_value) == (None, "old")
    cache.offer("new", stamp=40, now=40)
    assert cache.last_value == "new"


def test_an_error_may_end_the_last_value() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("old", stamp=10, now=20)
    assert not cache.offer_error(BROKEN, now=30, begun=15, ends_value=True)
    assert cache.last_value == "old"
    assert cache.offer_error(BROKEN, now=30, begun=25, ends_value=True)
    assert (cache.known.error, cache.last_value) == (BROKEN, None)


def test_what_a_read_brings_is_as_old_as_its_beginning() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("read", stamp=10, now=20, begun=15)
    assert (cache.known.heard, cache.known.as_of) == (20, 15)
    cache.offer_error(BROKEN, now=30, begun=25)
    assert (cache.known.heard, cache.known.as_of) == (30, 25)


def test_no_value_is_replaced_by_an_older_one() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("new", stamp=10, now=20)
    assert not cache.offer("old", stamp=9.999, now=30)
    assert cache.known == Known("new", None, 10, 20, 20)


def test_a_value_is_replaced_by_one_as_old() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("one", stamp=10, now=20)
    assert cache.offer("other", stamp=10, now=30)
    assert cache.known.value == "other"


def test_a_value_that_is_false_is_a_value() -> None:
    cache: ValueCache[int] = ValueCache()
    cache.offer(0, stamp=10, now=20)
    assert not cache.known.empty
    assert not cache.offer(1, stamp=9, now=30)


def test_an_error_is_replaced_by_the_next_value_however_old() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer_error(BROKEN, now=20)
    assert cache.offer("mended", stamp=1, now=30)
    assert cache.known == Known("mended", None, 1, 30, 30)


def test_a_read_that_began_before_the_error_brings_no_older_value() -> None:
    """It was on its way when the event came, and is told after the error."""
    cache: ValueCache[str] = ValueCache()
    cache.offer("event", stamp=10, now=20)
    cache.offer_error(BROKEN, now=30)
    assert not cache.offer("older", stamp=9, now=40, begun=19)
    assert cache.known.error is BROKEN
    assert cache.offer("as old", stamp=10, now=40, begun=19)


def test_a_read_that_began_after_the_error_mends_it_however_old() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("value", stamp=10, now=20)
    cache.offer_error(BROKEN, now=30)
    assert cache.offer("of another clock", stamp=1, now=40, begun=31)


def test_a_read_that_fails_late_does_not_replace_what_was_heard_meanwhile() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("event", stamp=1, now=20)
    assert not cache.offer_error(BROKEN, now=30, begun=19)
    assert cache.known.value == "event"


def test_a_read_that_began_after_the_last_value_may_fail() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("event", stamp=1, now=20)
    assert cache.offer_error(BROKEN, now=30, begun=21)
    assert cache.known.error is BROKEN


def test_an_error_that_is_the_last_word_replaces_every_value() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("event", stamp=1e12, now=1e12)
    assert cache.offer_error(BROKEN, now=30)
    assert cache.known.error is BROKEN


def test_a_late_error_replaces_an_error() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer_error(ValueError("first"), now=20)
    assert cache.offer_error(BROKEN, now=30, begun=10)
    assert cache.known.error is BROKEN


def test_an_older_event_counts_where_the_settings_say_so() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("new", stamp=10, now=20)
    assert cache.offer("old", stamp=9, now=30, filtered=False)
    assert cache.known.value == "old"
    assert not cache.offer("read before", stamp=8, now=40, begun=29, filtered=False)


def test_a_read_that_began_later_is_younger_whatever_its_stamp() -> None:
    """A device may stamp its values itself, and put its clock back."""
    cache: ValueCache[str] = ValueCache()
    cache.offer("new", stamp=10, now=20)
    assert not cache.offer("at once", stamp=9, now=30, begun=20 + YOUNGER / 2)
    assert cache.offer("later", stamp=9, now=30, begun=20 + YOUNGER)
    assert cache.offer("an event", stamp=9.5, now=40)


def test_the_first_value_of_a_new_subscription_counts_whatever_its_stamp() -> None:
    cache: ValueCache[str] = ValueCache()
    cache.offer("new", stamp=10, now=20)
    cache.begin_anew()
    assert cache.offer("first", stamp=5, now=30)
    assert not cache.offer("older", stamp=4, now=40)


times = st.integers(0, 5)
offers = st.tuples(st.just("value"), times, st.none() | times)
failures = st.tuples(st.just("error"), times, st.none() | times)


@given(st.lists(offers | failures, max_size=15))
def test_whatever_comes_no_value_is_followed_by_an_older_one(
    happened: list[tuple[str, int, int | None]],
) -> None:
    """But by one that was read later."""
    cache: ValueCache[object] = ValueCache()
    newest = -1
    for now, (kind, stamp, begun) in enumerate(happened):
        before = cache.known
        if kind == "value":
            taken = cache.offer(object(), stamp, now, begun)
            assert taken or newest > stamp
            newest = stamp if taken else newest
        else:
            taken = cache.offer_error(BROKEN, now, begun)
            assert taken or (begun is not None and before.heard > begun)
        assert (cache.known is not before) == taken
        if before.value is not None and cache.known.value is not None:
            read_later = begun is not None and begun > before.heard
            assert cache.known.stamp >= before.stamp or read_later
