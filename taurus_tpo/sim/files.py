"""Looks up facility files."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from taurus_tpo.sim.spec import FacilityError


def _folders() -> list[Path]:
    """Return the folders of named facilities, in a checkout and in an installation."""
    installed = Path(sysconfig.get_path("data"), "share", "taurus_tpo", "facilities")
    return [Path(__file__).parents[2] / "conf" / "facilities", installed]


def known() -> dict[str, Path]:
    """Return the facilities of the package, by name."""
    files = [file for folder in _folders() for file in sorted(folder.glob("*.toml"))]
    return {file.stem: file for file in reversed(files)}


def find(name: str | Path) -> Path:
    """Return the path of a facility file.

    :param name: a path, or the name of a facility of the package, such as ``demo``
    :raises FacilityError: if neither exists; the message lists the known names
    """
    path = Path(name)
    if path.is_file():
        return path
    facilities = known()
    if str(name) not in facilities:
        names = ", ".join(sorted(facilities)) or "none"
        raise FacilityError(f"{name}: no such file, nor a facility (known: {names})")
    return facilities[str(name)]
