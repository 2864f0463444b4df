"""A progress bar of the first read of all attributes of this process."""

from __future__ import annotations

from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.core.renamed import renamed
from taurus_tpo.qt.inspector.attribute_list import plugin_factory, summary
from taurus_tpo.qt.modelless_widget import ModellessWidget
from taurus_tpo.qt.progress_summary import ProgressSummary

#: How often the attributes are counted, ms: while some are missing, and otherwise.
COUNT_PERIOD = 250
AT_REST = 1000

#: The maximum share of the GUI thread's time that counting may take.
SHARE = 0.05

#: The minimum width of the bar, in characters.
ROOM = 46


class FirstReadProgress(ModellessWidget, Qt.QProgressBar):
    """A progress bar for a status bar or a panel: ``212 of 330 · 9 slow``.

    It shows how many of the attributes with a listener are present, and the number of
    slow ones and of servers that do not answer; the tooltip has their names. A click or
    Return opens the inspector. The bar is hidden while nothing is missing. It reads the
    state of the attributes and sends no request to a device.

    For the GUI thread.

    :param designMode: whether Qt Designer shows it: it is visible and does not count.
    """

    DESIGNER_ICON = "progress.png"
    DESIGNER_TIP = "What the attributes of this process still wait for"

    #: Emitted on a click or Return, before the inspector opens.
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
        """Count the attributes, and show or hide the bar."""
        begun = SYSTEM.monotonic()
        found = summary(plugin_factory().attributes(), begun)
        self.show_summary(found)
        rest = int((SYSTEM.monotonic() - begun) * 1000 / SHARE)
        self._timer.setInterval(max(rest, AT_REST if found.complete else COUNT_PERIOD))

    tally = renamed("tally", "summary")
    show_tally = renamed("show_tally", "show_summary")

    def show_summary(self, summary: ProgressSummary) -> None:
        """Show how many attributes are present and missing; hide if none is missing."""
        self.summary = summary
        self.setRange(0, max(1, summary.wanted))
        self.setValue(summary.there)
        self.setFormat(str(summary))
        self.setToolTip(f"{summary.details}\n\nClick to see each attribute.")
        self.setAccessibleDescription(str(summary))
        # The visibility of a top-level bar is up to the program.
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
