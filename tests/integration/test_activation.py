"""The plugin is on where it is installed, and off where somebody wants it off."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
import taurus
from paths import ROOT
from program_support import run, run_program, run_python, taurus_command
from tango_support import model

from taurus_tpo.environment import known_sources

OURS = "taurus_tpo.scheme.factory True"
STOCK = "taurus.core.tango.tangofactory True"


def who(facility, *version, **environment):
    return run_program("who_has_the_scheme", *version, facility=facility, **environment)


def test_it_takes_the_schemes_and_says_so_in_one_line(modes):
    done = who(modes)
    assert done.stdout.strip() == OURS
    said = [line for line in done.stderr.splitlines() if "taurus_tpo" in line]
    assert len(said) == 1
    assert "INFO" in said[0]
    assert "taurus_tpo 0." in said[0]
    assert "is on: event subscription mode AsyncRead, decided by: default" in said[0]
    assert "Conflicting plugins" not in done.stderr


@pytest.mark.parametrize("word", ["0", "false", "OFF", "no"])
def test_the_environment_turns_it_off(modes, word):
    done = who(modes, TAURUS_TPO=word)
    assert done.stdout.strip() == STOCK
    assert "taurus_tpo" not in done.stderr


def test_a_settings_file_turns_it_off(modes, tmp_path):
    settings = home_with(tmp_path, "TPO_ENABLED = False")
    done = who(modes, **settings)
    assert done.stdout.strip() == STOCK
    on_again = who(modes, TAURUS_TPO="1", **settings)
    assert on_again.stdout.strip() == OURS


def home_with(tmp_path: Path, text: str) -> dict[str, str]:
    """Return the environment of a user with this settings file."""
    file = tmp_path / ".config" / "taurus" / "taurus.ini"
    file.parent.mkdir(parents=True)
    file.write_text(f"[taurus]\n{text}\n")
    return {"HOME": str(tmp_path)}


def test_a_taurus_that_is_too_old_goes_on_as_stock_with_one_warning(modes):
    done = who(modes, "4.8.0")
    assert done.stdout.strip() == STOCK
    (said,) = [line for line in done.stderr.splitlines() if "taurus_tpo" in line]
    assert "WARNING" in said
    assert "Taurus 4.8.0 is not supported" in said


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """A folder with a copy of Taurus that says it is a later one."""
    if taurus.Release.version != known_sources.TAURUS:
        pytest.skip(f"not Taurus {known_sources.TAURUS}, whose sources are known")
    folder = tmp_path_factory.mktemp("taurus")
    ignored = shutil.ignore_patterns("qt", "test", "__pycache__")
    shutil.copytree(Path(taurus.__file__).parent, folder / "taurus", ignore=ignored)
    replace_in(folder, "_release.py", f'"{known_sources.TAURUS}"', '"5.5.0"')
    return folder


def replace_in(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / "taurus" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def with_copy(facility, folder):
    """Ask who has the scheme in a process that imports the copy."""
    path = os.pathsep.join([str(ROOT), str(folder)])
    done = who(facility, PYTHONPATH=path)
    said = [one for one in done.stderr.splitlines() if "WARNING" in one]
    return done.stdout.strip(), [one for one in said if "taurus_tpo" in one]


def test_it_tries_itself_on_an_unknown_taurus_that_is_as_it_knows(modes, copied):
    owner, (warned,) = with_copy(modes, copied)
    assert owner == OURS
    assert "is on: Taurus 5.5.0 is not known" in warned


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("def read(self, cache=True)", "def read(self, cache=False)", "read"),
        ("def read(self", "def read_now(self", "read"),
        ("def getLabel(self", "def status(self): ...\n    def getLabel(self", "status"),
    ],
    ids=["another signature", "another name", "a name of the plugin's"],
)
def test_an_unknown_taurus_that_differs_goes_on_as_stock(
    modes, copied, tmp_path, old, new, why
):
    folder = tmp_path / "differs"
    shutil.copytree(copied, folder)
    replace_in(folder, "core/tango/tangoattribute.py", old, new)
    owner, (warned,) = with_copy(modes, folder)
    assert owner == STOCK
    assert f"Taurus 5.5.0 is not known, and TangoAttribute.{why} is" in warned


def test_without_pytango_one_warning_says_so(modes):
    code = """
import sys
sys.modules["tango"] = None
import taurus
print(taurus.Factory("eval"))
"""
    done = run_python(code, modes)
    assert "EvaluationFactory" in done.stdout
    (said,) = [line for line in done.stderr.splitlines() if "taurus_tpo" in line]
    assert "WARNING" in said
    assert "PyTango cannot be imported" in said


def test_a_word_it_does_not_know_is_named(modes):
    done = who(modes, TAURUS_TPO="perhaps")
    assert done.stdout.strip() == OURS
    assert "TAURUS_TPO='perhaps' is ignored" in done.stderr


def test_the_machine_wide_default_of_the_settings(modes, tmp_path):
    settings = home_with(tmp_path, 'TANGO_EVENT_SUB_MODE = "stateless"')
    done = who(modes, **settings)
    ini = tmp_path / ".config" / "taurus" / "taurus.ini"
    assert f"event subscription mode Stateless, decided by: {ini}" in done.stderr


def test_bad_settings_warn_once_and_the_program_runs(modes, tmp_path):
    settings = home_with(tmp_path, 'TANGO_EVENT_SUB_MODE = ["Async"]')
    code = f"""
import taurus
for name in ("rw", "with_events"):
    print(taurus.Attribute("{model(modes, "")}" + name).read().rvalue.magnitude)
"""
    done = run_python(code, modes, **settings)
    assert done.stdout.split() == ["5.5", "1.5"]
    warned = [
        line for line in done.stderr.splitlines() if "TANGO_EVENT_SUB_MODE" in line
    ]
    assert len(warned) == 1
    assert "taurus.ini" in warned[0]
    assert "['Async']" in warned[0]


def test_taurus_polling_period_still_works(modes):
    command = taurus_command(
        "--polling-period", "1234", "tpo", "explain", "sim/modes/up/rw"
    )
    assert run(command, modes).returncode == 0
    code = """
import taurus
taurus.changeDefaultPollingPeriod(1234)
print(taurus.Factory("tango").getDefaultPollingPeriod())
"""
    assert run_python(code, modes).stdout.strip() == "1234"


def test_a_script_ends_while_a_first_read_hangs(own_modes):
    """The threads of the pool never keep the process alive."""
    arguments = [model(own_modes, "with_events")]
    arguments.append(str(own_modes.server("TpoSim/modes").pid))
    begun = time.monotonic()
    done = run_program("end_while_a_first_read_hangs", *arguments, facility=own_modes)
    assert done.returncode == 7, done.stderr
    # Tango would wait for its timeouts, or for ever.
    assert time.monotonic() - begun < 30
    assert done.stdout.strip() == "still reading"
    assert "Traceback" not in done.stderr


def test_where_gevent_has_replaced_threads_stock_taurus_goes_on(modes):
    done = run_program("replace_threads_by_gevent", facility=modes)
    assert done.stdout.split() == ["TangoFactory", "True"], done.stderr
    [line] = [line for line in done.stderr.splitlines() if "taurus_tpo is" in line]
    assert "off, stock Taurus is in use: gevent.monkey has replaced threads" in line
