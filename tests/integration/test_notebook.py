"""``%load_ext taurus_tpo`` in a kernel of Jupyter, in IPython and in ITango."""

from __future__ import annotations

import base64
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_support import Kernel, kernel_of
from program_support import environment_of, run
from tango_support import DOWN, SOON, UP, eventually, hold

from taurus_tpo.core import modes as modes_of_tango
from taurus_tpo.sim import Facility
from taurus_tpo.tango_client import pytango_compat

#: A test in which a configuration is asked for while the server hangs.
HOLDS_NO_GIL = pytest.mark.skipif(
    not pytango_compat.has_event_sub_mode(),
    reason="PyTango before 10.1 holds Python's lock in get_attribute_config_ex",
)

#: The mode where nothing decides.
DEFAULT = modes_of_tango.DEFAULT.name

#: What Tango waits for a server that hangs, s.
HUNG_CALL = 3.0


@pytest.fixture(scope="module")
def shared_kernel(shared_modes, tmp_path_factory) -> Iterator[Kernel]:
    """A kernel in which Taurus was imported."""
    folder = tmp_path_factory.mktemp("kernel")
    with kernel_of(shared_modes.facility, folder) as kernel:
        kernel.run("import threading, taurus")
        yield kernel


@pytest.fixture
def kernel(shared_kernel, modes) -> Iterator[Kernel]:
    """The same, with the extension; a test leaves no watch and no attribute."""
    loaded = shared_kernel.run("%load_ext taurus_tpo")
    assert (loaded.error, loaded.stderr) == ("", "")
    yield shared_kernel
    shared_kernel.run("%unload_ext taurus_tpo\n%reset -f out\nimport threading, taurus")
    assert shared_kernel.value(WATCHES) == []


@pytest.fixture
def own_kernel(own_modes, tmp_path) -> Iterator[Kernel]:
    """A kernel with the extension, over servers that a test may hang."""
    with kernel_of(own_modes, tmp_path) as kernel:
        kernel.run("%load_ext taurus_tpo\nimport threading, taurus")
        yield kernel


WATCHES = "[t.name for t in threading.enumerate() if t.name.startswith('taurus_tpo w')]"


def attribute(name: str, device: str = UP) -> str:
    return f"taurus.Attribute('{device}/{name}')"


# --- values and attributes ---


def test_a_value_is_shown_with_unit_quality_and_time(kernel):
    shown = kernel.run(f"{attribute('with_events')}.read()")
    clock = r"\d\d:\d\d:\d\d\.\d{3}"
    assert re.fullmatch(rf"<TangoAttrValue 1\.5 V, VALID, {clock}>", shown.text)
    for part in ("1.5 V", "VALID"):
        assert f">{part}</td>" in shown.html
    assert re.search(clock, shown.html)


def test_a_value_that_was_written_is_shown_beside_it(kernel):
    shown = kernel.run(f"{attribute('rw')}.write(4.25)")
    assert "4.25 A (set 4.25 A), VALID" in shown.text
    assert shown.html.count(">4.25 A</td>") == 2


def test_what_programs_print_stays_that_of_taurus(kernel):
    kernel.run(f"a = {attribute('with_events')}; v = a.read()")
    with_it = kernel.value("(repr(v)[:30], str(a), repr(a), hasattr(v, '_repr_html_'))")
    kernel.run("%unload_ext taurus_tpo")
    without = kernel.value("(repr(v)[:30], str(a), repr(a), hasattr(v, '_repr_html_'))")
    assert with_it == without
    assert with_it[0].startswith("TangoAttrValue{")


def test_a_spectrum_and_an_image_are_shown_as_pictures(kernel, modes):
    numbers = [0.0] * 15 + [3.0]
    hold(modes, "wave", numbers)
    wave = kernel.run(f"{attribute('wave')}.read()")
    assert "spectrum of 16, min 0, mean 0.1875, max 3" in wave.text
    assert wave.html.count("<svg") == 1
    assert len(wave.text) < 120
    image = kernel.run(f"{attribute('picture')}.read()")
    assert "image of 8 x 4, min " in image.text
    (data,) = re.findall(r'src="data:image/png;base64,([^"]*)"', image.html)
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_an_attribute_tells_name_value_mode_and_status(kernel):
    shown = kernel.run(attribute("polled"))
    parts = (f"{UP}/polled", "3.5, VALID", f"{DEFAULT}, decided by: default")
    for part in (*parts, "nobody listens"):
        assert part in shown.text
        assert all(word in shown.html for word in part.split(", "))
    kernel.run("taurus.Factory('tango').set_event_sub_mode('Sync', '*/polled')")
    shown = kernel.run(attribute("polled"))
    kernel.run("taurus.Factory('tango').set_event_sub_mode(None, '*/polled')")
    assert "Sync, decided by: program rule */polled" in shown.text


def test_an_attribute_is_read_anew_when_it_is_shown(kernel, modes):
    kernel.run(f"a = {attribute('without_events')}; a.read()")
    hold(modes, "without_events", 7.75, push=False)

    def is_new() -> bool:
        return "7.75" in kernel.run("a").text

    eventually(is_new, "a value that is older than a second is not shown")
    # In a list each shows what is known.
    assert kernel.run("[a, a]").text.count("7.75") == 2


def test_an_attribute_that_fails_says_why(kernel):
    shown = kernel.run(attribute("failing"))
    assert "TpoSim_ReadFails" in shown.text
    assert "TpoSim_ReadFails" in shown.html
    assert shown.error == ""


# --- read and explain ---


def test_read_shows_a_row_for_each_model_whatever_is_wrong(kernel):
    names = f"{UP}/with_events 'sim/modes/up/w*' {UP}/failing {DOWN}/with_events"
    shown = kernel.run(f"%tpo read {names} nonsense 'sim/no/*/x' 'a/*' {UP}/missing")
    assert (shown.error, len(shown.outputs)) == ("", 1)
    rows = [line.split() for line in shown.text.splitlines()]
    told = {row[0]: " ".join(row[1:]) for row in rows}
    assert list(told) == [
        *("model", f"{UP}/with_events", f"{UP}/without_events", f"{UP}/wave"),
        *(f"{UP}/failing", f"{DOWN}/with_events", "nonsense", "sim/no/*/x", "a/*"),
        f"{UP}/missing",
    ]
    assert told[f"{UP}/with_events"].startswith("1.5 V VALID ")
    assert told["nonsense"].startswith("'nonsense' is no Tango attribute")
    assert "nothing in the database matches" in told["sim/no/*/x"]
    assert "a glob needs four parts" in told["a/*"]
    failed = [name for name, text in told.items() if "FAILED" in text]
    assert failed == list(told)[4:]
    assert "Traceback" not in shown.stderr
    assert shown.html.count("color: #b91c1c") == 6


def test_what_read_has_found_is_there_for_programs(kernel):
    kernel.run(f"found = %tpo read {UP}/with_events {UP}/failing")
    value = f"found.values['{UP}/with_events'].rvalue.magnitude"
    assert kernel.value(f"({value}, len(found))") == (1.5, 2)
    assert "TpoSim_ReadFails" in kernel.value(f"found.errors['{UP}/failing']")


@HOLDS_NO_GIL
def test_read_does_not_wait_for_a_server_that_hangs(own_kernel, own_modes):
    own_kernel.run(f"a = {attribute('rw')}")
    own_modes.server("TpoSim/modes").hang()
    begun = time.monotonic()
    shown = own_kernel.run(f"%tpo read --timeout 1 {UP}/* {UP}/rw")
    attribute_shown = own_kernel.run("a")
    assert time.monotonic() - begun < HUNG_CALL * 2
    assert "FAILED" in shown.text
    assert (shown.error, attribute_shown.error) == ("", "")


def test_read_says_that_the_database_hangs(own_kernel, own_modes):
    own_kernel.run(f"a = {attribute('with_events')}")
    own_modes.hang_database()
    shown = own_kernel.run(f"%tpo read --timeout 1 'sim/modes/up/*' {UP}/with_events")
    assert "the database does not answer" in shown.text
    assert "1.5 V" in shown.text


def test_explain_says_the_mode_and_who_decided_it(kernel):
    shown = kernel.run("%tpo explain 'sim/modes/up/w*' nonsense 'sim/no/*/x'")
    lines = [line.split() for line in shown.text.splitlines()]
    assert sorted(lines[1:4]) == [
        [f"{UP}/{name}", DEFAULT, "default"]
        for name in ("wave", "with_events", "without_events")
    ]
    assert "is no Tango attribute" in shown.text
    assert "nothing in the database matches" in shown.text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "read|explain|watch"),
        ("raed x", "read|explain|watch"),
        ("read", "a MODEL is missing"),
        ("read --timeout soon x", "'soon' is no number of seconds"),
        ("watch --for -1 x", "no number of seconds"),
        ("explain --timeout 3 x", "unrecognized arguments: --timeout"),
    ],
)
def test_a_wrong_command_is_an_error_without_a_traceback(kernel, line, told):
    shown = kernel.run(f"%tpo {line}")
    assert shown.stderr.startswith("UsageError: ")
    assert told in shown.stderr
    assert "Traceback" not in shown.stderr


def test_where_the_plugin_is_off_the_command_says_why(modes, tmp_path):
    with kernel_of(modes, tmp_path, TAURUS_TPO="0") as kernel:
        kernel.run("%load_ext taurus_tpo\nimport taurus")
        shown = kernel.run(f"%tpo read {UP}/with_events")
        assert "UsageError: taurus_tpo is off: TAURUS_TPO=0" in shown.stderr
        # Values are Taurus's, and are shown.
        value = kernel.run(f"{attribute('with_events')}.read()")
        assert "<TangoAttrValue 1.5 V, VALID, " in value.text
        assert "<table>" in value.html


# --- watch ---


def test_watch_updates_the_output_of_its_cell_until_it_is_stopped(kernel, modes):
    cell = kernel.run(f"%tpo watch --period 0.1 {UP}/with_events nonsense")
    assert kernel.value(WATCHES) == ["taurus_tpo watch"]

    def shows(text: str) -> bool:
        return any(text in one["text/html"] for one in [*cell.outputs, *cell.updates])

    kernel.take_until(lambda: shows("1.5 V"))
    kernel.take_until(lambda: shows("subscribed to its events"))
    hold(modes, "with_events", 2.625)
    kernel.take_until(lambda: shows("2.625 V"))
    assert len(cell.outputs) == 1
    assert "is no Tango attribute" in cell.updates[0]["text/plain"]
    assert kernel.run("%tpo watch --stop").stdout == ""
    assert kernel.value(WATCHES) == []
    assert kernel.value(f"{attribute('with_events')}.is_listened_to") is False
    assert kernel.run("%tpo watch --stop").stdout == "no watch is running\n"


def test_watch_shows_only_what_has_changed(kernel):
    cell = kernel.run(f"%tpo watch --period 0.1 --for 1.5 {UP}/text")
    shown = [one["text/html"] for one in [*cell.outputs, *cell.updates]]
    assert "hello" in shown[-1]
    assert all(one != other for one, other in zip(shown, shown[1:]))
    # One for each of its states, and not one for each period.
    assert len(shown) < 8


def test_another_watch_takes_the_place_of_the_one_before(kernel):
    kernel.run(f"first = {attribute('with_events')}; second = {attribute('rw')}")
    kernel.run(f"%tpo watch {UP}/with_events")
    kernel.run(f"%tpo watch {UP}/rw")
    assert kernel.value(WATCHES) == ["taurus_tpo watch"]
    listened = "(first.is_listened_to, second.is_listened_to)"
    eventually(lambda: kernel.value(listened) == (False, True), "the second is watched")


def test_unloading_ends_the_watch_and_takes_all_back(kernel):
    kernel.run(f"a = {attribute('with_events')}; v = a.read()")
    kernel.run(f"%tpo watch {UP}/with_events")
    done = kernel.run("%unload_ext taurus_tpo")
    assert (done.stdout, done.stderr, done.error) == ("", "", "")
    assert kernel.value(WATCHES) == []
    shown = kernel.run("v")
    assert shown.text.startswith("TangoAttrValue{")
    assert shown.html == ""
    assert kernel.run("a").text.startswith("TpoTangoAttribute(")
    assert "`%tpo` not found" in kernel.run(f"%tpo read {UP}/rw").stderr
    assert "read" not in completed(kernel, "%tpo re")
    # And again.
    assert kernel.run("%load_ext taurus_tpo").stderr == ""
    assert "<table>" in kernel.run("v").html


def test_a_kernel_ends_while_it_watches_a_server_that_hangs(own_kernel, own_modes):
    own_kernel.run("%config InteractiveShell.cache_size = 0")
    own_kernel.run(f"%tpo watch --period 0.1 {UP}/* {DOWN}/with_events")
    own_modes.server("TpoSim/modes").hang()
    own_kernel.run(f"%tpo read --timeout 0.5 {UP}/rw")
    process = own_kernel.manager.provisioner.process
    own_kernel.client.shutdown()
    assert process.wait(SOON) == 0


def test_an_interrupt_ends_a_watch_in_a_cell(own_kernel):
    cell = own_kernel.begin(f"%tpo watch --for 1000 {UP}/rw")
    own_kernel.take_until(lambda: cell.outputs)
    own_kernel.manager.interrupt_kernel()
    own_kernel.take_until(lambda: cell.has_ended)
    assert cell.error == ""
    assert own_kernel.value(f"{attribute('rw')}.is_listened_to") is False


# --- the Tab key ---


def completed(kernel: Kernel, line: str) -> list[str]:
    word = line.split(" ")[-1]
    return list(kernel.value(f"get_ipython().complete({word!r}, {line!r})")[1])


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("%tpo re", ["read"]),
        ("%tpo watch --", ["--for", "--period", "--stop"]),
        ("%tpo read sim/mod", ["sim/modes/down/", "sim/modes/up/"]),
        ("%tpo read SIM/modes/up/wa", ["SIM/modes/up/wave"]),
        ("%tpo read x sim/modes/down/w", []),
        ("tpo explain sim/modes/up/ch", ["sim/modes/up/choice"]),
    ],
)
def test_tab_completes_commands_options_devices_and_attributes(kernel, line, names):
    assert completed(kernel, line) == names


# --- IPython and ITango in a terminal ---


def ipython(facility: Facility, folder: Path, code: str, *options: str) -> str:
    """Run a cell in IPython, without a kernel; return what it says."""
    command = [sys.executable, "-m", "IPython", "--no-banner", *options, "-c", code]
    done = run(command, facility, IPYTHONDIR=str(folder))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("extension", ["IPython.extensions.storemagic", "itango"])
def test_a_shell_without_a_kernel_shows_text(modes, tmp_path, extension):
    pytest.importorskip(extension)
    code = f"""
%load_ext taurus_tpo
import taurus
get_ipython().run_cell("taurus.Attribute('{UP}/with_events').read()")
get_ipython().run_cell("taurus.Attribute('{UP}/with_events')")
get_ipython().run_cell("%tpo read {UP}/rw nonsense")
%tpo watch --for 1 --period 0.2 {UP}/with_events
"""
    said = ipython(modes, tmp_path, code, f"--ext={extension}")
    assert "<TangoAttrValue 1.5 V, VALID, " in said
    assert f"<{UP}/with_events: 1.5 V, VALID, " in said
    assert "5.5 A" in said
    assert "is no Tango attribute" in said
    assert "<table>" not in said
    assert "subscribed to its events" in said


def test_watch_replaces_its_lines_on_a_terminal(modes, tmp_path):
    code = f"%load_ext taurus_tpo\n%tpo watch --for 1 --period 0.2 {UP}/with_events"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "IPython", "--no-banner", "-c", code],
        env=environment_of(
            modes, TERM="xterm", IPYTHONDIR=str(tmp_path), COLUMNS="160"
        ),
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = read_all(ours)
    assert process.wait(SOON) == 0
    assert b"1.5 V" in shown
    # The cursor goes up, to the table that is to be replaced.
    assert b"\x1b[1A" in shown


def read_all(terminal: int) -> bytes:
    """Return what is written to a terminal until its end."""
    parts = []
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            # The end of a terminal, on Linux.
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts)
        parts.append(part)
