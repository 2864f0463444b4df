"""Evaluations (``eval:``) over Tango attributes that have no value yet.

When Taurus makes an evaluation, it reads each attribute that the evaluation refers to.
A server that hangs blocks the GUI thread for a timeout per attribute; if a server is
down, there is no evaluation, and no row in a form, for good. While a window is built,
this class waits for the values only as long as a row of a Tango attribute does.
"""

from __future__ import annotations

from html import escape
from typing import Any

from taurus import Attribute
from taurus.core.evaluation.evalattribute import EvaluationAttribute
from taurus.core.taurusbasetypes import (
    AttrQuality,
    DataFormat,
    DataType,
    TaurusEventType,
)

from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER


class TpoEvaluationAttribute(EvaluationAttribute):
    """An evaluation that can be made before all its values are known.

    Until then it is a placeholder that looks like a text without a value, as a Tango
    attribute whose device does not answer. With the first value its listeners get a
    ``Config`` event. Made by Taurus's factory only. Methods may be called from any
    thread.
    """

    def __init__(self, name: str = "", parent: Any = None, **kwargs: Any) -> None:
        #: Symbols of the attributes without a value so far.
        self._awaited: set[str] = set()
        #: Whether it was evaluated, so that type and format are known.
        self._evaluated = True
        #: Whether it was cleaned up.
        self.closed = False
        super().__init__(name, parent, **kwargs)
        if self.type is None and self._lacks_values():
            self._be_placeholder()

    def _lacks_values(self) -> bool:
        """Return whether an attribute that it refers to has no value."""
        values = self.getParentObj().getSafe()
        symbols = map(self.getId, taurus_compat.references(self))
        return any(values.get(symbol) is None for symbol in symbols)

    def _be_placeholder(self) -> None:
        """Set a type and format that widgets can show until the first value arrives.

        TaurusForm never shows the row of a model without them.
        """
        self._evaluated = False
        self.data_format = DataFormat._0D
        self.type = DataType.String
        self.read().quality = AttrQuality.ATTR_INVALID

    def preProcessTransformation(self, trstring: str) -> Any:
        """Find the attributes that it refers to; called by Taurus's constructor."""
        self._awaited = set()
        return super().preProcessTransformation(trstring)

    def _EvaluationAttribute__createReference(self, ref: str) -> Any:
        """Return the attribute that is referred to, and store its value.

        Taurus's own method reads it and waits.
        """
        found = Attribute(ref)
        references = taurus_compat.references(self)
        if found not in references:
            symbol, value = self.getId(found), _value_in_time(found)
            if value is None:
                self._awaited.add(symbol)
            rvalue = None if value is None else value.rvalue
            self.getParentObj().addSafe({symbol: rvalue})
            references.append(found)
        return found

    def _EvaluationAttribute__fireRegisterEvent(self, listener: Any) -> None:
        """Dispatch the value to new listeners; called in a thread of Taurus.

        Taurus's own method calls widgets in that thread, even while they are being
        deleted.
        """
        told = tuple(one for one in taurus_compat.listeners(self) if one() in listener)
        EVENT_DISPATCHER.tell(self, TaurusEventType.Change, self.read(), told)

    def applyTransformation(self) -> None:
        """Evaluate it if all attributes that it refers to have a value."""
        if not self._awaited:
            super().applyTransformation()

    def eventReceived(self, evt_src: Any, evt_type: Any, evt_value: Any) -> None:
        """Process an event of an attribute that it refers to."""
        rvalue = getattr(evt_value, "rvalue", None)
        if self._awaited and rvalue is not None:
            symbol = self.getId(evt_src)
            self.getParentObj().addSafe({symbol: rvalue})
            self._awaited.discard(symbol)
        if self._awaited:
            return
        super().eventReceived(evt_src, evt_type, evt_value)
        value = self.read()
        if not self._evaluated and value.rvalue is not None:
            self._evaluated = True
            self.fireEvent(TaurusEventType.Config, value)
            self.fireEvent(TaurusEventType.Change, value)

    def fireEvent(
        self, event_type: Any, event_value: Any, listeners: Any = None
    ) -> None:
        """Dispatch to the listeners: to widgets in the GUI thread, in slices."""
        if listeners is None:
            EVENT_DISPATCHER.tell(
                self, event_type, event_value, taurus_compat.listeners(self)
            )
        else:
            super().fireEvent(event_type, event_value, listeners)

    def addListener(self, listener: Any) -> Any:
        """Add a listener; the first one makes it listen to the attributes.

        :return: False if it is a listener already.
        """
        EVENT_DISPATCHER.pass_by(self)
        added = super().addListener(listener)
        self._catch_up()
        return added

    def _catch_up(self) -> None:
        """Take values that arrived while it did not listen to the attributes."""
        for one in taurus_compat.references(self) if self._awaited else ():
            known = one.known.value if _is_tango(one) else None
            if known is not None and self.getId(one) in self._awaited:
                self.eventReceived(one, TaurusEventType.Change, known)

    def getFragmentObj(self, fragmentName: str | None = None) -> Any:
        """Return what widgets show, as Taurus does.

        :raises AttributeError: for a value before the first one; widgets show no value.
        """
        of_value = (fragmentName or self.defaultFragmentName).partition(".")[0]
        if not self._evaluated and of_value in ("rvalue", "wvalue"):
            raise AttributeError(f"{self.getFullName()} has no value yet")
        return super().getFragmentObj(fragmentName)

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, str]]:
        """Return the content of tooltips, as Taurus does, with what it waits for."""
        told = list(super().getDisplayDescrObj(cache))
        for one in taurus_compat.references(self):
            if self.getId(one) in self._awaited and _is_tango(one):
                told.append(("state", escape(f"{one.getSimpleName()}: {one.status}")))
        return told

    def cleanUp(self) -> None:
        """End it: its listeners get no more events."""
        self.closed = True
        super().cleanUp()


def _value_in_time(attribute: Any) -> Any:
    """Return the value of ``attribute``, or None if it is not known in time.

    The wait is only limited in the GUI thread, for a Tango attribute.
    """
    factory = attribute.factory()
    if _is_tango(attribute) and factory.wait_policy.in_a_hurry:
        factory.read_in_time(attribute)
        return attribute.known.value
    if isinstance(attribute, TpoEvaluationAttribute) and attribute.isUsingEvents():
        # It has just been made, or is kept current.
        value = attribute.read()
        return None if value.rvalue is None else value
    return attribute.read(cache=False)


def _is_tango(attribute: Any) -> bool:
    """Return whether it is of the plugin's class, not of another one."""
    return isinstance(attribute, TpoTangoAttribute)
