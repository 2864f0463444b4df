"""The source distribution and the wheel, built without a network; and the Pythons."""

from __future__ import annotations

import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from paths import ROOT
from program_support import run

from taurus_tpo import __version__
from tools import dist, pythons


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that both were built into."""
    out = tmp_path_factory.mktemp("dist")
    done = run(
        [
            *(sys.executable, "-m", "tools.dist", "--no-isolation", "--no-install"),
            *("--out", str(out)),
        ]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_both_are_built_and_checked(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == [
        f"taurus_tpo-{__version__}-py3-none-any.whl",
        f"taurus_tpo-{__version__}.tar.gz",
    ]


def test_a_file_that_is_missing_or_stray_is_seen(built: Path, tmp_path: Path) -> None:
    (wheel,), (sources,) = built.glob("*.whl"), built.glob("*.tar.gz")
    dist.check_contents(sources, wheel, __version__)
    poor = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(poor, "w") as part:
        for name in whole.namelist():
            if not name.endswith(("demo.toml", "core/modes.py")):
                part.writestr(name, whole.read(name))
        part.writestr("tests/__init__.py", "")
    with pytest.raises(dist.DistError, match=r"demo\.toml.*modes\.py.*'tests'"):
        dist.check_contents(sources, poor, __version__)


def test_the_source_distribution_is_of_this_tree(built: Path, tmp_path: Path) -> None:
    (sources,) = built.glob("*.tar.gz")
    top = f"taurus_tpo-{__version__}"
    with tarfile.open(sources) as archive:
        made = {name.partition("/")[2] for name in archive.getnames()}
        changelog = archive.extractfile(f"{top}/CHANGELOG.md")
        assert changelog is not None
        assert changelog.read() == (ROOT / "CHANGELOG.md").read_bytes()
    tests = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*.py")}
    assert tests <= made


def test_the_version_has_its_section_of_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert dist.version() == __version__
    dist.check_changelog(text, __version__)
    for other in ("9.9.9", "Unreleased", __version__[:-1]):
        with pytest.raises(dist.DistError):
            dist.check_changelog(text, other)


def test_what_fails_is_told_with_its_output(tmp_path: Path) -> None:
    fails = [sys.executable, "-c", "import sys; sys.exit('no wheel')"]
    with pytest.raises(dist.DistError, match="no wheel"):
        dist.run(fails, 60.0, tmp_path)
    hangs = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(dist.DistError, match=r"no end in 0\.2 s"):
        dist.run(hangs, 0.2, tmp_path)


def test_the_python_of_the_tests_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    major, minor, *_ = sys.version_info
    base = Path(sys.base_prefix, "bin", f"python{major}.{minor}")
    monkeypatch.setenv("PATH", str(base.parent), prepend=os.pathsep)
    found = pythons.find(f"{major}.{minor}")
    assert found is not None
    assert found.path.samefile(base)
    assert found.release == ".".join(map(str, sys.version_info[:3]))


def test_a_python_under_pyenv_is_found_where_the_path_has_a_shim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = {
        "shims/python3.9": "#!/bin/sh\nexit 127\n",
        "versions/3.9.2/bin/python3.9": "#!/bin/sh\necho 3.9.2\n",
        "versions/3.9.18/bin/python3.9": "#!/bin/sh\necho 3.9.18\n",
    }
    for name, text in programs.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "shims"), prepend=os.pathsep)
    found = pythons.find("3.9")
    assert found is not None
    assert (found.release, found.path.parts[-3]) == ("3.9.18", "3.9.18")
    assert pythons.find("3.10") is None or tmp_path not in (
        pythons.find("3.10").path.parents  # type: ignore[union-attr]
    )


def test_each_python_of_the_package_is_tried() -> None:
    text = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    for version in pythons.VERSIONS:
        assert f"Programming Language :: Python :: {version}\n" in text
    assert text.count("Programming Language :: Python :: 3.") == len(pythons.VERSIONS)
