"""What a program does with Taurus: the steps of a client, and what it observes."""

from __future__ import annotations

import gc
import inspect
import threading
import time
import traceback
from typing import Any, Callable

import tango
import taurus
from taurus.core.tango.tangoattribute import TangoAttribute
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.taurusbasetypes import SubscriptionState, TaurusEventType

from tests.differential.kinds import KINDS
from tests.differential.plain import Plain

#: How often a condition is looked at, s.
_OFTEN = 0.02

_KINDS = {
    getattr(TaurusEventType, name): name
    for name in ("Change", "Config", "Periodic", "Error")
}
_STATES = {
    getattr(SubscriptionState, name): name
    for name in ("Unsubscribed", "Subscribing", "Subscribed", "PendingSubscribe")
}


#: What classes of the plugin have besides those that stock's derive from.
_OF_THE_PLUGIN = ("TpoTangoDevice", "DeviceOfThePool")


class Listener:
    """A listener that remembers what it is told, as it is told."""

    def __init__(self, plain: Plain) -> None:
        self._plain = plain
        #: What it was told, in a list for each step.
        self.told: list[list[list[Any]]] = [[]]
        self._last: Any = None
        self.count = 0
        #: When it was last told something that it had not just been told, monotonic s.
        self.news_at = time.monotonic()

    def eventReceived(self, source: Any, kind: Any, value: Any) -> None:
        """Take what Taurus tells."""
        record = [_KINDS.get(kind, str(kind)), self._plain.value(value)]
        if record != self._last:
            self.news_at = time.monotonic()
        self._last = record
        self.told[-1].append(record)
        self.count += 1


class Client:
    """One program's view of one device: carries out steps in whatever thread.

    :param models: the full names of the devices; steps about a device take the first.
    :param names: the names of the attributes.
    :param places: the index of the device of each attribute.
    """

    def __init__(
        self, models: list[str], names: list[str], places: list[int], plain: Plain
    ) -> None:
        self._model = models[0]
        self._names = names
        self._full = [f"{models[at]}/{name}" for at, name in zip(places, names)]
        self._plain = plain
        self._attributes: dict[int, Any] = {}
        self._device: Any = None
        self._listeners: dict[str, Listener] = {}
        self._listening: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def do(self, step: dict[str, Any]) -> Any:
        """Carry a step out; return its result, or what it raised, as JSON."""
        method: Callable[..., Any] = getattr(self, f"do_{step['do']}")
        # A step that does not exist is no observation.
        inspect.signature(method).bind(step["on"], **step["args"])
        try:
            return self._plain.value(method(step["on"], **step["args"]))
        except Exception as error:  # noqa: BLE001
            # Whatever it is, it is observed.
            if type(error).__name__ != "DevFailed":
                traceback.print_exc()
            return self._plain.error(error)

    # --- attributes ---

    def _attribute(self, on: int) -> Any:
        if on not in self._attributes:
            self._attributes[on] = taurus.Attribute(self._full[on])
        return self._attributes[on]

    def do_make(self, on: int) -> Any:
        """Make the attribute; return what it says of itself."""
        attribute = self._attribute(on)
        return self._config(attribute)

    def _config(self, attribute: Any) -> dict[str, Any]:
        told = {
            name: self._facet(attribute, name)
            for name in (
                *("type", "data_format", "writable", "label", "description"),
                *("range", "warnings", "alarms", "format_spec", "enum_labels"),
                *("tango_writable", "display_level", "fullname", "name"),
            )
        }
        told["type"] = str(told["type"])
        told["enum_labels"] = [str(one) for one in attribute.enum_labels or ()]
        told["simple"] = attribute.getSimpleName()
        told["precision"] = self._facet(attribute, "precision")
        told["is_numeric"] = attribute.isNumeric()
        return told

    def _facet(self, attribute: Any, name: str) -> Any:
        try:
            return self._plain.value(getattr(attribute, name))
        except (AttributeError, tango.DevFailed) as error:
            return self._plain.error(error)

    def do_read(self, on: int, cache: Any = True) -> Any:
        return self._attribute(on).read(cache=cache)

    def do_get(self, on: int, what: str) -> Any:
        """Return a property of the attribute."""
        return getattr(self._attribute(on), what)

    def do_value_obj(self, on: int, cache: Any = True) -> Any:
        return self._attribute(on).getValueObj(cache=cache)

    def do_write(self, on: int, value: int, with_read: bool = True) -> Any:
        kind = KINDS[self._names[on]]
        written = kind.values[value]
        if kind.type == "DevEncoded":
            written = (written[0], bytes.fromhex(written[1]))
        elif kind.type in ("DevDouble", "DevFloat") and kind.format == "scalar":
            written = float(written)
        return self._attribute(on).write(written, with_read)

    def do_info(self, on: int, cache: bool = True) -> Any:
        """Return Tango's configuration of the attribute."""
        info = self._attribute(on).getAttributeInfoEx(cache=cache)
        names = ("label", "unit", "format", "min_value", "max_value", "description")
        return {name: getattr(info, name) for name in names}

    def do_set_label(self, on: int, label: str) -> Any:
        return self._attribute(on).setLabel(label)

    def do_set_range(self, on: int, low: float, high: float) -> Any:
        return self._attribute(on).setRange([low, high])

    def do_drop(self, on: int) -> None:
        """Forget the attribute, and whoever listens to it."""
        for name in [name for name, at in self._listening.items() if at == on]:
            self.do_unlisten(on, name)
        self._attributes.pop(on, None)
        gc.collect()

    # --- what no program should count on ---

    def do_exact_type(self, on: int) -> Any:
        """Return whether the classes are Taurus's own, and whether they derive."""
        attribute, device = self._attribute(on), self.device
        return {
            "is": [type(attribute) is TangoAttribute, type(device) is TangoDevice],
            "isinstance": [
                isinstance(attribute, TangoAttribute),
                isinstance(device, TangoDevice),
            ],
        }

    def do_private_names(self, on: int) -> Any:
        """Return whether the value is in a name with two underscores."""
        return self._attribute(on)._TangoAttribute__attr_value is not None

    def do_polling_timers(self, on: int) -> Any:
        """Return whether there are timers of Taurus's."""
        return bool(self._attribute(on).factory().polling_timers)

    # --- listeners ---

    def do_listen(self, on: int, name: str = "A") -> Any:
        key = f"{name}{on}"
        listener = self._listeners.setdefault(key, Listener(self._plain))
        self._listening[key] = on
        return self._attribute(on).addListener(listener)

    def do_listen_all(self, on: int, name: str = "A") -> Any:
        """Listen to every attribute, the last one first."""
        indices = reversed(range(len(self._names)))
        return [self.do_listen(index, name) for index in indices]

    def do_unlisten(self, on: int, name: str = "A") -> Any:
        key = name if name in self._listening else f"{name}{on}"
        if key not in self._listening:
            return None
        del self._listening[key]
        return self._attribute(on).removeListener(self._listeners[key])

    def do_poll(self, on: int, period: int) -> Any:
        return self._attribute(on).changePollingPeriod(period)

    def do_enable_polling(self, on: int, force: bool = False) -> Any:
        return self._attribute(on).enablePolling(force)

    def do_disable_polling(self, on: int) -> Any:
        return self._attribute(on).disablePolling()

    # --- the device ---

    @property
    def device(self) -> Any:
        if self._device is None:
            self._device = taurus.Device(self._model)
        return self._device

    def do_register_class(self, on: int) -> None:
        """Have a class of one's own for the device, as Sardana has."""

        class OwnDevice(TangoDevice):
            pass

        taurus.Factory("tango").registerDeviceClass("Differing", OwnDevice)

    def do_device(self, on: int) -> Any:
        """Return what the device says of itself."""
        device = self.device
        bases = [one.__name__ for one in type(device).__mro__]
        return {
            "classes": [one for one in bases if one not in _OF_THE_PLUGIN],
            "fullname": device.getFullName(),
            "normal": device.getNormalName(),
            "simple": device.getSimpleName(),
            "description": self._plain.text(device.description),
        }

    def do_proxy(self, on: int) -> Any:
        """Return the type and the name of the device's proxy."""
        proxy = self.device.getDeviceProxy()
        return [type(proxy).__name__, proxy and proxy.dev_name()]

    def do_state(self, on: int) -> Any:
        return self.device.state

    def do_state_obj(self, on: int, cache: Any = True) -> Any:
        return self.device.stateObj.read(cache=cache)

    def do_command(self, on: int, name: str, argument: Any = None) -> Any:
        arguments = () if argument is None else (argument,)
        return self.device.command_inout(name, *arguments)

    def do_call(self, on: int, name: str, arguments: tuple[Any, ...] = ()) -> Any:
        """Call whatever Taurus's device delegates to Tango's."""
        answer = getattr(self.device, name)(*arguments)
        if name == "get_attribute_list":
            # A device has those of all scenarios that it has served.
            answer = [one for one in answer if one in (*self._names, "State", "Status")]
        return self._plain.text(str(answer))

    def do_listen_device(self, on: int, name: str = "D") -> Any:
        listener = self._listeners.setdefault(name, Listener(self._plain))
        return self.device.addListener(listener)

    def do_unlisten_device(self, on: int, name: str = "D") -> Any:
        if name not in self._listeners:
            return None
        return self.device.removeListener(self._listeners[name])

    # --- what is there ---

    def do_settle(
        self,
        on: int,
        expect: list[str],
        still: float,
        bound: float,
        subscribing: bool = False,
    ) -> None:
        """Return when what is expected is told and nothing more comes.

        :param expect: keys of listeners that should be told something new.
        :param still: how long nothing new may come, s.
        :param bound: how long to wait for what is expected, s.
        :param subscribing: whether to wait for subscriptions, too.
        """
        del on
        end = time.monotonic() + bound
        while self._misses(expect, subscribing) and time.monotonic() < end:
            time.sleep(_OFTEN)
        begun = time.monotonic()
        while time.monotonic() < max(self._news_at(), begun) + still:
            if time.monotonic() > end + 4 * still:
                break
            time.sleep(_OFTEN)
        self._seen = {key: one.count for key, one in self._listeners.items()}
        for one in self._listeners.values():
            one.told.append([])

    def _misses(self, expect: list[str], subscribing: bool) -> bool:
        listening = self._listening.values() if subscribing else ()
        if any(map(self._is_being_subscribed, listening)):
            return True
        return any(
            key in self._listeners
            and self._listeners[key].count <= self._seen.get(key, 0)
            for key in expect
        )

    def _is_being_subscribed(self, on: int) -> bool:
        """Return whether Tango has more to say to a new listener."""
        attribute = self._attributes.get(on)
        if attribute is None:
            return False
        state = attribute.getSubscriptionState()
        # With the plugin, the configuration's events come when nothing else is to do.
        configuration = getattr(attribute, "configuration", None)
        to_come = configuration is not None and not configuration.events.has_come
        return to_come or state == SubscriptionState.Subscribing

    def _news_at(self) -> float:
        return max((one.news_at for one in self._listeners.values()), default=0.0)

    def do_look(self, on: int) -> Any:
        """Return how every attribute that there is stands."""
        return {str(at): self._looked(one) for at, one in self._attributes.items()}

    def _looked(self, attribute: Any) -> dict[str, Any]:
        return {
            "isUsingEvents": attribute.isUsingEvents(),
            "subscription": _STATES.get(attribute.getSubscriptionState()),
            "polling": attribute.isPollingActive(),
            "forced": attribute.isPollingForced(),
            "enabled": attribute.isPollingEnabled(),
            "period": attribute.getPollingPeriod(),
            "listeners": attribute.hasListeners(),
            **{f"config {key}": one for key, one in self._config(attribute).items()},
        }

    def told(self) -> dict[str, Any]:
        """Return what each listener was told."""
        return {key: one.told for key, one in self._listeners.items()}

    def end(self) -> None:
        """Let go of everything."""
        for key, on in list(self._listening.items()):
            if on in self._attributes:
                self._attributes[on].removeListener(self._listeners[key])
        if self._device is not None:
            for listener in self._listeners.values():
                self._device.removeListener(listener)
        self._attributes.clear()
        self._device = None


def in_another_thread(call: Callable[[], Any]) -> Any:
    """Return what ``call`` returns in a thread of its own."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join()
    return results[0] if results else None
