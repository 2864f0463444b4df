"""Evaluations over Tango attributes: their rows get what other rows get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import taurus
from paths import FACILITIES
from qt_support import SEEN
from stopwatch import Stopwatch
from tango_support import DOWN, Listener, eventually, hold, model
from taurus.core.evaluation.evalattribute import EvaluationAttribute
from taurus.core.taurusbasetypes import DataFormat, DataType, TaurusEventType

from taurus_tpo.sim import Facility

VICTIM = "sim/victim/1"

#: More than a window may wait for a server that hangs, and less than Tango does, s.
AT_ONCE = 2.5


@pytest.fixture
def hung() -> Iterator[Facility]:
    """A facility with a server that hangs."""
    with Facility(FACILITIES / "faults.toml") as facility:
        facility.server("TpoSim/victim").hang()
        yield facility


def _evaluation(*models: str) -> str:
    return "eval:" + "+".join(f"{{{one}}}" for one in models)


def _text(form, row: int) -> str:
    widget = form[row].readWidget()
    return widget.text() if hasattr(widget, "text") else ""


def test_a_script_gets_the_value_at_once(modes, factory):
    name = _evaluation(model(modes, "with_events"), model(modes, "with_events"))
    attribute = taurus.Attribute(name)
    assert isinstance(attribute, EvaluationAttribute)
    assert attribute.rvalue.magnitude == 3.0
    assert attribute.type == DataType.Float


def test_listeners_hear_what_changes(modes, factory, listener):
    hold(modes, "rw", 2.0)
    attribute = taurus.Attribute(_evaluation(model(modes, "rw")))
    attribute.addListener(listener)
    hold(modes, "rw", 4.0)
    eventually(lambda: listener.values[-1:] == [4.0], "the new value")
    attribute.removeListener(listener)


def test_a_row_over_healthy_devices_is_what_it_is_at_once(qtbot, form, modes):
    # It has answered: on a busy machine it may take longer than a window waits.
    taurus.Attribute(model(modes, "rw")).read()
    form.setModel([_evaluation(model(modes, "with_events"))])
    form.show()
    assert taurus.Attribute(form[0].getModel()).type == DataType.Float
    qtbot.waitUntil(lambda: "1.5" in _text(form, 0), timeout=SEEN)


def test_a_row_over_a_server_that_is_down_lives_when_it_comes(qtbot, form, own_modes):
    up = model(own_modes, "without_events")
    down = model(own_modes, "event1", DOWN)
    form.setModel([_evaluation(up, down), _evaluation(up)])
    form.show()
    assert len(form) == 2
    qtbot.waitUntil(lambda: "2.5" in _text(form, 1), timeout=SEEN)
    attribute = taurus.Attribute(form[0].getModel())
    assert (attribute.type, attribute.data_format) == (DataType.String, DataFormat._0D)
    assert _text(form, 0) == "-----"
    heard = Listener()
    attribute.addListener(heard)
    assert "state" in dict(attribute.getDisplayDescrObj())
    own_modes.server("TpoSim/down").start()
    qtbot.waitUntil(lambda: "9.0" in _text(form, 0), timeout=2 * SEEN)
    assert attribute.type == DataType.Float
    assert TaurusEventType.Config in heard.kinds
    attribute.removeListener(heard)


def test_a_server_that_hangs_does_not_hold_the_window_up(qtbot, form, hung):
    names = [f"volt{number:02}" for number in range(1, 11)]
    models = [_evaluation(model(hung, name, VICTIM)) for name in names]
    watch = Stopwatch()
    form.setModel(models)
    form.show()
    assert watch.seconds < AT_ONCE
    assert len(form) == len(models)
    hung.server("TpoSim/victim").resume()
    qtbot.waitUntil(
        lambda: all(taurus.Attribute(one).type == DataType.Float for one in models),
        timeout=2 * SEEN,
    )


def test_an_evaluation_of_evaluations_waits_as_well(qtbot, form, own_modes):
    inner = _evaluation(model(own_modes, "event2", DOWN))
    form.setModel([f"eval:2*{{{inner}}}"])
    form.show()
    assert len(form) == 1
    own_modes.server("TpoSim/down").start()
    qtbot.waitUntil(lambda: "13.0" in _text(form, 0), timeout=2 * SEEN)
