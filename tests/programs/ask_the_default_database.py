"""Asks the authority of the environment, and an attribute by its name and its alias."""

from __future__ import annotations

import taurus

found = taurus.Authority()
assert found is taurus.Authority()
print(found.getFullName(), found.get_db_host() != "")
print(taurus.Attribute("sim/modes/up/rw").getFullName())
print(taurus.Attribute("modes-up/rw").rvalue.magnitude)
