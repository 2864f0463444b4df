"""The commands, as somebody types them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from paths import FACILITIES
from program_support import run, run_program, taurus_command
from tango_support import DOWN, SOON, UP, eventually, hold, model, sleeps

MODES = ["SyncRead", "AsyncRead", "Sync", "Async", "Stateless"]

#: What PyTango waits for a database that hangs, s.
HUNG_CALL = 8.0


def tpo(facility, *arguments, before=(), **environment):
    return run(taurus_command(*before, "tpo", *arguments), facility, **environment)


# --- options of taurus itself ---


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spelt", [str, str.lower, str.upper])
def test_all_five_modes_in_any_case(modes, mode, spelt):
    option = ("--tango-event-sub-mode", spelt(mode))
    done = tpo(modes, "explain", f"{UP}/rw", "--json", before=option)
    assert json.loads(done.stdout) == [
        {"model": f"{UP}/rw", "mode": mode, "decided_by": "command line"}
    ]


def test_rules_on_the_command_line(modes):
    rules = (
        *("--tango-event-sub-mode-for", "SIM/modes/*/w*=sync"),
        *("--tango-event-sub-mode-for", "sim/*=async"),
        *("--tango-event-sub-mode", "Stateless"),
    )
    names = [f"{UP}/wave", f"{UP}/rw"]
    done = tpo(modes, "explain", *names, "sys/other/1/x", "--json", before=rules)
    assert [(row["mode"], row["decided_by"]) for row in json.loads(done.stdout)] == [
        ("Sync", "command line rule SIM/modes/*/w*"),
        ("Async", "command line rule sim/*"),
        ("Stateless", "command line"),
    ]


def test_disabled_events_outrank_the_mode(modes):
    options = ("--disable-tango-event-subscription", "--tango-event-sub-mode", "Sync")
    done = tpo(modes, "explain", f"{UP}/rw", "--json", before=options)
    (row,) = json.loads(done.stdout)
    assert row["mode"] == "Polling"
    assert "--disable-tango-event-subscription" in row["decided_by"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--tango-event-sub-mode", "Asink", "Did you mean Async"),
        ("--tango-event-sub-mode-for", "sim/*=SyncRed", "Did you mean SyncRead"),
        ("--tango-event-sub-mode-for", "sim/*", "PATTERN=MODE"),
    ],
)
def test_bad_options_are_usage_errors(modes, option, value, said):
    done = tpo(modes, "explain", f"{UP}/rw", before=(option, value))
    assert done.returncode == 2
    assert said in done.stderr
    if "mean" in said:
        assert all(mode in done.stderr for mode in MODES)
    assert "Traceback" not in done.stderr


def test_stock_taurus_gets_the_option_when_the_plugin_is_off(modes):
    code = "import taurus.tauruscustomsettings as s; print(s.TANGO_EVENT_SUB_MODE)"
    script = (
        "from taurus.cli import cli; cli.register_subcommands();"
        'cli.taurus_cmd(["--tango-event-sub-mode", "sync", "icons", "--help"],'
        f"standalone_mode=False); {code}"
    )
    done = run([sys.executable, "-c", script], modes, TAURUS_TPO="0")
    assert done.stdout.split()[-1] == "SYNC"


# --- explain ---


def test_explain_names_the_settings_file_and_its_rule(modes, settings_file):
    settings_file.write_text(
        '[taurus]\nTANGO_EVENT_SUB_MODE = "sync"\n'
        'TANGO_EVENT_SUB_MODE_RULES = [("sim/modes/*/w*", "ASYNC")]\n'
    )
    option = ("--settings", str(settings_file))
    done = tpo(modes, "explain", f"{UP}/wave", f"{UP}/rw", "--json", before=option)
    rows = json.loads(done.stdout)
    assert [row["mode"] for row in rows] == ["Async", "Sync"]
    assert rows[0]["decided_by"] == f"{settings_file} rule sim/modes/*/w*"
    assert rows[1]["decided_by"] == str(settings_file)


def test_explain_prints_a_table_and_expands_globs(modes):
    done = tpo(modes, "explain", "sim/modes/up/w*")
    assert done.returncode == 0
    for name in ("wave", "with_events", "without_events"):
        assert f"{UP}/{name}" in done.stdout
    assert done.stdout.count("AsyncRead") == done.stdout.count("default") == 3


def test_explain_when_the_plugin_is_off_says_so(modes):
    done = tpo(modes, "explain", f"{UP}/rw", TAURUS_TPO="0")
    assert done.returncode == 1
    assert "taurus_tpo is off: TAURUS_TPO=0" in done.stderr


def test_a_name_that_is_none(modes):
    done = tpo(modes, "explain", "no attribute")
    assert done.returncode == 1
    assert "'no attribute' is no Tango attribute" in done.stderr


@pytest.mark.parametrize("command", ["explain", "read"])
def test_a_missing_pytango_is_named(modes, command):
    code = (
        'import sys; sys.modules["tango"] = None\n'
        f"sys.argv[1:] = ['tpo', '{command}', '{UP}/rw']\n"
        "from taurus.cli import main; main()"
    )
    done = run([sys.executable, "-c", code], modes)
    assert done.returncode == 1
    assert "taurus_tpo is off: PyTango cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr


# --- check ---


def test_check_finds_all_well(modes):
    done = tpo(modes, "check")
    assert done.returncode == 0, done.stdout
    for word in ("taurus_tpo", "Taurus", "PyTango", "plugin", "on", "answers"):
        assert word in done.stdout


def test_check_names_what_is_wrong(modes, settings_file):
    settings_file.write_text('[taurus]\nTANGO_EVENT_SUB_MODE = "Asink"\nX = unquoted\n')
    done = tpo(modes, "check", before=("--settings", str(settings_file)))
    assert done.returncode == 1
    assert done.stdout.count("wrong:") == 2
    assert f"{settings_file}: TANGO_EVENT_SUB_MODE = 'Asink'" in done.stdout
    assert f"{settings_file}: X = unquoted: is no Python literal" in done.stdout


def test_check_says_when_the_database_does_not_answer(modes):
    done = tpo(modes, "check", TANGO_HOST="127.0.0.1:1")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stdout
    assert "does not answer" in done.stdout


def test_check_says_why_the_plugin_is_off(modes):
    done = tpo(modes, "check", TAURUS_TPO="0")
    assert done.returncode == 0
    assert "off: TAURUS_TPO=0 in the environment" in done.stdout


ASKING = pytest.mark.parametrize(
    "arguments", [("check",), ("explain", f"{UP}/*"), ("read", f"{UP}/*")], ids=str
)


@ASKING
def test_ctrl_c_is_heard_while_the_database_hangs(own_modes, arguments):
    own_modes.hang_database()
    process = subprocess.Popen(
        taurus_command("tpo", *arguments),
        env=own_modes.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell has what it starts in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        # It asks once the plugin has said that it is there.
        while "is on" not in process.stderr.readline():
            assert process.poll() is None
        eventually(lambda: sleeps(process), "it waits")
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        errors = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert time.monotonic() - begun < HUNG_CALL / 2
    assert process.returncode == 1
    assert "Traceback" not in errors


@ASKING
def test_a_database_that_hangs_is_said_not_to_answer(own_modes, arguments):
    own_modes.hang_database()
    more = ("--timeout", "1") if arguments[0] == "read" else ()
    done = tpo(own_modes, *arguments, *more)
    assert done.returncode == 1
    host = own_modes.tango_host
    said = " ".join((done.stdout + done.stderr).split())
    assert f"the database does not answer ({host}): " in said
    assert "Traceback" not in done.stderr


# --- read ---


def test_numbers_that_json_does_not_have_are_texts(modes):
    def no_json(word):
        pytest.fail(f"{word} is no JSON")

    numbers = [float("nan"), float("inf"), float("-inf"), *range(13)]
    hold(modes, "wave", numbers)
    hold(modes, "with_events", numbers[0])
    try:
        done = tpo(modes, "read", f"{UP}/wave", f"{UP}/with_events", "--json")
    finally:
        hold(modes, "wave", [0.0] * 16)
        hold(modes, "with_events", 1.5)
    wave, scalar = json.loads(done.stdout, parse_constant=no_json)
    assert wave["value"][:4] == ["NaN", "Infinity", "-Infinity", 0.0]
    assert scalar["value"] == "NaN"


def test_read_prints_values_and_errors(modes):
    names = [f"{UP}/{name}" for name in ("with_events", "text", "choice", "failing")]
    done = tpo(modes, "read", *names, "sim/modes/down/with_events", "--json")
    assert done.returncode == 1
    rows = {row["model"].rpartition("/")[2]: row for row in json.loads(done.stdout)[:4]}
    assert set(rows["with_events"]) == {
        *("model", "value", "unit", "quality", "time", "error")
    }
    assert rows["with_events"]["value"] == 1.5
    assert rows["with_events"]["unit"] == "V"
    assert rows["with_events"]["quality"] == "VALID"
    assert rows["with_events"]["time"].startswith("20")
    assert rows["choice"]["value"] == "GREEN"
    assert "TpoSim_ReadFails" in rows["failing"]["error"]
    down = json.loads(done.stdout)[4]
    assert down["error"]


def test_read_expands_globs_and_reads_a_device_in_one_call(batches):
    batches.device("sim/batch/1").ResetCalls()
    done = tpo(batches, "read", "sim/batch/1/volt*", "--json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 25
    calls = json.loads(batches.device("sim/batch/1").Calls())["batches"]
    assert sum(len(names) for names in calls) == 25
    assert len(calls) <= 3


def test_read_prints_a_table(modes):
    done = tpo(modes, "read", f"{UP}/with_events", f"{UP}/wave", f"{UP}/picture")
    assert done.returncode == 0
    assert "1.5 V" in done.stdout
    assert "VALID" in done.stdout


def test_read_shows_its_progress_on_a_terminal(modes):
    ours, theirs = pty.openpty()
    done = subprocess.run(
        taurus_command("tpo", "read", f"{UP}/slow", f"{UP}/rw", "--json"),
        env={**modes.environment(), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=120,
        check=True,
    )
    os.close(theirs)
    shown = b""
    # The end of a terminal is an error, on Linux.
    with contextlib.suppress(OSError):
        while some := os.read(ours, 4096):
            shown += some
    os.close(ours)
    assert b"reading" in shown
    # What a program reads has none of it.
    assert [row["value"] for row in json.loads(done.stdout)] == [4.5, 5.5]


def test_read_gives_up_after_the_timeout(own_modes):
    own_modes.server("TpoSim/modes").hang()
    done = tpo(own_modes, "read", f"{UP}/rw", "--json", "--timeout", "0.5")
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)
    assert row["error"]


def test_a_glob_that_matches_nothing(modes):
    done = tpo(modes, "read", "sim/nothing/*/x")
    assert done.returncode == 1
    assert "nothing in the database matches" in done.stderr


def test_a_missing_extra_is_named(modes):
    code = (
        'import sys; sys.modules["msgspec"] = None\n'
        "from taurus.cli import main; sys.argv[1:] = ['tpo', 'sim', 'x']; main()"
    )
    done = run([sys.executable, "-c", code], modes)
    assert done.returncode == 1
    assert "pip install 'taurus_tpo[sim]'" in done.stderr


# --- inspect ---

#: What the log says when a window has got its progress and its inspector.
JOINED = "has the inspector in its menu"


def test_inspect_shows_a_form_and_ends_without_a_display(modes, tmp_path):
    picture = tmp_path / "window.png"
    done = tpo(
        modes,
        *("inspect", "sim/modes/up/w*", f"{UP}/rw", "--screenshot", str(picture)),
        DISPLAY="",
        WAYLAND_DISPLAY="",
        XDG_CONFIG_HOME=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert f"screenshot: {picture}" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_inspect_has_all_rows_and_the_progress(qtbot, choices, own_modes, factory):
    """Also those of a device that is down, of which the bar tells."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.panel import TaurusForm

    from taurus_tpo.cli.inspect import open_window
    from taurus_tpo.qt import FirstReadProgress, Inspector, show_inspector

    models = [model(own_modes, "rw"), model(own_modes, "with_events", DOWN)]
    window = open_window(models)
    qtbot.addWidget(window)
    (form,), (inspector,) = (
        window.findChildren(TaurusForm),
        window.findChildren(Inspector),
    )
    assert len(form) == 2

    def bars():
        found = window.statusBar().findChildren(FirstReadProgress)
        return [bar for bar in found if "1 of 2" in bar.text()]

    (bar,) = eventually_in(qtbot, bars)
    assert bar.isVisible()
    names = {entry.model for entry in inspector.model.entries()}
    assert {one.lower() for one in models} <= {name.lower() for name in names}
    # A click on the bar finds the one that is there.
    window.activateWindow()
    eventually_in(qtbot, lambda: Qt.QApplication.activeWindow() is window)
    assert show_inspector() is inspector
    form.setModel([])


def eventually_in(qtbot, condition):
    """Return the first true value of ``condition()``, while the window lives."""
    found = []

    def is_true():
        found[:] = [condition()]
        return bool(found[0])

    qtbot.waitUntil(is_true, timeout=int(SOON * 1000))
    return found[0]


def test_inspect_opens_beside_a_hung_server_and_ends_at_ctrl_c(own_modes, tmp_path):
    own_modes.server("TpoSim/modes").hang()
    names = [f"{UP}/{name}" for name in ("rw", "text", "wave", "slow", "choice")]
    options = ("--log-level", "Debug", "tpo", "inspect", "--duration", "100")
    environment = {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)}
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            taurus_command(*options, *names),
            env={**own_modes.environment(), **environment},
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
        )
    try:
        eventually(lambda: JOINED in log.read_text(), "the window is there", 60)
        process.send_signal(signal.SIGINT)
        told = time.monotonic()
        assert process.wait(SOON) == 0
        # A call to the server that hangs would take 3 s, and its clean-up more.
        assert time.monotonic() - told < 3
    finally:
        process.kill()


def test_inspect_needs_a_model(modes):
    done = tpo(modes, "inspect")
    assert done.returncode == 2
    assert "Missing argument 'MODEL...'" in done.stderr


def test_inspect_says_which_devices_it_cannot_ask(modes):
    done = tpo(modes, "inspect", f"{DOWN}/*")
    assert done.returncode == 1
    assert f"{DOWN}/* is left out" in done.stderr
    assert "no attribute is left to be shown" in done.stderr


# --- demo ---


@pytest.mark.timeout(240)
def test_the_demo_ends_without_a_display(tmp_path):
    picture = tmp_path / "window.png"
    environment = {key: "" for key in ("DISPLAY", "WAYLAND_DISPLAY")}
    small = FACILITIES / "modes.toml"
    command = taurus_command("tpo", "demo", str(small), "--screenshot", str(picture))
    done = run(command, **environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    report = " ".join(done.stdout.split())
    assert "rows in the form 18" in report
    assert "AsyncRead: 18 attributes (decided by: default)" in report
    assert "TpoSim_ReadFails" in report
    assert os.path.getsize(picture) > 5000


def test_a_screenshot_that_cannot_be_saved_is_an_error(tmp_path):
    small = FACILITIES / "modes.toml"
    picture = tmp_path / "none" / "window.png"
    command = taurus_command("tpo", "demo", str(small), "--screenshot", str(picture))
    done = run([*command, "--duration", "1"])
    assert done.returncode == 1
    assert "cannot be saved" in done.stderr
    assert "screenshot:" not in done.stdout
    # What was seen is told all the same.
    assert "rows in the form" in done.stdout


def test_a_ctrl_c_while_the_demo_builds_its_form_ends_it():
    """There is no event loop yet that it could end."""
    small = FACILITIES / "modes.toml"
    words = ["tpo", "demo", str(small), "--duration", "1000"]
    done = run_program("interrupt_the_demo", *words)
    assert done.returncode == 0, done.stderr
    assert "rows in the form" in done.stdout
    assert "Traceback" not in done.stderr
