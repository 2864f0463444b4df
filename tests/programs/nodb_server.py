"""A device server that needs no database; its port is the argument."""

from __future__ import annotations

import sys

from tango.server import Device, attribute, run


class Simple(Device):
    def init_device(self) -> None:
        super().init_device()
        self.set_change_event("volt", True, False)

    @attribute(dtype=float, unit="V")
    def volt(self) -> float:
        return 1.5

    @attribute(dtype=float)
    def calm(self) -> float:
        return 2.5


words = ["simple", "test", "-nodb", "-host", "127.0.0.1", "-port", sys.argv[1]]
run([Simple], args=[*words, "-dlist", "test/nodb/1,test/nodb/2"])
