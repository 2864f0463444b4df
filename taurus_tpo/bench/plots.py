"""The pictures of a report, by matplotlib, without a window."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from taurus_tpo.bench.advice import device_of
from taurus_tpo.bench.report import Findings
from taurus_tpo.bench.results import PLUGIN, STOCK, Sheet

#: Resolution, pixels per inch, and size of a picture, inches.
DPI = 100
WIDTH, HEIGHT = 10.0, 4.5

#: The maximum number of devices in a picture; the slowest ones are shown.
DEVICES = 40


def pictures(findings: Findings) -> dict[str, bytes]:
    """Return each picture as PNG, by title."""
    found = findings.sheets
    shown = [s for s in found if s.variant.who in (PLUGIN, STOCK) and s.good]
    if not shown:
        return {}
    chosen = findings.recommendation
    sheet = next((s for s in shown if chosen and s.variant.mode == chosen.mode), None)
    drawn = {
        "first values by mode": first_values(found),
        "stalls of the GUI": _stalls(shown),
    }
    if sheet is not None:
        drawn[f"first values by device in {sheet.variant}"] = _timeline(sheet)
    return drawn


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    FigureCanvasAgg(figure).print_png(target)
    return target.getvalue()


def _axes(height: float = HEIGHT) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.grid(alpha=0.3)
    axes.set_xlabel("s after the beginning")
    return figure, axes


def first_values(found: Sequence[Sheet]) -> bytes:
    """Return the number of values over time, for the last run of each variant."""
    figure, axes = _axes()
    good = [sheet for sheet in found if sheet.good]
    times = {s.variant: sorted(s.good[-1].values.values()) for s in good}
    end = 1.05 * max((some[-1] for some in times.values() if some), default=1.0)
    for variant, some in times.items():
        counts = range(len(some) + 1)
        # Missing values show as a line that stays low until the end.
        corners = [0.0, *some, end], [*counts, len(some)]
        style = "--" if variant.is_limit else "-"
        axes.step(*corners, style, where="post", label=str(variant))
    axes.set_xlim(0.0, end)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("attributes with a value")
    axes.legend(fontsize="small")
    return _png(figure)


def curves(what: str, counts: Sequence[int], costs: Mapping[str, list[float]]) -> bytes:
    """Return a plot for each of ``costs``, over the number of ``what``."""
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    for axes, (name, values) in zip(figure.subplots(1, len(costs)), costs.items()):
        axes.plot(counts, values, "o-")
        axes.set_xscale("log")
        axes.set_xlabel(what)
        axes.set_ylabel(name)
        axes.set_ylim(bottom=0.0)
        axes.grid(alpha=0.3)
    return _png(figure)


def _timeline(sheet: Sheet) -> bytes:
    """Return the times of the first values of each device, in the last run."""
    record = sheet.good[-1]
    by_device: dict[str, list[float]] = {}
    for model, time in record.values.items():
        by_device.setdefault(device_of(model), []).append(time)
    for model in record.errors:
        by_device.setdefault(device_of(model), [])
    order = sorted(by_device, key=lambda d: max(by_device[d], default=float("inf")))
    kept = order[-DEVICES:]
    figure, axes = _axes(max(HEIGHT, 1.0 + 0.22 * len(kept)))
    for line, device in enumerate(kept):
        times = by_device[device]
        axes.plot(times, [line] * len(times), "|", markersize=9)
        if not times:
            axes.annotate("no value", (0.0, line), va="center", fontsize="small")
    if record.window is not None:
        axes.axvline(record.window, linestyle="--", color="gray", label="window")
        axes.legend(fontsize="small")
    axes.set_yticks(range(len(kept)), _named(kept))
    axes.tick_params(axis="y", labelsize="small")
    axes.set_ylim(-1.0, len(kept))
    axes.set_xlim(left=0.0)
    return _png(figure)


def _named(devices: Sequence[str]) -> list[str]:
    """Return the names of devices, without the database if all share one."""
    pairs = [device.split("//")[-1].rpartition("/")[0] for device in devices]
    databases = {pair.rsplit("/", 2)[0] for pair in pairs}
    parts = 3 if len(databases) == 1 else 4
    return ["/".join(device.rsplit("/", parts)[-parts:]) for device in devices]


def _stalls(found: list[Sheet]) -> bytes:
    """Return the stalls of the GUI thread over time, in all runs."""
    figure, axes = _axes()
    for number, sheet in enumerate(found):
        stalls = [stall for record in sheet.good for stall in record.stalls]
        begun = [when - pause for when, pause in stalls]
        lengths = [pause for _, pause in stalls]
        color = f"C{number}"
        axes.vlines(begun, 0.0, lengths, color=color)
        told = f"{sheet.variant}: {len(stalls)} in {len(sheet.good)} runs"
        axes.plot(begun, lengths, "o", color=color, label=told)
    axes.set_ylabel("s without a response of the GUI")
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize="small")
    return _png(figure)
