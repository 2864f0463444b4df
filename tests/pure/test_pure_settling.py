"""When an attribute is trusted again after its subscription came back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from taurus_tpo.settling import (
    COMPANY,
    LATE,
    MOST,
    OPEN,
    PAUSE,
    PAUSES,
    Settling,
    in_company,
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
    assert OPEN <= in_company(now, "sim/one/1") <= OPEN + COMPANY + 0.001


def test_those_of_a_device_are_looked_at_at_the_same_moments() -> None:
    first = 100.0
    times = [first + number * COMPANY / 50 for number in range(50)]
    due = {round(now + in_company(now, "sim/one/1"), 3) for now in times}
    assert len(due) <= 2


def test_those_of_many_devices_are_looked_at_at_different_moments() -> None:
    devices = [f"sim/many/{number}" for number in range(200)]
    assert len({in_company(0.0, device) for device in devices}) > 100


# --- looks ---------------------------------------------------------------------------


def looks_until_trusted(settling: Settling, agrees: bool) -> list[float]:
    pauses = [settling.pause]
    while not settling.look(agrees):
        pauses.append(settling.pause)
    return pauses


def test_the_last_look_comes_after_tangos_keep_alive_period() -> None:
    pauses = looks_until_trusted(Settling(), agrees=True)
    assert pauses == list(PAUSES)
    assert sum(pauses) > KEEP_ALIVE


def test_who_does_not_agree_is_looked_at_more_often_but_not_for_ever() -> None:
    pauses = looks_until_trusted(Settling(), agrees=False)
    assert pauses == [*PAUSES, *[PAUSE] * (MOST - len(PAUSES))]


def test_who_agreed_early_is_looked_at_all_the_same() -> None:
    settling = Settling()
    assert not settling.look(agrees=True)


def test_an_event_since_the_last_look_is_as_good_as_to_agree() -> None:
    settling = Settling(looks=len(PAUSES) - 1)
    settling.heard()
    assert settling.look(agrees=False)


def test_an_event_before_the_last_look_is_not() -> None:
    settling = Settling(looks=len(PAUSES) - 2)
    settling.heard()
    assert not settling.look(agrees=False)
    assert not settling.look(agrees=False)


def test_an_event_proves_that_events_arrive() -> None:
    settling = Settling(proven=False)
    settling.look(agrees=True)
    assert not settling.proven
    settling.heard()
    settling.look(agrees=True)
    assert settling.proven


def test_who_fails_is_looked_at_again_and_again_until_there_is_a_value() -> None:
    settling = Settling()
    pauses = []
    for _ in range(3 * MOST):
        pauses.append(settling.pause)
        assert not settling.failed()
    assert pauses == [*PAUSES, *[PAUSE] * (3 * MOST - len(PAUSES))]
    assert not settling.look(agrees=False)
    assert settling.look(agrees=True)


def test_who_takes_longer_than_a_call_may_take_is_looked_at_less_often() -> None:
    settling = Settling(late=True)
    assert settling.pause == LATE
    settling.failed(late=True)
    assert settling.pause == LATE
    settling.look(agrees=False)
    assert settling.pause < LATE


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
        (value(1, quality="valid"), value(1, quality="alarm")),
        (value(1), None),
        (None, value(1)),
    ],
    ids=repr,
)
def test_what_differs_in_anything_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
