"""In which order the plugin's locks are acquired, and what is called while one is held.

``install()``, before the plugin is imported, gives each lock that the plugin makes a
double that keeps a record. Two rules are judged over all that happened in the process,
or in those that share the tests:

* no two locks are ever acquired in both orders, in whatever threads: some day two
  threads would wait for each other;
* while a lock is held nobody calls Tango, a listener or Qt, who may take long, or call
  back.

A lock stands for all that the same line makes: one attribute's lock within another's is
a lock within itself.

The calls are seen by a profile function, which a thread has only while it holds a lock.
"""

from __future__ import annotations

import inspect
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any

#: Whose locks are recorded.
PLUGIN = "taurus_tpo"

#: Whom nobody calls while holding one.
FOREIGN = frozenset({"tango", "taurus", "PyQt5", "PyQt6", "PySide2", "PySide6"})

#: What of theirs is a mere dictionary, and calls nobody.
CONTAINERS = "taurus.core.util.containers"

#: What a listener is called by.
LISTENERS = "eventReceived"

#: How many lines of the stack are kept.
_DEPTH = 12

_Lock, _RLock, _Condition = threading.Lock, threading.RLock, threading.Condition


class Recorder:
    """What was acquired while what was held, and who was called. For any thread."""

    def __init__(self) -> None:
        #: Where the second lock was acquired while the first one was held.
        self.orders: dict[tuple[str, str], str] = {}
        #: Where somebody was called while a lock was held.
        self.calls: dict[tuple[str, str], str] = {}
        self._mine = threading.local()

    @property
    def _held(self) -> list[RecordedLock]:
        held: list[RecordedLock] = self._mine.__dict__.setdefault("held", [])
        return held

    def acquired(self, lock: RecordedLock, waited: bool = True) -> None:
        """Take note that this thread has it now.

        :param waited: whether it would have waited for it: otherwise the order of the
            two can block nobody.
        """
        held = self._held
        for other in held if waited else ():
            pair = other.site, lock.site
            if other is not lock and pair not in self.orders:
                if other.site == lock.site and _in_finalizer(sys._getframe()):
                    # An object that is collected has its lock for itself.
                    continue
                self.orders[pair] = _stack()
        held.append(lock)
        if len(held) == 1:
            sys.setprofile(self._watch)

    def released(self, lock: RecordedLock) -> None:
        """Take note that this thread has it no more."""
        held = self._held
        if not held or lock not in held:
            return
        if len(held) == 1:
            sys.setprofile(None)
        held.remove(lock)

    def _watch(self, frame: Any, event: str, called: Any) -> None:
        if event == "call":
            module, name = frame.f_globals.get("__name__"), frame.f_code.co_name
        elif event == "c_call":
            owner = getattr(called, "__self__", None)
            module = getattr(called, "__module__", None) or type(owner).__module__
            name = getattr(called, "__qualname__", repr(called))
        else:
            return
        is_foreign = str(module).partition(".")[0] in FOREIGN and module != CONTAINERS
        if is_foreign or name == LISTENERS:
            pair = (self._held[-1].site, f"{module}.{name}")
            if pair not in self.calls and not _in_finalizer(frame):
                self.calls[pair] = _stack()

    def told(self) -> list[list[tuple[str, str, str]]]:
        """Return all that was seen, as plain values, for another process."""
        seen = (self.orders, self.calls)
        return [[(*pair, stack) for pair, stack in one.items()] for one in seen]

    def learn(self, told: list[list[tuple[str, str, str]]]) -> None:
        """Take note of what was seen in another process."""
        for mine, theirs in zip((self.orders, self.calls), told):
            for one, other, stack in theirs:
                mine.setdefault((one, other), stack)

    def faults(self) -> Iterator[str]:
        """Tell of each rule that was broken, and where."""
        for cycle in cycles(self.orders):
            steps = list(zip(cycle, [*cycle[1:], cycle[0]]))
            yield (
                "locks in a cycle: "
                + " > ".join([*cycle, cycle[0]])
                + "".join(
                    f"\n{one} > {other}:\n{self.orders[one, other]}"
                    for one, other in steps
                )
            )
        for (site, called), stack in self.calls.items():
            yield f"{called} is called while {site} is held:\n{stack}"


def cycles(orders: Any) -> Iterator[list[str]]:
    """Return a cycle for each pair of locks that is part of one, each cycle once."""
    after: dict[str, list[str]] = {}
    for one, other in orders:
        after.setdefault(one, []).append(other)
    seen: set[frozenset[str]] = set()
    for one, other in orders:
        path = _path(after, other, one)
        if path is not None and frozenset(path) not in seen:
            seen.add(frozenset(path))
            yield path


def _path(after: dict[str, list[str]], start: str, end: str) -> list[str] | None:
    """Return the shortest way from one lock to another, both included."""
    ways = [[start]]
    reached = {start}
    while ways:
        if ways[0][-1] == end:
            return ways[0]
        way = ways.pop(0)
        for following in after.get(way[-1], []):
            if following not in reached:
                reached.add(following)
                ways.append([*way, following])
    return None


class RecordedLock:
    """A lock of the plugin that tells a recorder.

    It has all that ``threading.Condition`` asks of a lock.
    """

    def __init__(self, lock: Any, site: str, recorder: Recorder) -> None:
        self._lock = lock
        self._recorder = recorder
        self.site = site

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        got: bool = self._lock.acquire(blocking, timeout)
        if got:
            try:
                self._recorder.acquired(self, blocking)
            except BaseException:
                # The stack is full: whoever wanted the lock does not get it.
                self._recorder.released(self)
                self._lock.release()
                raise
        return got

    def release(self) -> None:
        self._recorder.released(self)
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()

    def locked(self) -> bool:
        held: bool = self._lock.locked()
        return held

    # What a condition does while it waits.

    def _release_save(self) -> Any:
        self._recorder.released(self)
        return self._lock._release_save()

    def _acquire_restore(self, state: Any) -> None:
        self._lock._acquire_restore(state)
        self._recorder.acquired(self)

    def _is_owned(self) -> bool:
        owned: bool = self._lock._is_owned()
        return owned


def _in_finalizer(frame: Any) -> bool:
    """Return whether Python calls this while it collects garbage.

    It does so in any thread, at any time: no code chooses to call it with a lock held.
    Which locks are acquired there counts as anywhere, but for that of the object.
    """
    while frame is not None:
        if frame.f_code.co_name == "__del__" or _is_callback_of_a_reference(frame):
            return True
        frame = frame.f_back
    return False


def _is_callback_of_a_reference(frame: Any) -> bool:
    """Return whether a weak reference calls this, whose object has just gone."""
    code = frame.f_code
    given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
    if code.co_flags & inspect.CO_VARARGS:
        starred = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        given += frame.f_locals.get(starred, ())
    references = (one for one in given if isinstance(one, weakref.ref))
    return any(reference() is None for reference in references)


def _stack() -> str:
    frames = traceback.extract_stack(limit=_DEPTH)[:-2]
    return "".join(traceback.format_list(frames))


def _site(frame: Any) -> str | None:
    """Return who makes a lock in ``frame``, if it is the plugin."""
    module = str(frame.f_globals.get("__name__"))
    is_plugin = module.partition(".")[0] == PLUGIN
    return f"{module}:{frame.f_lineno}" if is_plugin else None


def install() -> Recorder:
    """Record the locks that the plugin makes from now on."""
    recorder = Recorder()

    def recorded(make: Callable[[], Any]) -> Callable[[], Any]:
        def lock() -> Any:
            site = _site(sys._getframe(1))
            return make() if site is None else RecordedLock(make(), site, recorder)

        return lock

    class Condition(_Condition):
        def __init__(self, lock: Any = None) -> None:
            site = _site(sys._getframe(1))
            if lock is None and site is not None:
                lock = RecordedLock(_RLock(), site, recorder)
            super().__init__(lock)

    threading.Lock, threading.RLock = recorded(_Lock), recorded(_RLock)
    threading.Condition = Condition  # type: ignore[misc]
    return recorder
