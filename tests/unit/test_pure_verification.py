"""When an attribute is trusted again after its subscription came back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from taurus_tpo.core.verification import (
    CHANNEL_OPENS,
    CHECK_PERIOD,
    COMPANY,
    FIRST_CHECKS,
    LATE_CHECK,
    MOST_CHECKS,
    NO_CRITERIA,
    Criteria,
    Verification,
    delay_to_group,
    same,
)

#: How long Tango's keep-alive thread takes to see that events are missing, s.
KEEP_ALIVE = 10.0


def value(rvalue: Any, wvalue: Any = None, quality: str = "valid") -> SimpleNamespace:
    return SimpleNamespace(rvalue=rvalue, wvalue=wvalue, quality=quality)


def quantity(magnitude: Any, units: str) -> SimpleNamespace:
    return SimpleNamespace(magnitude=magnitude, units=units)


# --- the look after a first subscription ----------------------------------------------


@pytest.mark.parametrize("now", [0.0, 0.3, 17.0, 17.999, 86400.25])
def test_it_comes_when_the_channel_is_open_and_not_much_later(now: float) -> None:
    assert (
        CHANNEL_OPENS
        <= delay_to_group(now, "sim/one/1")
        <= CHANNEL_OPENS + COMPANY + 0.001
    )


def test_those_of_a_device_are_looked_at_at_the_same_moments() -> None:
    first = 100.0
    times = [first + number * COMPANY / 50 for number in range(50)]
    due = {round(now + delay_to_group(now, "sim/one/1"), 3) for now in times}
    assert len(due) <= 2


def test_those_of_many_devices_are_looked_at_at_different_moments() -> None:
    devices = [f"sim/many/{number}" for number in range(200)]
    assert len({delay_to_group(0.0, device) for device in devices}) > 100


# --- looks ---------------------------------------------------------------------------


def looks_until_trusted(settling: Verification, agrees: bool) -> list[float]:
    pauses = [settling.pause]
    while not settling.look(agrees):
        pauses.append(settling.pause)
    return pauses


def test_the_last_look_comes_after_tangos_keep_alive_period() -> None:
    pauses = looks_until_trusted(Verification(), agrees=True)
    assert pauses == list(FIRST_CHECKS)
    assert sum(pauses) > KEEP_ALIVE


def test_who_does_not_agree_is_looked_at_more_often_but_not_for_ever() -> None:
    pauses = looks_until_trusted(Verification(), agrees=False)
    assert pauses == [
        *FIRST_CHECKS,
        *[CHECK_PERIOD] * (MOST_CHECKS - len(FIRST_CHECKS)),
    ]


def test_who_agreed_early_is_looked_at_all_the_same() -> None:
    settling = Verification()
    assert not settling.look(agrees=True)


def test_an_event_since_the_last_look_is_as_good_as_to_agree() -> None:
    settling = Verification(looks=len(FIRST_CHECKS) - 1)
    settling.heard()
    assert settling.look(agrees=False)


def test_an_event_before_the_last_look_is_not() -> None:
    settling = Verification(looks=len(FIRST_CHECKS) - 2)
    settling.heard()
    assert not settling.look(agrees=False)
    assert not settling.look(agrees=False)


def test_an_event_proves_that_events_arrive() -> None:
    settling = Verification(proven=False)
    settling.look(agrees=True)
    assert not settling.proven
    settling.heard()
    settling.look(agrees=True)
    assert settling.proven


def test_who_fails_is_looked_at_again_and_again_until_there_is_a_value() -> None:
    settling = Verification()
    pauses = []
    for _ in range(3 * MOST_CHECKS):
        pauses.append(settling.pause)
        assert not settling.failed()
    assert pauses == [
        *FIRST_CHECKS,
        *[CHECK_PERIOD] * (3 * MOST_CHECKS - len(FIRST_CHECKS)),
    ]
    assert not settling.look(agrees=False)
    assert settling.look(agrees=True)


def test_who_takes_longer_than_a_call_may_take_is_looked_at_less_often() -> None:
    settling = Verification(late=True)
    assert settling.pause == LATE_CHECK
    settling.failed(late=True)
    assert settling.pause == LATE_CHECK
    settling.look(agrees=False)
    assert settling.pause < LATE_CHECK


# --- what agrees ---------------------------------------------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    "rvalue",
    [
        *(1, 1.5, "text", True, NAN, None, ""),
        *([], [1, 2], ["a", "b"], [[1.5, NAN], [0.0, -1.0]]),
        ("json", b"{}"),
        quantity(1.5, "mm"),
        quantity(np.array([1.5, NAN]), "mm"),
    ],
    ids=repr,
)
def test_a_value_is_the_same_as_itself(rvalue: Any) -> None:
    assert same(value(rvalue), value(rvalue))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (value(1), value(2)),
        (value("a"), value("b")),
        (value(1.5), value(NAN)),
        (value([1, 2]), value([1, 3])),
        (value([1, 2]), value([1, 2, 3])),
        (value([1, 2]), value([[1, 2]])),
        (value(1), value("1")),
        (value(None), value(0)),
        (value(quantity(1, "mm")), value(quantity(1, "m"))),
        (value(quantity(1, "mm")), value(1)),
        (value(1, wvalue=1), value(1, wvalue=2)),
        (value(1), value(1, wvalue=2)),
        (value(1, wvalue=1), value(1)),
        (value(1, quality="valid"), value(1, quality="alarm")),
        (value(1), None),
        (None, value(1)),
    ],
    ids=repr,
)
def test_what_differs_in_anything_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)


def test_an_event_of_what_can_only_be_written_has_no_set_value() -> None:
    assert same(value("text"), value("text", wvalue="text"))


class Incomparable:
    """Somebody's value that cannot be compared."""

    def __eq__(self, _other: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # The name of a test must not have an address in it.
        return "Incomparable()"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (("json", b"\xff\x00"), ("json", b"\xff\x00"), True),
        (("json", b"\xff\x00"), ("json", b"\xff\x01"), False),
        (("json", b"\xff"), ("text", b"\xff"), False),
        (("json", "\xff"), ("json", b"\xff"), False),
        ((), ("json", b""), False),
        (np.array([], np.uint32), [[]], True),
        (np.array([0], np.uint32), [[]], False),
        (np.array(["a", "\xe9"]), np.array(["a", "\xe9"]), True),
        (np.array([1, 2]), np.array(["1", "2"]), False),
        (np.array([[1.5]]), np.array([1.5]), False),
        (np.float64(1.5), 1.5, True),
        (True, 1, True),
        (Incomparable(), Incomparable(), False),
        (Incomparable(), 1, False),
    ],
    ids=repr,
)
def test_whatever_a_value_is_it_can_be_compared(
    one: Any, other: Any, alike: bool
) -> None:
    assert same(value(one), value(other)) is alike


# --- what is within the criteria of an event -----------------------------------------


@pytest.mark.parametrize(
    ("absolute", "relative", "criteria"),
    [
        ("Not specified", "Not specified", NO_CRITERIA),
        ("0.5", "Not specified", Criteria(absolute=(-0.5, 0.5))),
        ("-1,2", "Not specified", Criteria(absolute=(-1.0, 2.0))),
        ("Not specified", "-5", Criteria(relative=(-5.0, 5.0))),
        ("1,2,3", "", NO_CRITERIA),
    ],
)
def test_the_criteria_are_read_from_the_configuration(
    absolute: str, relative: str, criteria: Criteria
) -> None:
    assert Criteria.of(absolute, relative) == criteria


@pytest.mark.parametrize(
    ("criteria", "sent", "read", "alike"),
    [
        (Criteria(absolute=(-0.5, 0.5)), 1.0, 1.4, True),
        (Criteria(absolute=(-0.5, 0.5)), 1.0, 1.5, False),
        (Criteria(absolute=(-0.5, 2.0)), 1.0, 2.5, True),
        (Criteria(relative=(-10.0, 10.0)), 100.0, 109.0, True),
        (Criteria(relative=(-10.0, 10.0)), 100.0, 110.0, False),
        (Criteria(relative=(-10.0, 10.0)), 0.0, 0.0, True),
        (Criteria(relative=(-10.0, 10.0)), 0.0, 0.1, False),
        (Criteria((-5.0, 5.0), (-10.0, 10.0)), 10.0, 12.0, False),
        (Criteria(absolute=(-0.5, 0.5)), np.array([1.0, 2.0]), [1.1, 2.1], True),
        (Criteria(absolute=(-0.5, 0.5)), np.array([1.0, 2.0]), [1.1, 3.0], False),
        (Criteria(absolute=(-0.5, 0.5)), np.array([1.0, 2.0]), [1.1], False),
        (Criteria(absolute=(-0.5, 0.5)), "a", "b", False),
        (Criteria(absolute=(-0.5, 0.5)), None, 1.0, False),
        (NO_CRITERIA, 1.0, 1.0000001, False),
    ],
)
def test_a_change_within_the_criteria_says_the_same(
    criteria: Criteria, sent: Any, read: Any, alike: bool
) -> None:
    assert same(value(sent), value(read), criteria) is alike
