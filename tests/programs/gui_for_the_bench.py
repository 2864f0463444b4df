"""The configuration of a TaurusGui, as ``taurus tpo bench`` measures it."""

from taurus.qt.qtgui.taurusgui.utils import PanelDescription

GUI_NAME = "bench"
form = PanelDescription(
    "form",
    classname="taurus.qt.qtgui.panel.TaurusForm",
    model=["sim/batch/1/volt01", "sim/batch2/1/volt02"],
)
