"""Who decides the mode: the seven steps, each against the next, per attribute."""

from __future__ import annotations

import itertools

import pytest
import taurus
from tango_support import eventually, model
from taurus import tauruscustomsettings

from taurus_tpo.core.modes import ASYNC, SYNC, UnknownModeError
from taurus_tpo.core.modes import parse as parse_mode
from taurus_tpo.core.rules import Rule, RuleSet
from taurus_tpo.environment.command_line import COMMAND_LINE
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.tango_client.pytango_compat import carrier, tango_event_sub_mode

#: What each step says, so that one can tell who decided.
NAMED = "sim/modes/up/with_events"
OTHER = "sim/modes/up/rw"
PATTERN = "SIM/*/up/with_*"


@pytest.fixture
def say(factory, monkeypatch, settings_file):
    """Let the steps speak, by number; each says a mode of its own."""
    # The files that are read are forgotten with the test.
    monkeypatch.setattr(CUSTOM_SETTINGS, "_loaded", [])
    CUSTOM_SETTINGS.watch()
    monkeypatch.setattr(tauruscustomsettings, "USER_CFG_FILE", "/nonexistent")
    for key in ("TANGO_EVENT_SUB_MODE", "TANGO_EVENT_SUB_MODE_RULES"):
        value = getattr(tauruscustomsettings, key, None)
        monkeypatch.setattr(tauruscustomsettings, key, value, raising=False)
        if value is None:
            monkeypatch.delattr(tauruscustomsettings, key)

    def command_line(mode, pattern=None):
        COMMAND_LINE.source = COMMAND_LINE.source.saying(parse_mode(mode), pattern)

    def settings(text):
        with settings_file.open("a") as file:
            file.write(text if settings_file.stat().st_size else f"[taurus]\n{text}")
        tauruscustomsettings.load_configs([str(settings_file)])

    steps = {
        1: lambda: factory.set_tango_event_subscription_disabled(True),
        2: lambda: factory.set_event_sub_mode("Stateless"),
        3: lambda: command_line("Async", PATTERN),
        4: lambda: command_line("SyncRead"),
        5: lambda: settings(f'TANGO_EVENT_SUB_MODE_RULES = [("{PATTERN}", "Sync")]\n'),
        6: lambda: settings('TANGO_EVENT_SUB_MODE = "asyncread"\n'),
        7: lambda: None,
    }
    return lambda *numbers: [steps[number]() for number in numbers]


def expected(number: int, settings_file) -> tuple[str, str]:
    return {
        1: ("Polling", "events disabled (set_tango_event_subscription_disabled)"),
        2: ("Stateless", "program"),
        3: ("Async", f"command line rule {PATTERN}"),
        4: ("SyncRead", "command line"),
        5: ("Sync", f"{settings_file} rule {PATTERN}"),
        6: ("AsyncRead", str(settings_file)),
        7: ("AsyncRead", "default"),
    }[number]


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.combinations(range(1, 8), 2))
)
def test_each_step_outranks_those_below(modes, say, settings_file, first, second):
    say(second, first)
    attr = taurus.Attribute(model(modes, "with_events"))
    decision = attr.event_sub_decision
    assert (decision.label, decision.decided_by) == expected(first, settings_file)


def test_all_seven_speak_and_the_first_is_heard(modes, say, factory, settings_file):
    say(7, 6, 5, 4, 3, 2, 1)
    attr = taurus.Attribute(model(modes, "with_events"))
    decided = attr.event_sub_decision
    assert (decided.label, decided.decided_by) == expected(1, settings_file)
    factory.set_tango_event_subscription_disabled(None)
    assert attr.event_sub_decision.label == "Stateless"
    factory.set_event_sub_mode(None)
    assert attr.event_sub_decision.label == "Async"


@pytest.mark.parametrize("number", [3, 5])
def test_a_rule_is_about_the_attributes_it_names(modes, say, number):
    say(number)
    other = taurus.Attribute(model(modes, "rw"))
    assert other.event_sub_decision.decided_by == "default"


def test_the_mode_that_was_decided_is_the_one_carried_out(modes, factory, listener):
    """Two attributes of one device, each in its own mode."""
    factory.set_event_sub_mode("SyncRead", "*/with_events")
    factory.set_event_sub_mode("Sync", "*/rw")
    reads = taurus.Attribute(model(modes, "with_events"))
    reads.addListener(listener)
    # SyncRead has the value before addListener returns, in the caller's thread.
    assert listener.values == [1.5]
    assert listener.threads == ["MainThread"]
    silent = taurus.Attribute(model(modes, "rw"))
    silent.addListener(listener)
    assert silent.isUsingEvents()
    # Before PyTango 10.1, each subscription reads.
    assert len(listener.values) == 1 + bool(carrier(SYNC).reads)
    eventually(lambda: len(listener.values) == 2, "the first read brings the value")


def test_the_last_pattern_of_the_program_is_asked_first(modes, factory):
    factory.set_event_sub_mode("Sync", "sim/*")
    factory.set_event_sub_mode("Async", "sim/modes/*")
    attr = taurus.Attribute(model(modes, "rw"))
    assert attr.event_sub_decision.decided_by == "program rule sim/modes/*"
    factory.set_event_sub_mode(None, "sim/modes/*")
    assert attr.event_sub_decision.label == "Sync"


def test_the_first_match_of_the_command_line_wins(modes, factory):
    rules = [Rule("sim/modes/*", SYNC), Rule("sim/*", ASYNC)]
    COMMAND_LINE.source = type(COMMAND_LINE.source)(
        "command line", "command line", None, RuleSet(rules)
    )
    attr = taurus.Attribute(model(modes, "rw"))
    assert attr.event_sub_decision.label == "Sync"


def test_a_pattern_with_slashes_is_about_the_full_name(modes, factory):
    factory.set_event_sub_mode("Sync", f"tango://{modes.tango_host}/*")
    factory.set_event_sub_mode("Async", "//elsewhere:10000/*")
    attr = taurus.Attribute(model(modes, "rw"))
    assert attr.event_sub_decision.label == "Sync"


def test_an_alias_is_matched_by_the_name_of_its_device(modes, factory):
    factory.set_event_sub_mode("Stateless", "sim/modes/up/*")
    attr = taurus.Attribute(f"tango://{modes.tango_host}/modes-up/rw")
    assert attr.event_sub_decision.label == "Stateless"


def test_assigning_to_one_attribute_is_the_programs_word(modes, factory):
    attr = taurus.Attribute(model(modes, "rw"))
    attr.event_sub_mode = tango_event_sub_mode(SYNC)
    assert attr.event_sub_mode == tango_event_sub_mode(SYNC)
    assert attr.event_sub_decision.decided_by == "program"
    with pytest.raises(UnknownModeError, match="SyncRead, AsyncRead"):
        attr.event_sub_mode = "Asink"


@pytest.mark.parametrize("who", ["program", "command line", "settings"])
def test_disabled_events_mean_polling(modes, factory, listener, monkeypatch, who):
    if who == "program":
        factory.set_tango_event_subscription_disabled(True)
    elif who == "command line":
        COMMAND_LINE.events_disabled = True
    else:
        monkeypatch.setattr(tauruscustomsettings, "TANGO_EVENTS_TO_SUBSCRIBE", [])
    factory.set_event_sub_mode("SyncRead")
    attr = taurus.Attribute(model(modes, "with_events"))
    assert attr.event_sub_decision.mode is None
    attr.addListener(listener)
    assert attr.isPollingActive()
    assert not attr.isUsingEvents()
    assert eventually(lambda: listener.values, "the first read brings it")[0] == 1.5
    attr.removeListener(listener)
    assert not attr.isPollingActive()


BAD = {
    "TANGO_EVENT_SUB_MODE": ['"Asink"', "7", "None", "[]", "{}"],
    "TANGO_EVENT_SUB_MODE_RULES": [
        '[("sim/*", "ASYNC", 3), ("sim/modes/*", "SYNC")]',
        '[(3, "ASYNC"), ("sim/modes/*", "SYNC")]',
        '[("sim/*", "Asink"), ("sim/modes/*", "SYNC")]',
        '"sim/*=ASYNC"',
        "None",
    ],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in BAD.items() for value in values]
)
def test_bad_settings_warn_and_the_next_source_decides(
    modes, factory, say, settings_file, key, value
):
    settings_file.write_text(f"[taurus]\n{key} = {value}\n")
    tauruscustomsettings.load_configs([str(settings_file)])
    attr = taurus.Attribute(model(modes, "rw"))
    good_rules = '"SYNC")' in value
    assert attr.event_sub_decision.label == ("Sync" if good_rules else "AsyncRead")
    (problem,) = CUSTOM_SETTINGS.problems()
    assert str(settings_file) in str(problem)
    assert key in str(problem)
    if "mode" in problem.reason and "Asink" in value:
        assert "SyncRead, AsyncRead, Sync, Async, Stateless" in problem.reason
        assert "Did you mean Sync?" in problem.reason or "Async?" in problem.reason
