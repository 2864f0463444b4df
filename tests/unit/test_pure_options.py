"""The options of the command line."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import click
import pytest
import taurus.cli.common
from click.testing import CliRunner, Result
from program_support import run_program
from taurus.cli.cli import taurus_cmd

from taurus_tpo.cli import options
from taurus_tpo.core import modes
from taurus_tpo.core.rules import Rule, RuleSet
from taurus_tpo.environment.command_line import CommandLine

NAMES = [mode.name for mode in modes.MODES]
OPTIONS = [
    "--tango-event-sub-mode",
    "--tango-event-sub-mode-for",
    "--disable-tango-event-subscription",
]


@click.command()
@options.tango_event_sub_mode
@options.tango_event_sub_mode_for
@options.disable_tango_event_subscription
def panel() -> None:
    """A program of somebody's, which gets no argument for the options."""


@pytest.fixture(autouse=True)
def environment(
    command_line: CommandLine,
    taurus_settings: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command line that has said nothing, in a process where the plugin is on."""
    monkeypatch.delenv("TAURUS_TPO", raising=False)


def run(command: click.Command, *words: str) -> Result:
    return CliRunner().invoke(command, words, prog_name="panel")


def said(command: click.Command, *words: str) -> None:
    result = run(command, *words)
    assert result.exit_code == 0, result.output


# --- a command of somebody's ---------------------------------------------------------


def test_nothing_typed_is_nothing_said(command_line: CommandLine) -> None:
    said(panel)
    assert command_line.source == CommandLine().source
    assert not command_line.events_disabled


@pytest.mark.parametrize("name", NAMES)
def test_a_mode_is_kept_in_any_case(command_line: CommandLine, name: str) -> None:
    for word in (name, name.lower(), name.upper()):
        said(panel, "--tango-event-sub-mode", word)
        assert command_line.source.mode is modes.parse(name)


def test_rules_are_kept_in_their_order(command_line: CommandLine) -> None:
    words = ["sys/slow/*=Async", "*=sync", "//host:1/*/x=y=STATELESS"]
    said(panel, *[f"--tango-event-sub-mode-for={word}" for word in words])
    assert command_line.source.rules == RuleSet(
        [
            Rule("sys/slow/*", modes.ASYNC),
            Rule("*", modes.SYNC),
            Rule("//host:1/*/x=y", modes.STATELESS),
        ]
    )


def test_the_switch_is_kept(command_line: CommandLine) -> None:
    said(panel, "--disable-tango-event-subscription")
    assert command_line.events_disabled


@pytest.mark.parametrize("reverse", [False, True])
def test_the_options_may_come_in_any_order(
    command_line: CommandLine, reverse: bool
) -> None:
    words = ["--tango-event-sub-mode=Sync", "--tango-event-sub-mode-for=*=Async"]
    said(panel, *(words[::-1] if reverse else words))
    assert command_line.source.mode is modes.SYNC
    assert len(command_line.source.rules) == 1


def test_each_command_line_is_parsed_anew(command_line: CommandLine) -> None:
    said(
        panel,
        "--tango-event-sub-mode=Sync",
        "--tango-event-sub-mode-for=*=Async",
        "--disable-tango-event-subscription",
    )
    said(panel)
    assert command_line.source == CommandLine().source
    assert not command_line.events_disabled


def test_it_is_called_the_command_line_where_people_read_it(
    command_line: CommandLine,
) -> None:
    said(panel, "--tango-event-sub-mode=Sync", "--tango-event-sub-mode-for=*=Async")
    assert command_line.source.mode_origin == "command line"
    assert command_line.source.rules_origin == "command line"


@pytest.mark.parametrize(
    "words",
    [
        ("--tango-event-sub-mode", "asinc"),
        ("--tango-event-sub-mode-for", "sys/*=asinc"),
    ],
)
def test_an_unknown_mode_is_a_usage_error_that_lists_the_five(
    command_line: CommandLine, words: tuple[str, str]
) -> None:
    result = run(panel, *words)
    assert result.exit_code == 2
    output = " ".join(result.output.split())
    assert f"Invalid value for '{words[0]}': 'asinc' is no event" in output
    assert ", ".join(NAMES) in output
    assert "Did you mean Async?" in output
    assert command_line.source == CommandLine().source


@pytest.mark.parametrize("word", ["Async", "=Async", "", "sys/*"])
def test_what_is_no_rule_is_a_usage_error_with_an_example(word: str) -> None:
    result = run(panel, "--tango-event-sub-mode-for", word)
    assert result.exit_code == 2
    output = " ".join(result.output.split())
    assert f"{word!r} is no PATTERN=MODE, for example sys/slow/*/*=Async" in output


def test_a_rule_without_a_mode_is_a_usage_error() -> None:
    result = run(panel, "--tango-event-sub-mode-for", "sys/*=")
    assert result.exit_code == 2
    assert "Stateless" in result.output


def test_the_help_shows_the_options_and_the_modes() -> None:
    output = " ".join(run(panel, "--help").output.split())
    assert all(option in output for option in OPTIONS)
    assert "[SyncRead|AsyncRead|Sync|Async|Stateless]" in output
    assert "PATTERN=MODE" in output


# --- the group of Taurus -------------------------------------------------------------


class Stock:
    """What the stock callback was called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def group_52(self) -> click.Group:
        """A group like that of Taurus 5.2, which has none of the options."""

        @click.group("taurus")
        @click.option("--rconsole", type=click.INT, default=None)
        def group(**values: Any) -> None:
            self.calls.append(values)

        return self._with_command(group)

    def group_54(self) -> click.Group:
        """A group like that of Taurus 5.4, which has two of them."""

        @click.group("taurus")
        @click.option("--disable-tango-event-subscription", is_flag=True)
        @click.option("--tango-event-sub-mode", type=click.Choice(NAMES), default=None)
        @click.option("--rconsole", type=click.INT, default=None)
        def group(**values: Any) -> None:
            self.calls.append(values)

        return self._with_command(group)

    @staticmethod
    def _with_command(group: click.Group) -> click.Group:
        group.command("probe")(lambda: None)
        return group


@pytest.fixture
def stock() -> Stock:
    """A stock callback that takes note."""
    return Stock()


MakeGroup = Callable[[Stock], click.Group]
both = pytest.mark.parametrize("make", [Stock.group_52, Stock.group_54])


@both
def test_the_group_has_each_option_once(stock: Stock, make: MakeGroup) -> None:
    group = make(stock)
    for _ in range(2):
        options.install(group)
    found = [word for param in group.params for word in param.opts]
    assert sorted(found) == sorted(["--rconsole", *OPTIONS])


@both
def test_installing_twice_is_installing_once(stock: Stock, make: MakeGroup) -> None:
    group = make(stock)
    options.install(group)
    params, callback = group.params, group.callback
    options.install(group)
    assert group.params is params
    assert group.callback is callback
    said(group, "probe")
    assert len(stock.calls) == 1


@both
def test_what_is_typed_reaches_us(
    stock: Stock, make: MakeGroup, command_line: CommandLine
) -> None:
    group = make(stock)
    options.install(group)
    said(
        group,
        "--tango-event-sub-mode=asyncread",
        "--tango-event-sub-mode-for=*=Sync",
        "--disable-tango-event-subscription",
        "probe",
    )
    assert command_line.source.mode is modes.ASYNC_READ
    assert command_line.source.rules == RuleSet([Rule("*", modes.SYNC)])
    assert command_line.events_disabled


def test_the_stock_callback_of_54_gets_neutral_values(stock: Stock) -> None:
    group = stock.group_54()
    options.install(group)
    said(
        group,
        "--rconsole=7",
        "--tango-event-sub-mode=Sync",
        "--disable-tango-event-subscription",
        "probe",
    )
    (values,) = stock.calls
    assert values.pop("rconsole") == 7
    assert set(values) == {"tango_event_sub_mode", "disable_tango_event_subscription"}
    assert not any(values.values())


def test_the_stock_callback_of_52_gets_nothing_that_it_does_not_know(
    stock: Stock,
) -> None:
    group = stock.group_52()
    options.install(group)
    said(group, "--tango-event-sub-mode=Sync", "probe")
    assert stock.calls == [{"rconsole": None}]


@both
def test_a_bad_mode_of_the_group_is_a_usage_error(
    stock: Stock, make: MakeGroup
) -> None:
    group = make(stock)
    options.install(group)
    assert run(group, "--tango-event-sub-mode=Bad", "probe").exit_code == 2
    assert stock.calls == []


def test_where_the_plugin_is_on_the_settings_stay_as_they_are(
    stock: Stock, taurus_settings: ModuleType
) -> None:
    group = stock.group_54()
    options.install(group)
    said(group, "--tango-event-sub-mode=Sync", "probe")
    assert taurus_settings.TANGO_EVENT_SUB_MODE == "ASYNCREAD"


def test_where_the_plugin_is_off_stock_taurus_gets_the_mode(
    stock: Stock, taurus_settings: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAURUS_TPO", "0")
    group = stock.group_54()
    options.install(group)
    said(group, "--tango-event-sub-mode=sync", "probe")
    assert taurus_settings.TANGO_EVENT_SUB_MODE == "SYNC"


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Taurus is asked to warn of."""
    told: list[str] = []
    monkeypatch.setattr("taurus.warning", lambda text, *args: told.append(text % args))
    return told


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (Stock.group_52, "--tango-event-sub-mode=Sync"),
        (Stock.group_52, "--tango-event-sub-mode-for=*=Sync"),
        (Stock.group_54, "--tango-event-sub-mode-for=*=Sync"),
    ],
)
def test_what_stock_taurus_does_not_have_is_ignored_with_a_warning(
    stock: Stock,
    make: MakeGroup,
    word: str,
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TAURUS_TPO", "0")
    group = make(stock)
    options.install(group)
    said(group, word, "probe")
    assert len(warnings) == 1
    assert "taurus_tpo is off" in warnings[0]


def test_rules_that_are_ignored_beside_a_mode_are_warned_of(
    stock: Stock, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAURUS_TPO", "0")
    group = stock.group_54()
    options.install(group)
    said(
        group,
        "--tango-event-sub-mode=Sync",
        "--tango-event-sub-mode-for=*=Async",
        "probe",
    )
    assert len(warnings) == 1


def test_a_subcommand_with_the_options_keeps_what_the_group_was_told(
    stock: Stock, command_line: CommandLine
) -> None:
    group = stock.group_54()
    options.install(group)
    group.add_command(panel)
    said(group, "--tango-event-sub-mode=Sync", "panel")
    assert command_line.source.mode is modes.SYNC


# --- the real one --------------------------------------------------------------------


@pytest.fixture
def taurus_group() -> click.Group:
    """Taurus's own command, with a subcommand that does nothing."""
    group = copy.copy(taurus_cmd)
    group.commands = {}
    group.command("probe")(lambda: None)
    return group


def test_the_taurus_command_has_each_option_once(taurus_group: click.Group) -> None:
    found = [word for param in taurus_group.params for word in param.opts]
    assert [found.count(option) for option in OPTIONS] == [1, 1, 1]


def test_the_taurus_command_tells_us(
    taurus_group: click.Group, command_line: CommandLine
) -> None:
    said(taurus_group, "--tango-event-sub-mode=sync", "probe")
    assert command_line.source.mode is modes.SYNC
    result = run(taurus_group, "--tango-event-sub-mode=synk", "probe")
    assert result.exit_code == 2
    assert "Did you mean Sync?" in result.output


@pytest.mark.skipif(
    not hasattr(taurus.cli.common, "tango_event_sub_mode"),
    reason="Taurus before 5.4 has no modes",
)
@pytest.mark.parametrize(
    ("switch", "printed"),
    [
        ("0", "TangoFactory True SYNC"),
        ("1", "TpoTangoFactory True ASYNCREAD"),
    ],
)
def test_the_words_reach_the_factory_that_holds_the_scheme(
    switch: str, printed: str
) -> None:
    words = "--tango-event-sub-mode=sync --disable-tango-event-subscription probe"
    done = run_program("probe_command", *words.split(), TAURUS_TPO=switch)
    assert done.stdout.splitlines()[-1:] == [printed], done.stderr
