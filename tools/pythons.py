"""Find the Pythons that the project supports, on the path and under pyenv.

``python tools/pythons.py`` lists them. Needs only Python's standard library.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

#: The versions that are looked for, the oldest first.
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")

#: How long a Python may take to tell its version, s.
STARTING = 30.0

#: A Python is found if it can make virtual environments.
_PROBE = "import ensurepip, platform, venv; print(platform.python_version())"


class Python(NamedTuple):
    """An interpreter that works."""

    version: str  # such as 3.9
    release: str  # such as 3.9.18
    path: pathlib.Path


def find(version: str) -> Python | None:
    """Return an interpreter of a version, such as ``3.9``; None if there is none.

    One on the path comes before those of pyenv, and of these the newest first.
    """
    for path in _candidates(version):
        release = _release_of(path)
        if release.rpartition(".")[0] == version:
            return Python(version, release, path)
    return None


def _candidates(version: str) -> Iterator[pathlib.Path]:
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield pathlib.Path(on_path)
    root = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    found = root.glob(f"versions/{version}.*/bin/python{version}")
    yield from sorted(found, key=_order, reverse=True)


def _order(path: pathlib.Path) -> tuple[int, ...]:
    release = path.parts[-3]
    return tuple(int(part) for part in release.split(".") if part.isdigit())


def _release_of(path: pathlib.Path) -> str:
    """Return the version of an interpreter; empty if it does not work.

    A shim of pyenv is on the path also if no version is selected.
    """
    try:
        said = subprocess.run(
            [str(path), "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=STARTING,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""


def main() -> None:
    """Print each version and its interpreter."""
    for version in VERSIONS:
        python = find(version)
        place = "not found" if python is None else f"{python.release} {python.path}"
        print(f"{version}: {place}")


if __name__ == "__main__":
    main()
