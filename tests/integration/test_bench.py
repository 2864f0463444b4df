"""``taurus tpo bench`` as somebody types it, on a small facility."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from paths import FACILITIES
from program_support import path_of, run, taurus_command
from tango_support import eventually

from taurus_tpo.bench.results import PLUGIN, PYTANGO, STOCK, Record
from taurus_tpo.sim import Facility

PNG = b"\x89PNG"

#: How long a measurement of some runs may take, s.
MEASURED = 120.0


# What is measured beside other tests says little, and takes minutes.
pytestmark = pytest.mark.measuring


@pytest.fixture(scope="module")
def batches() -> Iterator[Facility]:
    """Two servers with devices of 25 attributes each."""
    with Facility(FACILITIES / "batches.toml") as running:
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A file with five attributes of each server, and what people write beside."""
    names = [
        f"sim/{family}/1/volt{n:02}"
        for family in ("batch", "batch2")
        for n in range(1, 6)
    ]
    path = tmp_path / "models.txt"
    path.write_text("\n".join(["# of two servers", "", *names, "# that is all"]))
    return path


def records(out: Path) -> list[Record]:
    path = out / "results.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Record.from_json(line) for line in lines]


def bench(facility: Facility, *arguments: str) -> Any:
    return run(taurus_command("tpo", "bench", *arguments), facility)


@pytest.fixture
def begun(batches) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a measurement; it is killed if it does not end."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            taurus_command("tpo", "bench", *arguments),
            env={**batches.environment(), "QT_QPA_PLATFORM": "offscreen"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell has what it starts in the background ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_report_of_windows_in_two_modes_and_of_stock_taurus(
    batches, models, tmp_path
):
    out = tmp_path / "out"
    options = ("--modes", "AsyncRead,sync", "--repeat", "1", "--against", "stock")
    done = bench(batches, str(models), *options, "--limit", "30", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "10 attributes are read; nothing is written" in done.stdout
    assert "Recommended for these models: " in done.stdout
    assert "TANGO_EVENT_SUB_MODE = " in done.stdout
    found = {str(record.variant): record for record in records(out)}
    assert [record.failure for record in found.values()] == [""] * 5
    assert all(len(record.values) == 10 for record in found.values())
    for name in ("AsyncRead", "Sync", "stock Taurus"):
        record = found[name]
        assert record.window is not None
        assert record.close is not None
        assert record.calls["subscribe_event"] >= 10
        assert record.memory > 0
    assert found["AsyncRead"].plugin_threads > 0
    assert found["stock Taurus"].plugin_threads == 0
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    pictures = list(out.glob("*.png"))
    assert len(pictures) == 3
    assert all(path.read_bytes().startswith(PNG) for path in pictures)


def test_without_a_window(batches, models, tmp_path):
    out = tmp_path / "out"
    options = ("--modes", "disabled", "--repeat", "2", "--headless")
    options += ("--against-repeat", "1")
    done = bench(batches, str(models), *options, "--out", str(out))
    assert done.returncode == 0, done.stderr
    found = records(out)
    assert [record.variant.who for record in found] == [PYTANGO, PLUGIN, PLUGIN]
    polled = [record for record in found if record.variant.mode == "disabled"]
    assert all(len(record.polled) == 10 for record in polled)
    assert not any(record.variant.who == STOCK for record in found)


def test_no_thread_is_left_when_there_is_nothing_to_do(batches, models, tmp_path):
    out = tmp_path / "out"
    options = ("--modes", "Stateless", "--repeat", "1", "--headless", "--no-bounds")
    options += ("--rest", "3", "--out", str(out))
    done = bench(batches, str(models), *options)
    assert done.returncode == 0, done.stderr
    (found,) = records(out)
    assert found.plugin_threads > 0
    assert found.plugin_threads_at_rest == 0


def test_a_server_that_hangs_in_the_midst_of_it(batches, models, tmp_path, begun):
    out = tmp_path / "out"
    options = ("--modes", "AsyncRead", "--repeat", "2", "--limit", "20")
    process = begun(str(models), *options, "--out", str(out))
    eventually(lambda: len(records(out)) >= 3, "a turn is done", MEASURED)
    server = batches.server("TpoSim/batches2")
    server.hang()
    try:
        output, errors = process.communicate(timeout=300)
    finally:
        server.resume()
    assert process.returncode == 0, errors
    last = [r for r in records(out) if r.variant.mode == "AsyncRead"][-1]
    assert last.window is not None
    assert {model.split("/")[-3] for model in last.values} == {"batch"}
    assert {model.split("/")[-3] for model in last.errors} == {"batch2"}
    assert "sim/batch2/1: did not answer (5 x API_" in output


def test_what_it_proposes_helps(batches, models, tmp_path):
    old, new = tmp_path / "old.ini", tmp_path / "new.ini"
    old.write_text('[taurus]\nTANGO_EVENT_SUB_MODE = "SyncRead"\n')
    once = ("--repeat", "1", "--limit", "30")

    def measured(settings: Path, name: str, *modes: str) -> tuple[str, float]:
        out = tmp_path / name
        words = ["--settings", str(settings), "tpo", "bench", str(models), *once]
        words += ["--modes", ",".join(modes), "--out", str(out)]
        done = run(taurus_command(*words), batches)
        assert done.returncode == 0, done.stderr
        (as_set,) = [r for r in records(out) if r.variant.mode == "as set"]
        assert as_set.window is not None
        return done.stdout, as_set.window

    server = batches.server("TpoSim/batches2")
    server.hang()
    try:
        said, before = measured(old, "before", "as-set", "AsyncRead")
        assert "Recommended for these models: AsyncRead" in said
        assert 'TANGO_EVENT_SUB_MODE = "ASYNCREAD"' in said
        rules = said.split("for all other devices:\n")[1].split("    ]")[0] + "    ]\n"
        assert "sim/batch2/1/*" in rules
        lines = [line[2:] for line in rules.splitlines() if "[taurus]" not in line]
        new.write_text(old.read_text() + "\n".join(lines) + "\n")
        _, after = measured(new, "after", "as-set")
    finally:
        server.resume()
    # The window waits for that server no more.
    assert after < before / 2


def test_ctrl_c_leaves_a_report_of_what_was_done(models, tmp_path, begun):
    out = tmp_path / "out"
    options = ("--modes", "AsyncRead", "--repeat", "99", "--out", str(out))
    process = begun(str(models), *options)
    eventually(lambda: len(records(out)) >= 3, "a turn is done", MEASURED)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Recommended for these models: AsyncRead" in output
    assert "Traceback" not in errors
    assert (out / "report.html").exists()
    assert len(records(out)) < 99


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--modes", "Asink"], "Did you mean Async"),
        (["--repeat", "0"], "is not in the range"),
        (["--against", "pydm"], "is not"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(batches, arguments, said):
    done = bench(batches, "sim/batch/1/volt01", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_without_models_is_an_error(batches, tmp_path):
    path = tmp_path / "empty.txt"
    path.write_text("# nothing\n\n")
    done = bench(batches, str(path))
    assert done.returncode == 1
    assert "names no attribute" in done.stderr


def test_raw_results_can_be_read_by_other_programs(batches, models, tmp_path):
    out = tmp_path / "out"
    options = ("--modes", "Async", "--repeat", "1", "--headless", "--out", str(out))
    assert bench(batches, str(models), *options).returncode == 0
    lines = (out / "results.jsonl").read_text().splitlines()
    assert {json.loads(line)["variant"]["who"] for line in lines} == {
        *(PLUGIN, PYTANGO)
    }


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("panel.py", "panel_for_the_bench"),
        ("gui.py", "gui_for_the_bench"),
        ("tgconf_bench/__init__.py", "gui_for_the_bench"),
    ],
)
def test_a_program_is_started_to_see_what_it_shows(batches, tmp_path, name, program):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(path_of(program), path)
    model = str(path.parent if path.name == "__init__.py" else path)
    options = ("--modes", "Async", "--repeat", "1", "--headless")
    done = bench(batches, model, *options)
    assert done.returncode == 0, done.stderr
    assert "2 attributes are read" in done.stdout


def test_a_program_that_fails_is_an_error(batches, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("raise RuntimeError('no panel')")
    done = bench(batches, str(path))
    assert done.returncode == 1
    assert "no panel" in done.stderr
    assert "cannot be started" in done.stderr
