"""The configuration of one attribute, and its events."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Callable

import tango
from taurus.core.tango.tangoattribute import TangoAttrValue
from taurus.core.taurusbasetypes import DataFormat, DataType, TaurusEventType

from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.lifecycle import Input, State
from taurus_tpo.core.modes import RETRYING
from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.attribute_part import AttributePart, callback
from taurus_tpo.scheme.configuration_events import ConfigurationEvents
from taurus_tpo.scheme.gui_thread import is_of_taurus
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.subscription import Subscription

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute


class AttributeConfiguration(AttributePart):
    """Keeps the configuration of one attribute current; Taurus's attribute decodes it.

    :param attribute: the owner.
    """

    __slots__ = ("_clock", "_decoded", "_type", "_unreadable", "events")

    def __init__(self, attribute: TpoTangoAttribute, clock: Clock = SYSTEM) -> None:
        super().__init__(attribute)
        self._clock = clock
        #: The subscription to the configuration.
        self.events = ConfigurationEvents(attribute)
        #: The fields that could not be decoded.
        self._unreadable: tuple[str, ...] = ()
        #: The configuration when it was decoded last.
        self._decoded: Any = None
        #: A configuration, and its type and format, which PyTango converts each time.
        self._type: tuple[Any, tuple[Any, Any]] = None, (None, None)

    def restart_in_child(self) -> None:
        """Replace the locks in a forked child process."""
        super().restart_in_child()
        self.events.restart_in_child()

    @property
    def is_known(self) -> bool:
        """Whether it was read from the device."""
        return taurus_compat.configuration(self._attribute) is not None

    # --- until it is known ---

    def be_placeholder(self) -> None:
        """Set a type and format that widgets can show meanwhile.

        TaurusForm never shows the row of a model without them.
        """
        attribute = self._attribute
        attribute.data_format = DataFormat._0D
        attribute.type = DataType.String
        self._await_type()

    def _await_type(self, delay: float = 0.0) -> None:
        """Request the configuration until the device answers.

        Without a listener there is no other request, and a program may write the
        attribute.
        """
        attribute = self._attribute
        parent = attribute.getParentObj()
        if parent is not None:
            # The same name for all attributes: one request per device.
            told = attribute.factory().device_access.connect(
                parent, "type", delay, patient=True
            )
            told.add_done_callback(WeakCallback(self._on_type))

    @callback
    def _on_type(self, told: Future[Any]) -> None:
        """Take the configuration if the device answered; in a thread of the pool."""
        attribute = self._attribute
        if told.cancelled() or attribute.closed or self.is_known:
            return
        connection = attribute.connected()
        if told.exception() is None and connection.configured:
            self.take_fresh()
        else:
            self._await_type(connection.patient_retry_delay)

    # --- reading and decoding ---

    def request(self) -> None:
        """Read it from the device, and wait as for a request of a program."""
        attribute = self._attribute
        device, access = attribute.getParentObj(), attribute.factory().device_access
        if device is None or not access.reach_by_name(device):
            return
        try:
            self._read()
        except tango.DevFailed as error:
            attribute.debug("No configuration: %s", error.args[0].desc)

    def require(self) -> None:
        """Read it from the device if it is not known; waits.

        The device is called even if it was silent until now: nobody may have probed it.

        :raises tango.DevFailed: if the call fails.
        """
        if self.is_known:
            return
        attribute = self._attribute
        name = attribute.getSimpleName()
        self._take(attribute.connected().requested_configuration(name))

    def _read(self) -> None:
        attribute = self._attribute
        self._take(attribute.connected().configuration(attribute.getSimpleName()))

    def take_answer(self) -> None:
        """Take the configuration that arrived with the first answer of the device."""
        if not self.is_known:
            self.take_fresh()
        self.events.want_again()

    def take_fresh(self) -> None:
        """Take the recent configuration of the device, unless an event is newer."""
        attribute = self._attribute
        info = attribute.connected().fresh_configuration(
            attribute.getSimpleName(), since=self.events.heard
        )
        self._take(info)

    def _take(self, info: Any) -> None:
        """Decode ``info`` if it has changed."""
        if info is None:
            return
        self.make_readable(info)
        if not pytango_compat.same_configuration(info, self._decoded):
            taurus_compat.decode_configuration(self._attribute, info)
            self.announce()

    def make_readable(self, info: Any) -> None:
        """Empty the texts in ``info`` that are not UTF-8; warn once.

        PyTango raises when such a text is read.
        """
        unreadable = pytango_compat.empty_unreadable(info)
        if unreadable and unreadable != self._unreadable:
            owner, what = self._attribute, ", ".join(unreadable)
            owner.warning("%s: its %s cannot be decoded, left empty", owner, what)
        self._unreadable = unreadable

    def note_decoded(self) -> None:
        """Keep a copy of what was decoded.

        A program (Taurus's panel) changes the object that Taurus returns, and an equal
        answer of the device would not count as a change.
        """
        info = taurus_compat.configuration(self._attribute)
        self._decoded = info and tango.AttributeInfoEx(info)

    def take_type_of(self, raw: Any) -> None:
        """Take type and format from Tango's ``raw`` value if they have changed.

        The device was restarted with another attribute of that name. The rest of the
        configuration may arrive after the value, and widgets cannot show a text with
        the units of a number.
        """
        attribute = self._attribute
        info = taurus_compat.configuration(attribute)
        if info is None or raw.is_empty:
            return
        if self._type[0] is not info:
            self._type = info, (info.data_type, info.data_format)
        present = raw.type, raw.data_format
        if present != self._type[1]:
            info.data_type, info.data_format = present
            self._type = info, present
            taurus_compat.decode_configuration(attribute, info)
            self.announce()

    def announce(self) -> None:
        """Dispatch a ``Config`` event.

        As in stock Taurus, not without a value. Exception: widgets get one without a
        value, since their row may need another class. After an error of a poll, the
        last value is used.
        """
        attribute = self._attribute
        dispatch = attribute.engine.dispatch
        value, told = dispatch.known.value, None
        if value is None:
            value = dispatch.last_value
        if value is None:
            value = TangoAttrValue(attr=attribute)
            listeners = taurus_compat.listeners(attribute)
            told = tuple(one for one in listeners if is_of_taurus(one()))
        dispatch.announce(TaurusEventType.Config, value, told)

    # --- events ---

    @property
    def device_answers(self) -> bool:
        """Whether the device answers, or refuses at once; False without a device."""
        attribute = self._attribute
        return attribute.getParentObj() is not None and attribute.connected().answers

    def subscribe(
        self,
        rejected: Callable[[Subscription], Any],
        refused: Callable[[Subscription, Exception], Any],
    ) -> Subscription:
        """Subscribe to it; Tango retries a failure.

        See :meth:`taurus_tpo.tango_client.device.DeviceConnection.subscribe`.
        """
        attribute = self._attribute
        return attribute.connected().subscribe(
            attribute.getSimpleName(),
            tango.EventType.ATTR_CONF_EVENT,
            pytango_compat.carrier(RETRYING),
            attribute.push_event,
            rejected,
            refused,
        )

    def take_event(self, event: Any) -> None:
        """Process an event of the configuration; in a thread of Tango."""
        attribute = self._attribute
        if event.err:
            # The cached configuration stays valid.
            attribute.debug("configuration event in error: %s", event.errors[:1])
            return
        attribute.connected().heard()
        # The first event of a subscription may have no configuration.
        first = self.events.take_event(self._clock.monotonic())
        info = getattr(event, "attr_conf", None)
        if first or info is None:
            self._take(info)
            return
        # The configurations read with those of all attributes are older.
        attribute.connected().forget_configurations()
        # As in stock Taurus, each event is dispatched: an observer may count them.
        taurus_compat.decode_configuration(attribute, info)
        self.announce()
        # The device may have been restarted; then no event reports the value.
        attribute.engine.happen(Input.RENEWED)

    def when_idle(self) -> None:
        """Subscribe to it; called when no window is being built.

        Called by the pool right after the configurations of the device were read.
        """
        attribute = self._attribute
        if not attribute.closed and attribute.getParentObj() is not None:
            self.take_fresh()
            self.events.begin()

    def when_open(self) -> None:
        """Read changes that were missed before the server was sure to send events.

        Called as :meth:`when_idle`, some time after it.
        """
        attribute = self._attribute
        if not attribute.closed and attribute.getParentObj() is not None:
            self.take_fresh()
            if attribute.state in (State.OPENING, State.SUBSCRIBED):
                attribute.factory().verify_later(attribute, 0.0)
