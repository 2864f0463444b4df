"""Description of the machine that the benchmark ran on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

_PACKAGES = ("taurus", "pytango", "PyQt5", "pytango-db")


def describe(command: str) -> dict[str, Any]:
    """Return the context of a result: machine, versions, date and command."""
    return {
        "command": command,
        "date": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "machine": f"{_processor()}, {os.cpu_count()} processors, {platform.system()} "
        f"{platform.release()}",
        # Other load on the machine makes all times longer and less even.
        "load": f"{os.getloadavg()[0]:.2f} processes",
        "versions": {
            "taurus_tpo": _revision(),
            "Python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if sys.platform == "linux" and cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _revision() -> str:
    """Return the version of the plugin, with the commit if it is a clone."""
    version = _version("taurus_tpo")
    git = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    here = Path(__file__).parent
    try:
        done = subprocess.run(git, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return version
    return f"{version} ({done.stdout.strip()})"
