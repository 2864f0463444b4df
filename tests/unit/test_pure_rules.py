"""Rules that give attributes a mode by name."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.modes import ASYNC, MODES, STATELESS, SYNC
from taurus_tpo.core.rules import AttributeName, Rule, RuleSet

AMPLI = AttributeName.of("tango://host:10000/Sys/Tg_Test/1/Ampli")

names = st.builds(
    lambda *parts: AttributeName.of("tango://host:10000/" + "/".join(parts)),
    *[st.sampled_from(["a", "b", "A", "slow"])] * 4,
)
patterns = st.text(st.sampled_from("abA*?[]!-/slow"), min_size=1, max_size=10)
rules = st.builds(Rule, patterns, st.sampled_from(MODES))


def matches(pattern: str, name: AttributeName = AMPLI) -> bool:
    return RuleSet([Rule(pattern, SYNC)]).first_match(name) is not None


def test_the_short_name_is_that_of_the_device_and_the_attribute() -> None:
    assert AMPLI.short == "Sys/Tg_Test/1/Ampli"
    assert AMPLI.full == "tango://host:10000/Sys/Tg_Test/1/Ampli"


@pytest.mark.parametrize(
    "pattern",
    [
        "sys/tg_test/1/ampli",
        "sys/*",
        "*",
        "*/ampli",
        "sys/*/*/ampl?",
        "sys/tg_test/[0-9]/*",
        "sys/tg_test/[!a-z]/*",
        "SYS/TG_TEST/*",
        "tango://host:10000/sys/*",
        "TANGO://HOST:*",
        "*//host:10000/*",
        "//host:10000/sys/*",
    ],
)
def test_a_pattern_matches(pattern: str) -> None:
    assert matches(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "sys/tg_test/1",
        "tg_test",
        "ampli",
        "sys/tg_test/[a-z]/*",
        "tango:*",
        "host:10000/*",
        "//other:10000/*",
        "tango-nodb://*",
        "sys/tg_test/1/ampli//",
        "sys/tg_test/1/ampl[i",
    ],
)
def test_a_pattern_does_not_match(pattern: str) -> None:
    assert not matches(pattern)


def test_a_dot_in_a_pattern_is_a_dot() -> None:
    name = AttributeName.of("tango://h:1/sys/dev/1.0/x")
    assert matches("sys/dev/1.0/x", name)
    assert not matches("sys/dev/1.0/x", AttributeName.of("tango://h:1/sys/dev/1_0/x"))


def test_the_first_match_wins() -> None:
    rule_set = RuleSet(
        [Rule("sys/slow/*", ASYNC), Rule("sys/*", SYNC), Rule("*", SYNC)]
    )
    assert rule_set.first_match(AMPLI) == Rule("sys/*", SYNC)


def test_no_match_is_none() -> None:
    assert RuleSet([Rule("sys/slow/*", ASYNC)]).first_match(AMPLI) is None
    assert RuleSet().first_match(AMPLI) is None


@given(st.lists(rules, max_size=6), st.lists(names, min_size=1, max_size=6))
def test_the_answer_is_that_of_fnmatch_asked_one_rule_after_the_other(
    ordered: list[Rule], asked: list[AttributeName]
) -> None:
    rule_set = RuleSet(ordered)
    # Each name twice: the second answer is remembered.
    for name in [*asked, *asked]:
        lower = name.short.lower(), name.full.lower()
        expected = None
        for rule in ordered:
            pattern = rule.pattern.lower()
            if pattern.startswith("//"):
                subject = lower[1][len("tango:") :]
            else:
                subject = lower["//" in pattern]
            if fnmatch.fnmatchcase(subject, pattern):
                expected = rule
                break
        assert rule_set.first_match(name) is expected


@given(st.text(min_size=1))
def test_any_text_is_a_pattern(text: str) -> None:
    matches(text)


def test_rule_sets_are_values() -> None:
    one, same = (RuleSet([Rule("a", SYNC)]) for _ in "12")
    other = RuleSet([Rule("a", STATELESS)])
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "a"
    assert (len(one), len(RuleSet())) == (1, 0)
    assert "STATELESS" in repr(other).upper()
