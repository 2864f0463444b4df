"""What the plugin takes for granted of Taurus and PyTango."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pint
import pytest
import tango
import taurus
from taurus.core.evaluation.evalattribute import EvaluationAttribute
from taurus.core.tango.tangoattribute import TangoAttribute, TangoAttrValue
from taurus.core.tango.tangodatabase import TangoAuthority
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.tango.tangofactory import TangoFactory
from taurus.core.tango.tangovalidator import TangoAttributeNameValidator
from taurus.core.taurusmodel import TaurusModel
from taurus.core.units import UR

from taurus_tpo.core import modes
from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.scheme.authority import TpoTangoAuthority
from taurus_tpo.scheme.device import TpoTangoDevice
from taurus_tpo.scheme.evaluation import TpoEvaluationAttribute
from taurus_tpo.scheme.factory import TpoTangoFactory
from taurus_tpo.scheme.name_cache import AttributeNames
from taurus_tpo.tango_client import pytango_compat

OWNERS = {
    "EvaluationAttribute": EvaluationAttribute,
    "TangoAuthority": TangoAuthority,
    "TaurusModel": TaurusModel,
    "TangoAttribute": TangoAttribute,
    "TangoDevice": TangoDevice,
    "TangoAttrValue": TangoAttrValue,
}
PAIRS = [
    (TpoTangoAttribute, TangoAttribute),
    (TpoTangoDevice, TangoDevice),
    (TpoTangoAuthority, TangoAuthority),
    (TpoTangoFactory, TangoFactory),
    (TpoEvaluationAttribute, EvaluationAttribute),
    (AttributeNames, TangoAttributeNameValidator),
]


def stock(place: str) -> Any:
    """The function that a private name stands for, as its own class defines it."""
    module, _, path = place.partition(":")
    owner, _, name = path.partition(".")
    return vars(getattr(importlib.import_module(module), owner))[name]


# --- private names -------------------------------------------------------------------

#: How the plugin calls each.
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "_getAttributeClass": ((), {"attr_name": "sys/tg_test/1/ampli"}),
    "_getDeviceClass": ((), {"db": None, "devname": "sys/tg_test/1"}),
    "_storeDevice": (("device",), {}),
    "_storeAttribute": (("attribute",), {}),
    "_createHWObject": ((), {}),
    "_subscribeConfEvents": ((), {}),
    "_unsubscribeConfEvents": ((), {}),
    "_decodeAttrInfoEx": (("info",), {}),
    "_unit_from_tango": (("unit",), {}),
    "_activatePolling": ((), {}),
    "_readFirstTime": ((), {}),
    "_should_force_read": ((), {}),
    "_deactivatePolling": ((), {}),
    "_wrap_old_api": (("method",), {"key": "key"}),
    "updateLabelBackground": (("label",), {}),
    "_customWidgetFactory": (("model",), {}),
    "_getUseParentModel": ((), {}),
    "__createReference": (("ref",), {}),
    "__fireRegisterEvent": ((("listener",),), {}),
}


ALL_NAMES = {**taurus_compat.PRIVATE_NAMES, **taurus_compat.PRIVATE_NAMES_OF_FORMS}


def marked(place: str) -> Any:
    """Return a place for a test that imports it: those of widgets need Qt."""
    of_widgets = place.startswith("taurus.qt")
    return pytest.param(place, marks=pytest.mark.window if of_widgets else ())


@pytest.mark.parametrize("place", [marked(place) for place in ALL_NAMES])
def test_a_private_name_is_there_and_can_be_called_as_we_do(place: str) -> None:
    function = stock(place)
    args, kwargs = CALLS[function.__name__]
    inspect.signature(function).bind("self", *args, **kwargs)


@pytest.mark.parametrize("place", ALL_NAMES)
def test_a_private_name_has_a_reason(place: str) -> None:
    assert len(ALL_NAMES[place].split()) >= 4


@pytest.mark.parametrize("name", taurus_compat.PRIVATE_ATTRIBUTES)
def test_a_private_attribute_is_set_by_its_class(name: str) -> None:
    owner, _, attribute = name.partition(".")
    assert f"self.{attribute} = " in inspect.getsource(OWNERS[owner])


def test_an_enumeration_without_a_label_makes_taurus_raise() -> None:
    """It is decoded by us then: no other way to a value is left."""
    source = inspect.getsource(TangoAttrValue)
    assert "rvalue = self.enum_labels[rvalue]" in source


@pytest.mark.window
def test_a_private_attribute_of_a_form_is_set_by_its_class() -> None:
    from taurus.qt.qtgui.panel import TaurusForm

    for name in taurus_compat.PRIVATE_ATTRIBUTES_OF_FORMS:
        attribute = name.partition(".")[2]
        assert f"self.{attribute} = " in inspect.getsource(TaurusForm)


def test_taurus_asks_for_the_class_of_an_attribute_where_we_answer() -> None:
    source = inspect.getsource(TangoFactory)
    assert re.search(r"self\._getAttributeClass\(\s*attr_name=", source)


def test_taurus_makes_evaluations_of_the_class_that_its_module_names() -> None:
    module = importlib.import_module("taurus.core.evaluation.evalfactory")
    assert "a = EvaluationAttribute(" in inspect.getsource(module)
    assert module.EvaluationAttribute is TpoEvaluationAttribute


def test_pytango_gives_subscriptions_up_by_the_name_that_we_know() -> None:
    """It has forgotten the number by then."""
    assert callable(vars(tango.DeviceProxy)["__unsubscribe_event"])
    source = inspect.getsource(importlib.import_module("tango.device_proxy"))
    forgets, gives_up = "del se[event_id]", "self.__unsubscribe_event(event_id)"
    assert 0 < source.find(forgets) < source.find(gives_up)


@pytest.mark.parametrize("text", ["", "No unit", "mm", "l/min", "mbar", "degC", "µm"])
def test_a_unit_is_what_taurus_parses(text: str) -> None:
    parsed = TangoAttribute._unit_from_tango(SimpleNamespace(), text)
    assert taurus_compat.unit(text) == parsed
    assert taurus_compat.unit(text) is taurus_compat.unit(text)


def test_an_unknown_unit_is_parsed_again() -> None:
    """A program may define it, and Taurus logs it for each attribute."""
    with pytest.raises(pint.UndefinedUnitError):
        taurus_compat.unit("fnordtest")
    UR.define("fnordtest = 3 * meter")
    assert str(taurus_compat.unit("fnordtest")) == "fnordtest"


def test_polling_is_not_started_where_the_user_disabled_it() -> None:
    place = "taurus.core.taurusattribute:TaurusAttribute._activatePolling"
    assert "if not self.isPollingEnabled():" in inspect.getsource(stock(place))


# --- overrides -----------------------------------------------------------------------


def takes_words(function: Any) -> bool:
    if not inspect.isfunction(function):
        return False
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_POSITIONAL not in kinds


def overrides() -> Iterator[Any]:
    """Each method of ours that takes the place of one of Taurus's."""
    for ours, theirs in PAIRS:
        for name, method in vars(ours).items():
            replaced = getattr(theirs, name, None)
            # Taurus's decorators hide what they decorate behind *args.
            if inspect.isfunction(method) and takes_words(replaced):
                yield pytest.param(method, replaced, id=f"{ours.__name__}.{name}")


@pytest.mark.parametrize(("method", "replaced"), list(overrides()))
def test_an_override_takes_what_taurus_would_pass(method: Any, replaced: Any) -> None:
    ours = inspect.signature(method).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in ours.values()):
        return
    theirs = inspect.signature(replaced).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for name, parameter in theirs.items():
        if parameter.default is not parameter.empty:
            assert ours[name].default == parameter.default


def test_taurus_finds_what_it_overrides() -> None:
    names = {param.id for param in overrides()}
    for expected in (
        "TpoTangoAttribute.addListener",
        "TpoTangoAttribute.removeListener",
        "TpoTangoAttribute.read",
        "TpoTangoAttribute.poll",
        "TpoTangoAttribute.push_event",
        "TpoTangoAttribute.cleanUp",
        "TpoTangoFactory._getAttributeClass",
        "TpoTangoFactory.cleanUp",
    ):
        assert expected in names


def private_words(klass: type) -> set[str]:
    """The private names that a class defines or sets on itself."""
    tree = inspect.getsource(klass).replace("self._", "\0_")
    assigned = {
        part.partition(" = ")[0].partition(":")[0].strip()
        for part in tree.split("\0")[1:]
        if " = " in part.splitlines()[0]
    }
    defined = {name for name in vars(klass) if name.startswith("_")}
    return {
        word
        for word in assigned | defined
        if word.isidentifier() and not word.startswith("__")
    }


def test_no_private_name_of_ours_means_something_else_to_taurus() -> None:
    known = [*taurus_compat.PRIVATE_NAMES, *taurus_compat.PRIVATE_ATTRIBUTES]
    listed = {name.rpartition(".")[2] for name in known}
    both = set()
    for ours, theirs in PAIRS:
        stock_words = set().union(*map(private_words, theirs.__mro__[:-1]))
        both |= private_words(ours) & stock_words
    # Set by Python and by Taurus, on any class, the second and third when it is used.
    generated = {"_abc_impl", "_the_instance", "_factory"}
    assert both - listed - generated == set()


# --- widgets -------------------------------------------------------------------------


class Old:
    """A widget as it might have been written before Taurus 5.1."""

    modelKeys = ("", "second")

    def setModel(self, model: str) -> str:
        return f"old {model}"

    def getModel(self, *, key: str = "") -> str:
        return f"new {key}"


@pytest.mark.window
def test_quick_widgets_call_old_and_new_methods_as_taurus_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from taurus.qt.qtgui.base.taurusbase import TaurusBaseComponent

    # Widgets of an earlier test may have been quickened already.
    slow = inspect.unwrap(TaurusBaseComponent._wrap_old_api)
    monkeypatch.setattr(TaurusBaseComponent, "_wrap_old_api", slow)

    class Widget(Old, TaurusBaseComponent):
        pass

    def answers() -> list[Any]:
        widget = Widget(name="widget", parent=None)
        found: list[Any] = [
            widget._wrap_old_api(widget.setModel, "model", key=""),
            widget._wrap_old_api(widget.getModel, key="second"),
        ]
        for method, key in ((widget.setModel, "second"), (widget.getModel, "third")):
            with pytest.raises((TypeError, KeyError)) as caught:
                widget._wrap_old_api(method, key=key)
            found.append((type(caught.value), str(caught.value).split("<")[0]))
        return found

    as_taurus_does = answers()
    taurus_compat.quicken_widgets()
    assert hasattr(TaurusBaseComponent._wrap_old_api, "__wrapped__")
    assert answers() == as_taurus_does
    assert as_taurus_does[:2] == ["old model", "new second"]


# --- versions ------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["5.2", "5.2.0", "5.3.1", "5.4.1", "5.4.9-alpha"])
def test_a_known_taurus_is_supported(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(taurus.Release, "version", version)
    assert taurus_compat.why_unsupported() is None


@pytest.mark.parametrize("version", ["4.8", "5.1.8", "5.5", "5.5.0-alpha", "6.0"])
def test_an_unknown_taurus_is_named(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(taurus.Release, "version", version)
    why = taurus_compat.why_unsupported()
    assert why is not None
    assert version.partition("-")[0] in why
    assert "5.2 to below 5.5" in why


def test_a_missing_pytango_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tango", None)
    assert "PyTango cannot be imported" in str(taurus_compat.why_unsupported())
    assert pytango_compat.pytango_version() is None


def test_what_is_installed_is_supported() -> None:
    assert taurus_compat.why_unsupported() is None
    assert pytango_compat.pytango_version() == tango.__version__
    assert taurus_compat.taurus_version() == taurus.Release.version


# --- PyTango -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_a_mode_goes_to_tango_and_back(mode: modes.SubMode) -> None:
    as_tango_has_it = pytango_compat.tango_event_sub_mode(mode)
    assert modes.parse(as_tango_has_it) is mode
    if pytango_compat.has_event_sub_mode():
        assert as_tango_has_it is getattr(tango.EventSubMode, mode.name)


@pytest.mark.skipif(
    not pytango_compat.has_event_sub_mode(), reason="PyTango before 10.1"
)
def test_tango_has_exactly_our_modes() -> None:
    names = {mode.name for mode in modes.MODES}
    assert set(tango.EventSubMode.__members__) == names


def test_the_default_is_async_read_where_tango_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for known, expected in ((True, modes.DEFAULT), (False, modes.SYNC_READ)):
        monkeypatch.setattr(
            pytango_compat, "has_event_sub_mode", lambda known=known: known
        )
        assert pytango_compat.default_mode() is expected


def test_an_event_without_an_error_is_no_failed_subscription() -> None:
    assert not pytango_compat.is_subscription_failure(SimpleNamespace(err=False))


# --- settings ------------------------------------------------------------------------


def test_the_stock_defaults_are_those_of_taurus() -> None:
    source = inspect.getsource(taurus_compat.custom_settings())
    if "TANGO_EVENTS_TO_SUBSCRIBE" in source:
        assert 'TANGO_EVENTS_TO_SUBSCRIBE = ["CHANGE_EVENT"]' in source
    if "TANGO_EVENT_SUB_MODE" in source:
        assert "TANGO_EVENT_SUB_MODE = EVENT_SUB_MODE.ASYNCREAD" in source
        assert taurus_compat.custom_settings().EVENT_SUB_MODE.ASYNCREAD == "ASYNCREAD"


def test_the_modes_of_taurus_are_ours() -> None:
    module = taurus_compat.custom_settings()
    if hasattr(module, "EVENT_SUB_MODE"):
        taurus_keys = {
            k: v for k, v in vars(module.EVENT_SUB_MODE).items() if k.isupper()
        }
        assert taurus_keys == {mode.key: mode.key for mode in modes.MODES}


def test_the_sources_of_settings_files_are_where_we_look() -> None:
    module = taurus_compat.custom_settings()
    assert isinstance(module.SYSTEM_CFG_FILE, str)
    assert isinstance(module.USER_CFG_FILE, str)
    parameters = inspect.signature(inspect.unwrap(module.load_configs)).parameters
    assert list(parameters) == ["filenames", "section"]
