"""The configuration of a TaurusGui: one panel, a form of the simulated device."""

from taurus.qt.qtgui.taurusgui.utils import PanelDescription

GUI_NAME = "panels"
ORGANIZATION = "test"
# Two programs have one each at the same time.
SINGLE_INSTANCE = False

form = PanelDescription(
    "Device",
    classname="taurus.qt.qtgui.panel:TaurusForm",
    model=["sim/panel/1/volts", "sim/panel/1/quiet"],
)
