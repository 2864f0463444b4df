"""The configuration of a TaurusGui with the widgets of the plugin, as people write it.

It is copied: a GUI remembers by its name, which is that of the folder of this file.
"""

from pathlib import Path

from taurus.qt.qtgui.taurusgui.utils import PanelDescription

GUI_NAME = Path(__file__).parent.name
ORGANIZATION = "taurus_tpo tests"
SINGLE_INSTANCE = False

form = PanelDescription(
    "Form",
    classname="taurus.qt.qtgui.panel:TaurusForm",
    floating=False,
)
inspector = PanelDescription(
    "Inspector",
    classname="taurus_tpo.qt:Inspector",
    floating=False,
)
progress = PanelDescription(
    "Progress",
    classname="taurus_tpo.qt:FirstReadProgress",
    floating=False,
)

EXTRA_CATALOG_WIDGETS = [
    ("taurus_tpo.qt:Inspector", None),
    ("taurus_tpo.qt:FirstReadProgress", None),
]
