"""Evaluations (``eval:``) over Tango attributes that have no value yet.

Taurus reads each attribute that an evaluation refers to when it makes the evaluation:
a server that hangs costs the thread of the GUI its timeouts for each of them, and where
one is down there is no evaluation, and no row in a form, for good. While a window is
built, an evaluation of ours waits for that as long as a row of a Tango attribute does.
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
    """An evaluation that need not have all its values when it is made.

    Until they have come it looks like a text without a value, as a Tango attribute
    does whose device does not answer. With the first value its listeners are told to
    look at its configuration again. Made by Taurus's factory, never by hand. Methods
    may be called from any thread.
    """

    def __init__(self, name: str = "", parent: Any = None, **kwargs: Any) -> None:
        #: The symbols of attributes that have not told a value yet.
        self._awaited: set[str] = set()
        #: Whether it was evaluated, so that type and format are known.
        self._evaluated = True
        #: Whether it was cleaned up.
        self.closed = False
        super().__init__(name, parent, **kwargs)
        if self.type is None and self._lacks_values():
            self._be_placeholder()

    def _lacks_values(self) -> bool:
        """Return whether something that it refers to has no value."""
        values = self.getParentObj().getSafe()
        symbols = map(self.getId, taurus_compat.references(self))
        return any(values.get(symbol) is None for symbol in symbols)

    def _be_placeholder(self) -> None:
        """Look like something that widgets can show until the first value arrives.

        TaurusForm leaves the row of a model without a format and a type out for good.
        """
        self._evaluated = False
        self.data_format = DataFormat._0D
        self.type = DataType.String
        self.read().quality = AttrQuality.ATTR_INVALID

    def preProcessTransformation(self, trstring: str) -> Any:
        """Find what it refers to; called by Taurus's constructor."""
        self._awaited = set()
        return super().preProcessTransformation(trstring)

    def _EvaluationAttribute__createReference(self, ref: str) -> Any:
        """Return the attribute that is referred to, and remember its value.

        Taurus's own reads it, and waits for that.
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
        """Tell those who came later what is known; called in a thread of Taurus's.

        Taurus's own tells widgets in that thread, also those that are being deleted.
        """
        told = tuple(one for one in taurus_compat.listeners(self) if one() in listener)
        EVENT_DISPATCHER.tell(self, TaurusEventType.Change, self.read(), told)

    def applyTransformation(self) -> None:
        """Evaluate it, once all that it refers to has told a value."""
        if not self._awaited:
            super().applyTransformation()

    def eventReceived(self, evt_src: Any, evt_type: Any, evt_value: Any) -> None:
        """Take what an attribute that it refers to has told."""
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
        """Tell the listeners: widgets in the thread of the GUI, in slices."""
        if listeners is None:
            EVENT_DISPATCHER.tell(
                self, event_type, event_value, taurus_compat.listeners(self)
            )
        else:
            super().fireEvent(event_type, event_value, listeners)

    def addListener(self, listener: Any) -> Any:
        """Add a listener; the first one makes it listen to what it refers to.

        :return: False if it listens already.
        """
        EVENT_DISPATCHER.pass_by(self)
        added = super().addListener(listener)
        self._catch_up()
        return added

    def _catch_up(self) -> None:
        """Take the values that have come while nobody listened to them."""
        for one in taurus_compat.references(self) if self._awaited else ():
            known = one.known.value if _is_tango(one) else None
            if known is not None and self.getId(one) in self._awaited:
                self.eventReceived(one, TaurusEventType.Change, known)

    def getFragmentObj(self, fragmentName: str | None = None) -> Any:
        """Return what widgets show, as Taurus does.

        :raises AttributeError: for a value before the first: widgets show none.
        """
        of_value = (fragmentName or self.defaultFragmentName).partition(".")[0]
        if not self._evaluated and of_value in ("rvalue", "wvalue"):
            raise AttributeError(f"{self.getFullName()} has no value yet")
        return super().getFragmentObj(fragmentName)

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, str]]:
        """Return what tooltips tell, as Taurus does, and what it waits for."""
        told = list(super().getDisplayDescrObj(cache))
        for one in taurus_compat.references(self):
            if self.getId(one) in self._awaited and _is_tango(one):
                told.append(("state", escape(f"{one.getSimpleName()}: {one.status}")))
        return told

    def cleanUp(self) -> None:
        """End it: its listeners hear nothing any more."""
        self.closed = True
        super().cleanUp()


def _value_in_time(attribute: Any) -> Any:
    """Return the value that ``attribute`` has now, None where that takes too long.

    As long as it takes, unless this thread builds a window.
    """
    factory = attribute.factory()
    if _is_tango(attribute) and factory.wait_policy.in_a_hurry:
        factory.read_in_time(attribute)
        return attribute.known.value
    if isinstance(attribute, TpoEvaluationAttribute) and attribute.isUsingEvents():
        # It has just been made, or is kept up to date.
        value = attribute.read()
        return None if value.rvalue is None else value
    return attribute.read(cache=False)


def _is_tango(attribute: Any) -> bool:
    """Return whether it is one of ours, and no class of somebody else's."""
    return isinstance(attribute, TpoTangoAttribute)
