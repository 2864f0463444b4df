"""Closes the windows of a program when one is painted, as its user would.

And when it is known of each attribute whether it has events, or has been waited for.

Who is asked whether something should be saved says no.

Python imports a module of this name when it starts. What is painted is said on the
standard error.
"""

import sys

from taurus.external.qt import Qt

_run = Qt.QApplication.exec_

#: How often is looked whether the windows can be closed, ms, and how often at the most.
_OFTEN, _LOOKS = 50, 100


def _is_busy():
    import taurus

    made = getattr(taurus.Factory("tango"), "attributes", list)()
    return any(one.state.name in ("CONNECTING", "SUBSCRIBING") for one in made)


class _Closer(Qt.QObject):
    def eventFilter(self, thing, event):
        if event.type() == Qt.QEvent.Paint and thing.isWidgetType():
            window = thing.window()
            print(f"painted: {window.windowTitle()}", file=sys.stderr, flush=True)
            Qt.QApplication.instance().removeEventFilter(self)
            self._looks, self._closing = 0, False
            self._timer = Qt.QTimer(self)
            self._timer.timeout.connect(self._look)
            self._timer.start(_OFTEN)
        return False

    def _look(self):
        self._looks += 1
        if not self._closing and (self._looks > _LOOKS or not _is_busy()):
            self._closing = True
            Qt.QTimer.singleShot(0, Qt.QApplication.closeAllWindows)
        self._say_no()

    def _say_no(self):
        asked = Qt.QApplication.activeModalWidget()
        if isinstance(asked, Qt.QMessageBox):
            asked.button(Qt.QMessageBox.Discard).click()


def _exec(*arguments):
    closer = _Closer()
    Qt.QApplication.instance().installEventFilter(closer)
    return _run(*arguments)


Qt.QApplication.exec_ = _exec
# As an event loop of asyncio calls it: of an application.
Qt.QApplication.exec = staticmethod(_exec)
