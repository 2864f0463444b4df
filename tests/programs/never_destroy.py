"""Has objects of a class kept for ever; what is destroyed says so."""

from __future__ import annotations

import weakref

from taurus_tpo.tango_client.process_exit import never_destroy


class Proxy:
    def __init__(self, name: str) -> None:
        self.name = name

    def __del__(self) -> None:
        print("destroyed", self.name)


class Other(Proxy):
    pass


kept, later, passing = Proxy("kept"), Other("other"), Proxy("passing")
dead = weakref.proxy(passing)
del passing
never_destroy(Proxy)
unkept = Proxy("new")
del kept, later, unkept
