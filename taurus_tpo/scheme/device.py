"""Taurus's device of the ``tango`` scheme; its proxy is made in another thread."""

from __future__ import annotations

from typing import Any

from taurus.core.tango.tangodevice import TangoDevice


class TpoTangoDevice(TangoDevice):
    """A Tango device that keeps a GUI waiting for moments only.

    Made by the factory, never by hand. Methods may be called from any thread.
    """

    #: Taurus's constructor asks for the proxy before it sets this.
    _deviceObj: Any = None

    def _createHWObject(self) -> Any:
        """Return the ``DeviceProxy``, or None while the device does not answer.

        Called by Taurus's constructor, and by ``getDeviceProxy`` until there is one.
        """
        return self.factory().proxy_of(self)

    def make_proxy(self) -> Any:
        """Make the ``DeviceProxy``, and wait for it; for the plugin's own threads."""
        return super()._createHWObject()

    def attribute_query(self, attr_name: str) -> Any:
        """Return Tango's ``AttributeInfoEx``; called by Taurus's attributes.

        :raises tango.DevFailed: where the device does not tell.
        """
        return self.factory().connection(self).configuration(attr_name)
