"""A substitute for a ``DeviceProxy`` that cannot be made at present."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, NoReturn

import tango

#: Methods of a ``DeviceProxy`` that call the database, and those of ``tango.Database``.
_OF_THE_DATABASE = {
    "get_property": "get_device_property",
    "get_property_list": "get_device_property_list",
    "put_property": "put_device_property",
    "delete_property": "delete_device_property",
}


class AbsentProxy:
    """Substitute for the ``DeviceProxy`` of a device whose server does not answer.

    Tango takes 3 s to make a proxy of such a device, and each of its calls fails after
    as long or longer. This one is made at once. Its calls go to the device once that
    answers; until then they fail with a ``DevFailed``. Calls about properties go to the
    database. Methods may be called from any thread.

    :param name: ``domain/family/member``.
    :param database: has the methods of a ``tango.Database``; None without a database.
    :param find: returns the ``DeviceProxy``, or None if the device does not answer;
        waits as long as the wait policy permits.
    :param no_answer: raises the error that explains why there is no answer.
    """

    def __init__(
        self,
        name: str,
        database: Any,
        find: Callable[[], Any],
        no_answer: Callable[[], NoReturn],
    ) -> None:
        # Not by assignment: __setattr__ writes attributes of the device.
        own = {"_name": name, "_database": database, "_find": find}
        vars(self).update(own, _no_answer=no_answer)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The class for ``isinstance``: ``tango.DeviceProxy``."""
        return tango.DeviceProxy

    def __repr__(self) -> str:
        return f"AbsentProxy({self._name})"

    def __getattr__(self, name: str) -> Any:
        """Return a method of ``DeviceProxy``, or an attribute of the device.

        :raises AttributeError: if the device does not answer, as a ``DeviceProxy``
            does.
        """
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _OF_THE_DATABASE and self._database is not None:
            asked = getattr(self._database, _OF_THE_DATABASE[name])
            return partial(asked, self._name)
        if callable(getattr(tango.DeviceProxy, name, None)):
            return partial(self._call, name)
        try:
            proxy = self._found()
        except tango.DevFailed as error:
            raise AttributeError(name) from error
        return getattr(proxy, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Write an attribute of the device."""
        setattr(self._found(), name, value)

    def __getitem__(self, key: Any) -> Any:
        """Read an attribute of the device."""
        return self._found()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write an attribute of the device."""
        self._found()[key] = value

    def __contains__(self, key: Any) -> bool:
        """Return whether the device has such an attribute."""
        return key in self._found()

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._found(), name)(*args, **kwargs)

    def _found(self) -> Any:
        """Return the ``DeviceProxy``.

        :raises tango.DevFailed: if the device does not answer.
        """
        proxy = self._find()
        return self._no_answer() if proxy is None else proxy
