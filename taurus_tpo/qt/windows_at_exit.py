"""Hides the windows that are still visible when Python ends, before PyQt deletes them.

PyQt's exit handler deletes the widgets while it walks its table of wrappers. To delete
a visible widget calls ``hideEvent``, which all Taurus widgets define in Python: PyQt
then adds a wrapper of the event to the table. If that makes the table move, the process
ends: SIGSEGV below ``cleanup_on_exit``. With PyQt5 5.15.11 and a busy machine it was
seen in 10 % of the programs that ended with a visible form of ten rows; in stock
Taurus, too, in 2 of 102, since it depends on the number of wrappers.

All functions run in the GUI thread.
"""

from __future__ import annotations

import atexit

from taurus.external.qt import Qt

from taurus_tpo.scheme.gui_thread import application_of_this_thread


def hide_windows() -> None:
    """Hide all windows of this thread's application."""
    if application_of_this_thread() is None:
        return
    for window in Qt.QApplication.topLevelWidgets():
        window.hide()


def hide_windows_at_exit() -> None:
    """Have the windows hidden when Python ends; repeated calls do nothing more.

    Exit handlers run in reverse order: after those that the program registers from now
    on, before that of PyQt.
    """
    atexit.unregister(hide_windows)
    atexit.register(hide_windows)
