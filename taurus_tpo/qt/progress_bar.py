"""A bar that says what the windows of this process still wait for."""

from __future__ import annotations

from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.core.renamed import renamed
from taurus_tpo.qt.inspector.attribute_list import plugin_factory, summary
from taurus_tpo.qt.modelless_widget import ModellessWidget
from taurus_tpo.qt.progress_summary import ProgressSummary

#: How often the attributes are counted, ms: while something is missing, and after.
COUNT_PERIOD = 250
AT_REST = 1000

#: How much of the time of the GUI counting may take, where there are many.
SHARE = 0.05

#: How many characters the bar has room for.
ROOM = 46


class FirstReadProgress(ModellessWidget, Qt.QProgressBar):
    """A bar for a status bar or a panel: ``212 of 330 · 9 slow``.

    It says how many of the attributes that somebody listens to are there, and what is
    waited for; the names are in its tooltip. A click, or Return, opens the inspector.
    It goes when all is there, and comes back when a server goes. It looks at what the
    attributes know, and asks no device anything.

    For the thread of the GUI.

    :param designMode: whether Qt Designer shows it: it is seen, and counts nothing.
    """

    DESIGNER_ICON = "progress.png"
    DESIGNER_TIP = "What the attributes of this process still wait for"

    #: That somebody wants to know more; the inspector is opened in any case.
    clicked = Qt.pyqtSignal()

    def __init__(self, parent: Any = None, designMode: bool = False) -> None:
        super().__init__(parent)
        self.summary = ProgressSummary()
        self.setObjectName("firstReadProgress")
        self.setAccessibleName("First read")
        self.setFocusPolicy(Qt.Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.QCursor(Qt.Qt.CursorShape.PointingHandCursor))
        self.setAlignment(Qt.Qt.AlignmentFlag.AlignCenter)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * ROOM)
        fixed, preferred = Qt.QSizePolicy.Policy.Fixed, Qt.QSizePolicy.Policy.Preferred
        self.setSizePolicy(preferred, fixed)
        self._timer = Qt.QTimer(self)
        self._timer.timeout.connect(self.refresh)
        if designMode:
            self.show_summary(ProgressSummary(330, 212, silent=("TangoTest/1",)))
            return
        self.setVisible(False)
        self._timer.start(COUNT_PERIOD)

    def refresh(self) -> None:
        """Count the attributes, and come or go."""
        begun = SYSTEM.monotonic()
        found = summary(plugin_factory().attributes(), begun)
        self.show_summary(found)
        rest = int((SYSTEM.monotonic() - begun) * 1000 / SHARE)
        self._timer.setInterval(max(rest, AT_REST if found.complete else COUNT_PERIOD))

    tally = renamed("tally", "summary")
    show_tally = renamed("show_tally", "show_summary")

    def show_summary(self, summary: ProgressSummary) -> None:
        """Show what is there and what is missing; nothing where all is there."""
        self.summary = summary
        self.setRange(0, max(1, summary.wanted))
        self.setValue(summary.there)
        self.setFormat(str(summary))
        self.setToolTip(f"{summary.details}\n\nClick to see each attribute.")
        self.setAccessibleDescription(str(summary))
        # One that stands alone is shown and hidden by whoever made it.
        if not self.isWindow():
            self.setVisible(not summary.complete)

    def mouseReleaseEvent(self, event: Any) -> None:
        """Open the inspector."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.Qt.MouseButton.LeftButton:
            self.inspect()

    def keyPressEvent(self, event: Any) -> None:
        """Open the inspector with Return or Space."""
        keys = Qt.Qt.Key
        if event.key() in (keys.Key_Return, keys.Key_Enter, keys.Key_Space):
            self.inspect()
        else:
            super().keyPressEvent(event)

    def inspect(self) -> None:
        """Open the inspector."""
        from taurus_tpo.qt.inspector.window import show_inspector

        self.clicked.emit()
        show_inspector()
