"""Taurus's authority of the ``tango`` scheme: the database, called by the pool."""

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
from taurus_tpo.tango_client.server_registry import IMPORT

#: How long an answer is reused for an equal request, s.
MOMENT = 0.05

#: Pause before an unanswered request is retried, s.
RETRY = 1.0

#: The commands of the database that Taurus needs to make a device.
_ALIAS_OF = ("DbGetDeviceAlias",)
_CLASS_OF = ("DbGetClassForDevice",)


class TpoTangoAuthority(TangoAuthority):
    """A Tango database. Made by the factory only.

    The constructor calls nothing. The pool requests what Taurus needs to make a device
    or an attribute; the GUI thread waits for it only as long as
    :class:`~taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy` permits. All other methods
    of a ``tango.Database`` call the database in the caller's thread. Methods may be
    called from any thread.

    :param host: with ``port``, the address of the database; None: the database of the
        environment.
    """

    def __init__(self, host: Any = None, port: Any = None, parent: Any = None) -> None:
        # Taurus's own constructor calls the database.
        if host is None or port is None:
            name = self.default_name()
        else:
            name = f"tango://{fqdn_no_alias(host)}:{port}"
        self._dbProxy = None
        self._dbCache = None
        servers = self.factory().tango_client.servers
        self._database = servers.database(name.partition("//")[2])
        #: The device whose alias was requested last, the time, and the alias.
        self._alias: tuple[str, float, str | None] = ("", float("-inf"), None)
        #: The devices whose alias is not known, since it did not answer in time.
        self._aliases_in_doubt: set[str] = set()
        self.call__init__(TaurusAuthority, name, parent)

    @classmethod
    def default_name(cls) -> str:
        """Return the full name of the database, or databases, of the environment.

        :raises tango.DevFailed: if the environment names none.
        """
        said = cls.get_default_tango_host()
        if not said:
            # Raises Tango's own error.
            tango.Database()
        name = f"tango://{said}"
        groups = cls.getNameValidator().getUriGroups(name)
        return name if groups is None else f"tango:{groups['authority']}"

    @property
    def dbObj(self) -> Any:
        """The ``tango.Database``; waits for it the first time.

        :raises tango.DevFailed: if it does not answer.
        """
        return self._database.tango_database()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute or a method of the ``tango.Database``; waits for it."""
        if not hasattr(tango.Database, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        return getattr(self.dbObj, name)

    def ask(self, *question: str) -> Any:
        """Return the result of a request by the pool; waits as the wait policy permits.

        :param question: a command of the database, and its argument.
        :raises tango.DevFailed: if the command fails, or there is no answer in time.
        """
        return self.factory().database_client.ask(self._database, *question)

    def ask_at_length(self, *question: str) -> Any:
        """Return the result of an indispensable request; waits as stock Taurus.

        :param question: a command of the database, and its argument.
        :raises tango.DevFailed: if the command fails, or there is no answer in time.
        """
        return self.factory().database_client.ask_at_length(self._database, *question)

    def begin_to_ask(self, *question: str) -> Future[Any]:
        """Start a request by the pool and return at once.

        :return: future of the result, or of a ``DevFailed``.
        """
        return self.factory().database_client.begin(self._database, *question)

    @property
    def is_far(self) -> bool:
        """Whether it is behind a slow link: to make a device then takes long."""
        return self._database.server.is_far

    def ask_ahead(self, device: str) -> None:
        """Request what is needed to make and to locate ``device``; returns at once.

        :param device: its name ``domain/family/member``, as Taurus will have it.
        """
        factory = self.factory()
        ask_ahead = partial(factory.database_client.ask_ahead, self._database)
        if factory.tango_dev_klasses:
            ask_ahead(*_CLASS_OF, device)
        ask_ahead(*_ALIAS_OF, device)
        ask_ahead(IMPORT, device)

    def reach(self) -> None:
        """Wait for it as the wait policy permits.

        :raises tango.DevFailed: if it does not answer; not in the GUI thread: it may
            answer later.
        """
        try:
            self.ask("State")
        except tango.DevFailed:
            if not self.factory().database_client.in_a_hurry:
                raise

    def getElementAlias(self, full_name: str) -> str | None:
        """Return the alias of the device ``domain/family/member``.

        None if it has none, or there is no answer in time. Taurus requests it twice to
        make a device that is given by its short name, so the answer is reused for
        :data:`MOMENT`.
        """
        name, when, known = self._alias
        if name == full_name and SYSTEM.monotonic() - when <= MOMENT:
            return known
        try:
            alias = _alias(self.ask(*_ALIAS_OF, full_name))
        except tango.DevFailed as error:
            if not is_answer(error):
                NAMES.doubt()
                self._aliases_in_doubt.add(full_name)
                return None
            alias = None
        self._aliases_in_doubt.discard(full_name)
        self._alias = full_name, SYSTEM.monotonic(), alias
        return alias

    def request_alias(self, device: Any) -> None:
        """Set the alias of ``device`` when it is known, if it was not known in time.

        :param device: a new device; not kept alive.
        """
        name = "/".join(device.getFullName().rsplit("/", 3)[1:])
        if name in self._aliases_in_doubt:
            self._aliases_in_doubt.discard(name)
            self._ask_for_alias(weakref.ref(device), name, 0.0)

    def _ask_for_alias(self, device: weakref.ref[Any], name: str, delay: float) -> None:
        question = (*_ALIAS_OF, name)
        client = self.factory().database_client
        answer = client.begin(self._database, *question, delay=delay, patient=True)
        answer.add_done_callback(partial(self._on_alias, device, name))

    def _on_alias(
        self, reference: weakref.ref[Any], name: str, answer: Future[Any]
    ) -> None:
        """Process the answer of the database; in a thread of the pool."""
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

        None if there is none. In the GUI thread, without an answer in time, returns the
        alias: Tango accepts an alias as a name, so that a device can be made, which
        works once the database answers. That device keeps the alias as its name.
        """
        factory = self.factory()
        if f"{self.getFullName()}/{alias}" in factory.tango_devs:
            NAMES.doubt()
            return alias
        # Registered device classes are chosen by the name of the device.
        ask = self.ask_at_length if factory.tango_dev_klasses else self.ask
        try:
            return str(ask("DbGetAliasDevice", alias))
        except tango.DevFailed as error:
            if is_answer(error):
                return None
            NAMES.doubt()
            return alias if factory.database_client.in_a_hurry else None


class DatabaseOfDeviceClasses:
    """The authority as the factory uses it to find the class of a device.

    Taurus itself would wait for the authority without limit.
    """

    def __init__(self, authority: TpoTangoAuthority) -> None:
        self._authority = authority
        #: The device whose class is not known, since the database did not answer.
        self.in_doubt: str | None = None

    def getElementFullName(self, alias: str) -> str | None:
        """Return the name of the device with that alias, or None if there is none."""
        return self._authority.getElementFullName(alias)

    def get_class_for_device(self, name: str) -> str:
        """Return the Tango class of a device; an object keeps its class for good.

        :raises tango.DevFailed: if there is no answer, or the command fails.
        """
        try:
            return str(self._authority.ask_at_length(*_CLASS_OF, name))
        except tango.DevFailed as error:
            self.in_doubt = None if is_answer(error) else name
            raise


def _alias(told: Any) -> str | None:
    """Return the alias in an answer of the database, or None if there is none."""
    return None if not told or told.lower() == InvalidAlias else str(told)


def is_alias(full_name: str) -> bool:
    """Return whether a full name has an alias in place of the device name.

    That is ``tango://host:port/alias``.
    """
    return full_name.count("/") < 5
