"""A script that ends while events come, and the unsubscriber is at what it is told."""

from __future__ import annotations

import time

import taurus

from tests.programs.script_base import Listener, eventually, factory, job

unsubscriber = factory.tango_client.unsubscriber
listener = Listener()
attributes = [taurus.Attribute(name) for name in job["names"]]
for attribute in attributes:
    attribute.addListener(listener)
eventually(lambda: all(one.isUsingEvents() for one in attributes), "all subscribed")
for _ in range(job["times"]):
    unsubscriber.do(lambda: time.sleep(job["seconds"]))
listener.heard.clear()
eventually(lambda: len(listener.heard) > 500, "many events come")
