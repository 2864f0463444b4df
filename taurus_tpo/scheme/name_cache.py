"""Names of devices and attributes: Taurus's validators, and their cache."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from taurus.core.tango.tangovalidator import TangoAttributeNameValidator


class Names(dict[str, Any]):
    """Cache of Taurus's name validators without results that lack an answer.

    Validators cache for good what a name stands for, with the alias that the database
    knows. If the database has not answered, the next lookup has to retry.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mine = threading.local()

    def doubt(self) -> None:
        """Keep the name that this thread is validating out of the cache."""
        self._mine.doubtful = True

    def __setitem__(self, name: str, parts: Any) -> None:
        """Cache ``parts`` of ``name``, unless :meth:`doubt` was called; any thread."""
        doubtful = getattr(self._mine, "doubtful", False)
        self._mine.doubtful = False
        if not doubtful:
            super().__setitem__(name, parts)


#: The cache of this process.
NAMES = Names()

#: How a name says that its server has no database, as Tango writes it.
NO_DATABASE = "dbase=no"


def without_database(name: str) -> str:
    """Return the name of an attribute in the scheme of servers without a database.

    :param name: with any scheme of Tango, or none; its fragment is dropped.
    """
    return f"tango-nodb://{name.partition('#')[0].partition('//')[2]}"


def device_and_attribute(name: str) -> tuple[str, str]:
    """Return the name of the device of an attribute, and that of the attribute."""
    name, _, fragment = name.partition("#")
    device, _, attribute = name.rpartition("/")
    return f"{device}#{NO_DATABASE}" if fragment == NO_DATABASE else device, attribute


def device_of(name: str) -> str:
    """Return the name of the device of a model, which may be the device itself."""
    device, _ = device_and_attribute(name)
    # ``a/b/c`` and ``tango://host:port/a/b/c``; an attribute has a slash more.
    return name if name.count("/") in (2, 5) else device


class AttributeNames(TangoAttributeNameValidator):
    """Taurus's validator of attribute names; matches a name once for its attribute.

    Taurus asks three times for the parts of the name, at last those of the full name,
    and each time initializes the validators anew. Methods may be called from any
    thread.

    A name with the fragment ``#dbase=no``, as Tango writes it, is one of the scheme
    ``tango-nodb``. (Stock Taurus does so for devices. For attributes it looks for a
    database, and widgets take the fragment for a part of the value.)

    :param is_database: returns whether a Tango database answers at ``host:port``. There
        the fragment has no effect, as in stock Taurus.
    """

    def __init__(self, is_database: Callable[[str], bool]) -> None:
        super().__init__()
        self._is_database = is_database
        #: The last valid name, and its parts.
        self._last: tuple[str | None, dict[str, Any]] = (None, {})
        #: The names of the last full name.
        self._last_names: tuple[str | None, str, str] = (None, "", "")

    def getUriGroups(self, name: str, strict: Any = None) -> dict[str, Any] | None:
        """Return the parts of a name, None for an invalid one; as Taurus does."""
        last, parts = self._last
        if name == last:
            return dict(parts)
        found: dict[str, Any] | None = super().getUriGroups(name, strict)
        if found is not None and found.get("_fragmentdb") is not None:
            found["fragment"] = None
        # Taurus warns each time of one that is not strictly valid.
        if found is not None and found["__STRICT__"]:
            self._last = name, dict(found)
        return found

    def getNames(
        self,
        fullname: str,
        factory: Any = None,
        queryAuth: bool = True,
        fragment: bool = False,
    ) -> Any:
        """Return full, normal and short name; as Taurus does.

        :param factory: this parameter and the others are those of Taurus.
        """
        if fullname.endswith(f"#{NO_DATABASE}"):
            fullname = self._in_its_scheme(fullname)
        last = self._last_names
        if fullname == last[0] and not fragment:
            return last
        device = NAMES.get(fullname.rsplit("#", 1)[0].rsplit("/", 1)[0])
        if device is None or fragment:
            return super().getNames(fullname, factory, queryAuth, fragment)
        parts = self.getUriGroups(fullname)
        if parts is None:
            return None
        short = parts["_shortattrname"]
        full = f"{device[0]}/{short}"
        same = NAMES.get(device[0])
        if same is not None:
            self._last_names = full, f"{same[1]}/{short}", short
        return full, f"{device[1]}/{short}", short

    def _in_its_scheme(self, name: str) -> str:
        """Return ``name``, which has ``#dbase=no``, as the name that it stands for."""
        parts = self.getUriGroups(name)
        # A list of databases has no host; without an authority it is the default one.
        if parts is None or parts.get("host") is None:
            return name
        where = f"{parts['host']}:{parts['port']}"
        if not name.startswith("tango-nodb:") and self._is_database(where):
            return name
        return without_database(name)
