"""What the plugin takes for granted of Taurus and PyTango."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import numpy
import pint
import pytest
import tango
import taurus
from packaging.version import Version
from taurus.core.evaluation.evalattribute import EvaluationAttribute
from taurus.core.tango.tangoattribute import TangoAttribute, TangoAttrValue
from taurus.core.tango.tangodatabase import TangoAuthority
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.tango.tangofactory import TangoFactory
from taurus.core.taurusmodel import TaurusModel
from taurus.core.units import UR

from taurus_tpo.core import modes
from taurus_tpo.environment import known_sources, taurus_compat, unknown_versions
from taurus_tpo.scheme.evaluation import TpoEvaluationAttribute
from taurus_tpo.tango_client import pytango_compat
from tools.known_sources import PAIRS, places

TAURUS = Version(taurus.Release.version)

OWNERS = {
    "EvaluationAttribute": EvaluationAttribute,
    "TangoAuthority": TangoAuthority,
    "TaurusModel": TaurusModel,
    "TangoAttribute": TangoAttribute,
    "TangoDevice": TangoDevice,
    "TangoAttrValue": TangoAttrValue,
}


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
    "_updateToolTip": (("label",), {}),
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
    if place.endswith("._readFirstTime") and Version("5.4") > TAURUS:
        pytest.skip("Taurus before 5.4 does not have it")
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


@pytest.mark.parametrize("version", ["4.8", "5.1.8"])
def test_an_old_taurus_is_named(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(taurus.Release, "version", version)
    why = taurus_compat.why_unsupported()
    assert why is not None
    assert version in why
    assert "5.2 to below 5.5" in why


@pytest.mark.parametrize("version", ["5.5", "5.5.0-alpha", "6.0"])
def test_a_new_taurus_is_tried_where_it_is_as_it_was(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(taurus.Release, "version", version)
    newer = taurus_compat.newer_than_known()
    assert newer == f"Taurus {version.partition('-')[0]}"
    why = taurus_compat.why_unsupported()
    if str(TAURUS) == known_sources.TAURUS:
        assert why is None
    monkeypatch.setattr(
        unknown_versions, "difference_of_taurus", lambda: "read is another one"
    )
    why = taurus_compat.why_unsupported()
    assert why == f"{newer} is not known, and read is another one"


@pytest.mark.skipif(
    not pytango_compat.has_event_sub_mode(), reason="PyTango before 10.1"
)
def test_a_new_pytango_is_tried_where_it_has_all_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "version", {"pytango": "11.0.0"}.__getitem__)
    assert taurus_compat.newer_than_known() == "PyTango 11.0.0"
    assert taurus_compat.why_unsupported() is None
    monkeypatch.setattr(
        pytango_compat, "PYTANGO_NAMES", {"DeviceProxy": ("subscribe_by_telepathy",)}
    )
    pytango_compat.missing_name.cache_clear()
    try:
        why = taurus_compat.why_unsupported()
    finally:
        pytango_compat.missing_name.cache_clear()
    assert why is not None
    assert "tango.DeviceProxy.subscribe_by_telepathy is not there" in why


def test_what_is_known_of_taurus_is_what_is_overridden() -> None:
    """Run ``tools/known_sources.py`` after a change."""
    if str(TAURUS) != known_sources.TAURUS:
        pytest.skip(f"not Taurus {known_sources.TAURUS}")
    found: dict[str, dict[str, str]] = {}
    for place, known in places():
        owner, _, name = place.rpartition(".")
        found.setdefault(owner, {})[name] = known
    assert found == known_sources.SOURCES


def test_a_missing_pytango_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tango", None)
    assert "PyTango cannot be imported" in str(taurus_compat.why_unsupported())


def test_a_pytango_that_is_not_installed_has_no_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert taurus_compat.installed_pytango() is None


@pytest.mark.parametrize(
    ("pytango", "with_numpy", "why"),
    [
        ("9.4.2", "1.26.4", "PyTango 9.4.2 is not supported (supported: 9.5 on)"),
        ("9.5.1", "1.26.4", None),
        ("9.5.1", "2.0.2", "PyTango 9.5.1 does not work with NumPy 2.0.2: install"),
        ("10.0.4", "2.0.2", None),
    ],
)
def test_a_pytango_that_would_not_work_is_named(
    monkeypatch: pytest.MonkeyPatch, pytango: str, with_numpy: str, why: str | None
) -> None:
    monkeypatch.setattr(metadata, "version", {"pytango": pytango}.__getitem__)
    monkeypatch.setattr(numpy, "__version__", with_numpy)
    found = taurus_compat.why_unsupported()
    assert found is None if why is None else str(found).startswith(why)


def test_what_is_installed_is_supported() -> None:
    assert taurus_compat.why_unsupported() is None
    assert str(taurus_compat.installed_pytango()) == tango.__version__
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


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_a_tango_without_modes_is_given_those_that_it_has(
    monkeypatch: pytest.MonkeyPatch, mode: modes.SubMode
) -> None:
    monkeypatch.setattr(pytango_compat, "has_event_sub_mode", lambda: False)
    carrier = pytango_compat.carrier(mode)
    assert carrier in (modes.SYNC_READ, modes.STATELESS)
    assert carrier.raises is mode.raises
    assert carrier.retries is mode.retries


def changed(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, (bool, int)) and type(value) in (bool, int):
        return type(value)(not value)
    members = list(type(value).values.values())
    return next(one for one in members if one != value)


def test_two_configurations_are_compared_by_what_they_say() -> None:
    """Each field counts that Tango has; PyTango compares objects before 10.3."""
    info = tango.AttributeInfoEx()
    same = pytango_compat.same_configuration
    assert same(info, tango.AttributeInfoEx(info))
    assert not same(info, None)
    assert same(None, None)
    places = (*pytango_compat._TEXTS, *pytango_compat._OTHERS)
    for place in (*places, *(f"alarms.{one}" for one in pytango_compat._ALARM_TEXTS)):
        other = tango.AttributeInfoEx(info)
        *path, name = place.split(".")
        owner = functools.reduce(getattr, path, other)
        try:
            setattr(owner, name, changed(getattr(owner, name)))
        except (AttributeError, TypeError, StopIteration) as error:
            pytest.fail(f"{place}: {error!r}")
        assert not same(info, other), place
    other = tango.AttributeInfoEx(info)
    labels = tango.StdStringVector()
    labels.append("one")
    other.enum_labels = labels
    assert not same(info, other)


def test_no_field_of_a_configuration_is_left_out() -> None:
    lists = ("enum_labels", "extensions", "sys_extensions")
    groups = ("alarms", "events")
    known = {*pytango_compat._TEXTS, *pytango_compat._OTHERS, *lists, *groups}
    fields = [n for n in dir(tango.AttributeInfoEx) if not n.startswith("_")]
    assert set(fields) == {name.partition(".")[0] for name in known}


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
