"""Taurus's custom settings: live, checked, with origins."""

from __future__ import annotations

import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import ROOT
from pure_support import SOON

from taurus_tpo.core import modes
from taurus_tpo.core.rules import Rule, RuleSet
from taurus_tpo.core.settings import ALL, KEYS, PROGRAM_ORIGIN, Settings
from taurus_tpo.environment.custom_settings import CustomSettings

MODE_KEY = "TANGO_EVENT_SUB_MODE"
RULES_KEY = "TANGO_EVENT_SUB_MODE_RULES"


@pytest.fixture
def custom(taurus_settings: ModuleType) -> CustomSettings:
    """A fresh view of the settings."""
    return CustomSettings()


@pytest.fixture
def watched(custom: CustomSettings) -> CustomSettings:
    """A view that takes note of the files that are loaded."""
    custom.watch()
    return custom


def write(path: str | Path, *lines: str) -> str:
    Path(path).write_text("\n".join(["[taurus]", *lines]))
    return str(path)


def said(custom: CustomSettings) -> tuple[modes.SubMode | None, str]:
    source = custom.current().source
    return source.mode, source.mode_origin


# --- what counts ---------------------------------------------------------------------


def test_as_taurus_ships_it_nobody_has_said_anything(custom: CustomSettings) -> None:
    current = custom.current()
    assert current.source.mode is None
    assert current.source.rules == RuleSet()
    assert current.enabled
    assert current.events_disabled_by is None
    assert custom.problems() == ()
    assert custom.files() == ()


def test_an_older_taurus_without_the_setting_has_said_nothing(
    custom: CustomSettings,
    taurus_settings: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(taurus_settings, MODE_KEY, raising=False)
    assert custom.current().source.mode is None
    assert custom.problems() == ()
    assert not hasattr(taurus_settings, MODE_KEY)


def test_what_the_program_assigns_counts_at_once(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    for name in ("SYNC", "STATELESS", "SYNC"):
        taurus_settings.TANGO_EVENT_SUB_MODE = name
        assert said(custom) == (modes.parse(name), PROGRAM_ORIGIN)
    taurus_settings.TANGO_EVENT_SUB_MODE = "ASYNCREAD"
    assert custom.current().source.mode is None
    taurus_settings.TANGO_EVENT_SUB_MODE_RULES = [("*", "SYNC")]
    rules = RuleSet([Rule("*", modes.SYNC)])
    assert custom.current().source.rules == rules
    del taurus_settings.TANGO_EVENT_SUB_MODE_RULES
    assert custom.current().source.rules == RuleSet()


def test_the_default_counts_where_the_program_assigns_it(
    watched: CustomSettings, taurus_settings: ModuleType
) -> None:
    """Taurus's own default is equal to it, where Taurus has one."""
    assert watched.current().source.mode is None
    taurus_settings.TANGO_EVENT_SUB_MODE = "ASYNCREAD"
    assert said(watched) == (modes.ASYNC_READ, PROGRAM_ORIGIN)
    watched.watch()
    assert said(watched) == (modes.ASYNC_READ, PROGRAM_ORIGIN)


def test_what_has_not_changed_is_not_read_again(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    taurus_settings.TANGO_EVENT_SUB_MODE = "SYNC"
    assert custom.current() is custom.current()


def test_emptying_the_events_disables_them(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    taurus_settings.TANGO_EVENTS_TO_SUBSCRIBE = []
    by = custom.current().events_disabled_by
    assert by == f"TANGO_EVENTS_TO_SUBSCRIBE in {PROGRAM_ORIGIN}"


# --- files and origins ---------------------------------------------------------------


def test_a_value_comes_from_the_file_that_taurus_read_at_import(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    write(taurus_settings.SYSTEM_CFG_FILE, f"{MODE_KEY} = 'SYNC'", f"{RULES_KEY} = []")
    write(taurus_settings.USER_CFG_FILE, f"{RULES_KEY} = [('*', 'ASYNC')]")
    taurus_settings.load_configs()
    source = custom.current().source
    assert source.mode is modes.SYNC
    assert source.mode_origin == taurus_settings.SYSTEM_CFG_FILE
    assert source.rules_origin == taurus_settings.USER_CFG_FILE


def test_what_the_program_assigns_after_the_file_is_the_programs(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    write(taurus_settings.SYSTEM_CFG_FILE, f"{MODE_KEY} = 'SYNC'")
    taurus_settings.load_configs()
    taurus_settings.TANGO_EVENT_SUB_MODE = "STATELESS"
    assert said(custom) == (modes.STATELESS, PROGRAM_ORIGIN)


def test_a_file_that_says_the_default_is_who_decides(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    path = write(taurus_settings.USER_CFG_FILE, f"{MODE_KEY} = 'ASYNCREAD'")
    taurus_settings.load_configs()
    assert said(custom) == (modes.ASYNC_READ, path)


def test_a_file_that_is_loaded_later_is_noted(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    write(taurus_settings.USER_CFG_FILE, f"{MODE_KEY} = 'ASYNC'")
    taurus_settings.load_configs()
    path = write(tmp_path / "mine.ini", f"{MODE_KEY} = 'SYNC'")
    assert taurus_settings.load_configs([path]) == [path]
    assert said(watched) == (modes.SYNC, path)
    paths = [file.path for file in watched.files()]
    assert paths == [taurus_settings.USER_CFG_FILE, path]


def test_a_file_that_is_loaded_again_gets_its_later_place(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    one = write(tmp_path / "one.ini", f"{MODE_KEY} = 'SYNC'")
    two = write(tmp_path / "two.ini", f"{MODE_KEY} = 'SYNC'")
    for path in (one, two, one):
        taurus_settings.load_configs([path])
    assert [file.path for file in watched.files()] == [two, one]
    assert said(watched) == (modes.SYNC, one)


def test_the_same_value_in_a_later_file_changes_the_origin(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    one = write(tmp_path / "one.ini", f"{MODE_KEY} = 'SYNC'")
    taurus_settings.load_configs([one])
    assert said(watched) == (modes.SYNC, one)
    two = write(tmp_path / "two.ini", f"{MODE_KEY} = 'SYNC'")
    taurus_settings.load_configs([two])
    assert said(watched) == (modes.SYNC, two)


def test_a_file_that_does_not_exist_is_skipped(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    assert taurus_settings.load_configs([str(tmp_path / "none.ini")]) == []
    assert watched.files() == ()


def test_watching_twice_is_watching_once(
    watched: CustomSettings, taurus_settings: ModuleType
) -> None:
    before = taurus_settings.load_configs
    watched.watch()
    assert taurus_settings.load_configs is before


def test_load_configs_keeps_its_name_and_its_words(
    watched: CustomSettings,
    taurus_settings: ModuleType,
) -> None:
    assert taurus_settings.load_configs.__name__ == "load_configs"
    assert "filenames" in taurus_settings.load_configs.__doc__


# --- what is wrong -------------------------------------------------------------------


def test_an_unknown_mode_in_a_file_is_one_warning_that_names_it(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    path = write(taurus_settings.SYSTEM_CFG_FILE, f"{MODE_KEY} = 'SYNK'")
    taurus_settings.load_configs()
    (problem,) = custom.problems()
    for word in (path, MODE_KEY, "'SYNK'", *map(str, modes.MODES)):
        assert word in str(problem)
    assert custom.current().source.mode is None


def test_an_unquoted_text_is_a_problem_and_the_good_keys_count(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "bad.ini",
        "TANGO_FIRST_READ_WORKERS = 3",
        f"{MODE_KEY} = SYNC",
        f"{RULES_KEY} = [('*', 'ASYNC')]",
    )
    assert taurus_settings.load_configs([path]) == [path]
    current = watched.current()
    assert current.first_read_workers == 3
    assert current.source.rules == RuleSet([Rule("*", modes.ASYNC)])
    assert current.source.mode is None
    (problem,) = watched.problems()
    assert (problem.origin, problem.key) == (path, MODE_KEY)


def test_an_unquoted_text_leaves_what_a_weaker_file_says(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    weaker = write(taurus_settings.USER_CFG_FILE, f"{MODE_KEY} = 'ASYNC'")
    taurus_settings.load_configs()
    taurus_settings.load_configs([write(tmp_path / "bad.ini", f"{MODE_KEY} = SYNC")])
    assert said(watched) == (modes.ASYNC, weaker)


@pytest.mark.parametrize(
    "content", ["no section", "[taurus]\nA\n", "[taurus]\nA='%'\n"]
)
def test_what_is_no_settings_file_is_a_problem(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "bad.ini"
    path.write_text(content)
    taurus_settings.load_configs([str(path)])
    (problem,) = watched.problems()
    assert problem.origin == str(path)


def test_somebody_elses_section_raises_as_ever(
    watched: CustomSettings,
    taurus_settings: ModuleType,
    tmp_path: Path,
) -> None:
    path = tmp_path / "other.ini"
    path.write_text("[other]\nA = unquoted\n")
    with pytest.raises(ValueError, match="malformed"):
        taurus_settings.load_configs([str(path)], "other")


def test_one_name_alone_is_a_file_too(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    path = write(tmp_path / "bad.ini", "A = unquoted", f"{MODE_KEY} = 'SYNC'")
    taurus_settings.load_configs(path)
    assert said(watched) == (modes.SYNC, path)


def test_a_path_is_a_file_too(
    watched: CustomSettings, taurus_settings: ModuleType, tmp_path: Path
) -> None:
    path = write(tmp_path / "bad.ini", "A = unquoted", f"{MODE_KEY} = 'SYNC'")
    taurus_settings.load_configs(Path(path))
    assert said(watched)[0] is modes.SYNC


@pytest.mark.parametrize("value", [7, None, ["SYNC"], 2.5], ids=repr)
def test_an_indigestible_mode_is_reported_and_stock_taurus_lives(
    custom: CustomSettings, taurus_settings: ModuleType, value: object
) -> None:
    taurus_settings.TANGO_EVENT_SUB_MODE = value
    for _ in range(3):
        (problem,) = custom.problems()
        assert (problem.key, problem.value) == (MODE_KEY, repr(value))
        assert problem.origin == PROGRAM_ORIGIN
        # What the constructor of TangoAttribute does with it.
        assert taurus_settings.TANGO_EVENT_SUB_MODE.upper() == "ASYNCREAD"
        # Reading anew because of something else must not forget it.
        taurus_settings.TANGO_FIRST_READ_WORKERS = object()
        custom.current()
        del taurus_settings.TANGO_FIRST_READ_WORKERS


def test_an_indigestible_mode_of_a_file_keeps_its_origin(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    path = write(taurus_settings.USER_CFG_FILE, f"{MODE_KEY} = 7")
    taurus_settings.load_configs()
    assert [problem.origin for problem in custom.problems()] == [path]
    assert [problem.origin for problem in custom.problems()] == [path]


def test_what_is_put_right_is_no_problem_any_more(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    for good in ("SYNC", "ASYNCREAD"):
        taurus_settings.TANGO_EVENT_SUB_MODE = 7
        assert len(custom.problems()) == 1
        taurus_settings.TANGO_EVENT_SUB_MODE = good
        assert custom.problems() == ()
        expected = None if good == "ASYNCREAD" else modes.parse(good)
        assert custom.current().source.mode is expected


values = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=8),
    st.sampled_from(["sync", "ASYNC", "CHANGE_EVENT"]),
    st.lists(st.text(max_size=3) | st.tuples(st.text(), st.just("SYNC")), max_size=3),
)


@settings(
    max_examples=300,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(mode=values, rules=values, events=values, workers=values)
def test_whatever_is_assigned_can_be_used(
    custom: CustomSettings, taurus_settings: ModuleType, **assigned: Any
) -> None:
    taurus_settings.TANGO_EVENT_SUB_MODE = assigned["mode"]
    taurus_settings.TANGO_EVENT_SUB_MODE_RULES = assigned["rules"]
    taurus_settings.TANGO_EVENTS_TO_SUBSCRIBE = assigned["events"]
    taurus_settings.TANGO_FIRST_READ_WORKERS = assigned["workers"]
    current = custom.current()
    assert current.source.mode in (None, *modes.MODES)
    assert 1 <= current.first_read_workers <= 256
    assert isinstance(taurus_settings.TANGO_EVENT_SUB_MODE, str)
    assert all(problem.origin == PROGRAM_ORIGIN for problem in custom.problems())


# --- threads -------------------------------------------------------------------------


class Meanwhile:
    """A bad value; while somebody reports it, the program assigns something."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __repr__(self) -> str:
        self._module.TANGO_EVENT_SUB_MODE = "STATELESS"
        return "meanwhile"


def test_what_is_assigned_while_the_settings_are_read_counts_the_next_time(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    taurus_settings.TANGO_EVENT_SUB_MODE = "SYNC"
    taurus_settings.TANGO_FIRST_READ_WORKERS = Meanwhile(taurus_settings)
    custom.current()
    assert taurus_settings.TANGO_EVENT_SUB_MODE == "STATELESS"
    assert custom.current().source.mode is modes.STATELESS


def test_many_threads_may_ask_while_the_program_assigns(
    custom: CustomSettings, taurus_settings: ModuleType
) -> None:
    seen: list[object] = []
    end = threading.Event()

    def ask() -> None:
        while not end.is_set():
            seen.append(custom.current().source.mode)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for name in ["SYNC", "ASYNC"] * 100:
        taurus_settings.TANGO_EVENT_SUB_MODE = name
        custom.current()
    end.set()
    for asker in askers:
        asker.join(SOON)
    assert set(seen) <= {None, modes.SYNC, modes.ASYNC}
    assert len(seen) > 0


def test_the_settings_file_that_we_ship_means_the_defaults(
    watched: CustomSettings, taurus_settings: ModuleType
) -> None:
    shipped = ROOT / "conf" / "taurus.ini"
    (read,) = taurus_settings.load_configs([str(shipped)])
    assert read == str(shipped)
    assert watched.problems() == ()
    now, defaults = watched.current(), Settings()
    assert set(KEYS) <= set(vars(taurus_settings))
    assert now.source.mode is modes.DEFAULT
    assert len(now.source.rules) == 0
    for field in (setting.field for setting in ALL if setting.field):
        assert getattr(now, field) == getattr(defaults, field)
    assert now.events_disabled_by is None
