"""Start Qt without a screen, or name what keeps it from starting.

Run by a python that has PyQt5, with the names of the platform plugins that must
load as arguments.  Exit status: 0, Qt starts; MISSING, something has to be installed
first and its names are on standard output, one to a line; anything else, Qt is broken
in some other way and standard error tells how.
"""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys

MISSING = 3
NOT_FOUND = re.compile(r"(\S+\.so\S*) => not found")  # from ldd
CANNOT_OPEN = re.compile(r"(\S+\.so[.\d]*): cannot open")  # from the loader


def missing_libraries(file: pathlib.Path) -> set[str]:
    """Return the names of the shared libraries without which file does not load."""
    try:
        ctypes.CDLL(str(file))
    except OSError as error:
        # The loader names only the first one; ldd, where there is one, names all.
        if shutil.which("ldd"):
            ldd = subprocess.run(["ldd", str(file)], capture_output=True, text=True)
            names = set(NOT_FOUND.findall(ldd.stdout))
            if names:
                return names
        return set(CANNOT_OPEN.findall(str(error)))
    return set()


def missing_for(platforms: list[str]) -> set[str]:
    """Return the names of all libraries that the given platform plugins miss."""
    import PyQt5

    missing: set[str] = set()
    for package in PyQt5.__path__:
        for platform in platforms:
            plugins = f"Qt*/plugins/platforms/libq{platform}.so"
            for file in pathlib.Path(package).glob(plugins):
                missing |= missing_libraries(file)
    return missing


def fonts() -> list[str]:
    """Start Qt and return the font families it finds."""
    from PyQt5 import QtGui, QtWidgets

    application = QtWidgets.QApplication(sys.argv[:1])
    families = QtGui.QFontDatabase().families()
    del application
    return families


def main(platforms: list[str]) -> int:
    """Report what is missing on standard output; see the exit status above."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # Asked of the plugins first: Qt aborts, and names no library, if one fails.
    missing = missing_for(platforms)
    if not missing and not fonts():
        missing = {"fonts"}  # Qt starts without, but draws no text
    print("\n".join(sorted(missing)))
    return MISSING if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
