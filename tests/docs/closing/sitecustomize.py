"""Closes the windows of a program as soon as one is painted, as its user would.

Who is asked whether something should be saved says no.

Python imports a module of this name when it starts. What is painted is said on the
standard error.
"""

import sys

from taurus.external.qt import Qt

_run = Qt.QApplication.exec_


class _Closer(Qt.QObject):
    def eventFilter(self, thing, event):
        if event.type() == Qt.QEvent.Paint and thing.isWidgetType():
            window = thing.window()
            print(f"painted: {window.windowTitle()}", file=sys.stderr, flush=True)
            Qt.QApplication.instance().removeEventFilter(self)
            Qt.QTimer.singleShot(0, Qt.QApplication.closeAllWindows)
            self._timer = Qt.QTimer(self)
            self._timer.timeout.connect(self._say_no)
            self._timer.start(50)
        return False

    def _say_no(self):
        asked = Qt.QApplication.activeModalWidget()
        if isinstance(asked, Qt.QMessageBox):
            asked.button(Qt.QMessageBox.Discard).click()


def _exec(*arguments):
    closer = _Closer()
    Qt.QApplication.instance().installEventFilter(closer)
    return _run(*arguments)


Qt.QApplication.exec_ = _exec
