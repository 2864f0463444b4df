"""Make the virtual environment of this project and check that Qt starts in it.

Installs the project into the environment with the given extras. If system packages are
missing (shared libraries, a font, Debian's python3-venv), they are installed with the
system's package manager, or, if that needs a password, the command is printed.

A stamp in the environment records what it was made from; a later run installs only what
has changed. Needs only Python's standard library.
"""

import argparse
import hashlib
import importlib
import importlib.util
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
from typing import NamedTuple, NoReturn, Optional

# An older Python cannot evaluate the annotations below.
if sys.version_info < (3, 9):  # noqa: UP036
    sys.exit(
        "bootstrap: Python 3.9 or newer is needed, and this is {}.{}: name another"
        " one with PYTHON=".format(*sys.version_info[:2])
    )

ROOT = pathlib.Path(__file__).resolve().parent.parent
INPUTS = ("setup.cfg", "pyproject.toml")
PROBE = ROOT / "tools" / "qt_probe.py"
PROBE_MISSING = 3
# The programs needed by a test that clicks in a real window.
DISPLAY_TOOLS = ("Xvfb", "xdotool")
STAMP = "bootstrap.json"
# Variables for another Python, which would affect the environment's own.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


class PackageManager(NamedTuple):
    """The commands of a package manager, and the packages that Qt needs."""

    refresh: str  # run before install; empty: not needed
    install: str
    qt: str  # to start offscreen
    window: str  # to open a window on an X display
    display: str  # a virtual display, and a tool to click on it
    venv: str = ""  # to make virtual environments; empty: included in Python


def _rpm(*libraries: str) -> str:
    """Return the capabilities of libraries, which all RPM systems can install."""
    return " ".join(f"{library}()(64bit)" for library in libraries)


_RPM_QT = _rpm(
    "libGL.so.1",
    "libglib-2.0.so.0",
    "libgthread-2.0.so.0",
    "libfontconfig.so.1",
    "libfreetype.so.6",
    "libX11.so.6",
    "libXext.so.6",
)
_RPM_WINDOW = _rpm(
    "libdbus-1.so.3",
    "libEGL.so.1",
    "libX11-xcb.so.1",
    "libxcb.so.1",
    "libxcb-icccm.so.4",
    "libxcb-image.so.0",
    "libxcb-keysyms.so.1",
    "libxcb-render-util.so.0",
    "libxkbcommon.so.0",
    "libxkbcommon-x11.so.0",
)

# Searched in this order.
PACKAGE_MANAGERS = {
    "apt-get": PackageManager(
        refresh="apt-get update",
        install="apt-get install -y --no-install-recommends",
        qt="libgl1 libglib2.0-0 libfontconfig1 libx11-6 libxext6 fonts-dejavu-core",
        window="libdbus-1-3 libegl1 libx11-xcb1 libxcb-glx0 libxcb-icccm4"
        " libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0"
        " libxcb-render0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0"
        " libxcb-xinerama0 libxcb-xkb1 libxkbcommon0 libxkbcommon-x11-0",
        display="xvfb xdotool",
        venv="python{}.{}-venv".format(*sys.version_info),
    ),
    "dnf": PackageManager(
        refresh="",
        install="dnf install -y",
        qt=f"{_RPM_QT} dejavu-sans-fonts",
        window=_RPM_WINDOW,
        display="xorg-x11-server-Xvfb xdotool",
    ),
    "zypper": PackageManager(
        refresh="",
        install="zypper --non-interactive install --no-recommends",
        qt=f"{_RPM_QT} dejavu-fonts",
        window=_RPM_WINDOW,
        display="xorg-x11-server-Xvfb xdotool",
    ),
    "pacman": PackageManager(
        # Not -Sy: Arch does not support an upgrade of some packages only.
        refresh="",
        install="pacman -S --noconfirm --needed",
        qt="libglvnd glib2 fontconfig freetype2 libx11 libxext ttf-dejavu",
        window="dbus libxcb xcb-util-image xcb-util-keysyms xcb-util-renderutil"
        " xcb-util-wm libxkbcommon libxkbcommon-x11",
        display="xorg-server-xvfb xdotool",
    ),
}


def say(message: str) -> None:
    """Print a progress message."""
    print(f"bootstrap: {message}", flush=True)


def stop(message: str) -> NoReturn:
    """Exit with a message and status 1."""
    sys.exit(f"bootstrap: {message}")


def clean_environment() -> dict[str, str]:
    """Return this process's environment without variables for another Python."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command without input, and capture its output."""
    return subprocess.run(
        command,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def must_run(what: str, *command: str) -> None:
    """Run a command; if it fails, print its output and exit."""
    result = run(*command)
    if result.returncode:
        print(result.stdout, file=sys.stderr)
        stop(f"{what} failed: {shlex.join(command)}")


# --- System packages ------------------------------------------------------------------


def package_manager() -> Optional[PackageManager]:
    """Return the package manager of this system, None if it is not a known one."""
    for program, manager in PACKAGE_MANAGERS.items():
        if shutil.which(program):
            return manager
    return None


def privilege() -> Optional[list[str]]:
    """Return the prefix for commands that need root; None if there is none."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and run("sudo", "-n", "true").returncode == 0:
        return ["sudo", "-n"]
    return None


def line_to_type(manager: PackageManager, packages: list[str]) -> str:
    """Return the shell command that installs packages."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    install = f"{sudo}{manager.install} {shlex.join(packages)}"
    return f"{sudo}{manager.refresh} && {install}" if manager.refresh else install


def install_packages(kinds: list[str], missing: str) -> None:
    """Install the packages of the given kinds, or exit with instructions."""
    manager = package_manager()
    packages: list[str] = []
    for kind in kinds if manager else ():
        packages += getattr(manager, kind).split()
    if manager is None or not packages:
        stop(f"this system lacks {missing}: install that, then run this again")
    root = privilege()
    line = line_to_type(manager, packages)
    if root is None:
        stop(f"this system lacks {missing}. Type this, then run this again:\n{line}")
    say(f"this system lacks {missing}: {line}")
    # Ignore a failure: an outdated package list is often sufficient.
    if manager.refresh:
        run(*root, *manager.refresh.split())
    unattended = [*root, "env", "DEBIAN_FRONTEND=noninteractive"]
    result = run(*unattended, *manager.install.split(), *packages)
    if result.returncode:
        print(result.stdout, file=sys.stderr)
        stop(f"that failed. This system lacks {missing}; the line to type is:\n{line}")


# --- The virtual environment ----------------------------------------------------------


def can_make_environments() -> bool:
    """Return whether this Python can make virtual environments."""
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def require_venv() -> None:
    """Install the modules needed for virtual environments if missing, or exit."""
    if not can_make_environments():
        install_packages(["venv"], "Python's venv or ensurepip module")
        if not can_make_environments():
            stop(f"{sys.executable} still lacks its venv or ensurepip module")


def base_python() -> str:
    """Return the Python to make environments with, never one of an environment."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def python_of(venv: pathlib.Path) -> str:
    """Return the path of an environment's Python."""
    return str(venv / "bin" / "python")


class Stamp(NamedTuple):
    """The inputs from which an environment was made."""

    origin: str  # a change requires a new environment
    inputs: str  # a change requires a new installation; empty: not yet installed
    extras: list[str]


def origin(venv: pathlib.Path) -> str:
    """Return the Python version and the paths that an environment depends on."""
    major, minor = sys.version_info[:2]
    return f"Python {major}.{minor} at {base_python()} in {venv} for {ROOT}"


def inputs() -> str:
    """Return a digest of the files that define the dependencies."""
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def read_stamp(venv: pathlib.Path) -> Optional[Stamp]:
    """Return the stamp of an environment; None if this program did not make it."""
    try:
        return Stamp(**json.loads((venv / STAMP).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_stamp(venv: pathlib.Path, stamp: Stamp) -> None:
    """Write the stamp of an environment."""
    (venv / STAMP).write_text(json.dumps(stamp._asdict()))


def make_environment(venv: pathlib.Path) -> Stamp:
    """Make a new environment."""
    require_venv()
    say(
        "making the virtual environment {} with Python {}".format(
            os.path.relpath(venv), ".".join(map(str, sys.version_info[:3]))
        )
    )
    shutil.rmtree(venv, ignore_errors=True)
    venv.mkdir(parents=True)
    # Written first, so that an incomplete environment is recognized and made again.
    stamp = Stamp(origin(venv), inputs="", extras=[])
    write_stamp(venv, stamp)
    must_run("making it", base_python(), "-m", "venv", str(venv))
    return stamp


def usable(venv: pathlib.Path, stamp: Optional[Stamp]) -> bool:
    """Return whether an environment is complete and matches its origin."""
    if stamp is None or not stamp.inputs or stamp.origin != origin(venv):
        return False
    return os.path.exists(python_of(venv))


def environment(venv: pathlib.Path) -> Stamp:
    """Return the stamp of a working environment, which is made if necessary."""
    stamp = read_stamp(venv)
    if stamp and usable(venv, stamp):
        return stamp
    if stamp is None and venv.is_dir() and any(venv.iterdir()):
        stop(
            f"{venv} was not made by this program, which would replace it:"
            " remove it, or name another place with VENV="
        )
    return make_environment(venv)


def install(venv: pathlib.Path, stamp: Stamp, extras: list[str]) -> None:
    """Install the project and its extras, unless the stamp is up to date."""
    wanted = sorted({*extras, *stamp.extras})
    if stamp == Stamp(stamp.origin, inputs(), wanted):
        return
    say(f"installing taurus_tpo[{','.join(wanted)}]: this may take some minutes")
    pip = [python_of(venv), "-m", "pip", "install", "--no-input", "--no-user"]
    # New releases may have no wheel for an old Python and would need a compiler.
    pip += ["--prefer-binary"]
    # An older pip cannot make an editable installation without setup.py.
    must_run("the update of pip", *pip, "pip>=21.3")
    must_run("pip", *pip, "--editable", f"{ROOT}[{','.join(wanted)}]")
    write_stamp(venv, Stamp(stamp.origin, inputs(), wanted))


# --- Qt -------------------------------------------------------------------------------


def missing_for_qt(venv: pathlib.Path, window: bool) -> str:
    """Return the names of what Qt lacks to start; exit if it fails otherwise."""
    platforms = ["offscreen", "xcb"] if window else ["offscreen"]
    result = run(python_of(venv), str(PROBE), *platforms)
    if result.returncode not in (0, PROBE_MISSING):
        print(result.stdout, file=sys.stderr)
        stop("Qt does not start")
    return " ".join(result.stdout.split()) if result.returncode else ""


def require_qt(venv: pathlib.Path, window: bool) -> None:
    """Make sure that Qt starts, or exit."""
    missing = missing_for_qt(venv, window)
    if missing:
        kinds = ["qt", "window"] if window else ["qt"]
        install_packages(kinds, f"what Qt needs ({missing})")
        missing = missing_for_qt(venv, window)
    if missing:
        stop(f"Qt still does not start: this system lacks {missing}")


def offer_display(venv: pathlib.Path) -> None:
    """Install what tests in a real window need; continue if that is not possible."""
    missing = [tool for tool in DISPLAY_TOOLS if not shutil.which(tool)]
    missing += missing_for_qt(venv, window=True).split()
    if not missing:
        return
    what = f"what a test in a real window needs ({' '.join(missing)})"
    try:
        install_packages(["window", "display"], what)
    except SystemExit as reason:
        print(reason, file=sys.stderr)
        say("going on: that test will be skipped")


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--venv",
        type=pathlib.Path,
        default=os.environ.get("VENV") or ROOT / ".venv",
        help="where the environment is or shall be (default: $VENV, or .venv here)",
    )
    parser.add_argument(
        "--extras",
        default="demo",
        help="the extras of setup.cfg to install, with commas (default: %(default)s)",
    )
    parser.add_argument(
        "--window",
        action="store_true",
        help="check that Qt can open a window as well, if there is a DISPLAY",
    )
    parser.add_argument(
        "--display-tools",
        action="store_true",
        help="install Xvfb and xdotool if that can be done without a password",
    )
    return parser.parse_args()


def main() -> None:
    """Make the environment, or check an existing one."""
    options = arguments()
    venv = options.venv.absolute()
    install(venv, environment(venv), options.extras.split(","))
    require_qt(venv, options.window and bool(os.environ.get("DISPLAY")))
    if options.display_tools:
        offer_display(venv)


if __name__ == "__main__":
    main()
