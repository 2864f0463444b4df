"""Updates of labels that are held, and carried out once."""

from __future__ import annotations

from typing import Any

import pytest

from taurus_tpo.qt.forms.held_updates import HeldUpdates


class Label:
    """As far as it matters here: it has a controller, perhaps another one later."""

    def __init__(self) -> None:
        self.current: Any = Controller(self)

    def controller(self) -> Any:
        return self.current


class Controller:
    """Counts its updates, and does more in them, if it is told so."""

    def __init__(self, label: Label) -> None:
        self.label: Label | None = label
        self.updates = 0
        self.react: Any = lambda: None

    def widget(self) -> Label | None:
        return self.label

    def update(self) -> None:
        self.updates += 1
        self.react()


@pytest.fixture
def held() -> HeldUpdates:
    return HeldUpdates()


@pytest.fixture
def controller() -> Any:
    return Label().current


def take(held: HeldUpdates, controller: Controller) -> bool:
    return held.take(controller, Controller.update)


def test_outside_of_all_contexts_nothing_is_held(held, controller):
    assert not take(held, controller)
    with held.holding():
        pass
    assert controller.updates == 0


def test_many_become_one_at_the_end_of_the_outermost_context(held, controller):
    with held.holding():
        with held.holding():
            assert take(held, controller)
        assert take(held, controller)
        assert controller.updates == 0
    assert controller.updates == 1
    assert not take(held, controller)


def test_they_are_carried_out_between_two_rows_and_held_again(held, controller):
    with held.holding():
        take(held, controller)
        held.carry_out()
        assert controller.updates == 1
        assert take(held, controller)
    assert controller.updates == 2


def test_what_an_update_causes_is_held_again(held, controller):
    other = Label().current
    controller.react = lambda: take(held, other)
    with held.holding():
        take(held, controller)
        held.carry_out()
        assert other.updates == 0
    assert other.updates == 1


def test_the_label_of_a_dialog_is_not_held() -> None:
    level = 1
    held = HeldUpdates(lambda: level)
    label, in_dialog = Label().current, Label().current
    with held.holding():
        level = 2
        assert not take(held, in_dialog)
        level = 1
        assert take(held, label)
    assert label.updates == 1


def test_within_a_context_nothing_may_be_held(held, controller):
    other = Label().current
    with held.holding():
        take(held, controller)
        with held.not_holding(), held.holding():
            assert not take(held, other)
        assert controller.updates == 0
        assert take(held, other)
    assert (controller.updates, other.updates) == (1, 1)


def test_one_that_has_gone_or_is_replaced_is_not_updated(held):
    gone, replaced, last = Label().current, Label().current, Label().current
    with held.holding():
        for one in (gone, replaced, last):
            take(held, one)
        replaced.label.current = Controller(replaced.label)
        gone.label = None
    assert (gone.updates, replaced.updates, last.updates) == (0, 0, 1)


def test_one_that_raises_keeps_none_from_its_update(held):
    controllers = [Label().current for _ in range(4)]

    def fail(text: str) -> None:
        raise ValueError(text)

    controllers[1].react = lambda: fail("first")
    controllers[2].react = lambda: fail("second")

    def update_all() -> None:
        with held.holding():
            for one in controllers:
                take(held, one)

    with pytest.raises(ValueError, match="first"):
        update_all()
    assert [one.updates for one in controllers] == [1, 1, 1, 1]
    # Nothing is left over.
    with held.holding():
        pass
    assert controllers[0].updates == 1
