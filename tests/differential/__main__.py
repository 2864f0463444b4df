"""Runs a scenario again, or searches: ``python -m tests.differential --help``."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.differential.engine import Engine, Verdict, keep
from tests.differential.scenario import PAIRINGS, Scenario
from tests.differential.search import LANES, Search

FOLDER = Path("differential-found")


def main() -> int:
    """Return 1 where something differs that nobody means."""
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__)
    parser.add_argument("scenario", nargs="*", type=Path, help="run these again")
    parser.add_argument("--scenarios", type=int, default=100, help="make so many")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--lanes", type=int, default=LANES, help="so many at once")
    parser.add_argument("--pairing", action="append", choices=list(PAIRINGS))
    parser.add_argument("--quiet", action="store_true", help="no whole observations")
    parser.add_argument("--log", type=Path, help="keep what the programs print here")
    options = parser.parse_args()
    with Engine(options.log) as engine:
        if options.scenario:
            return _replay(engine, options)
        return _search(engine, options)


def _replay(engine: Engine, options: argparse.Namespace) -> int:
    scenarios = [
        scenario.paired(pairing)
        for scenario in map(Scenario.load, options.scenario)
        for pairing in options.pairing or [scenario.pairing]
    ]
    with ThreadPoolExecutor(options.lanes) as pool:
        verdicts = list(pool.map(engine.judge, scenarios))
    for verdict in verdicts:
        if not options.quiet:
            _show(verdict)
        print(f"=== {verdict.told()}\nmeant: {sorted(verdict.meant)}\n")
    return any(verdict.unmeant for verdict in verdicts)


def _show(verdict: Verdict) -> None:
    for side in ("stock", "plugin"):
        print(f"--- {side}")
        print(json.dumps(getattr(verdict, side), indent=1, ensure_ascii=False))


def _search(engine: Engine, options: argparse.Namespace) -> int:
    print(f"seed {options.seed}", flush=True)
    pairings = tuple(options.pairing or PAIRINGS)
    begun = time.monotonic()
    search = Search(
        engine,
        options.scenarios,
        options.seed,
        pairings,
        lanes=options.lanes,
        tell=_tell,
    )
    search.run()
    took = time.monotonic() - begun
    print(
        f"\n{search.made} scenarios, {search.differing} differ,"
        f" {len(search.found)} causes, {engine.judged} judged in {took:.0f} s;"
        f" meant: {dict(engine.seen)}"
    )
    confirmed = search.confirmed()
    print(f"{len(confirmed)} causes differ again, alone")
    for verdict in confirmed:
        print(verdict.told())
    return bool(confirmed)


def _tell(verdict: Verdict) -> None:
    path = keep(verdict, FOLDER)
    print(f"\n=== {path}\n{verdict.told()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
