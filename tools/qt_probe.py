"""Check that Qt starts offscreen, or list what is missing.

Run it with a Python that has PyQt5; the arguments are the platform plugins that must
load. Exit status: 0: Qt starts; MISSING: something is missing, and its names are on
standard output, one per line; other: Qt fails for another reason, given on standard
error.
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
    """Return the names of the shared libraries that are missing to load file."""
    try:
        ctypes.CDLL(str(file))
    except OSError as error:
        # The loader reports only the first one; ldd, if installed, reports all.
        if shutil.which("ldd"):
            ldd = subprocess.run(["ldd", str(file)], capture_output=True, text=True)
            names = set(NOT_FOUND.findall(ldd.stdout))
            if names:
                return names
        return set(CANNOT_OPEN.findall(str(error)))
    return set()


def missing_for(platforms: list[str]) -> set[str]:
    """Return the names of all libraries that the given platform plugins lack."""
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
    """Print what is missing; return the exit status described above."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # Check the plugins first: if one fails, Qt aborts without naming a library.
    missing = missing_for(platforms)
    if not missing and not fonts():
        missing = {"fonts"}  # Qt starts without fonts, but draws no text
    print("\n".join(sorted(missing)))
    return MISSING if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
