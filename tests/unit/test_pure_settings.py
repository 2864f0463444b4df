"""The settings: checked, never an exception, every culprit named."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pure_support import Shapeless

from taurus_tpo.core import modes, settings
from taurus_tpo.core.precedence import decide
from taurus_tpo.core.rules import AttributeName, NamePattern, Rule, RuleSet
from taurus_tpo.core.settings import KEYS, PROGRAM_ORIGIN, Problem, Settings

INI = "/etc/xdg/taurus/taurus.ini"
MODE_KEY = "TANGO_EVENT_SUB_MODE"
EVENTS_KEY = "TANGO_EVENTS_TO_SUBSCRIBE"
RULES_KEY = "TANGO_EVENT_SUB_MODE_RULES"
NAMES = [mode.name for mode in modes.MODES]
SLOW = AttributeName.of("tango://host:10000/sys/slow/1/x")
A_DAY = 24 * 3600 * 1000

#: How many random values are read, all keys together.
RANDOM_VALUES = 10_000


def read(**values: Any) -> Settings:
    return settings.read(values, lambda _key: INI)


# --- good values ---------------------------------------------------------------------


def test_nothing_set_is_the_default_and_no_problem() -> None:
    nothing = settings.read({})
    assert nothing == Settings()
    assert nothing.problems == ()
    assert decide(SLOW, [nothing.source]).mode is modes.DEFAULT


def test_every_key_is_read() -> None:
    good = read(
        TPO_ENABLED=False,
        TANGO_EVENT_SUB_MODE="stateless",
        TANGO_EVENT_SUB_MODE_RULES=[("sys/slow/*", "Sync"), ["*", "ASYNC"]],
        TANGO_ASYNCREAD_NATIVE=True,
        TANGO_FIRST_READ_WORKERS=3,
        TPO_READ_ONE_BY_ONE=["sys/slow/*"],
        TANGO_EVENT_CHECK_PERIOD=20_000,
        TANGO_EVENTS_TO_SUBSCRIBE=["CHANGE_EVENT"],
    )
    assert good.problems == ()
    assert not good.enabled
    assert good.source.mode is modes.STATELESS
    rules = [Rule("sys/slow/*", modes.SYNC), Rule("*", modes.ASYNC)]
    assert good.source.rules == RuleSet(rules)
    assert good.native_async_read
    assert good.first_read_workers == 3
    assert good.read_one_by_one == (NamePattern("sys/slow/*"),)
    assert good.event_check_period == 20_000
    assert good.events_disabled_by is None


def test_an_answer_says_which_file_decided() -> None:
    source = read(
        TANGO_EVENT_SUB_MODE="sync",
        TANGO_EVENT_SUB_MODE_RULES=[("sys/slow/*", "ASYNC")],
    ).source
    other = AttributeName.of("tango://host:10000/sys/quick/1/x")
    assert decide(SLOW, [source]).decided_by == f"{INI} rule sys/slow/*"
    assert decide(other, [source]).decided_by == INI


@pytest.mark.parametrize("empty", [[], (), set(), ["USER_EVENT"]])
def test_no_change_event_disables_events_and_says_who_did(empty: object) -> None:
    by = read(TANGO_EVENTS_TO_SUBSCRIBE=empty).events_disabled_by
    assert by == f"{EVENTS_KEY} in {INI}"


@pytest.mark.parametrize("workers", [1, 256])
def test_the_bounds_of_the_workers_are_allowed(workers: int) -> None:
    assert read(TANGO_FIRST_READ_WORKERS=workers).first_read_workers == workers


@pytest.mark.parametrize("period", [0, 1000, A_DAY])
def test_the_bounds_of_the_check_period_are_allowed(period: int) -> None:
    assert read(TANGO_EVENT_CHECK_PERIOD=period).event_check_period == period


# --- bad values ----------------------------------------------------------------------


def test_an_unknown_mode_is_one_problem_and_the_default_decides() -> None:
    bad = read(TANGO_EVENT_SUB_MODE="SYNK")
    (problem,) = bad.problems
    assert problem.key == MODE_KEY
    assert problem.origin == INI
    for word in (INI, MODE_KEY, "'SYNK'", "Did you mean Sync?", *NAMES):
        assert word in str(problem)
    assert decide(SLOW, [bad.source]).decided_by == "default"


def test_the_good_rules_stay_in_force_between_the_bad() -> None:
    rules = [
        ("sys/slow/*", "ASYNC"),
        ("sys/*", "SYNK"),
        "sys/*",
        ("sys/*",),
        ("sys/*", "SYNC", 3),
        (5, "SYNC"),
        ("", "SYNC"),
        None,
        ("*", "STATELESS"),
    ]
    mixed = read(TANGO_EVENT_SUB_MODE_RULES=rules)
    good = [Rule("sys/slow/*", modes.ASYNC), Rule("*", modes.STATELESS)]
    assert mixed.source.rules == RuleSet(good)
    places = [problem.key for problem in mixed.problems]
    assert places == [f"{RULES_KEY}[{index}]" for index in range(1, 8)]


@pytest.mark.parametrize(
    "rules", ["sys/*", {"sys/*": "SYNC"}, None, 1, {("a", "SYNC")}]
)
def test_rules_that_are_no_list_are_one_problem(rules: object) -> None:
    bad = read(TANGO_EVENT_SUB_MODE_RULES=rules, TANGO_EVENT_SUB_MODE="SYNC")
    (problem,) = bad.problems
    assert "must be a list of pairs" in str(problem)
    assert settings.shown(rules) in str(problem)
    assert decide(SLOW, [bad.source]).mode is modes.SYNC


@pytest.mark.parametrize(
    ("key", "value", "right"),
    [
        ("TPO_ENABLED", 0, "True or False"),
        ("TPO_ENABLED", "False", "True or False"),
        ("TANGO_ASYNCREAD_NATIVE", None, "True or False"),
        ("TANGO_FIRST_READ_WORKERS", 0, "from 1 to 256"),
        ("TANGO_FIRST_READ_WORKERS", 257, "from 1 to 256"),
        ("TANGO_FIRST_READ_WORKERS", True, "from 1 to 256"),
        ("TANGO_FIRST_READ_WORKERS", 8.0, "from 1 to 256"),
        ("TPO_READ_ONE_BY_ONE", "sys/slow/*", "a list of patterns"),
        ("TPO_READ_ONE_BY_ONE", ["sys/slow/*", 3], "a list of patterns"),
        ("TPO_READ_ONE_BY_ONE", [""], "a list of patterns"),
        ("TANGO_EVENT_CHECK_PERIOD", 999, "from 1000 to 86400000, or 0 for never"),
        ("TANGO_EVENT_CHECK_PERIOD", A_DAY + 1, "from 1000 to 86400000"),
        ("TANGO_EVENT_CHECK_PERIOD", -1, "from 1000 to 86400000"),
        ("TANGO_EVENT_CHECK_PERIOD", False, "from 1000 to 86400000"),
        ("TANGO_EVENT_CHECK_PERIOD", 1e4, "from 1000 to 86400000"),
        ("TANGO_EVENTS_TO_SUBSCRIBE", "CHANGE_EVENT", '["CHANGE_EVENT"], or []'),
        ("TANGO_EVENTS_TO_SUBSCRIBE", None, '["CHANGE_EVENT"], or []'),
    ],
)
def test_a_bad_value_is_named_and_the_default_counts(
    key: str, value: object, right: str
) -> None:
    bad = read(**{key: value})
    (problem,) = bad.problems
    for word in (INI, key, repr(value), right):
        assert word in str(problem)
    assert bad == Settings(source=bad.source, problems=bad.problems)


# --- ten thousand of any kind --------------------------------------------------------

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 300) | st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.sampled_from([*NAMES, "SYNK", "asyncread", " Sync ", "CHANGE_EVENT", "*"]),
)
rule = st.tuples(plain, plain) | st.lists(plain, max_size=3)
nested = st.one_of(
    plain,
    st.lists(plain | rule, max_size=4),
    st.tuples(plain, plain),
    st.sets(st.text(max_size=4), max_size=3),
    st.dictionaries(st.text(max_size=4), plain, max_size=3),
)


def is_mode(value: object) -> bool:
    known = [name.upper() for name in NAMES]
    return isinstance(value, str) and value.strip().upper() in known


def is_rule(value: object) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    return isinstance(value[0], str) and value[0] != "" and is_mode(value[1])


def is_bool(value: object) -> bool:
    return value is True or value is False


def is_check_period(value: Any) -> bool:
    return type(value) is int and (value == 0 or 1000 <= value <= A_DAY)


def are_patterns(value: Any) -> bool:
    is_list = isinstance(value, (list, tuple))
    return is_list and all(isinstance(one, str) and one != "" for one in value)


IS_GOOD = {
    "TPO_ENABLED": is_bool,
    "TPO_PROGRESS": is_bool,
    "TPO_COLLECT_IN_GUI_THREAD": is_bool,
    "TPO_POSTPONE_COLLECTIONS": is_bool,
    "TPO_FAST_FORMS": is_bool,
    "TPO_FAST_WIDGETS": is_bool,
    "TANGO_ASYNCREAD_NATIVE": is_bool,
    MODE_KEY: is_mode,
    "TANGO_FIRST_READ_WORKERS": lambda value: type(value) is int and 1 <= value <= 256,
    "TPO_READ_ONE_BY_ONE": are_patterns,
    "TANGO_EVENT_CHECK_PERIOD": is_check_period,
    EVENTS_KEY: lambda value: isinstance(value, (list, tuple, set)),
}


def culprits(values: dict[str, Any]) -> Counter[tuple[str, str]]:
    """The bad ones of ``values``: what a problem must name, and how."""
    bad = {key: values[key] for key, good in IS_GOOD.items() if not good(values[key])}
    rules = values[RULES_KEY]
    if isinstance(rules, (list, tuple)):
        entries = enumerate(rules)
        bad |= {
            f"{RULES_KEY}[{i}]": entry for i, entry in entries if not is_rule(entry)
        }
    else:
        bad[RULES_KEY] = rules
    return Counter((key, settings.shown(value)) for key, value in bad.items())


@hypothesis_settings(
    max_examples=math.ceil(RANDOM_VALUES / len(KEYS)), deadline=None, database=None
)
@given(st.fixed_dictionaries(dict.fromkeys(KEYS, nested)))
def test_any_value_is_a_usable_mode_and_each_bad_one_a_warning_that_names_it(
    values: dict[str, Any],
) -> None:
    result = read(**values)
    assert decide(SLOW, [result.source]).mode in modes.MODES
    assert is_bool(result.enabled)
    assert 1 <= result.first_read_workers <= 256
    assert is_check_period(result.event_check_period)
    named = Counter((problem.key, problem.value) for problem in result.problems)
    assert named == culprits(values)
    for problem in result.problems:
        assert str(problem).startswith(f"{INI}: {problem.key} = {problem.value}: ")


class Nameless:
    @property
    def name(self) -> str:
        raise RuntimeError("no name")


class OfTwoLines:
    def __repr__(self) -> str:
        return "one\ntwo"


def nest(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


STRANGE = [Shapeless(), Nameless(), 1 << 20000, nest(10_000)]
STRANGE_IDS = ["no repr", "no name", "huge number", "deep list"]


@pytest.mark.parametrize("value", STRANGE, ids=STRANGE_IDS)
@pytest.mark.parametrize("key", [key for key in KEYS if key != MODE_KEY])
def test_a_strange_object_is_a_problem(key: str, value: object) -> None:
    settings.read({key: value})


@pytest.mark.parametrize("value", STRANGE, ids=STRANGE_IDS)
def test_a_strange_object_in_the_place_of_a_mode_is_a_problem(value: object) -> None:
    assert len(settings.read({MODE_KEY: value}).problems) == 1


@pytest.mark.parametrize("value", STRANGE, ids=STRANGE_IDS)
def test_a_strange_object_in_the_place_of_a_rules_mode_is_a_problem(
    value: object,
) -> None:
    assert len(settings.read({RULES_KEY: [("*", value)]}).problems) == 1


def test_a_long_value_is_shortened_in_the_warning() -> None:
    assert len(str(read(TANGO_EVENT_SUB_MODE="x" * 5000).problems[0])) < 500


@pytest.mark.parametrize(
    "value", [Shapeless(), 1 << 20000, "x" * 5000], ids=["no repr", "number", "text"]
)
def test_whatever_it_is_can_be_shown_shortly(value: object) -> None:
    assert 0 < len(settings.shown(value)) <= 120


def test_whatever_it_is_can_be_shown_in_one_line() -> None:
    assert "\n" not in settings.shown(OfTwoLines())


# --- files ---------------------------------------------------------------------------


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    return tmp_path / "taurus.ini"


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(["[taurus]", *lines]), encoding="utf-8")
    return str(path)


def test_a_file_is_its_literals(ini: Path) -> None:
    path = write(ini, 'TANGO_EVENT_SUB_MODE = "SYNC"', "Other = [1, 2]")
    file = settings.read_file(path)
    assert file == settings.SettingsFile(
        path, {"TANGO_EVENT_SUB_MODE": "SYNC", "Other": [1, 2]}
    )


def test_no_file_is_none(ini: Path) -> None:
    assert settings.read_file(str(ini)) is None
    assert settings.read_file(str(ini.parent)) is None


def test_a_file_without_our_section_says_nothing(ini: Path) -> None:
    ini.write_text("[other]\nTANGO_EVENT_SUB_MODE = 'SYNC'\n")
    assert settings.read_file(str(ini)) == settings.SettingsFile(str(ini), {})


def test_an_unquoted_text_is_a_problem_and_the_good_keys_stay(ini: Path) -> None:
    path = write(ini, "TANGO_EVENT_SUB_MODE = ASYNC", "TANGO_FIRST_READ_WORKERS = 3")
    file = settings.read_file(path)
    assert file is not None
    assert file.values == {"TANGO_FIRST_READ_WORKERS": 3}
    (problem,) = file.problems
    assert (problem.origin, problem.key, problem.value) == (path, MODE_KEY, "ASYNC")
    assert "a text needs quotes" in str(problem)


@pytest.mark.parametrize(
    "content",
    [
        b"TANGO_EVENT_SUB_MODE = 'SYNC'",
        b"[taurus]\nTANGO_EVENT_SUB_MODE\n",
        b"[taurus]\nA = 1\nA = 2\n",
        b"[taurus\n",
        b"\xff\xfe\x00[taurus]\n",
    ],
    ids=["no section", "no value", "twice", "torn", "no text"],
)
def test_what_is_no_settings_file_is_one_problem(ini: Path, content: bytes) -> None:
    ini.write_bytes(content)
    file = settings.read_file(str(ini))
    assert file is not None
    assert file.values == {}
    (problem,) = file.problems
    assert problem.origin == str(ini)
    assert str(problem).startswith(f"{ini}: no Taurus settings file: ")


def test_a_percent_sign_in_one_value_leaves_the_others_in_force(ini: Path) -> None:
    path = write(
        ini, 'DEFAULT_FORMATTER = "%.3f"', "TANGO_FIRST_READ_WORKERS = 3", "A = 1"
    )
    file = settings.read_file(path)
    assert file is not None
    assert file.values["TANGO_FIRST_READ_WORKERS"] == 3
    assert "DEFAULT_FORMATTER" in str(file.problems[0])


@hypothesis_settings(max_examples=300, deadline=None, database=None)
@given(body=st.text(max_size=40) | st.binary(max_size=40))
def test_whatever_is_in_a_file_never_an_exception(
    tmp_path_factory: pytest.TempPathFactory, body: str | bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ini"
    data = body.encode("utf-8", "replace") if isinstance(body, str) else body
    path.write_bytes(b"[taurus]\nTANGO_EVENT_SUB_MODE = " + data)
    file = settings.read_file(str(path))
    assert file is not None
    assert file.values or file.problems


# --- origins -------------------------------------------------------------------------


def origin_of(key: str, in_force: Any, *files: dict[str, Any]) -> str:
    read_files = [
        settings.SettingsFile(f"file {number}", values)
        for number, values in enumerate(files)
    ]
    return settings.origin_in(read_files, {key: in_force})(key)


def test_the_origin_is_the_strongest_file_that_holds_the_value() -> None:
    assert origin_of("A", 1, {"A": 1}, {"B": 1}) == "file 0"
    assert origin_of("A", 2, {"A": 1}, {"A": 2}) == "file 1"
    assert origin_of("A", [1], {"A": [1]}, {"A": [1]}) == "file 1"


def test_what_no_file_holds_the_program_has_set() -> None:
    assert origin_of("A", 3, {"A": 1}, {"A": 2}) == PROGRAM_ORIGIN
    assert origin_of("A", 3) == PROGRAM_ORIGIN
    assert origin_of("A", Shapeless(), {"A": 1}) == PROGRAM_ORIGIN


def test_a_number_too_long_to_print_has_an_origin(ini: Path) -> None:
    file = settings.read_file(write(ini, "TANGO_FIRST_READ_WORKERS = 0x" + "f" * 5000))
    assert file is not None
    settings.origin_in([file], file.values)("TANGO_FIRST_READ_WORKERS")


def test_a_problem_reads_as_one_line() -> None:
    problem = Problem("KEY", "'value'", INI, "must be another.")
    assert str(problem) == f"{INI}: KEY = 'value': must be another."
