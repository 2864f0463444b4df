"""What makes the server of the job hang in the midst of a stage."""

from __future__ import annotations

from collections.abc import Callable

import taurus

from tests.programs.script_base import factory, hang, job


def hang_while(
    stage: str,
    listen: Callable[[list[str]], object],
    leave: Callable[[], object],
    until: Callable[[Callable[[], object]], object],
) -> None:
    """Make the server hang.

    :param stage: in which: connected, subscribed, read or given up.
    :param listen: makes attributes of names, and listens to them.
    :param leave: gives up what is listened to.
    :param until: waits for a condition.
    """
    if stage == "connected":
        hang()
        with factory.hurry():
            listen(job["unknown"])
        return
    if stage == "subscribed":
        # They have answered: Tango is asked at once.
        known = [taurus.Attribute(name) for name in job["known"]]
        hang()
        listen(job["known"])
        del known
        return
    listen(job["known"])
    attributes = [taurus.Attribute(name) for name in job["known"]]
    until(lambda: all(attr.known.value for attr in attributes))
    until(lambda: all(attr.isUsingEvents() for attr in attributes))
    hang()
    if stage == "read":
        for attr in attributes:
            factory.readAttributeFirstTime(attr)
    else:
        del attributes
        leave()
