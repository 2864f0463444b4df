"""Differences between Taurus versions, and access to private names of Taurus.

Only this module uses private names of Taurus, so what a new version may break is here.
``tests/unit/test_compat.py`` fails if Taurus changes one of them.

Checked with Taurus 5.2.0, 5.3.1, 5.4.0 and 5.4.1, PyTango 10.3.1.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from importlib import metadata
from types import ModuleType
from typing import Any, Callable

import numpy
from packaging.version import Version

from taurus_tpo.environment import unknown_versions
from taurus_tpo.environment.loaded_widgets import (
    COMPONENT,
    FORM,
    LABEL,
    ROW,
    WidgetClass,
)
from taurus_tpo.tango_client import pytango_compat

#: The known versions of Taurus: from the first, below the second. A later one is
#: compared with them first.
KNOWN_TAURUS = (Version("5.2"), Version("5.5"))

#: The oldest PyTango that is supported; and the first one that works with NumPy 2.
OLDEST_PYTANGO = Version("9.5")
_WITH_NUMPY_2 = Version("10.0")

#: The first PyTango that is not known.
UNKNOWN_PYTANGO = Version("11.0")

#: The private names of Taurus that the plugin overrides or calls, and why no public
#: name is sufficient.
PRIVATE_NAMES = {
    "taurus.core.tango.tangofactory:TangoFactory._getAttributeClass": (
        "the only place where a factory says which class an attribute gets"
    ),
    "taurus.core.tango.tangofactory:TangoFactory._getDeviceClass": (
        "the only place where a factory says which class a device gets"
    ),
    "taurus.core.tango.tangofactory:TangoFactory._storeDevice": (
        "what a device calls when it is made, so that the factory knows it"
    ),
    "taurus.core.tango.tangofactory:TangoFactory._storeAttribute": (
        "the same of an attribute"
    ),
    "taurus.core.tango.tangodevice:TangoDevice._createHWObject": (
        "makes the proxy, for the constructor and getDeviceProxy"
    ),
    "taurus.core.tango.tangoattribute:TangoAttribute._subscribeConfEvents": (
        "called by the constructor of the class"
    ),
    "taurus.core.tango.tangoattribute:TangoAttribute._unsubscribeConfEvents": (
        "called by cleanUp for the subscription of the constructor"
    ),
    "taurus.core.tango.tangoattribute:TangoAttribute._decodeAttrInfoEx": (
        "turns Tango's configuration into Taurus's"
    ),
    "taurus.core.tango.tangoattribute:TangoAttribute._unit_from_tango": (
        "parses a unit anew for each attribute, which takes a fifth of making one"
    ),
    "taurus.core.taurusattribute:TaurusAttribute._readFirstTime": (
        "Taurus's word for asking for a first read (since 5.4)"
    ),
    "taurus.core.tango.tangoattribute:TangoAttribute._should_force_read": (
        "Taurus's rule of when a read of the cache goes to the device"
    ),
    "taurus.core.taurusattribute:TaurusAttribute._activatePolling": (
        "the public enablePolling changes what the user asked for"
    ),
    "taurus.core.taurusattribute:TaurusAttribute._deactivatePolling": (
        "the public disablePolling changes what the user asked for"
    ),
    "taurus.core.evaluation.evalattribute:EvaluationAttribute"
    "._EvaluationAttribute__createReference": (
        "reads what an evaluation refers to, however long that takes"
    ),
    "taurus.core.evaluation.evalattribute:EvaluationAttribute"
    "._EvaluationAttribute__fireRegisterEvent": (
        "tells widgets what is known in a thread that is not the GUI's"
    ),
    "taurus.qt.qtgui.display.tauruslabel:TaurusLabelController._updateBackground": (
        "sets the palette alone, where the rest of an update is held"
    ),
    "taurus.qt.qtgui.base.taurusbase:TaurusBaseComponent._wrap_old_api": (
        "takes a fifth of the time in which a form is built"
    ),
}

#: The private names of Taurus's forms that the plugin calls but does not override.
PRIVATE_NAMES_OF_FORMS = {
    "taurus.qt.qtgui.panel.taurusform:TaurusForm._customWidgetFactory": (
        "makes the row of a device whose class is in the map of custom widgets"
    ),
    "taurus.qt.qtgui.base.taurusbase:TaurusBaseComponent._getUseParentModel": (
        "its public name is deprecated, and warns"
    ),
    "taurus.qt.qtgui.display.tauruslabel:TaurusLabelController._updateToolTip": (
        "computes the tooltip of a label anew in each update"
    ),
}

#: The private attributes of forms that the plugin reads.
PRIVATE_ATTRIBUTES_OF_FORMS = {
    "TaurusForm._customWidgetMap": "its public name is deprecated, and warns",
    "TaurusForm._defaultFormWidget": "its public name is deprecated, and warns",
    "TaurusForm._children": "whoever needs the rows of a form reads them there",
}

#: Where a form has its rows.
FORM_ITEMS = "_children"

#: Where they are once that is a property of the class: with PySide6 an attribute of the
#: instance comes before a property.
_KEPT_ITEMS = "_taurus_tpo_items"

#: The private instance attributes that the plugin reads.
PRIVATE_ATTRIBUTES = {
    "TaurusModel._simp_name": "the alias of a device, which may be told later",
    "TaurusModel._listeners": "an event goes to the listeners of its moment",
    "TangoAuthority._dbProxy": "set by the constructor, which asks the database too",
    "TangoAuthority._dbCache": "set by the constructor, which asks the database too",
    "TangoDevice._deviceObj": "not set when the constructor asks for the proxy",
    "TangoAttribute._pytango_attrinfoex": "None while the configuration is not known",
    "TangoAttrValue._pytango_dev_attr": "an enumeration without a label has it, too",
    "EvaluationAttribute._references": "what an evaluation refers to",
    "TangoDevice._deviceState": "what a device that is listened to has told last",
}


def taurus_version() -> str:
    """Return the version of the installed Taurus."""
    return str(importlib.import_module("taurus").Release.version)


def _taurus_release() -> Version:
    """Return the version of the installed Taurus, without what follows its numbers."""
    return Version(Version(taurus_version()).base_version)


@functools.cache
def reads_after_each_write() -> bool:
    """Return whether Taurus reads an attribute back after each write: since 5.3.

    Before, not if it has events, nor if the caller of ``write`` wants no read.
    """
    return _taurus_release() >= Version("5.3")


def why_unsupported() -> str | None:
    """Return why the plugin cannot work with the installed packages, or None."""
    first, end = KNOWN_TAURUS
    if _taurus_release() < first:
        version = Version(taurus_version())
        return f"Taurus {version} is not supported (supported: {first} to below {end})"
    pytango = why_pytango_is_unsupported() or _what_differs()
    if pytango is not None:
        return pytango
    if _threads_are_replaced():
        return "gevent.monkey has replaced threads: Tango's own could not call back"
    return None


def newer_than_known() -> str | None:
    """Return which installed packages are newer than those that are known, or None."""
    taurus, pytango = _taurus_release(), installed_pytango()
    found = [f"Taurus {taurus}"] if taurus >= KNOWN_TAURUS[1] else []
    if pytango is not None and pytango >= UNKNOWN_PYTANGO:
        found.append(f"PyTango {pytango}")
    return " and ".join(found) or None


def _what_differs() -> str | None:
    """Return why the plugin cannot try itself on unknown versions, or None."""
    unknown = newer_than_known()
    if unknown is None:
        return None
    what = pytango_compat.missing_name() if "PyTango" in unknown else None
    if what is None and "Taurus" in unknown:
        what = unknown_versions.difference_of_taurus()
    return None if what is None else f"{unknown} is not known, and {what}"


def why_pytango_is_unsupported() -> str | None:
    """Return what is wrong with the installed PyTango, or None.

    Its version is asked first: with a NumPy that it does not know, its import may fail
    with any exception, or succeed and nothing works.
    """
    version = installed_pytango()
    if version is not None and version < OLDEST_PYTANGO:
        return f"PyTango {version} is not supported (supported: {OLDEST_PYTANGO} on)"
    has_numpy_2 = Version(numpy.__version__) >= Version("2.0.0")
    if version is not None and version < _WITH_NUMPY_2 and has_numpy_2:
        return (
            f"PyTango {version} does not work with NumPy {numpy.__version__}: install "
            "'numpy<2', or PyTango 10"
        )
    try:
        importlib.import_module("tango")
    except ImportError as error:
        return f"PyTango cannot be imported ({error})"
    return None


def installed_pytango() -> Version | None:
    """Return the version of the installed PyTango, also of one that does not work."""
    try:
        return Version(Version(metadata.version("pytango")).base_version)
    except metadata.PackageNotFoundError:
        return None


def _threads_are_replaced() -> bool:
    """Return whether gevent has patched ``threading``; does not import gevent.

    If it has, an item that one of Tango's threads puts into a queue does not wake the
    waiting greenlet, and a blocking wait stops all greenlets.
    """
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def claim_schemes(factory: type) -> None:
    """Assign the schemes of Taurus's own ``TangoFactory`` to ``factory``.

    The stock factory keeps one scheme, since
    ``TaurusManager.changeDefaultPollingPeriod`` uses the first one of every factory.
    """
    module = importlib.import_module("taurus.core.tango.tangofactory")
    module.TangoFactory.schemes = ("tango-stock",)
    factory.schemes = ("tango", "tango-nodb")  # type: ignore[attr-defined]


def use_evaluations(klass: type) -> None:
    """Make Taurus's evaluation factory create attributes of ``klass``.

    The factory has no hook for the class; it uses the name in its module.

    :param klass: derived from Taurus's ``EvaluationAttribute``.
    """
    module = importlib.import_module("taurus.core.evaluation.evalfactory")
    types = importlib.import_module("taurus.core.taurusbasetypes")
    vars(module)["EvaluationAttribute"] = klass
    factory = module.EvaluationFactory
    kind = types.TaurusElementType.Attribute
    factory.elementTypesMap = {**factory.elementTypesMap, kind: klass}


def references(evaluation: Any) -> list[Any]:
    """Return the list of attributes that an evaluation refers to (not a copy)."""
    found: list[Any] = evaluation._references
    return found


def remember_names(names: dict[str, Any]) -> None:
    """Make the validators of the ``tango`` scheme cache names in ``names``.

    Their own cache never drops results obtained while the database did not answer.
    """
    module = importlib.import_module("taurus.core.tango.tangovalidator")
    module.TangoDeviceNameValidator.names_cache = names


def activate_polling(attribute: Any) -> None:
    """Start polling ``attribute`` unless the user disabled polling."""
    attribute._activatePolling()


def deactivate_polling(attribute: Any) -> None:
    """Stop polling ``attribute``, even if the user enabled polling."""
    attribute._deactivatePolling()


def listeners(attribute: Any) -> tuple[Any, ...]:
    """Return the current listeners; empty after ``cleanUp``."""
    return tuple(attribute._listeners or ())


def decode_configuration(attribute: Any, info: Any) -> None:
    """Apply a ``tango.AttributeInfoEx`` as the configuration of ``attribute``.

    The constructor of TangoAttribute (5.3 and later) sets the labels of an enumeration
    separately, so a later configuration must set them as well.
    """
    attribute.enum_labels = list(info.enum_labels)
    attribute._decodeAttrInfoEx(info)


def device_state_value(device: Any) -> Any:
    """Return the known state as the event value that a device sends its listeners."""
    types = importlib.import_module("taurus.core.taurusbasetypes")
    value = types.TaurusModelValue()
    value.rvalue = device._deviceState
    return value


def decode_enum(attribute: Any, raw: Any) -> Any:
    """Return the ``TangoAttrValue`` of an enumeration for any ``raw`` value.

    Taurus's own decoding raises for a number without a label, for an image without
    elements and for an invalid reading without a value.

    :param raw: PyTango's ``DeviceAttribute``.
    """
    tango_attribute = importlib.import_module("taurus.core.tango.tangoattribute")
    labels = list(attribute.enum_labels or ())
    value = tango_attribute.TangoAttrValue(attr=attribute)
    value._pytango_dev_attr = raw
    value.enum_labels = labels
    value.rvalue = _labeled(labels, getattr(raw, "value", None))
    value.wvalue = getattr(raw, "w_value", None)
    value.time = raw.time
    value.quality = tango_attribute.quality_from_tango(raw.quality)
    return value


def _labeled(labels: list[str], number: Any) -> Any:
    """Return the label of a number, or the number itself; for an array, an array."""
    if isinstance(number, numpy.ndarray):
        found = [str(_labeled(labels, one)) for one in number.ravel().tolist()]
        return numpy.array(found, str).reshape(number.shape)
    if number is None or not 0 <= number < len(labels):
        return number
    return labels[number]


def filters_old_events() -> bool:
    """Return whether Taurus is set to drop events with older time stamps."""
    return bool(vars(custom_settings()).get("FILTER_OLD_TANGO_EVENTS", False))


def events_to_subscribe() -> Any:
    """Return the event types that Taurus is set to subscribe to."""
    return vars(custom_settings()).get("TANGO_EVENTS_TO_SUBSCRIBE", [])


@functools.lru_cache(maxsize=1000)
def unit(text: str) -> Any:
    """Return the unit that Tango calls ``text``, parsed once; no unit is an empty one.

    A unit is never changed: a quantity that is converted gets another one.

    :raises Exception: whatever Taurus's registry of units raises for an unknown one.
    """
    tango_attribute = importlib.import_module("taurus.core.tango.tangoattribute")
    no_unit = tango_attribute.TangoAttribute.no_unit
    return tango_attribute.UR.parse_units("" if text == no_unit else text)


def configuration(attribute: Any) -> Any:
    """Return the ``tango.AttributeInfoEx`` of ``attribute``, None if not known."""
    return attribute._pytango_attrinfoex


def disable_events_of_stock(factory: Any) -> None:
    """Disable the events of Taurus's own factory, by the API of its version."""
    if hasattr(factory, "set_tango_event_subscription_disabled"):
        factory.set_tango_event_subscription_disabled(True)
    else:  # Taurus 5.2.0
        factory.set_tango_subscribe_enabled(False)


def quicken_widgets() -> None:
    """Make Taurus's widgets inspect the signature of each of their methods only once.

    Stock Taurus inspects it at every call of a method that may predate Taurus 5.1,
    about eighty times per form row: a fifth of the time to build a row. The resulting
    behavior is unchanged. Does nothing in a program without widgets.
    """
    base = COMPONENT.find()
    if base is None or hasattr(base._wrap_old_api, "__wrapped__"):
        return
    stock = base._wrap_old_api

    @functools.wraps(stock)
    def wrap_old_api(self: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
        function = getattr(method, "__func__", None)
        if not inspect.isfunction(function) or not _takes_key(function):
            return stock(self, method, *args, **kwargs)
        self._checkModelKey(kwargs["key"])
        return method(*args, **kwargs)

    base._wrap_old_api = wrap_old_api


@functools.lru_cache(maxsize=1000)
def _takes_key(function: Callable[..., Any]) -> bool:
    """Return whether ``function`` accepts the keyword argument ``key``."""
    spec = inspect.getfullargspec(function)
    return spec.varkw is not None or "key" in (*spec.args, *spec.kwonlyargs)


def update_background(controller: Any, label: Any) -> None:
    """Set the palette of a label, as its controller does in each update."""
    controller._updateBackground(label)


#: The methods of Taurus that request devices while they fill a form, by class.
_FILLS_FORMS = (
    (FORM, ("fillWithChildren",)),
    (ROW, ("setModel", "handleEvent")),
)


#: The code of functions of the plugin that do the same.
_FILLING: set[Any] = set()


def filling_a_form(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that makes rows of a form, as methods of Taurus do."""
    _FILLING.add(function.__code__)
    return function


def fills_a_form() -> bool:
    """Return whether the calling thread is filling one of Taurus's forms.

    A request for a device then comes from the form or from one of its item factories.
    Taurus has no hook for this, and forms may be loaded and filled before anything
    could be patched, so the call stack is searched. Called only for a device that has
    not answered yet.
    """
    codes = {code for methods in _FILLS_FORMS for code in _codes(*methods)}
    codes |= _FILLING
    frame = sys._getframe(1) if codes else None
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False


def _codes(place: WidgetClass, names: tuple[str, ...]) -> list[Any]:
    """Return the code objects of methods of a class; empty if it is not loaded.

    Those of Taurus's own methods, also while the plugin replaces them.
    """
    found = place.find()
    methods = [] if found is None else [vars(found)[name] for name in names]
    return [inspect.unwrap(method).__code__ for method in methods]


def new_form_item(form: Any, model: Any, name: str, log: Callable[..., Any]) -> Any:
    """Return a new row of a form for ``model``, special or not; it has no model yet.

    :param name: of the model, as the form has it.
    :param log: is told of factories that fail.
    """
    made = special_form_item(form, model, name, log)
    return form._defaultFormWidget() if made is None else made


def uses_parent_model(form: Any) -> bool:
    """Return whether the models of a form are relative to that of its parent."""
    return bool(form._getUseParentModel())


def form_items(form: Any) -> list[Any]:
    """Return the rows of a form that have been made: its own list."""
    attributes = vars(form)
    rows: list[Any] = attributes.get(_KEPT_ITEMS, attributes.get(FORM_ITEMS))
    return rows


def set_form_items(form: Any, rows: list[Any]) -> None:
    """Replace the list of the rows of a form."""
    vars(form).pop(FORM_ITEMS, None)
    vars(form)[_KEPT_ITEMS] = rows


def special_form_item(form: Any, model: Any, name: str, log: Callable[..., Any]) -> Any:
    """Return the custom form row for ``model``, or None.

    Queries the item factories, then the map of custom widgets, as Taurus's form does.
    See :func:`new_form_item`; what is logged are Taurus's words.
    """
    for entry in form.getItemFactories():
        try:
            factory = entry.load()
        except Exception:  # noqa: BLE001 - as the form
            log('cannot load item factory "%s"', entry.name)
            continue
        try:
            made = factory(model)
        except Exception as error:  # noqa: BLE001 - as the form
            log(_FACTORY_RAISED, entry.name, error, name)
            continue
        if made is not None:
            return made
    return form._customWidgetFactory(model) if form._customWidgetMap else None


#: What Taurus logs of an item factory that raises.
_FACTORY_RAISED = 'factory "%s" raised "%r" for "%s". Tip: consider disabling it'


def forget_format(widget: Any) -> None:
    """Make a Taurus widget choose the format of its text again at its next event.

    Calls the base implementation: those of some subclasses also update the widget,
    which the next event does anyway.
    """
    COMPONENT.find().resetFormat(widget)


def takes_value_for_configuration(widget: Any) -> bool:
    """Return whether a value event has the effect of a configuration event too.

    A label updates completely for either, and a form row rebuilds its parts once its
    attribute has a configuration: a second event would double the cost.
    """
    kinds = (LABEL.find(), ROW.find())
    handle = type(widget).handleEvent
    return any(kind is not None and kind.handleEvent is handle for kind in kinds)


def keep_designer_path(extend: Callable[[str], str]) -> None:
    """Make ``taurus designer`` of Taurus 5.2 pass more plugin folders to Qt Designer.

    That version overwrites ``PYQTDESIGNERPATH``; later versions extend it. The function
    that builds the environment is replaced, since there is no hook.

    :param extend: returns its argument, a list of folders as in an environment
        variable, with more folders added.
    """
    if _taurus_release() >= Version("5.3"):
        return
    module = importlib.import_module("taurus.qt.qtdesigner.taurusdesigner")
    stock = module.get_taurus_designer_env

    @functools.wraps(stock)
    def get_taurus_designer_env(*args: Any, **kwargs: Any) -> Any:
        environment = stock(*args, **kwargs)
        name = "PYQTDESIGNERPATH"
        environment.insert(name, extend(environment.value(name)))
        return environment

    vars(module)[stock.__name__] = get_taurus_designer_env


@functools.cache
def custom_settings() -> ModuleType:
    """Return Taurus's module of settings."""
    return importlib.import_module("taurus.tauruscustomsettings")


#: The default values of Taurus's settings.
STOCK_DEFAULTS = {
    "TANGO_EVENT_SUB_MODE": "ASYNCREAD",
    "TANGO_EVENTS_TO_SUBSCRIBE": ["CHANGE_EVENT"],
}


def has_default(key: str) -> bool:
    """Return whether this Taurus has a default for ``key`` of :data:`STOCK_DEFAULTS`.

    It has the modes since 5.4: before, only users and programs set one.
    """
    return key != "TANGO_EVENT_SUB_MODE" or _taurus_release() >= Version("5.4")


#: The settings that the constructor of Taurus's TangoAttribute must be able to handle
#: (5.4 calls ``.upper()`` on the first): a check, and a replacement for a bad value.
DIGESTIBLE: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "TANGO_EVENT_SUB_MODE": (lambda value: isinstance(value, str), "ASYNCREAD"),
}
