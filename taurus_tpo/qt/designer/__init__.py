"""Registers both widgets with Qt Designer.

Designer loads Python modules from folders listed in environment variables, selected by
file name: ``*plugin.py`` with PyQt, ``register*.py`` with PySide6. This module does not
import Qt.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

#: The folder with the modules that Designer loads.
FOLDER = str(Path(__file__).resolve().parent)

#: The variables that list such folders: PyQt's, PySide6's.
VARIABLES = ("PYQTDESIGNERPATH", "PYSIDE_DESIGNER_PLUGINS")


def offer(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add our folder to the variables of ``environment``, which Designer inherits.

    The folder is appended to existing entries; a second call changes nothing.
    """
    for variable in VARIABLES:
        environment[variable] = with_folder(environment.get(variable, ""))


def with_folder(path: str) -> str:
    """Return ``path``, folders separated by ``os.pathsep``, with ours added."""
    folders = [folder for folder in path.split(os.pathsep) if folder]
    return os.pathsep.join(dict.fromkeys([*folders, FOLDER]))
