"""Build the source distribution and the wheel, and try them.

``python -m tools.dist`` builds both into ``dist/``, checks their metadata with
``twine check``, looks whether they hold all that they should, and then, with each
Python that ``tools/pythons.py`` finds, installs the wheel into an empty environment and
runs ``tools/try_installed.py`` there. Exits with 1 if something is wrong. Nothing is
uploaded.

Needs the packages ``build`` and ``twine``, and a network for what is installed;
``--no-isolation --no-install`` needs none.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterable

from tools import pythons

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRIAL = ROOT / "tools" / "try_installed.py"

#: How the line of the trial begins that says what it has seen.
SEEN = "seen: "

#: Ends of the names of data files of the wheel, beside its modules.
WHEEL = (
    "taurus_tpo/py.typed",
    "taurus_tpo/bench/templates/report.html.j2",
    "/data/share/taurus_tpo/facilities/demo.toml",
    ".dist-info/entry_points.txt",
    "LICENSE",
)

#: What a source distribution has beside the package: all that ``make test`` needs.
SOURCES = (
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"),
    *("setup.cfg", "pyproject.toml", "conf/taurus.ini", "conf/facilities/demo.toml"),
    *("docs/conf.py", "docs/index.rst", "docs/_static/demo.png", "tools/dist.py"),
    *("tests/conftest.py", "benchmarks/__main__.py"),
)

#: What belongs to neither: made by tools, or of one machine.
STRAY = re.compile(
    r"(__pycache__|\.py[cod]$|/_build/|/\.venv|/\.git/|\.egg-info/.*\.py)"
)

#: What commands leave in a checkout.
NOT_COPIED = (
    *(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "_build"),
    *("build", "dist", "htmlcov", "*.egg-info", "differential-found"),
)

#: Variables for another Python, or another Tango.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TANGO_HOST", "TAURUS_TPO")

#: How long an installation, and a trial, may take, s.
INSTALLING, TRYING = 1800.0, 300.0


class DistError(Exception):
    """Something is wrong with the distributions; the text is for the developer."""


def say(message: str) -> None:
    """Print a progress message."""
    print(f"dist: {message}", flush=True)


def run(command: list[str], timeout: float, folder: pathlib.Path = ROOT) -> str:
    """Run a command without input, and return its output.

    :raises DistError: with the output, if it fails or takes longer than ``timeout`` s.
    """
    environment = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise DistError(f"{' '.join(command)}: no end in {timeout:g} s") from None
    if done.returncode:
        raise DistError(f"{' '.join(command)}:\n{done.stdout}")
    return done.stdout


# --- What is built --------------------------------------------------------------------


def version() -> str:
    """Return the version of the package, whose only place is ``_version.py``."""
    path = ROOT / "taurus_tpo" / "_version.py"
    return str(runpy.run_path(str(path))["__version__"])


def check_changelog(text: str, released: str) -> None:
    """Look whether the changelog has a dated section of this version.

    :raises DistError: if it has none.
    """
    heading = rf"^## \[{re.escape(released)}\] - \d{{4}}-\d\d-\d\d$"
    if not re.search(heading, text, re.MULTILINE):
        raise DistError(f"CHANGELOG.md has no section [{released}] with a date")


def remove_earlier(out: pathlib.Path) -> None:
    """Remove what an earlier run has built into ``out``, and no other file."""
    for pattern in ("taurus_tpo-*.tar.gz", "taurus_tpo-*.whl"):
        for path in out.glob(pattern):
            path.unlink()


def build(out: pathlib.Path, isolated: bool) -> tuple[pathlib.Path, pathlib.Path]:
    """Build both into ``out``; the wheel from the source distribution.

    :param isolated: whether setuptools is installed for it, which needs a network.
    :return: the source distribution and the wheel.
    """
    more = [] if isolated else ["--no-isolation"]
    with tempfile.TemporaryDirectory(prefix="taurus_tpo-build-") as folder:
        # In a copy: setuptools keeps what it has found in the tree, and would find it
        # again; and a Python that runs there meanwhile would read half of its files.
        copy = pathlib.Path(folder, "taurus_tpo")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_COPIED))
        command = [
            sys.executable,
            "-m",
            "build",
            "--outdir",
            str(out),
            *more,
            str(copy),
        ]
        run(command, INSTALLING)
    (sources,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    run(
        [
            sys.executable,
            "-m",
            "twine",
            "check",
            "--strict",
            *map(str, (sources, wheel)),
        ],
        60,
    )
    return sources, wheel


def check_contents(sources: pathlib.Path, wheel: pathlib.Path, released: str) -> None:
    """Look whether both hold all that they should, and nothing else.

    :raises DistError: with the names of the files.
    """
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = archive.namelist()
    with tarfile.open(sources) as archive_of_sources:
        in_sources = archive_of_sources.getnames()
    modules = [path.relative_to(ROOT) for path in (ROOT / "taurus_tpo").rglob("*.py")]
    names = [path.as_posix() for path in modules]
    top = f"taurus_tpo-{released}/"
    missing = [one for one in (*WHEEL, *names) if not _ends(in_wheel, one)]
    missing += [one for one in (*SOURCES, *names) if top + one not in in_sources]
    tops = {name.partition("/")[0] for name in in_wheel}
    info = {"taurus_tpo", f"{top[:-1]}.dist-info", f"{top[:-1]}.data"}
    stray = sorted(tops - info)
    stray += [name for name in (*in_wheel, *in_sources) if STRAY.search(name)]
    if missing or stray:
        raise DistError(f"missing: {missing}, not to be there: {stray}")


def _ends(names: Iterable[str], end: str) -> bool:
    return any(name.endswith(end) for name in names)


# --- What is tried --------------------------------------------------------------------


def try_wheel(python: pythons.Python, wheel: pathlib.Path) -> str:
    """Install the wheel with the extra ``demo`` into an empty environment, and try it.

    :return: what was seen.
    :raises DistError: if something fails.
    """
    with tempfile.TemporaryDirectory(prefix="taurus_tpo-dist-") as folder:
        place = pathlib.Path(folder)
        run([str(python.path), "-m", "venv", str(place / "venv")], INSTALLING, place)
        inside = str(place / "venv" / "bin" / "python")
        # New releases may have no wheel for an old Python and would need a compiler.
        pip = ["-m", "pip", "install", "--quiet", "--no-input", "--prefer-binary"]
        run([inside, *pip, f"taurus_tpo[demo] @ {wheel.as_uri()}"], INSTALLING, place)
        # Isolated, so that the checkout is not imported.
        said = run([inside, "-I", str(TRIAL)], TRYING, place)
    seen = [line for line in said.splitlines() if line.startswith(SEEN)]
    if not seen:
        raise DistError(f"{TRIAL.name} has seen nothing:\n{said}")
    return seen[-1].removeprefix(SEEN)


def try_all(wheel: pathlib.Path, versions: Iterable[str]) -> list[str]:
    """Try the wheel with each Python; return the versions that failed."""
    failed = []
    for name in versions:
        python = pythons.find(name)
        if python is None:
            say(f"Python {name}: skipped, not found on the path or under pyenv")
            continue
        begun = time.monotonic()
        try:
            seen = try_wheel(python, wheel)
        except DistError as error:
            failed.append(name)
            seen = f"FAILED: {error}"
        say(f"Python {python.release}: {seen} ({time.monotonic() - begun:.0f} s)")
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Build, check and try; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "dist")
    parser.add_argument("--pythons", nargs="*", default=pythons.VERSIONS)
    parser.add_argument(
        "--no-isolation", action="store_true", help="use setuptools here"
    )
    parser.add_argument(
        "--no-install", action="store_true", help="build and check only"
    )
    options = parser.parse_args(arguments)
    out, released = options.out.resolve(), version()
    try:
        check_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), released)
        remove_earlier(out)
        sources, wheel = build(out, not options.no_isolation)
        check_contents(sources, wheel, released)
    except DistError as error:
        say(str(error))
        return 1
    for path in (sources, wheel):
        say(f"{path.name}: {path.stat().st_size / 1024:.0f} kB, twine check passed")
    failed = [] if options.no_install else try_all(wheel, options.pythons)
    if failed:
        say(f"failed with Python {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
