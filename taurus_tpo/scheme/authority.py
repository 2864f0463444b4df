"""Taurus's authority of the ``tango`` scheme: the database, asked in another thread."""

from __future__ import annotations

import weakref
from concurrent.futures import Future
from functools import partial
from typing import Any

import tango
from taurus.core.tango.tangodatabase import InvalidAlias, TangoAuthority
from taurus.core.taurusauthority import TaurusAuthority
from taurus.core.util.fqdn import fqdn_no_alias

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.scheme.name_cache import NAMES
from taurus_tpo.tango_client.database import is_answer
from taurus_tpo.tango_client.server_registry import SERVER_REGISTRY

#: For how long the answer counts for whoever asks the same next, s.
MOMENT = 0.05

#: When it is asked again what it has not told, s.
RETRY = 1.0


class TpoTangoAuthority(TangoAuthority):
    """A Tango database. Made by the factory, never by hand.

    Making it asks nobody. What Taurus wants to know in order to make a device or an
    attribute is asked by the threads of the pool; whoever builds a window waits for it
    for moments only (:class:`~taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy`).
    Whoever asks for anything else, which is all that a ``tango.Database`` has, waits
    for the database in their own thread. Methods may be called from any thread.

    :param host: with ``port``, where the database is; without, that of the environment.
    """

    def __init__(self, host: Any = None, port: Any = None, parent: Any = None) -> None:
        # Taurus's own constructor asks the database.
        if host is None or port is None:
            name = self.default_name()
        else:
            name = f"tango://{fqdn_no_alias(host)}:{port}"
        self._dbProxy = None
        self._dbCache = None
        self._database = SERVER_REGISTRY.database(name.partition("//")[2])
        #: The device whose alias was asked for last, when, and what that is.
        self._alias: tuple[str, float, str | None] = ("", float("-inf"), None)
        #: The devices whose alias it has not told in time.
        self._aliases_in_doubt: set[str] = set()
        self.call__init__(TaurusAuthority, name, parent)

    @classmethod
    def default_name(cls) -> str:
        """Return the full name of the database, or databases, of the environment.

        :raises tango.DevFailed: where the environment names none.
        """
        said = cls.get_default_tango_host()
        if not said:
            # Tango says it best.
            tango.Database()
        name = f"tango://{said}"
        groups = cls.getNameValidator().getUriGroups(name)
        return name if groups is None else f"tango:{groups['authority']}"

    @property
    def dbObj(self) -> Any:
        """The ``tango.Database``; the first time, waits for it.

        :raises tango.DevFailed: where it does not answer.
        """
        return self._database.tango_database()

    def __getattr__(self, name: str) -> Any:
        """Return what a ``tango.Database`` has under this name; waits for it."""
        if not hasattr(tango.Database, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        return getattr(self.dbObj, name)

    def ask(self, *question: str) -> Any:
        """Return what it says, asked by the pool; waits as long as may be.

        :param question: a command of the database, and its argument.
        :raises tango.DevFailed: where it says no, or nothing in time.
        """
        return self.factory().database_requests.ask(self._database, *question)

    def ask_at_length(self, *question: str) -> Any:
        """Return what it says, where all depends on that; waits as stock Taurus.

        :param question: a command of the database, and its argument.
        :raises tango.DevFailed: where it says no, or nothing in time.
        """
        return self.factory().database_requests.ask_at_length(self._database, *question)

    def begin_to_ask(self, *question: str) -> Future[Any]:
        """Have it asked by the pool, and return at once.

        :return: gets what it says, or Tango's ``DevFailed``.
        """
        return self.factory().database_requests.begin(self._database, *question)

    def reach(self) -> None:
        """Wait for it as long as may be.

        :raises tango.DevFailed: where it does not answer; not for whoever builds a
            window, where it may come later.
        """
        try:
            self.ask("State")
        except tango.DevFailed:
            if not self.factory().database_requests.in_a_hurry:
                raise

    def getElementAlias(self, full_name: str) -> str | None:
        """Return the alias of the device ``domain/family/member``.

        None where it has none, or the database does not tell in time. Taurus asks twice
        to make a device that is given by its short name: the answer counts for a
        moment.
        """
        name, when, known = self._alias
        if name == full_name and SYSTEM.monotonic() - when <= MOMENT:
            return known
        try:
            alias = _alias(self.ask("DbGetDeviceAlias", full_name))
        except tango.DevFailed as error:
            if not is_answer(error):
                NAMES.doubt()
                self._aliases_in_doubt.add(full_name)
                return None
            alias = None
        self._aliases_in_doubt.discard(full_name)
        self._alias = full_name, SYSTEM.monotonic(), alias
        return alias

    def tell_alias_later(self, device: Any) -> None:
        """Tell ``device`` its alias when it is known, if it was not told in time.

        :param device: has just been made, and is not kept alive.
        """
        name = "/".join(device.getFullName().rsplit("/", 3)[1:])
        if name in self._aliases_in_doubt:
            self._aliases_in_doubt.discard(name)
            self._ask_for_alias(weakref.ref(device), name, 0.0)

    def _ask_for_alias(self, device: weakref.ref[Any], name: str, delay: float) -> None:
        question = "DbGetDeviceAlias", name
        database_requests = self.factory().database_requests
        answer = database_requests.begin(
            self._database, *question, delay=delay, patient=True
        )
        answer.add_done_callback(partial(self._on_alias, device, name))

    def _on_alias(
        self, reference: weakref.ref[Any], name: str, answer: Future[Any]
    ) -> None:
        """Take the word of the database; called by the pool."""
        device = reference()
        if device is None or answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            alias = _alias(answer.result())
            if alias is not None:
                device.take_alias(alias)
        elif not is_answer(error):
            self._ask_for_alias(reference, name, RETRY)

    def getElementFullName(self, alias: str) -> str | None:
        """Return the name ``domain/family/member`` of the device with that alias.

        None where there is none. Whoever builds a window and gets no answer in time
        gets the alias: Tango takes one for a name, too, so that there can be a device,
        which comes to life with the database. As long as that lives, the alias is its
        name.
        """
        factory = self.factory()
        if f"{self.getFullName()}/{alias}" in factory.tango_devs:
            NAMES.doubt()
            return alias
        # The class of a device, where others have registered some, is asked by name.
        ask = self.ask_at_length if factory.tango_dev_klasses else self.ask
        try:
            return str(ask("DbGetAliasDevice", alias))
        except tango.DevFailed as error:
            if is_answer(error):
                return None
            NAMES.doubt()
            return alias if factory.database_requests.in_a_hurry else None


class InGoodTime:
    """A database as the factory asks it for the class of a device.

    Taurus asks the authority itself, however long it takes.
    """

    def __init__(self, authority: TpoTangoAuthority) -> None:
        self._authority = authority
        #: The device whose class it has not told, as it has not answered.
        self.in_doubt: str | None = None

    def getElementFullName(self, alias: str) -> str | None:
        """Return the name of the device with that alias, None where there is none."""
        return self._authority.getElementFullName(alias)

    def get_class_for_device(self, name: str) -> str:
        """Return the Tango class of a device: an object has it for good.

        :raises tango.DevFailed: where the database does not tell.
        """
        try:
            return str(self._authority.ask_at_length("DbGetClassForDevice", name))
        except tango.DevFailed as error:
            self.in_doubt = None if is_answer(error) else name
            raise


def _alias(told: Any) -> str | None:
    """Return the alias that a database has told, None where that says: none."""
    return None if not told or told.lower() == InvalidAlias else str(told)


def goes_by_alias(full_name: str) -> bool:
    """Return whether the full name of a device has its alias in the place of its name.

    That is ``tango://host:port/alias``.
    """
    return full_name.count("/") < 5
