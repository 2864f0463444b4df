"""Run the tests in groups, with one seed.

``python tools/run_tests.py --jobs 2 --seed 7 tests/unit`` passes other arguments to
pytest and runs the tests in random order. Each group (``tests/support/groups.py``) has
separate processes, so that tests with and without a window never share one. The seed
determines the order and all random choices of tests; it is printed at the start, and
again at the end after a failure. ``--coverage`` prints one report of all groups.
"""

from __future__ import annotations

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

#: The groups, the fastest first, with extra arguments for pytest. "differential" runs
#: in one pytest process, since its tests start parallel programs themselves; make
#: test-differential runs more scenarios.
GROUPS: dict[str, tuple[str, ...]] = {
    "pure": (),
    "tango": (),
    "window": (),
    "differential": ("-m", "differential", "-n", "0"),
}

#: pytest's exit status if no test was selected.
NONE_FOUND = 5


def main() -> int:
    """Return the status of the first group that failed, 0 if none did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", default="2", help="processes; 0: one, and no others")
    parser.add_argument("--seed", type=int, help="of an earlier run, to repeat it")
    parser.add_argument("--coverage", action="store_true", help="measure it")
    options, arguments = parser.parse_known_args()
    seed = options.seed if options.seed is not None else random.getrandbits(32)
    print(f"run_tests: seed {seed}", flush=True)
    shared: tuple[str, ...] = ()
    if options.coverage:
        run("coverage", "erase")
        shared = ("--cov", "--cov-append", "--cov-report=")
    told = {}
    with tempfile.TemporaryDirectory() as folder:
        shared = (*shared, f"--locks={folder}/locks.json", *arguments)
        for group, more in GROUPS.items():
            begun = time.monotonic()
            status = pytest(seed, options.jobs, f"--group={group}", *shared, *more)
            told[group] = status, time.monotonic() - begun
    if options.coverage:
        run("coverage", "report")
    return judged(told, seed)


def pytest(seed: int, jobs: str, *arguments: str) -> int:
    """Run a group of tests; return pytest's exit status."""
    seeds = (f"--randomly-seed={seed}", f"--hypothesis-seed={seed}")
    shared = ("-n", jobs, "--dist", "loadfile", "--no-loadscope-reorder")
    return run("pytest", *seeds, *shared, *arguments)


def run(module: str, *arguments: str) -> int:
    """Run a module of this environment; return its exit status."""
    return subprocess.call([sys.executable, "-m", module, *arguments], cwd=ROOT)


def judged(told: dict[str, tuple[int, float]], seed: int) -> int:
    """Print the result of each group; return the first bad status."""
    found = {group: one for group, one in told.items() if one[0] != NONE_FOUND}
    for group, (status, seconds) in found.items():
        result = "passed" if status == 0 else f"failed ({status})"
        print(f"run_tests: {group}: {result}, {seconds:.0f} s")
    bad = [status for status, _ in found.values() if status]
    if not found:
        print("run_tests: no test was found")
        return NONE_FOUND
    if bad:
        print(f"run_tests: to repeat it: make unit SEED={seed}")
    return bad[0] if bad else 0


if __name__ == "__main__":
    sys.exit(main())
