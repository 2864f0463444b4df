"""What stands in for a ``DeviceProxy`` that cannot be made at present."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, NoReturn

import tango

#: What a ``DeviceProxy`` asks the database: the same of a ``tango.Database``.
_OF_THE_DATABASE = {
    "get_property": "get_device_property",
    "get_property_list": "get_device_property_list",
    "put_property": "put_device_property",
    "delete_property": "delete_device_property",
}


class AbsentProxy:
    """Stands in for the ``DeviceProxy`` of a device whose server does not answer.

    Tango makes a proxy of such a device in 3 s, and each of its calls fails after as
    long or longer. This one is there at once. What is asked of it is asked of the
    device as soon as that answers, and until then fails with Tango's ``DevFailed``; its
    properties are asked of the database, as ever. Methods may be called from any
    thread.

    :param name: ``domain/family/member``.
    :param database: has what a ``tango.Database`` has; None where there is none.
    :param find: returns the ``DeviceProxy``, None where the device does not answer;
        waits as long as may be.
    :param no_answer: raises why it does not.
    """

    def __init__(
        self,
        name: str,
        database: Any,
        find: Callable[[], Any],
        no_answer: Callable[[], NoReturn],
    ) -> None:
        # Its own __setattr__ is for the attributes of the device.
        own = {"_name": name, "_database": database, "_find": find}
        vars(self).update(own, _no_answer=no_answer)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """For ``isinstance``, what it stands in for."""
        return tango.DeviceProxy

    def __repr__(self) -> str:
        return f"AbsentProxy({self._name})"

    def __getattr__(self, name: str) -> Any:
        """Return a method that a ``DeviceProxy`` has, else ask the device.

        :raises AttributeError: where the device does not answer, as Tango's does.
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

        :raises tango.DevFailed: where the device does not answer.
        """
        proxy = self._find()
        return self._no_answer() if proxy is None else proxy
