"""What ``%load_ext taurus_tpo`` does to a shell, and ``%unload_ext`` undoes."""

from __future__ import annotations

import weakref
from typing import Any

from taurus_tpo.notebook.completion import completions
from taurus_tpo.notebook.formatters import Formatters
from taurus_tpo.notebook.magics import TpoMagics

#: The name of the magic command, and as it is typed.
NAME, TYPED = "tpo", "%tpo"

#: The extension in each shell of the process.
_LOADED: weakref.WeakKeyDictionary[Any, Extension] = weakref.WeakKeyDictionary()


class Extension:
    """The command ``%tpo`` and the formatters, in one shell, until :meth:`remove`."""

    def __init__(self, shell: Any) -> None:
        self._line_magics = shell.magics_manager.magics["line"]
        self._completers = shell.strdispatchers["complete_command"]
        self._magics = TpoMagics(shell)
        self._formatters = Formatters(shell)
        shell.register_magic_function(self._magics.tpo, "line", NAME)
        for key in (NAME, TYPED):
            shell.set_hook("complete_command", self._complete, str_key=key)

    def remove(self) -> None:
        """End the watch, and leave the shell as it was; in the shell's thread."""
        self._magics.close()
        self._line_magics.pop(NAME, None)
        self._formatters.remove()
        for key in (NAME, TYPED):
            self._completers.strs.pop(key, None)

    def _complete(self, _shell: Any, event: Any) -> list[str]:
        return completions(event.line, event.symbol, self._magics.options)


def load(shell: Any) -> None:
    """Load it into a shell of IPython; once."""
    if shell not in _LOADED:
        _LOADED[shell] = Extension(shell)


def unload(shell: Any) -> None:
    """Undo :func:`load`."""
    extension = _LOADED.pop(shell, None)
    if extension is not None:
        extension.remove()
