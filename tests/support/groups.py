"""Which tests may share a process, and in which order tests of several groups run.

A process that has an application of Qt's is another world for all that comes later:
Taurus tells widgets in its thread, and does not wait there. And nobody should have to
tell a failure of a test with a driven clock from what a thread of a device left behind.
So ``tools/run_tests.py`` runs each group in processes of its own. Where they do share
one, those with an application come last.
"""

from __future__ import annotations

import pytest
from paths import ROOT

PURE, TANGO, WINDOW, DIFFERENTIAL = "pure", "tango", "window", "differential"

#: Marks a module whose tests share programs that keep what one test has done.
IN_ORDER = "in_order"

#: By the order in which they run.
GROUPS = (PURE, TANGO, WINDOW, DIFFERENTIAL)

#: Modules that take a minute or more, the longest first. They come first: one that is
#: begun last would be run by one process, while the others have nothing left to do.
LONG = (
    *("test_fault_matrix", "test_batches", "test_taurus_suite", "test_attribute"),
    *("test_docs_commands", "test_taurus_widgets", "test_the_end", "test_inspector"),
    *("test_faults_of_servers", "test_silent_devices", "test_database", "test_cli"),
)

#: Those without Tango, whichever threads they have.
_PURE_TESTS = {ROOT / "tests" / "unit", ROOT / "tests" / "threads"}


def group_of(item: pytest.Item) -> str:
    """Return the group of a test; with a window is what has an application, or Qt.

    What runs programs beside each other has the machine for itself.
    """
    if item.get_closest_marker(DIFFERENTIAL) is not None:
        return DIFFERENTIAL
    loads_qt = item.get_closest_marker(WINDOW) is not None
    if loads_qt or "qapp" in getattr(item, "fixturenames", ()):
        return WINDOW
    return PURE if _PURE_TESTS & {*item.path.parents} else TANGO


def _rank(item: pytest.Item) -> int:
    """Return the place of a test's module among those that take long."""
    name = item.path.stem
    return LONG.index(name) if name in LONG else len(LONG)


def arrange(items: list[pytest.Item], wanted: str | None) -> list[pytest.Item]:
    """Sort tests by their group, modules that take long before the others.

    Return the tests that are not of the ``wanted`` group.

    :param items: what is to be run, in an order that is kept within a group.
    :param wanted: a group, None for all.
    """
    others = [item for item in items if wanted not in (None, group_of(item))]
    items[:] = [item for item in items if wanted in (None, group_of(item))]
    items.sort(key=lambda item: (GROUPS.index(group_of(item)), _rank(item)))
    _keep_order(items)
    return others


def _keep_order(items: list[pytest.Item]) -> None:
    """Let the tests of a module stand as they are written, where it asks for that."""
    marked = {item.path for item in items if item.get_closest_marker(IN_ORDER)}
    for path in marked:
        places = [at for at, item in enumerate(items) if item.path == path]
        written = sorted((items[at] for at in places), key=lambda one: one.location[1])
        for at, item in zip(places, written):
            items[at] = item
