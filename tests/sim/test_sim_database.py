"""A facility in a database that is there already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tango
from paths import FACILITIES

from taurus_tpo.sim import Facility, FacilityError, load
from taurus_tpo.sim.database import connect
from taurus_tpo.sim.spec import parse

OTHER = """
[[server]]
name = "TpoSim/other"
condition = "down"
[[server.device]]
name = "sim/other/1"
alias = "other"
[[server.device.attribute]]
name = "volt"
"""


@pytest.fixture(scope="module")
def existing() -> Iterator[str]:
    """The database of another facility, as HOST:PORT."""
    with Facility(parse(OTHER, "other")) as facility:
        yield facility.tango_host


def content(tango_host: str) -> dict[str, object]:
    """Return what the database knows of servers, devices and their properties."""
    database = connect(tango_host)
    names = list(database.get_device_name("*", "*"))
    servers = list(database.get_server_list("*"))
    return {
        "servers": servers,
        "devices": {
            name: database.get_device_info(name).ds_full_name for name in names
        },
        "aliases": list(database.get_device_alias_list("*")),
        "properties": {
            name: list(database.get_device_property_list(name, "*")) for name in names
        },
        "ours": list(database.get_device_property_list("sim/modes/up", "*")),
        "hosts": list(database.get_host_list()),
    }


def test_database_is_left_as_it_was(existing: str) -> None:
    before = content(existing)
    assert "sim/other/1" in before["devices"]  # type: ignore[operator]
    with Facility(FACILITIES / "modes.toml", tango_host=existing) as facility:
        assert facility.tango_host == existing
        assert facility.device("sim/modes/up").with_events == 1.5
        assert content(existing) != before
        with pytest.raises(FacilityError, match="not one that this facility started"):
            facility.stop_database()
    assert content(existing) == before


def test_failed_start_leaves_the_database_as_it_was(
    existing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(existing)
    monkeypatch.setattr("taurus_tpo.sim.database.START_TIMEOUT", 0.0)
    with pytest.raises(FacilityError, match="sim/modes/up serves"):
        Facility(FACILITIES / "modes.toml", tango_host=existing).start()
    assert content(existing) == before


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("TpoSim/down", "TpoSim/other", "TpoSim/other is a server"),
        ("sim/modes/down", "sim/Other/1", "sim/Other/1 is a device"),
        ('"modes-up"', '"other"', "other is an alias"),
    ],
)
def test_what_is_there_is_not_replaced(
    existing: str, old: str, new: str, what: str
) -> None:
    before = content(existing)
    text = (FACILITIES / "modes.toml").read_text()
    facility = Facility(parse(text.replace(old, new), "taken"), tango_host=existing)
    with pytest.raises(FacilityError, match=f"{what} of the Tango database {existing}"):
        facility.start()
    assert content(existing) == before


@pytest.mark.parametrize("host", ["nowhere", "nowhere:", ":1", "host:port"])
def test_tango_host_must_be_host_and_port(host: str) -> None:
    with pytest.raises(FacilityError, match="must be HOST:PORT"):
        Facility(load(FACILITIES / "modes.toml"), tango_host=host).start()


def test_database_that_is_not_there_is_named() -> None:
    with pytest.raises(FacilityError, match=r"the Tango database 127\.0\.0\.1:9"):
        Facility(load(FACILITIES / "modes.toml"), tango_host="127.0.0.1:9").start()


def test_start_of_a_stopped_database_needs_its_own(existing: str) -> None:
    facility = Facility(FACILITIES / "modes.toml", tango_host=existing)
    with pytest.raises(FacilityError, match="not one that this facility started"):
        facility.start_database()
    with pytest.raises(tango.DevFailed):
        connect(existing).get_device_info("sim/modes/up")


TG_TEST = """
[[server]]
name = "TpoSim/tg_test"
[[server.device]]
name = "sys/TG_test/1"
class = "TangoTest"
[[server.device.attribute]]
name = "ampli"
access = "read_write"
value = 2.5
"""


def test_a_facility_may_have_the_device_that_a_fresh_database_knows() -> None:
    with Facility(parse(TG_TEST, "tg_test")) as facility:
        device = facility.device("sys/tg_test/1")
        device.ampli = 3.5
        assert device.ampli == 3.5
        database = connect(facility.tango_host)
        info = database.get_device_info("sys/tg_test/1")
        assert info.ds_full_name == "TpoSim/tg_test"
        assert list(database.get_server_list("TangoTest/*")) == []


def test_a_fresh_database_keeps_what_no_facility_needs(existing: str) -> None:
    devices = content(existing)["devices"]
    assert devices["sys/tg_test/1"] == "TangoTest/test"  # type: ignore[index]


@pytest.mark.parametrize("name", ["sys/database/2", "dserver/DataBaseds/2"])
def test_the_device_of_the_database_itself_is_not_replaced(name: str) -> None:
    spec = parse(TG_TEST.replace("sys/TG_test/1", name), "database")
    with pytest.raises(FacilityError, match=f"{name} is a device of the Tango datab"):
        Facility(spec).start()


def test_in_a_database_that_runs_already_it_is_not_replaced(existing: str) -> None:
    before = content(existing)
    facility = Facility(parse(TG_TEST, "tg_test"), tango_host=existing)
    with pytest.raises(FacilityError, match="sys/TG_test/1 is a device of the Tango"):
        facility.start()
    assert content(existing) == before
