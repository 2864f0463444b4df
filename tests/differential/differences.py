"""The differences that are meant, as a table. Pure.

"What is different" of ``docs/how-to/upgrade.rst`` is drawn from it. An entry is here
because it is better for the user, never because a run would not pass without it; one
that no scenario shows any more is wrong, and fails the test: see ``fixed.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Callable

from tests.differential.compare import (
    MISSING,
    Difference,
    as_changes,
    has_events,
    is_polled,
)
from tests.differential.scenario import (
    CLIENT,
    DATABASE,
    PROCESS,
    SERVER,
    SHOW,
    Scenario,
    Step,
)

Applies = Callable[[Difference, Scenario], bool]


@dataclass(frozen=True)
class Meant:
    """A difference that is meant.

    :param key: names it; the fixed scenario that shows it has the same name.
    :param applies: whether a difference that was seen is this one.
    :param words: what it is, for users: a sentence or two of reStructuredText.
    :param reason: why it is better.
    :param stock_is_wrong: whether it is a fault of stock Taurus.
    :param held_by: the name of a test that shows it, where no scenario can.
    :param by_chance: whether no scenario can show it each time: it depends on how long
        something takes.
    """

    key: str
    applies: Applies
    words: str
    reason: str
    stock_is_wrong: bool = False
    held_by: str = ""
    by_chance: bool = False


# --- what is told ---


def _flat(told: Any) -> list[Any]:
    """Return the records of a listener, step after step."""
    if not isinstance(told, list):
        return []
    return [record for segment in told for record in segment]


def _is_polled_meanwhile(difference: Difference, scenario: Scenario) -> bool:
    if difference.part != "told":
        return False
    stock, plugin = _flat(difference.stock), _flat(difference.plugin)
    if not stock or stock[0][0] != "Periodic":
        return False
    # It is told as a change as long as nobody knows that there will be no events.
    return plugin[:1] == [["Change", stock[0][1]]] and plugin[1:] in (stock, stock[1:])


def _is_polled_at_another_moment(difference: Difference, scenario: Scenario) -> bool:
    """Return whether a later listener is told what a poll has brought, or before it.

    Or an error that was over before the next poll.
    """
    on = difference.on
    if difference.part != "told" or on is None or not is_polled(scenario, on):
        return False
    if _fails_for_a_moment(scenario, on):
        values = [_changes(_flat(one)) for one in (difference.stock, difference.plugin)]
        return values[0] == values[1] != []
    listens = scenario.of(on, CLIENT, "listen")
    earlier, later = _flat(difference.stock), _flat(difference.plugin)
    if len(earlier) < len(later):
        earlier, later = later, earlier
    return len(listens) > 1 and bool(later) and earlier[-len(later) :] == later


def _fails_for_a_moment(scenario: Scenario, on: int) -> bool:
    """Return whether the reads of an attribute fail, and then do not."""
    fails = [
        bool(step.args.get("failing", True)) for step in scenario.of(on, SERVER, "fail")
    ]
    return True in fails and False in fails[fails.index(True) :]


def _has_no_value_after_a_failed_poll(
    difference: Difference, scenario: Scenario
) -> bool:
    """Return whether the last poll failed, and stock Taurus returns what was before."""
    on = difference.on
    if on is None or not _does(difference, *_READS) or not is_polled(scenario, on):
        return False
    before = scenario.steps[: _index(difference)]
    fails = [
        bool(step.args.get("failing", True))
        for step in before
        if (step.who, step.do, step.on) == (SERVER, "fail", on)
    ]
    has_none = difference.plugin is None or _has_raised(difference.plugin)
    return bool(fails) and fails[-1] and has_none and not _has_raised(difference.stock)


# --- flags ---


def _greets_one_more(difference: Difference) -> bool:
    """Return whether a listener is told what is known, and nothing else is told."""
    plugin, stock = _flat(difference.plugin), _flat(difference.stock)
    kinds = [kind for kind, _ in plugin[:2]]
    # Of one that is polled, too, a value that is told twice is seen once.
    return kinds == ["Config", "Change"] and stock in (plugin[2:], plugin[1:])


def _without_a_greeting(difference: Difference) -> Difference:
    """Return it without what a listener is told that is one more."""
    plugin = _flat(difference.plugin)
    is_greeted = [kind for kind, _ in plugin[:2]] == ["Config", "Change"]
    return replace(difference, plugin=[plugin[2:]]) if is_greeted else difference


def _greets_again(difference: Difference, scenario: Scenario) -> bool:
    """Return whether who comes again is told the value, and nothing else is told."""
    on = difference.on
    if on is None:
        return False
    comings = scenario.of(on, CLIENT, "listen", "unlisten", "drop")
    leaves = [at for at, step in enumerate(comings) if step.do != "listen"]
    again = bool(leaves) and any(one.do == "listen" for one in comings[leaves[0] :])
    stock, plugin = (
        _changes(_flat(one)) for one in (difference.stock, difference.plugin)
    )
    # In stock Taurus the first event may never come.
    is_same = plugin == stock or (not stock and len(plugin) == 1)
    return again and is_same and _tells_more(difference)


def _repeats_what_was_read(difference: Difference) -> bool:
    """Return whether stock's first event says what a read has told, and is older."""
    stock = _flat(difference.stock)
    changes = [at for at, (kind, _) in enumerate(stock) if kind == "Change"]
    if not changes or changes[0] == 0:
        return False
    at = changes[0]
    repeats = stock[at][1] == stock[at - 1][1]
    rest = replace(difference, stock=[stock[:at] + stock[at + 1 :]])
    return repeats and _tells_more_but_for_config(rest)


def _knows_that_it_is_subscribed(difference: Difference, scenario: Scenario) -> bool:
    if scenario.pairing in ("Sync", "Async") and difference.part == "told":
        rest = _without_a_greeting(difference)
        greets_again = any(_greets_again(one, scenario) for one in (difference, rest))
        greets_one_more = _greets_one_more(difference)
        return greets_one_more or greets_again or _repeats_what_was_read(difference)
    if difference.part != "end":
        return False
    flags = [("isUsingEvents", False, True), ("subscription", *_SUBSCRIBED)]
    if difference.on is not None and is_polled(scenario, difference.on):
        flags.append(("subscription", *_FAILED))
    seen = (difference.stock, difference.plugin)
    return any(
        difference.name.endswith(name) and seen == tuple(values)
        for name, *values in flags
    )


#: What stock Taurus says of a subscription, and what is so.
_SUBSCRIBED = ("Subscribing", "Subscribed")
_FAILED = ("Subscribing", "PendingSubscribe")


# --- what is read and told ---

#: What reads an attribute.
_READS = ("read", "get", "value_obj")

#: What reads the state of the device, which is an attribute, too.
_STATE_READS = ("state", "state_obj")


def _is_listened_to(steps: Iterable[Step], on: int) -> bool:
    """Return whether somebody listens to an attribute after these steps."""
    names: set[str] = set()
    for step in steps:
        if step.who != CLIENT or step.on != on:
            continue
        if step.do == "listen":
            names.add(str(step.args.get("name", "A")))
        elif step.do == "unlisten":
            names.discard(str(step.args.get("name", "A")))
        elif step.do == "drop":
            names.clear()
    return bool(names)


def _polls_for_nobody(difference: Difference, scenario: Scenario) -> bool:
    on = difference.on
    if (
        difference.part != "end"
        or on is None
        or not difference.name.endswith("polling")
    ):
        return False
    is_it = (difference.stock, difference.plugin) == (True, False)
    return is_it and not _is_listened_to(scenario.steps, on)


def _index(difference: Difference) -> int:
    """Return the index of a step."""
    return int(difference.name.partition(":")[0])


def _does(difference: Difference, *does: str) -> bool:
    """Return whether the difference is in the result of such a step."""
    if difference.part != "step":
        return False
    return difference.name.partition(": client: ")[2].split(" ")[0] in does


def _has_raised(observed: Any) -> bool:
    """Return whether a step has raised."""
    return isinstance(observed, dict) and "raised" in observed


def _is_unknown(state: Any) -> bool:
    """Return whether a program does not learn the state of a device."""
    return _has_raised(state) or state == "TaurusDevState.Undefined"


def _reads_unheard(difference: Difference, scenario: Scenario) -> bool:
    if difference.on is None:
        return False
    if _does(difference, *_STATE_READS):
        return not _is_unknown(difference.plugin)
    before = scenario.steps[: _index(difference)] if difference.part == "step" else ()
    # Taurus looks at rvalue to see whether limits can be set: it may have no value, or
    # that of stock Taurus another unit than the attribute has by now.
    looks = {"raised": "AssertionError"} in (difference.stock, difference.plugin)
    reads = _does(difference, *_READS) or (looks and _does(difference, "set_range"))
    return reads and not _is_kept_current(before, difference.on, scenario)


def _is_kept_current(steps: Iterable[Step], on: int, scenario: Scenario) -> bool:
    """Return whether events or polls bring what an attribute is after these steps."""
    done = list(steps)
    return _is_listened_to(done, on) and not _is_left_alone(done, on, scenario)


def _is_left_alone(steps: Iterable[Step], on: int, scenario: Scenario) -> bool:
    """Return whether an attribute without events is not polled after these steps."""
    if on >= len(scenario.attributes) or has_events(scenario, on):
        return False
    polling = ("enable_polling", "disable_polling")
    said = [step.do for step in steps if step.on == on and step.do in polling]
    return said[-1:] == ["disable_polling"]


def _tells_more(difference: Difference) -> bool:
    """Return whether the listener is told all that stock tells, and values besides."""
    if difference.part != "told":
        return False
    rest = iter(_flat(difference.plugin))
    missing = [one for one in _flat(difference.stock) if one not in rest]
    kinds = {kind for kind, _ in _flat(difference.plugin)}
    return not missing and kinds <= {"Change", "Error", "Config", "Periodic"}


def _tells_more_values(difference: Difference) -> bool:
    """Return whether it is told more, but no more configurations."""
    both = (difference.stock, difference.plugin)
    counts = [sum(kind == "Config" for kind, _ in _flat(told)) for told in both]
    return counts[0] == counts[1] and _tells_more(difference)


def _on(difference: Difference, scenario: Scenario) -> int | None:
    on = difference.on
    return on if on is not None and on < len(scenario.attributes) else None


def _tells_what_was_read(difference: Difference, scenario: Scenario) -> bool:
    on = _on(difference, scenario)
    if difference.part != "told":
        return False
    if on is None:
        # Those who listen to the device, where its state was read.
        reads = [step for step in scenario.steps if step.do == "state_obj"]
        from_device = any(step.args.get("cache") is False for step in reads)
        return from_device and _tells_more(difference)
    reads = scenario.of(on, CLIENT, "read", "value_obj")
    if all(step.args.get("cache", True) is True for step in reads):
        # Where nothing keeps the cache current, each read goes to the device.
        reads = scenario.of(on, CLIENT, *_READS)
        if not (reads and _is_left_alone(scenario.steps, on, scenario)):
            return False
    both = (difference.stock, difference.plugin)
    if not all(isinstance(told, list) for told in both):
        return False
    # Where it is polled, the read may bring what a poll brings in stock.
    stock, plugin = map(as_changes, both)
    return _tells_more_values(replace(difference, stock=stock, plugin=plugin))


def _changes_silently(scenario: Scenario, on: int) -> bool:
    """Return whether an attribute with events changes without one."""
    attribute = scenario.attributes[on]
    if not attribute.of_kind.is_readable:
        # No event comes of one that can only be written.
        changes = scenario.of(on, SERVER, "set", "fail")
        return bool(changes or scenario.of(on, CLIENT, "write"))
    # A device that was made anew holds what it held at first, and says nothing. Where
    # the server refuses what is written, Tango holds it all the same.
    anew = bool(scenario.of(on, SERVER, "dev_restart"))
    refused = scenario.of(on, SERVER, "refuse") and scenario.of(on, CLIENT, "write")
    steps = scenario.of(on, SERVER, "set", "fail")
    silent = any(not step.args.get("event", True) for step in steps)
    return attribute.events and (anew or bool(refused) or silent)


def _finds_silent_changes(difference: Difference, scenario: Scenario) -> bool:
    on = _on(difference, scenario)
    if on is None or not _changes_silently(scenario, on):
        return False
    return _tells_more_but_for_config(difference) or _does(difference, *_READS)


def _heals_a_stamp_ahead(difference: Difference, scenario: Scenario) -> bool:
    on = _on(difference, scenario)
    if on is None:
        return False
    back = any(
        step.args.get("shift", 0.0) < 0 for step in scenario.of(on, SERVER, "set")
    )
    if not back or difference.part != "told":
        return back and _does(difference, *_READS)
    return _tells_more_but_for_config(difference)


def _tells_more_but_for_config(difference: Difference) -> bool:
    """Return the same as :func:`_tells_more`, whatever value a configuration has.

    It is told with the value of that moment.
    """
    if difference.part != "told":
        return False
    both = (difference.stock, difference.plugin)
    stock, plugin = map(_without_value_of_config, both)
    return _tells_more(replace(difference, stock=stock, plugin=plugin))


def _without_value_of_config(told: Any) -> Any:
    """Return the records of a listener, without the values of configurations."""
    if not isinstance(told, list):
        return told
    return [
        [[kind, None if kind == "Config" else value] for kind, value in segment]
        for segment in told
    ]


def _shows_an_invalid_enum(difference: Difference, scenario: Scenario) -> bool:
    on = _on(difference, scenario)
    if on is None or not _has_an_invalid_enum(scenario, on):
        return False
    if difference.part == "told":
        return _errors(difference.plugin) <= _errors(difference.stock)
    return _does(difference, *_READS, "write") and not _has_raised(difference.plugin)


def _has_an_invalid_enum(scenario: Scenario, on: int) -> bool:
    kind = scenario.attributes[on].of_kind
    is_empty = [kind.format == "image" and not value for value in kind.values]
    return kind.type == "DevEnum" and any(
        step.args.get("quality") == "INVALID" or is_empty[step.args["value"]]
        for step in scenario.of(on, SERVER, "set")
    )


def _errors(told: Any) -> int:
    """Return how many errors a listener was told."""
    return [kind for kind, _ in _flat(told)].count("Error")


def _is_not_decodable(scenario: Scenario, on: int) -> bool:
    changes = scenario.of(on, SERVER, "configure")
    texts = [*scenario.attributes[on].config.values()]
    texts += [text for step in changes for text in step.args.values()]
    return any(not str(text).isascii() for text in texts)


def _lives_without_its_unit(difference: Difference, scenario: Scenario) -> bool:
    indices = range(len(scenario.attributes))
    if difference.part == "log":
        # Of one that cannot be made nothing is said later either.
        lines = ("cannot be decoded, left empty", "Unknown unit")
        told = any(line in difference.name for line in lines)
        return told and any(_is_not_decodable(scenario, on) for on in indices)
    on = _on(difference, scenario)
    if on is None or not _is_not_decodable(scenario, on):
        return False
    if _is_made_without_configuration(difference, scenario):
        return True
    # There is no such attribute: whoever could not listen may still begin to.
    if difference.part == "step":
        return _is_step_without_its_unit(difference, scenario, on)
    if difference.part == "told":
        stock, plugin = _flat(difference.stock), _flat(difference.plugin)
        return not stock or _is_first_and_additional(stock, plugin)
    if difference.part == "repeats":
        return difference.stock == 0
    if difference.part != "end":
        return False
    # It may be made later, with another unit: whoever could not listen does not.
    return difference.stock == MISSING or difference.name.endswith(_OF_LISTENERS)


def _is_first_and_additional(stock: list[Any], plugin: list[Any]) -> bool:
    """Return whether a listener is the first one only with stock Taurus.

    An additional one is told the configuration and the value when it comes.
    """
    kinds = [kind for kind, _ in plugin[:2]]
    is_additional = bool(stock) and kinds == ["Config", "Change"]
    return is_additional and [value for _, value in plugin[1:]] == [
        value for _, value in stock
    ]


def _is_step_without_its_unit(
    difference: Difference, scenario: Scenario, on: int
) -> bool:
    """Return whether stock Taurus lacks the attribute of a step.

    Tango takes a range from -10 to 10 for an unsigned integer, and then no other label.
    Where the attribute cannot be made, nobody sets its range.
    """
    if ": server: configure " in difference.name:
        refused = isinstance(difference.plugin, dict) and "refused" in difference.plugin
        return refused and bool(scenario.of(on, CLIENT, "set_range"))
    begins = (difference.stock, difference.plugin) == (True, False)
    return _has_raised(difference.stock) or (_does(difference, "listen") and begins)


def _is_made_without_configuration(difference: Difference, scenario: Scenario) -> bool:
    """Return whether stock Taurus could make the attribute while its server was away.

    It has no configuration then that cannot be decoded.
    """
    if _does(difference, "make"):
        return _is_away(scenario.steps[: _index(difference)])
    is_config = difference.part == "end" and "] config " in difference.name
    return is_config and scenario.stops_processes


#: What is said at the end of an attribute to which somebody listens.
_OF_LISTENERS = ("isUsingEvents", "subscription", "polling", "forced", "listeners")


def _tells_the_new_unit(difference: Difference, scenario: Scenario) -> bool:
    on = _on(difference, scenario)
    if on is None:
        return False
    changes = scenario.of(on, SERVER, "configure", "dev_restart")
    if not any("unit" in step.args for step in changes):
        return False
    bare = replace(
        difference,
        stock=_without_units(difference.stock),
        plugin=_without_units(difference.plugin),
    )
    cannot_set = difference.stock == {"raised": "AssertionError"}
    if cannot_set and _does(difference, "set_range"):
        return True
    return _tells_more(bare) or _does(difference, *_READS)


def _without_units(value: Any) -> Any:
    if isinstance(value, dict):
        rest = value.items()
        return {key: _without_units(one) for key, one in rest if key != "unit"}
    return [_without_units(one) for one in value] if isinstance(value, list) else value


def _follows_what_it_set(difference: Difference, scenario: Scenario) -> bool:
    on = _on(difference, scenario)
    if on is None:
        return False
    was_set = scenario.of(on, CLIENT, "set_range", "set_label")
    changed = scenario.of(on, SERVER, "configure")
    if difference.part == "told":
        return bool(was_set or changed) and _tells_of_it(difference)
    if _does(difference, "make"):
        return bool(changed) and _is_made_as_configured(difference, changed[-1])
    if difference.part != "end" or "] config " not in difference.name:
        return False
    if was_set:
        return True
    return bool(changed) and _is_what_was_configured(difference, changed[-1])


def _tells_of_it(difference: Difference) -> bool:
    """Return whether a listener is told a configuration, and nothing else, besides."""
    plugin, stock = _flat(difference.plugin), _flat(difference.stock)
    values = [[one for one in told if one[0] != "Config"] for told in (plugin, stock)]
    return values[0] == values[1] and len(plugin) == len(stock) + 1


def _is_made_as_configured(difference: Difference, step: Step) -> bool:
    """Return whether an attribute that is got has what the server was told."""
    made = difference.plugin, difference.stock
    if not all(isinstance(one, dict) and "raised" not in one for one in made):
        return False
    plugin, stock = made
    return all(
        _is_what_was_configured(
            replace(difference, name=f"config {name}", plugin=value, stock=stock[name]),
            step,
        )
        for name, value in plugin.items()
        if name in stock and value != stock[name]
    )


def _is_what_was_configured(difference: Difference, step: Step) -> bool:
    """Return whether the plugin's program has what the server was told at last."""
    name = difference.name.rpartition(" ")[2]
    if "unit" in step.args and name in ("range", "warnings", "alarms"):
        both = (difference.stock, difference.plugin)
        return _without_units(both[0]) == _without_units(both[1])
    expected = {
        "label": step.args.get("label"),
        "description": step.args.get("description"),
        "format_spec": str(step.args.get("format")).lstrip("%"),
        # It comes with the format.
        "precision": difference.plugin if "format" in step.args else None,
    }
    return name in expected and difference.plugin == expected[name] is not None


def _is_away(steps: Iterable[Step]) -> bool:
    """Return whether the server, or the database, is away after these steps."""
    doing = [step.do for step in steps if step.who in (PROCESS, DATABASE)]
    return bool(doing) and doing[-1] in ("kill", "terminate", "hang")


def _reads_while_away(difference: Difference, scenario: Scenario) -> bool:
    if not _does(difference, *_READS, *_STATE_READS):
        return False
    failed = difference.plugin is None or _has_raised(difference.plugin)
    return failed and _is_away(scenario.steps[: _index(difference)])


def _has_another_type(difference: Difference, scenario: Scenario) -> bool:
    retyped = [
        at
        for at, step in enumerate(scenario.steps)
        if step.do == "retype" and step.on == difference.on
    ]
    if difference.part == "step":
        return any(at < _index(difference) for at in retyped)
    return bool(retyped) and difference.part != "fate"


def _says_what_was_written(difference: Difference, scenario: Scenario) -> bool:
    if difference.part == "log":
        # It may be that what is read back cannot be decoded.
        undecodable = "cannot be decoded" in difference.name
        writes = any(step.do == "write" for step in scenario.steps)
        told = "written" in difference.name or "write failed" in difference.name
        return told or (undecodable and writes)
    raised = _has_raised(difference.stock)
    return _does(difference, "write") and raised and difference.plugin is None


# --- what no program should count on ---


def _step(do: str) -> Applies:
    def applies(difference: Difference, scenario: Scenario) -> bool:
        return difference.part == "step" and f"client: {do} " in difference.name

    return applies


def _elsewhere(difference: Difference, scenario: Scenario) -> bool:
    """Return that it is none of what scenarios show."""
    return False


# --- stock that ends or hangs ---


def _stock_hangs(difference: Difference, scenario: Scenario) -> bool:
    return difference.part == "fate" and str(difference.stock).startswith("hung")


def _stock_crashes(difference: Difference, scenario: Scenario) -> bool:
    return difference.part == "fate" and str(difference.stock).startswith("crashed")


# --- servers that go and come ---


def is_down_when_made(scenario: Scenario, on: int | None = None) -> bool:
    """Return whether server or database is away at the first step of a client.

    :param on: the attribute that this step makes; None for whatever it makes.
    """
    away = False
    for step in scenario.steps:
        if step.who in (PROCESS, DATABASE):
            away = step.do in ("kill", "terminate", "hang", "busy")
        elif step.who == CLIENT and _makes(scenario, step, on):
            return away
    return False


def _makes(scenario: Scenario, step: Step, on: int | None) -> bool:
    """Return whether a step makes an attribute that is not there yet."""
    if step.do in _MAKE_NOTHING:
        return False
    if on is None or step.do == "listen_all":
        return True
    return step.do not in _MAKE_NO_ATTRIBUTE and scenario.is_about(step, on)


#: The steps of a client that do nothing with what is not there yet; and those that may
#: make a device, but no attribute.
_MAKE_NOTHING = ("unlisten", "drop", "unlisten_device")
_MAKE_NO_ATTRIBUTE = (
    *("register_class", "device", "proxy", "command", "call"),
    *("state", "state_obj", "listen_device", SHOW),
)


def _is_placeholder(difference: Difference, scenario: Scenario) -> bool:
    """Return whether a window was not kept waiting for the configuration."""
    made = difference.plugin
    if scenario.venue != "gui" or not _does(difference, "make"):
        return False
    return isinstance(made, dict) and made.get("tango_writable") == "AttrWriteType.READ"


def _comes_late(difference: Difference, scenario: Scenario) -> bool:
    if _is_placeholder(difference, scenario):
        return True
    on = _on(difference, scenario)
    if difference.part == "step":
        on = scenario.steps[_index(difference)].on
    down = is_down_when_made(scenario) or is_down_when_made(scenario, on)
    if not down or difference.part == "fate":
        return False
    # What stays an error when the device is there is not what is meant.
    if difference.part == "step":
        away = _is_away(scenario.steps[: _index(difference)])
        return away or not _has_raised(difference.plugin)
    plugin = _flat(difference.plugin)
    return not plugin or _is_away(scenario.steps) or plugin[-1][0] != "Error"


def _hears_later(difference: Difference, scenario: Scenario) -> bool:
    """Return whether a listener had gone before it was told, of a window not shown.

    Or whether somebody asked before.
    """
    is_it = scenario.pairing == "Stateless" and scenario.venue == "gui"
    if is_it and _does(difference, "get", "value_obj"):
        steps = scenario.steps[: _index(difference)]
        return not any(step.do == SHOW for step in steps)
    if not is_it or difference.part != "told":
        return False
    on = difference.on
    goes = ("unlisten_device",) if on is None else ("unlisten", "drop")
    gone = any(step.who == CLIENT and step.do in goes for step in scenario.steps)
    rest = iter(_flat(difference.stock))
    return gone and all(one in rest for one in _flat(difference.plugin))


def _is_not_told_of_a_short_absence(difference: Difference, scenario: Scenario) -> bool:
    if difference.part != "told" or not scenario.stops_processes:
        return False
    plugin = _changes(_flat(difference.plugin))
    return plugin[-1:] == _changes(_flat(difference.stock))[-1:] != []


def _changes(records: list[Any]) -> list[Any]:
    """Return the values that were told, each once."""
    values = [value for kind, value in records if kind in ("Change", "Periodic")]
    return [one for at, one in enumerate(values) if at == 0 or values[at - 1] != one]


TABLE: tuple[Meant, ...] = (
    Meant(
        "comes-late",
        _comes_late,
        "Attributes of devices that are down when a program starts get their "
        "configuration, and their values, when the device comes: rows of a form stay. "
        "Until then the attribute looks like a text: a program that asks for "
        "``attribute.type`` sees a string, where stock Taurus has None.",
        "In stock Taurus such a row is missing, or shows nothing, until the program is "
        "started again.",
    ),
    Meant(
        "read-follows",
        _reads_unheard,
        "``read()``, ``rvalue``, ``quality`` and the ``state`` of a device answer from "
        "the cache only while something keeps it current: a subscription, or polling. "
        "Else they ask the device.",
        "Stock Taurus repeats the first value, or the first error, for ever.",
        stock_is_wrong=True,
    ),
    Meant(
        "no-value-after-a-failed-poll",
        _has_no_value_after_a_failed_poll,
        "Where the last poll of an attribute failed, ``read()`` raises its error, "
        "``rvalue`` and ``getValueObj()`` are None, and labels show ``-----``, as "
        "after an event with an error.",
        "Stock Taurus goes on showing the value before, as if it were valid.",
        stock_is_wrong=True,
    ),
    Meant(
        "polls-for-nobody",
        _polls_for_nobody,
        "Where events are disabled, polling ends with the last listener.",
        "Stock Taurus goes on polling as long as the program runs.",
        stock_is_wrong=True,
    ),
    Meant(
        "read-is-told",
        _tells_what_was_read,
        "A value that a program reads from the device (``read(cache=False)``) is told "
        "to those who listen, too.",
        "In stock Taurus they stay behind for ever: the event that follows is dropped "
        "as no news.",
        stock_is_wrong=True,
    ),
    Meant(
        "silent-change",
        _finds_silent_changes,
        "A change of which no event came is found some seconds after the subscription "
        "began, and told. From then on the attribute is polled as well, until an event "
        "comes.",
        "A server that promises events and sends none shows an old value for ever.",
    ),
    Meant(
        "stamp-ahead",
        _heals_a_stamp_ahead,
        "Where the time stamps of a device go back, the values that follow are told "
        "after some seconds.",
        "With stock Taurus one stamp that is ahead stops all news until it has passed.",
        stock_is_wrong=True,
    ),
    Meant(
        "enum-invalid",
        _shows_an_invalid_enum,
        "An enum that is INVALID, or an index beyond its labels, is None (or the "
        "number), with its quality; an image of enums without elements is empty.",
        "In stock Taurus it raises where nobody sees it, and the old value stays.",
        stock_is_wrong=True,
    ),
    Meant(
        "not-decodable",
        _lives_without_its_unit,
        "A unit, label or description that cannot be decoded is left empty, with one "
        "warning.",
        "In stock Taurus the attribute cannot be made at all.",
        stock_is_wrong=True,
    ),
    Meant(
        "unit-changed",
        _tells_the_new_unit,
        "When somebody changes the unit of an attribute, those who listen are told its "
        "value in the new unit, after the configuration.",
        "Stock Taurus shows the old unit until the value changes. Until then it cannot "
        "set the range.",
        stock_is_wrong=True,
    ),
    Meant(
        "what-was-set",
        _follows_what_it_set,
        "Where the configuration of an attribute changes that was just made, or a "
        "program sets its range and the server makes something else of it, the "
        "attribute has what the server has.",
        "Stock Taurus is not told of a change before Tango has subscribed, and keeps "
        "what was there before, or what the program set.",
        stock_is_wrong=True,
    ),
    Meant(
        "read-while-away",
        _reads_while_away,
        "``read()`` raises as soon as it is known that the server has gone.",
        "Stock Taurus returns the old value until Tango sees it, after ten seconds.",
        by_chance=True,
    ),
    Meant(
        "another-type",
        _has_another_type,
        "An attribute that has another type when its server is started again gets it.",
        "In stock Taurus it keeps the old type, and decodes values as that.",
        stock_is_wrong=True,
    ),
    Meant(
        "write-succeeded",
        _says_what_was_written,
        "Where ``write()`` succeeds and reading back fails, it returns None, and a "
        "warning says that the value was written.",
        "Stock Taurus raises, as if nothing had been written.",
        stock_is_wrong=True,
    ),
    Meant(
        "short-absence",
        _is_not_told_of_a_short_absence,
        "Listeners may be told of a server that has gone and come again by other "
        "errors, or none, where Tango takes ten seconds to see it. The values are the "
        "same.",
        "The device is asked what it holds before it is said to be away.",
    ),
    Meant(
        "proxy-to-come",
        _elsewhere,
        "``taurus.Device(...)`` of a server that hangs is there at once, and has no "
        "proxy yet. ``getDeviceProxy()``, a command or a property of the device, its "
        "``state`` and all else that is asked for by name are waited for, as in stock "
        "Taurus: once a server, and as long as Tango waits. While the server is known "
        "not to answer, what stands in for the proxy is returned at once; its calls "
        "raise ``tango.DevFailed``, where those of Tango's proxy would after 3 to 9 s. "
        "As soon as the server answers, they go to the device.",
        "A hung server costs a window its timeout once, and not once a call.",
        held_by="test_a_server_that_hangs_is_waited_for_once",
    ),
    Meant(
        "attribute-proxies-stay",
        _elsewhere,
        "``attribute.getAttributeProxy()`` returns the same ``tango.AttributeProxy`` "
        "each time, which lives as long as the process.",
        "The end of one stands still for good where Tango is just trying a "
        "subscription again: a window hangs.",
        stock_is_wrong=True,
        held_by="test_the_proxy_of_an_attribute_stays",
    ),
    Meant(
        "forked-processes-end",
        _elsewhere,
        "A process that was forked from one with subscriptions ends by itself.",
        "With stock Taurus it waits for threads of Tango's, which are in its parent.",
        stock_is_wrong=True,
        held_by="test_a_forked_process_and_its_parent_go_on",
    ),
    Meant(
        "forked-processes-connect",
        _elsewhere,
        "A process that was forked connects to servers anew.",
        "With stock Taurus it uses the connections of its parent: calls of both time "
        "out, or get the answer to another call.",
        stock_is_wrong=True,
        held_by="test_parent_and_child_read_at_the_same_time",
    ),
    Meant(
        "rows-by-class",
        _elsewhere,
        "Where a form was filled while a server did not answer, the rows that item "
        "factories or ``T_FORM_CUSTOM_WIDGET_MAP`` make for its devices, and the "
        "buttons of a form of commands, come when it answers.",
        "In stock Taurus they never come.",
        held_by="test_a_row_is_special_when_its_server_is_back",
    ),
    Meant(
        "class-to-come",
        _elsewhere,
        "Where the database does not say in time which class a device has, whoever "
        "asks for the device later gets another object, of the right class.",
        "In stock Taurus it never gets one.",
        held_by="test_its_class_is_right_for_whoever_asks_when_the_database_is_back",
    ),
    Meant(
        "tooltips",
        _elsewhere,
        "The tooltip of a row tells its mode and who decided it, and what the "
        "attribute does or waits for. The buttons of a row have a tooltip from the "
        "first value on.",
        "It says why a row is empty. Whether stock Taurus gives a button its tooltip "
        "depends on how quick a subscription was.",
        held_by="test_the_rows_of_a_form",
    ),
    Meant(
        "dashes",
        _elsewhere,
        "Where nothing is known yet of an attribute, labels show ``-----``.",
        "Stock Taurus shows that for numbers, and ``None`` for all else.",
        held_by="test_rows_of_a_device_that_comes",
    ),
    Meant(
        "windows-that-grow",
        _elsewhere,
        "A window whose first values come after it was shown grows to the size that "
        "they need, unless its user or the program has given it another size.",
        "A server that comes late does not leave texts cut to dots.",
        held_by="test_a_form_gets_the_width_of_values_that_come_later",
    ),
    Meant(
        "units-of-rows",
        _elsewhere,
        "A row shows a new unit as soon as that is configured.",
        "In stock Taurus it shows the old one until a value comes.",
        stock_is_wrong=True,
        held_by="test_a_configuration_is_changed_and_seen_again",
    ),
    Meant(
        "applied-at-last",
        _elsewhere,
        "A row knows what was applied last.",
        "In stock Taurus an event that the device sends while it is written brings "
        "what was written before, and the row takes the new value for pending.",
        stock_is_wrong=True,
        held_by="test_what_is_typed_is_pending_until_it_is_applied",
    ),
    Meant(
        "evaluations-stay",
        _elsewhere,
        "Rows of ``eval:`` models over devices that are down when a form opens stay, "
        "too.",
        "In stock Taurus they are missing until the form is opened again.",
        held_by="test_a_row_over_a_server_that_is_down_lives_when_it_comes",
    ),
    Meant(
        "green-modes",
        _elsewhere,
        "Whatever ``PYTANGO_GREEN_MODE`` says, Taurus's devices and attributes wait "
        "for values, and get events; the proxies that ``getDeviceProxy()`` returns "
        "wait, too.",
        "With gevent stock Taurus gets no events, and with asyncio no values.",
        stock_is_wrong=True,
        held_by="test_a_program_in_a_green_mode_sees_what_others_see",
    ),
    Meant(
        "names-without-a-database",
        _elsewhere,
        "``tango://host:port/a/b/c/d#dbase=no`` is an attribute of a server without a "
        "database, as ``tango-nodb://host:port/a/b/c/d``, unless a database answers "
        "there.",
        "Stock Taurus looks for a database, and widgets show no value.",
        stock_is_wrong=True,
        held_by="test_a_name_of_tango_without_a_database_is_a_model",
    ),
    Meant(
        "polled-meanwhile",
        _is_polled_meanwhile,
        "Where Tango takes longer than 0.3 s to subscribe, an attribute is read "
        "meanwhile, and its listeners are told that value as ``Change``, also where it "
        "turns out to have no events.",
        "The value is there before one server holds up the subscriptions of others.",
        by_chance=True,
    ),
    Meant(
        "polled-at-another-moment",
        _is_polled_at_another_moment,
        "The attributes of a device are polled together, at a moment of the period "
        "that depends on its name. Whoever begins to listen before stock Taurus polls, "
        "and after the plugin did, is told what that has brought, and not what was "
        "before; or the other way round. An error that is over before the next poll "
        "may be told by one of them alone.",
        "One call brings all, and devices do not answer all at once.",
        by_chance=True,
    ),
    Meant(
        "polling-timers",
        _step("polling_timers"),
        "Polling is done by the pool of the plugin: ``factory.polling_timers`` is "
        "empty.",
        "One slow device does not hold up the polls of all others.",
    ),
    Meant(
        "subclasses",
        _step("exact_type"),
        "Attributes and devices are of subclasses of Taurus's ``TangoAttribute`` and "
        "``TangoDevice``. ``isinstance`` says what it said. "
        "``type(attribute) is TangoAttribute`` does not.",
        "It is how a plugin can be beside Taurus, and not a patch of it.",
    ),
    Meant(
        "private-names",
        _step("private_names"),
        "Code that reads private names of ``TangoAttribute``, those with two "
        "underscores, finds nothing in them.",
        "Cache and state have rules that hold in each thread; they are kept elsewhere.",
    ),
    Meant(
        "knows-that-it-is-subscribed",
        _knows_that_it_is_subscribed,
        "In the modes Sync and Async ``isUsingEvents()`` is true, "
        "``getSubscriptionState()`` is ``Subscribed``, and a second listener, or one "
        "that comes again, is told the value, as soon as Tango says that it has "
        "subscribed; in stock Taurus with the first event, which may never come. An "
        "attribute without events that is polled by force is ``PendingSubscribe``, and "
        "not ``Subscribing`` for ever. A first event that is older than what was read, "
        "and says the same, is not told.",
        "A program that asks is told what is so.",
        stock_is_wrong=True,
    ),
    Meant(
        "stateless-waits-for-nobody",
        _hears_later,
        "In the mode Stateless a listener hears the first value a moment after "
        "``addListener`` returns, and not before. While a window is built, ``read()`` "
        "waits for it, ``rvalue`` and ``getValueObj()`` have none until then.",
        "The thread of a window does not wait for a device.",
    ),
    Meant(
        "stock-hangs",
        _stock_hangs,
        "Where stock Taurus waits for ever, the program goes on.",
        "A ``read()`` of stock Taurus waits without a timeout for an event that may "
        "not come.",
        stock_is_wrong=True,
        by_chance=True,
    ),
    Meant(
        "stock-crashes",
        _stock_crashes,
        "Where the process of stock Taurus ends with an error of Tango's, it goes on.",
        "A crash is nothing that a program relies on.",
        stock_is_wrong=True,
        by_chance=True,
    ),
)


def explain(
    differences: Iterable[Difference], scenario: Scenario
) -> tuple[list[Difference], set[str]]:
    """Return the differences that nobody means, and the keys of those meant."""
    unmeant, seen = [], set()
    for difference in differences:
        keys = {one.key for one in TABLE if one.applies(difference, scenario)}
        seen |= keys
        if not keys:
            unmeant.append(difference)
    return unmeant, seen
