"""The facility file: what it says, and how its errors read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paths import FACILITIES, ROOT

from taurus_tpo.sim import FacilityError, find, load
from taurus_tpo.sim.spec import AttributeSpec, parse

SMALL = """
[facility]
title = "Small"

[[server]]
name = "TpoSim/a"

[[server.device]]
name = "sim/a/1"

[[server.device.attribute]]
name = "volt"
"""

DEVICE = """
[[server.device]]
name = "sim/a/2"
[[server.device.attribute]]
name = "volt"
"""


def attribute(lines: str) -> AttributeSpec:
    """Return the attribute of SMALL with more keys."""
    return parse(SMALL + lines, "f.toml").devices[0].attributes[0]


def test_defaults() -> None:
    spec = parse(SMALL, "f.toml")
    (server,) = spec.servers
    (device,) = server.devices
    (volt,) = device.attributes
    assert (spec.title, server.green_mode, server.condition) == (
        "Small",
        "Synchronous",
        "up",
    )
    assert (server.instance, device.tango_class, device.state) == ("a", "TpoSim", "ON")
    assert (volt.type, volt.format, volt.access) == ("float", "scalar", "read")
    assert (volt.value, volt.events, volt.read_delay) == (0.0, "change", 0.0)


def test_device_gives_defaults_to_its_attributes() -> None:
    text = SMALL.replace('"sim/a/1"', '"sim/a/1"\nread_delay = 0.5\nevents = "none"')
    text += '[[server.device.attribute]]\nname = "own"\nread_delay = 0\n'
    inherited, own = parse(text, "f.toml").devices[0].attributes
    assert (inherited.read_delay, inherited.events) == (0.5, "none")
    assert (own.read_delay, own.events) == (0, "none")


def test_each_device_entry_has_its_own_class() -> None:
    spec = parse(SMALL + DEVICE, "f.toml")
    assert [device.tango_class for device in spec.devices] == ["TpoSim", "TpoSim2"]


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("value = 2", 2.0),
        ('type = "int"\nvalue = 2', 2),
        ('type = "bool"\nvalue = true', True),
        ('type = "string"\nvalue = "x"', "x"),
        ('type = "state"\nvalue = "ALARM"', "ALARM"),
        ('type = "enum"\nenum_labels = ["A", "B"]\nvalue = "B"', 1),
        ('type = "int"\nformat = "spectrum"\nshape = [3]', [0, 1, 2]),
        ('type = "int"\nformat = "spectrum"\nshape = [3]\nvalue = 7', [7, 7, 7]),
        ('type = "int"\nformat = "spectrum"\nshape = [3]\nvalue = [7]', [7]),
        ('type = "int"\nformat = "image"\nshape = [2, 3]', [[0, 1]] * 3),
        ('format = "image"\nshape = [2, 2]\nvalue = [[1, 2]]', [[1.0, 2.0]]),
    ],
)
def test_start_value(lines: str, value: object) -> None:
    held = attribute(lines).value
    assert (held, type(held)) == (value, type(value))


def bad(text: str, place: str, *words: str) -> object:
    """A case of a file that is wrong at ``place``, and what its message must say."""
    return pytest.param(text, place, words, id=f"{place} {words[0]}")


SERVER = "server['TpoSim/a']"
FIRST = f"{SERVER}.device['sim/a/1']"
ATTRIBUTE = f"{FIRST}.attribute['volt']"


def bad_attribute(lines: str, key: str, *words: str) -> object:
    """A case of SMALL with more lines for its attribute, of which ``key`` is wrong."""
    return bad(SMALL + lines, f"{ATTRIBUTE}.{key}", *words)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        bad("x = =", "", "not TOML", "line 1"),
        bad("", "server", "is missing"),
        bad("server = 1", "server", "1", "tables"),
        bad("server = []", "server", "[]", "one or more"),
        bad("facility = 1" + SMALL.replace("[facility]", "[x]"), "facility", "`table`"),
        bad(SMALL.replace("[facility]", "[x]"), "x", "unknown key, must be facility"),
        bad(SMALL.replace("title", "titel"), "facility.titel", "unknown key", "title?"),
        bad(SMALL.replace('"Small"', "1"), "facility.title", "= 1", "`str`"),
        bad("server = [1]", "server[0]", "= 1", "`table`"),
        bad("server = [{}]", "server[0].name", "is missing"),
        bad(
            SMALL.replace("TpoSim/a", "Sim/a"),
            "server['Sim/a'].name",
            "'Sim/a'",
            "TpoSim/",
        ),
        bad(
            SMALL.replace('"TpoSim/a"', '"TpoSim/a"\ngreen_mode = "Asyncoi"'),
            f"{SERVER}.green_mode",
            "'Asyncoi'",
            "Synchronous, Futures, Gevent or Asyncio",
            "did you mean Asyncio?",
        ),
        bad(
            SMALL.replace('"TpoSim/a"', '"TpoSim/a"\ncondition = "broken"'),
            f"{SERVER}.condition",
            "'broken'",
            "up, down or hung",
        ),
        bad(
            SMALL.replace('"TpoSim/a"', '"TpoSim/a"\nconditon = "up"'),
            f"{SERVER}.conditon",
            "unknown key",
            "condition?",
        ),
        bad(SMALL + SMALL.partition("\n\n")[2], f"{SERVER}.name", "'TpoSim/a'", "is a"),
        bad(
            SMALL.replace("sim/a/1", "sim/a"),
            f"{SERVER}.device['sim/a'].name",
            "domain/",
        ),
        bad(
            SMALL.replace("sim/a/1", "s/a/{m}"),
            f"{SERVER}.device['s/a/{{m}}'].name",
            "{n}",
        ),
        bad(
            SMALL.replace('"sim/a/1"', '"sim/a/1"\ncount = 2'),
            f"{FIRST}.name",
            "'sim/a/1'",
            "a name with {n}",
        ),
        bad(
            SMALL.replace('"sim/a/1"', '"sim/a/{n}"\nalias = "a"\ncount = 2'),
            f"{SERVER}.device['sim/a/{{n}}'].alias",
            "'a'",
            "a name with {n}",
        ),
        bad(
            SMALL.replace('"sim/a/1"', '"sim/a/1"\ncount = 0'),
            f"{FIRST}.count",
            "= 0",
            "a whole number from 1",
        ),
        bad(
            SMALL.replace('"sim/a/1"', '"sim/a/1"\nstate = "on"'),
            f"{FIRST}.state",
            "'on'",
            "ON, OFF",
        ),
        bad(
            SMALL.replace('"sim/a/1"', '"sim/a/1"\nread_delay = -1'),
            f"{FIRST}.read_delay",
            "= -1",
            "seconds",
        ),
        bad(
            SMALL + DEVICE.replace("sim/a/2", "SIM/a/1"),
            f"{SERVER}.device['SIM/a/1'].name",
            "'SIM/a/1'",
            "a device already",
        ),
        bad(
            SMALL + DEVICE.replace('/2"', '/2"\nclass = "TpoSim"'),
            f"{SERVER}.device['sim/a/2'].class",
            "'TpoSim'",
            "another entry",
        ),
        bad(
            (SMALL + DEVICE).replace('name = "sim/', 'alias = "al"\nname = "sim/'),
            f"{SERVER}.device['sim/a/2'].alias",
            "'al'",
            "an alias already",
        ),
        bad(
            SMALL + '[[server.device.attribute]]\nname = "Volt"\n',
            f"{FIRST}.attribute['Volt'].name",
            "'Volt'",
            "an attribute of the device already",
        ),
        bad(
            SMALL.replace('"volt"', '"v-1"'),
            f"{FIRST}.attribute['v-1'].name",
            "= 'v-1'",
            "letters",
        ),
        bad(
            SMALL.replace('"volt"', '"state"'),
            f"{FIRST}.attribute['state'].name",
            "another name",
        ),
        bad_attribute("count = 3\n", "name", "'volt'", "with {n}"),
        bad_attribute("count = true\n", "count", "True", "a whole number"),
        bad_attribute('tpye = "int"', "tpye", "unknown key", "type?"),
        bad_attribute('type = "flaot"', "type", "'flaot'", "mean float?"),
        bad_attribute('format = "scaler"', "format", "'scaler'", "scalar?"),
        bad_attribute('access = "write"', "access", "'write'", "read_write"),
        bad_attribute('format = "image"\nshape = [2]', "shape", "[2]", "y]"),
        bad_attribute("shape = [2]", "shape", "[2]", "left out for a scalar"),
        bad_attribute("shape = [0]", "shape[0]", "= 0", "a whole number from 1"),
        bad_attribute("shape = 2", "shape", "= 2", "`array`"),
        bad_attribute('value = "1"', "value", "'1'", "a number"),
        bad_attribute("value = true", "value", "True", "a number"),
        bad_attribute(f"value = 1{400 * '0'}", "value", "64 bit"),
        bad_attribute('type = "int"\nvalue = 1.5', "value", "1.5", "whole"),
        bad_attribute('type = "bool"\nvalue = 1', "value", "= 1", "true or"),
        bad_attribute('type = "string"\nvalue = 1', "value", "= 1", "a text"),
        bad_attribute('type = "state"\nvalue = "on"', "value", "'on'", "ON"),
        bad_attribute(
            'type = "enum"\nenum_labels = ["OPEN", "SHUT"]\nvalue = "OPNE"',
            "value",
            "'OPNE'",
            "OPEN or SHUT (did you mean OPEN?)",
        ),
        bad_attribute(
            'format = "spectrum"\nshape = [2]\nvalue = [1, 2, 3]',
            "value",
            "[1, 2, 3]",
            "1 to 2 values",
        ),
        bad_attribute(
            'format = "image"\nshape = [2, 2]\nvalue = [[1, 2], [1]]',
            "value",
            "[[1, 2], [1]]",
            "rows of 1 to 2 values",
        ),
        bad_attribute("label = 1", "label", "= 1", "`str`"),
        bad_attribute('max_alarm = "x"', "max_alarm", "'x'", "a number"),
        bad_attribute(
            "min_value = 2\nmax_value = 1",
            "min_value",
            "= 2",
            "less than max_value = 1",
        ),
        bad_attribute(
            'type = "bool"\nmin_alarm = 2',
            "min_alarm",
            "= 2",
            "left out, since the type is bool",
        ),
        bad_attribute(
            'type = "int"\nmin_alarm = 0.5',
            "min_alarm",
            "= 0.5",
            "a whole number",
        ),
        bad_attribute("max_alarm = nan", "max_alarm", "= nan", "a number"),
        bad_attribute('type = "enum"', "enum_labels", "[]", "for an enum"),
        bad_attribute('enum_labels = ["A"]', "enum_labels", "['A']", "left"),
        bad_attribute(
            'type = "enum"\nenum_labels = ["A", "A"]',
            "enum_labels",
            "['A', 'A']",
            "differ",
        ),
        bad_attribute(
            'type = "enum"\nenum_labels = [1]',
            "enum_labels[0]",
            "= 1",
            "`str`",
        ),
        bad_attribute('events = "push"', "events", "'push'", "change, polled"),
        bad_attribute('events = "polled"', "polling_period", "= 0", "ms"),
        bad_attribute(
            'events = "polled"\npolling_period = 100',
            "abs_change",
            "None",
            "a number over 0",
        ),
        bad_attribute("polling_period = 1", "polling_period", "= 1", "5 at"),
        bad_attribute(
            "polling_period = 1.5",
            "polling_period",
            "= 1.5",
            "whole milliseconds",
        ),
        bad_attribute(
            'type = "bool"\nevents = "none"\npolling_period = 100',
            "polling_period",
            "= 100",
            "Tango sends events of whatever it polls",
        ),
        bad_attribute(
            'events = "none"\npolling_period = 100\nabs_change = 1',
            "abs_change",
            "= 1",
            "left out",
        ),
        bad_attribute('period = "1 s"', "period", "'1 s'", "seconds"),
        bad_attribute("error = 1.5", "error", "= 1.5", "`float` <= 1.0"),
    ],
)
def test_error_says_where_what_and_what_would_be_right(
    text: str, place: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(FacilityError) as caught:
        parse(text, "bad.toml")
    message = str(caught.value)
    assert message.startswith(f"bad.toml: {place}")
    assert [word for word in words if word not in message] == []


@given(
    devices=st.integers(1, 30),
    attributes=st.integers(1, 30),
    width=st.sampled_from(["", ":1", ":02", ":03"]),
)
def test_count_makes_so_many_with_numbers_from_one(
    devices: int, attributes: int, width: str
) -> None:
    text = SMALL.replace('"sim/a/1"', f'"sim/a/{{n{width}}}"\ncount = {devices}')
    text = text.replace('"volt"', f'"v{{n{width}}}"\nlabel = "Volt {{n}} {{x}}"')
    spec = parse(text + f"count = {attributes}", "f.toml")
    number = f"{{{width}}}"
    assert spec.models() == [
        f"sim/a/{number.format(d)}/v{number.format(a)}"
        for d in range(1, devices + 1)
        for a in range(1, attributes + 1)
    ]
    labels = [attribute.label for attribute in spec.devices[-1].attributes]
    assert labels == [f"Volt {a} {{x}}" for a in range(1, attributes + 1)]


def test_models_are_filtered() -> None:
    spec = load(FACILITIES / "modes.toml")
    assert spec.models("SIM/modes/*/with_events") == [
        "sim/modes/up/with_events",
        "sim/modes/down/with_events",
    ]
    failing = spec.models(where=lambda _server, _device, a: a.error == 1)
    assert failing == ["sim/modes/up/failing", "sim/modes/up/failing_events"]
    down = spec.models(where=lambda server, _d, _a: server.condition == "down")
    events = [f"event{number}" for number in range(1, 6)]
    names = ["with_events", "without_events", *events]
    assert down == [f"sim/modes/down/{name}" for name in names]


@pytest.mark.parametrize(
    "file", sorted(FACILITIES.glob("*.toml")), ids=lambda f: f.stem
)
def test_attribute_survives_the_database(file: Path) -> None:
    for device in load(file).devices:
        for spec in device.attributes:
            assert AttributeSpec.from_json(spec.to_json()) == spec


def _demo(condition: str) -> list[list[int]]:
    servers = [s for s in load(find("demo")).servers if s.condition == condition]
    return [[len(device.attributes) for device in s.devices] for s in servers]


def test_demo_has_all_that_can_be() -> None:
    spec = load(find("demo"))
    attributes = [a for device in spec.devices for a in device.attributes]
    assert len(attributes) >= 200
    assert {s.green_mode for s in spec.servers} == {
        "Synchronous",
        "Futures",
        "Gevent",
        "Asyncio",
    }
    assert {a.type for a in attributes} == {
        "float",
        "int",
        "bool",
        "string",
        "enum",
        "state",
    }
    assert {a.format for a in attributes} == {"scalar", "spectrum", "image"}
    assert {a.events for a in attributes} == {"change", "polled", "none"}
    assert {a.access for a in attributes} == {"read", "read_write"}
    assert any(a.error for a in attributes)
    # What no window may wait long for.
    assert _demo("hung") == [[2, 2]]
    assert _demo("down") == [[3]]
    slow = spec.models(where=lambda _server, _device, a: a.read_delay == 0.1)
    assert len(slow) == 10


def test_find_a_path_or_a_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SMALL)
    assert find(file) == file
    assert find(str(file)) == file
    assert find("demo") == ROOT / "conf" / "facilities" / "demo.toml"
    with pytest.raises(FacilityError, match=r"nowhere.*known: .*demo"):
        find("nowhere")


def test_unreadable_file_is_a_facility_error(tmp_path: Path) -> None:
    file = tmp_path / "bytes.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(FacilityError, match="cannot be read"):
        load(file)
    with pytest.raises(FacilityError, match="cannot be read"):
        load(tmp_path)
