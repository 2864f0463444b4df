"""What the devices of a facility are like, so that tests can share it."""

from __future__ import annotations

import tango
from tango_support import command

from taurus_tpo.sim import Facility


class Snapshot:
    """The devices of the servers that run, as they are configured when it is made."""

    def __init__(self, facility: Facility) -> None:
        self.facility = facility
        self._before = {name: _configuration(facility, name) for name in _up(facility)}

    def restore(self) -> None:
        """Let the devices be and hold what they were and held at their start.

        Takes some ms. They send no event of what they hold.
        """
        for name, before in self._before.items():
            now = _configuration(self.facility, name)
            changed = [
                info for info in before.values() if repr(info) != repr(now[info.name])
            ]
            if changed:
                self.facility.device(name).set_attribute_config(changed)
        initialize(self.facility)


def initialize(facility: Facility) -> None:
    """Let the devices that are up hold, and count, what they did at their start.

    They send no event of that.
    """
    for name in _up(facility):
        command(facility, name, "Init")


def _up(facility: Facility) -> list[str]:
    running = [server for server in facility.servers.values() if server.running]
    return [name for server in running for name in server.devices]


def _configuration(facility: Facility, name: str) -> dict[str, tango.AttributeInfoEx]:
    proxy = facility.device(name)
    infos = proxy.get_attribute_config_ex(list(proxy.get_attribute_list()))
    return {info.name: info for info in infos}
