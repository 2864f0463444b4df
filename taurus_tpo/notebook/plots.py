"""Small pictures of spectra and images, as HTML; they need numpy only."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

#: The size of the picture of a spectrum, in pixels.
WIDTH, HEIGHT = 240, 60

#: The most pixels of a side of the picture of an image, and the least on the screen.
MOST_PIXELS, LEAST_ON_SCREEN = 160, 80


def picture(numbers: Any) -> str:
    """Return a picture of an array as HTML; empty if there is nothing to see.

    :param numbers: numbers or booleans, of one or two dimensions.
    """
    values = np.asarray(numbers)
    if values.dtype.kind not in "biuf" or values.size < 2 or values.ndim > 2:
        return ""
    values = values.astype(float)
    finite = np.abs(values[np.isfinite(values)])
    if not finite.size:
        return ""
    # Differences of the largest numbers would be infinite.
    values = values / (finite.max() or 1.0)
    return _curve(values) if values.ndim == 1 else _image(values)


def _curve(values: Any) -> str:
    """Return a spectrum as SVG; of many numbers the extremes of each column."""
    lowest, highest = _limits(values)
    y = (HEIGHT - 2) - (values - lowest) / (highest - lowest) * (HEIGHT - 4)
    x = np.linspace(1, WIDTH - 1, len(values))
    if len(values) > 2 * WIDTH:
        x, y = _extremes(x, y)
    # Numbers that are not finite interrupt the line.
    breaks = np.flatnonzero(~np.isfinite(y))
    parts = zip(np.split(x, breaks), np.split(y, breaks))
    lines = "".join(_line(*part) for part in parts)
    return (
        f'<br><svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img"><rect width="{WIDTH}" height="{HEIGHT}" '
        f'fill="none" stroke="#9ca3af"/>{lines}</svg>'
    )


def _limits(values: Any) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    lowest, highest = float(finite.min()), float(finite.max())
    # A line in the middle where all are equal.
    margin = 1.0 if lowest == highest else 0.0
    return lowest - margin, highest + margin


def _extremes(x: Any, y: Any) -> tuple[Any, Any]:
    """Return the least and the greatest of each column, at the place of the column."""
    parts = zip(np.array_split(x, WIDTH), np.array_split(y, WIDTH))
    points = [(places[0], *_ends(numbers)) for places, numbers in parts]
    columns = np.array(points)
    return np.repeat(columns[:, 0], 2), columns[:, 1:].ravel()


def _ends(numbers: Any) -> tuple[float, float]:
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return np.nan, np.nan
    return float(finite.min()), float(finite.max())


def _line(x: Any, y: Any) -> str:
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if not x.size:
        return ""
    if x.size == 1:
        return f'<circle cx="{x[0]:.1f}" cy="{y[0]:.1f}" r="1" fill="#1d4ed8"/>'
    points = " ".join(f"{one:.1f},{other:.1f}" for one, other in zip(x, y))
    return f'<polyline points="{points}" fill="none" stroke="#1d4ed8"/>'


def _image(values: Any) -> str:
    """Return an image as PNG, from black (least) to white (greatest)."""
    # Some of its rows and columns, so that a large one is not sent as a whole.
    step = max(1, -(-max(values.shape) // MOST_PIXELS))
    some = values[::step, ::step]
    if not np.isfinite(some).any():
        return ""
    lowest, highest = _limits(some)
    scaled = np.nan_to_num((some - lowest) / (highest - lowest), nan=0.0)
    grey = (np.clip(scaled, 0.0, 1.0) * 255).astype(np.uint8)
    height, width = grey.shape
    data = base64.b64encode(_png(grey)).decode()
    scale = max(1, -(-LEAST_ON_SCREEN // max(width, height)))
    return (
        f'<br><img src="data:image/png;base64,{data}" width="{width * scale}" '
        f'height="{height * scale}" style="image-rendering: pixelated" alt="">'
    )


def _png(grey: Any) -> bytes:
    height, width = grey.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    # Each row begins with the number of its filter: none.
    rows = np.insert(grey, 0, 0, axis=1).tobytes()
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
