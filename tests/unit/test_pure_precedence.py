"""The precedence of those who decide the mode of an attribute."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.modes import (
    ASYNC,
    ASYNC_READ,
    MODES,
    STATELESS,
    SYNC,
    SYNC_READ,
    SubMode,
)
from taurus_tpo.core.precedence import Decision, ModeInputs, ModeSource, decide
from taurus_tpo.core.rules import AttributeName, Rule, RuleSet
from taurus_tpo.environment.command_line import CommandLine

SLOW = AttributeName.of("tango://host:10000/sys/slow/1/x")
QUICK = AttributeName.of("tango://host:10000/sys/quick/1/x")
INI = "/etc/xdg/taurus/taurus.ini"

#: All that can speak of SLOW, the strongest first.
PROGRAM = ModeSource("program", "program", SYNC, RuleSet([Rule("sys/slow/*", ASYNC)]))
COMMAND_LINE = ModeSource(
    "command line", "command line", STATELESS, RuleSet([Rule("sys/slow/*", SYNC_READ)])
)
SETTINGS = ModeSource(INI, INI, SYNC_READ, RuleSet([Rule("sys/s*", STATELESS)]))


def without_rules(source: ModeSource) -> ModeSource:
    return ModeSource(source.mode_origin, source.rules_origin, source.mode)


def test_each_source_yields_to_the_one_above_it() -> None:
    weaker_and_weaker = [
        ((PROGRAM, COMMAND_LINE, SETTINGS), ASYNC, "program rule sys/slow/*"),
        ((without_rules(PROGRAM), COMMAND_LINE, SETTINGS), SYNC, "program"),
        ((COMMAND_LINE, SETTINGS), SYNC_READ, "command line rule sys/slow/*"),
        ((without_rules(COMMAND_LINE), SETTINGS), STATELESS, "command line"),
        ((SETTINGS,), STATELESS, f"{INI} rule sys/s*"),
        ((without_rules(SETTINGS),), SYNC_READ, INI),
        ((ModeSource.named("program"),), ASYNC_READ, "default"),
    ]
    for sources, mode, decided_by in weaker_and_weaker:
        assert decide(SLOW, sources) == Decision(mode, decided_by)


def test_an_attribute_that_no_rule_matches_gets_the_mode_of_the_same_source() -> None:
    assert decide(QUICK, (COMMAND_LINE, SETTINGS)).decided_by == "command line"


def test_disabled_events_outrank_everybody() -> None:
    decision = decide(SLOW, (PROGRAM, COMMAND_LINE, SETTINGS), "the boss")
    assert decision == Decision(None, "events disabled (the boss)")
    assert decision.label == "Polling"


def test_the_label_of_a_decision_is_the_name_of_its_mode() -> None:
    assert decide(SLOW, ()).label == "AsyncRead"


def test_what_was_said_last_of_a_pattern_is_asked_first() -> None:
    said = ModeSource.named("program").saying(SYNC, "sys/*").saying(ASYNC, "sys/slow/*")
    assert decide(SLOW, [said]).mode is ASYNC
    said = said.saying(STATELESS, "sys/*")
    assert decide(SLOW, [said]).mode is STATELESS
    assert len(said.rules) == 2


def test_saying_none_takes_one_pattern_back() -> None:
    said = ModeSource.named("program").saying(SYNC, "sys/*").saying(ASYNC, "sys/slow/*")
    assert decide(SLOW, [said.saying(None, "sys/slow/*")]).mode is SYNC
    assert said.saying(None, "sys/slow/*").saying(None, "sys/*").rules == RuleSet()


def test_a_pattern_in_another_case_is_the_same_pattern() -> None:
    said = ModeSource.named("program").saying(SYNC, "SYS/*")
    assert said.saying(None, "sys/*").rules == RuleSet()


def test_saying_none_takes_the_general_mode_back() -> None:
    said = ModeSource.named("program").saying(SYNC)
    assert decide(SLOW, [said.saying(None)]).decided_by == "default"


def test_saying_changes_no_authority_that_somebody_holds() -> None:
    before = ModeSource.named("program")
    before.saying(SYNC)
    before.saying(SYNC, "*")
    assert before == ModeSource.named("program")


def test_a_command_line_forgets_what_it_said() -> None:
    command_line = CommandLine()
    command_line.source = command_line.source.saying(SYNC, "*").saying(ASYNC)
    command_line.events_disabled = True
    command_line.forget()
    assert command_line.source == CommandLine().source
    assert command_line.source.decide(SLOW) is None
    assert not command_line.events_disabled


modes = st.sampled_from(MODES)
sayings = st.tuples(
    st.none() | st.sampled_from(["*", "*/x", "sys/slow/*", "no"]), modes
)


@given(st.lists(st.lists(sayings, max_size=4), min_size=1, max_size=4))
def test_the_strongest_source_that_speaks_decides(
    spoken: list[list[tuple[str | None, SubMode]]],
) -> None:
    sources = []
    for number, words in enumerate(spoken):
        source = ModeSource.named(f"source {number}")
        for pattern, mode in words:
            source = source.saying(mode, pattern)
        sources.append(source)
    assert decide(SLOW, sources) == _expected(spoken)


def _expected(spoken: Sequence[Sequence[tuple[str | None, SubMode]]]) -> Decision:
    for number, words in enumerate(spoken):
        newest_first = words[::-1]
        for pattern, mode in newest_first:
            if pattern not in (None, "no"):
                return Decision(mode, f"source {number} rule {pattern}")
        for pattern, mode in newest_first:
            if pattern is None:
                return Decision(mode, f"source {number}")
    return Decision(ASYNC_READ, "default")


def test_the_same_inputs_decide_alike_and_others_may_not() -> None:
    inputs = ModeInputs((PROGRAM, SETTINGS))
    assert inputs.decide(SLOW) == decide(SLOW, (PROGRAM, SETTINGS))
    assert inputs.decides_like(ModeInputs((PROGRAM, SETTINGS)))
    for other in (
        ModeInputs((PROGRAM,)),
        ModeInputs((PROGRAM, COMMAND_LINE)),
        ModeInputs((PROGRAM, SETTINGS), "somebody"),
    ):
        assert not inputs.decides_like(other)
