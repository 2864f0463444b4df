"""How the documentation is run: what stands for what, and what is left out.

Data, for ``test_docs_commands.py``. Each entry must be in the documentation still.
"""

from __future__ import annotations

#: Commands that no test can run, and why.
NOT_RUN = {
    "make test": "runs this test",
    "taurus designer": "Qt Designer is not there; test_designer.py tries it",
    "make bench": "takes an hour",
    ".venv/bin/python -m benchmarks ten-thousand --repeat 3": "takes half an hour",
    "python -m tango.test_context power_supply.PowerSupply --host 127.0.0.1 "
    "--port 45678": "runs until Ctrl-C; test_nodb.py runs such a device",
    "taurus form 'tango://127.0.0.1:45678/test/nodb/powersupply/voltage#dbase=no'": (
        "the device is not there; test_nodb.py shows such a form"
    ),
    "taurus form tango-nodb://127.0.0.1:45678/test/nodb/powersupply/voltage": "as well",
    "pip install '.[gevent]'": "changes the environment of the tests",
    "pip install .": "changes the environment of the tests",
    "pip install 'taurus_tpo[bench]'": "changes the environment of the tests",
    "pip install 'taurus_tpo[notebook]'": "changes the environment of the tests",
    "pip uninstall taurus_tpo": "changes the environment of the tests",
    '.venv/bin/python -m pytest -m matrix -k "DevRestart"': "a test that takes minutes",
    ".venv/bin/python -m benchmarks hung --repeat 3 --no-stock": "takes minutes",
    ".venv/bin/python -m tests.differential --quiet "
    "differential-found/0123456789.json": ("the scenario is the reader's"),
    ".venv/bin/python -m tests.differential --scenarios 100 --pairing default "
    "--seed 1": "takes minutes",
}

_QUICK = "--modes as-set --repeat 1"

#: Commands that take too long, or want what is not there, and what is run in their
#: place: less of the same.
IN_PLACE_OF = {
    # What the Makefile runs in the virtual environment that it has made.
    "make demo": "taurus tpo demo --screenshot demo.png",
    # The demo has servers that hang, for which stock Taurus waits for minutes.
    "taurus tpo bench 'sim/*/*/*'": f"taurus tpo bench sim/valve/01/position {_QUICK}",
    "taurus tpo bench 'sim/*/*/*' --against stock --out report": (
        f"taurus tpo bench sim/valve/01/position --against stock --out report {_QUICK}"
    ),
    "taurus tpo bench models.txt --modes AsyncRead,Sync --repeat 3": (
        "taurus tpo bench models.txt --modes AsyncRead,Sync --repeat 1"
    ),
    # The two are commands of the reader's.
    "taurus tpo bench models.txt --at-window ./start-vacuum --cleanup ./stop-vacuum "
    "--patience 20": (
        "taurus tpo bench models.txt --at-window true --cleanup true --patience 20 "
        + _QUICK
    ),
}

#: Commands that end with another status than 0.
STATUS = {
    "taurus --tango-event-sub-mode Asink form sim/power/01/current": 2,
    "taurus tpo sim wrong.toml": 2,
    "taurus tpo read sim/gun/01/heater sim/undulator/01/gap sim/cooling/01/flow1 "
    "sim/rf/01/reflected_power": 1,
}

#: Blocks of text that are no output of a command of their page, by their first line,
#: and why they are there.
NO_OUTPUT = {
    ".venv/bin/python -m benchmarks.endings # 300 processes end at random moments of "
    "their start": "takes minutes",
    "Recommended for these models: AsyncRead": "comes after minutes of measuring",
}

#: Whole numbers that differ from one time to the next.
VARYING = ("196 of 209",)
