"""The plugin's command line options, as click decorators.

For programs with a click command of their own::

    @click.command()
    @taurus_tpo.cli.options.tango_event_sub_mode
    @taurus_tpo.cli.options.tango_event_sub_mode_for
    def panel():
        ...

The decorated function gets no argument for them: the values are stored in
:data:`taurus_tpo.environment.command_line.COMMAND_LINE`, which the factory reads.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

import click

from taurus_tpo.core import modes
from taurus_tpo.core.modes import SubMode, UnknownModeError
from taurus_tpo.core.precedence import ModeSource
from taurus_tpo.core.rules import Rule, RuleSet
from taurus_tpo.environment.activation import decide
from taurus_tpo.environment.command_line import COMMAND_LINE, ORIGIN
from taurus_tpo.environment.taurus_compat import (
    custom_settings,
    disable_events_of_stock,
)


class ModeType(click.ParamType):
    """One of the five modes, in any case."""

    name = "mode"

    def convert(self, value: Any, param: Any, ctx: Any) -> SubMode:
        """Return the mode; fail with a usage error that lists the five modes."""
        try:
            return modes.parse(value)
        except UnknownModeError as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, *_args: Any, **_kwargs: Any) -> str:
        """Return the placeholder of the value in the help text."""
        return "[" + "|".join(mode.name for mode in modes.MODES) + "]"


class RuleType(click.ParamType):
    """``PATTERN=MODE``."""

    name = "PATTERN=MODE"

    def convert(self, value: Any, param: Any, ctx: Any) -> Rule:
        """Return the rule; fail with a usage error if it is invalid."""
        pattern, equals, mode = value.rpartition("=")
        if not pattern or not equals:
            example = "for example sys/slow/*/*=Async"
            self.fail(f"{value!r} is no PATTERN=MODE, {example}", param, ctx)
        return Rule(pattern, ModeType().convert(mode, param, ctx))


def _said_mode(mode: SubMode | None) -> None:
    COMMAND_LINE.source = COMMAND_LINE.source.saying(mode)


def _said_rules(rules: tuple[Rule, ...]) -> None:
    mode = COMMAND_LINE.source.mode
    COMMAND_LINE.source = ModeSource(ORIGIN, ORIGIN, mode, RuleSet(rules))


def _said_disabled(disabled: bool) -> None:
    COMMAND_LINE.events_disabled = disabled


def _keep(say: Callable[[Any], None]) -> Callable[[Any, Any, Any], None]:
    """Return a click callback that stores the value, replacing an earlier one.

    The default value of a subcommand does not replace the value of its group.
    """

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value or not _is_above(ctx, param):
            say(value)

    return callback


def _is_above(ctx: click.Context, param: click.Parameter) -> bool:
    """Return whether a parent group has the same option."""
    above = ctx.parent
    while above is not None:
        if any(other.name == param.name for other in above.command.params):
            return True
        above = above.parent
    return False


tango_event_sub_mode = click.option(
    "--tango-event-sub-mode",
    type=ModeType(),
    default=None,
    expose_value=False,
    callback=_keep(_said_mode),
    help="Tango subscription mode to use for change events. "
    f"[default: the settings, then {modes.DEFAULT}]",
)

tango_event_sub_mode_for = click.option(
    "--tango-event-sub-mode-for",
    type=RuleType(),
    multiple=True,
    expose_value=False,
    callback=_keep(_said_rules),
    help="The mode for the attributes whose name matches PATTERN, a shell glob such as "
    "'sys/slow/*/*'. Repeatable; the first match wins, before --tango-event-sub-mode.",
)

disable_tango_event_subscription = click.option(
    "--disable-tango-event-subscription",
    is_flag=True,
    expose_value=False,
    callback=_keep(_said_disabled),
    help="Disable all Tango event subscriptions except for ATTR_CONF_EVENT "
    "for all attributes, and enable polling.",
)

#: All options, in the order of the help text.
ALL = (
    tango_event_sub_mode,
    tango_event_sub_mode_for,
    disable_tango_event_subscription,
)


def install(group: click.Group) -> None:
    """Add the options to Taurus's own ``taurus`` command.

    Taurus 5.2 has none of them. Those of Taurus 5.3 and 5.4 are replaced, because they
    accept fewer values and create a factory before the settings are known. Repeated
    calls have no effect.
    """
    if getattr(group.callback, "taurus_tpo_options", False):
        return
    stock = {param.name: param for param in group.params}
    ours = _as_parameters()
    replaced = [str(param.name) for param in ours if param.name in stock]
    kept = [param for name, param in stock.items() if name not in replaced]
    group.params = [*kept, *ours]
    group.callback = _calling(group.callback, replaced)


def _as_parameters() -> list[click.Parameter]:
    def nothing() -> None:
        pass

    for option in reversed(ALL):
        nothing = option(nothing)
    return click.command(nothing).params


def _calling(stock: Any, replaced: list[str]) -> Any:
    """Return the group's callback, wrapped so that it does not get our options."""
    neutral = dict.fromkeys(replaced)

    @functools.wraps(stock)
    def callback(*args: Any, **kwargs: Any) -> Any:
        result = stock(*args, **kwargs, **neutral)
        if not decide().active:
            _tell_stock(replaced)
        return result

    vars(callback)["taurus_tpo_options"] = True
    return callback


def _tell_stock(replaced: list[str]) -> None:
    """Pass the options on to stock Taurus, as far as it has them."""
    import taurus

    mode = COMMAND_LINE.source.mode
    has_modes = "tango_event_sub_mode" in replaced
    if mode is not None and has_modes:
        vars(custom_settings())["TANGO_EVENT_SUB_MODE"] = mode.key
    if mode is not None and not has_modes:
        taurus.warning("taurus_tpo is off: --tango-event-sub-mode is ignored")
    if COMMAND_LINE.source.rules:
        taurus.warning("taurus_tpo is off: --tango-event-sub-mode-for is ignored")
    if COMMAND_LINE.events_disabled:
        disable_events_of_stock(taurus.Factory("tango"))
