"""The costs of the core, as a table: ``python -m benchmarks.core_costs``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks import ROOT
from benchmarks.pages import page
from taurus_tpo.bench.tables import NOT_MET, TextTable, for_terminal

PAGE = ROOT / "docs" / "reference" / "core-results.inc"

#: The benchmarks; pytest-benchmark chooses the number of repeats.
TESTS = ROOT / "benchmarks" / "test_core_costs.py"


def measure() -> list[dict[str, Any]]:
    """Return pytest-benchmark's result for each test.

    :raises click.ClickException: if a test fails, with pytest's output.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        in_order = ["-p", "no:randomly"]
        arguments = ["-q", *in_order, f"--benchmark-json={report}", str(TESTS)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise click.ClickException(done.stdout)
        found: list[dict[str, Any]] = json.loads(report.read_text())["benchmarks"]
        return found


def text_table(found: list[dict[str, Any]]) -> TextTable:
    """Return the results as a table, in us per operation."""
    head = (
        "of",
        "what",
        "rounds",
        "median, us",
        "fastest, us",
        "slowest, us",
        "allowed, us",
    )
    rows = tuple(_row(one["stats"], one["extra_info"], one) for one in found)
    return TextTable("One operation of the core", (*head, "met"), rows)


def _row(
    stats: Mapping[str, Any], extra: Mapping[str, Any], one: Mapping[str, Any]
) -> tuple[str, ...]:
    what = one["name"].removeprefix("test_").replace("_", " ")
    times = (stats[key] / extra["operations"] for key in ("median", "min", "max"))
    allowed = extra["allowed"]
    met = allowed is None or stats["median"] / extra["operations"] <= allowed
    return (
        one["group"],
        what,
        str(stats["rounds"]),
        *(f"{1e6 * seconds:.2f}" for seconds in times),
        "" if allowed is None else f"{1e6 * allowed:g}",
        "" if allowed is None else "yes" if met else NOT_MET,
    )


@click.command()
@click.option("--docs", is_flag=True, help="Put the results into the documentation.")
def main(docs: bool) -> None:
    """Measure what the core costs: rules, transitions, the scheduler."""
    table = text_table(measure())
    Console(highlight=False).print(for_terminal(table))
    if docs:
        PAGE.write_text(
            page("python -m benchmarks.core_costs", table), encoding="utf-8"
        )
    if any(NOT_MET in row for row in table.rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
