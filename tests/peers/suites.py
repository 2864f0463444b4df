"""The suites of others, and where their tests are."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: What pip takes for "the source, and nothing that was built of it".
_SOURCE_ONLY = ("--no-deps", "--no-binary", ":all:", "--quiet")


@dataclass(frozen=True)
class Suite:
    """The tests of one package.

    :param name: the package, as it is installed.
    :param modules: returns the files of its tests; may use the folder that it is given.
    :param seconds: how long one file may take, s.
    """

    name: str
    modules: Callable[[Path], list[Path]]
    seconds: float

    @property
    def version(self) -> str:
        """Which one is installed."""
        return importlib.metadata.version(self.name)


def _in_package(name: str) -> Callable[[Path], list[Path]]:
    """Return what finds the tests that are installed with a package."""

    def modules(_folder: Path) -> list[Path]:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations is not None
        root = Path(next(iter(spec.submodule_search_locations)))
        return sorted(root.rglob("test_*.py"))

    return modules


def _in_source(name: str) -> Callable[[Path], list[Path]]:
    """Return what finds the tests that only the source of a package has."""

    def modules(folder: Path) -> list[Path]:
        wanted = f"{name}=={importlib.metadata.version(name)}"
        pip = (sys.executable, "-m", "pip", "download", *_SOURCE_ONLY, wanted)
        subprocess.run([*pip, "--dest", str(folder)], check=True)
        [archive] = folder.glob("*.tar.gz")
        with tarfile.open(archive) as source:
            source.extractall(folder, filter="data")
        return sorted(folder.glob("*/tests/test_*.py"))

    return modules


SUITES = (
    Suite("taurus_pyqtgraph", _in_source("taurus_pyqtgraph"), 300.0),
    Suite("sardana", _in_package("sardana"), 900.0),
)
