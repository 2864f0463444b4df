"""Both widgets in Qt Designer.

Designer looks for Python modules in the folders that the environment names, and loads
them by the names of their files: ``*plugin.py`` with PyQt, ``register*.py`` with
PySide6. Nothing of Qt is loaded here.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

#: The folder with what Designer loads.
FOLDER = str(Path(__file__).resolve().parent)

#: The variables that name such folders: PyQt's, PySide6's.
VARIABLES = ("PYQTDESIGNERPATH", "PYSIDE_DESIGNER_PLUGINS")


def offer(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have Designer, when it is started with ``environment``, find the widgets.

    After whatever is named there; once is enough.
    """
    for variable in VARIABLES:
        environment[variable] = with_folder(environment.get(variable, ""))


def with_folder(path: str) -> str:
    """Return ``path``, folders as an environment variable has them, with ours."""
    folders = [folder for folder in path.split(os.pathsep) if folder]
    return os.pathsep.join(dict.fromkeys([*folders, FOLDER]))
