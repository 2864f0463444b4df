"""The programs of ``docs/examples`` that need no window."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import DOCS, FACILITIES
from program_support import environment_of
from tango_support import SOON, model

from taurus_tpo.sim import Facility

SERVER = DOCS / "examples" / "attribute_server.py"

#: How many lines of code the server may have.
MOST_LINES = 30

#: How many clients it has at once, of which one asks for the device that hangs.
CLIENTS = 200


@pytest.fixture(scope="module")
def loops() -> Iterator[Facility]:
    """Servers that are well, slow, hung and down."""
    with Facility(FACILITIES / "aio.toml") as facility:
        yield facility


@pytest.fixture
def port(loops: Facility) -> Iterator[int]:
    """The port of the server, which knows none of the devices yet."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER), "0"],
        env=environment_of(loops),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        word, number = process.stdout.readline().split()
        assert word == "port"
        yield int(number)
    finally:
        process.kill()
        process.communicate()


async def ask(port: int, *names: str) -> list[str]:
    """Return the answers to one client, who asks for one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for name in names:
        writer.write(name.encode() + b"\n")
        answers.append((await reader.readline()).decode().strip())
    writer.close()
    return answers


def code_lines(path: Path) -> int:
    """Return how many lines have code, without docstrings and comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = tree.body[1:]
    lines = path.read_text(encoding="utf-8").splitlines()
    first = tree.body[0].lineno
    code = (line.strip() for line in lines[first - 1 :])
    return sum(bool(line) and not line.startswith("#") for line in code)


def test_the_attribute_server_is_short():
    assert code_lines(SERVER) <= MOST_LINES


def test_values_and_errors_are_lines(port, loops):
    names = [
        *("sim/aio/healthy/rw", "sim/aio/healthy/nothing", "sim/aio/down/volt01"),
        *("sim/no/such/volt", "a b", "eval:__import__('os').getpid()"),
        model(loops, "volt01", "sim/aio/healthy"),
    ]
    value, missing, down, unknown, invalid, evaluation, other = asyncio.run(
        asyncio.wait_for(ask(port, *names), SOON)
    )
    assert value == "2.5"
    assert missing.startswith("DevFailed[ DevError[ desc = nothing attribute not found")
    assert "Failed to connect to device sim/aio/down" in down
    assert "not defined in the database" in unknown
    assert invalid == "Invalid Tango attribute name 'a b'"
    assert evaluation.startswith("not a Tango attribute")
    assert other == "1.5 V"


def test_nobody_waits_for_a_device_that_hangs(port):
    async def ask_all() -> list[str]:
        """Return the answers in the order in which they came."""
        came: list[str] = []

        async def client(number: int) -> None:
            hung = number == 0
            device, volt = "hung" if hung else "healthy", 1 + number % 50
            came.extend(await ask(port, f"sim/aio/{device}/volt{volt:02}"))

        await asyncio.gather(*map(client, range(CLIENTS)))
        return came

    # So that what is loaded with the first request costs the others nothing.
    assert asyncio.run(ask(port, "sim/aio/healthy/rw")) == ["2.5"]
    came = asyncio.run(asyncio.wait_for(ask_all(), SOON))
    errors = [place for place, answer in enumerate(came) if answer != "1.5 V"]
    assert len(came) == CLIENTS
    assert len(errors) == 1
    assert "does not answer" in came[errors[0]] or "DevFailed" in came[errors[0]]
    print(f"{errors[0]} of {CLIENTS - 1} were served before the device that hangs")
    # All of them come after it if they wait for it.
    assert errors[0] > CLIENTS / 2
