"""How values, arrays and tables look, without a shell."""

from __future__ import annotations

import base64
import datetime
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from taurus.core.tango.enums import DevState
from taurus.core.taurusbasetypes import AttrQuality, TaurusAttrValue, TaurusTimeVal
from taurus.core.units import Quantity

from taurus_tpo.notebook import plots, table
from taurus_tpo.notebook.table import Cell, Table
from taurus_tpo.notebook.values import Shown, shown


def value_of(read: Any, written: Any = None) -> TaurusAttrValue:
    value = TaurusAttrValue()
    value.rvalue, value.wvalue = read, written
    value.quality = AttrQuality.ATTR_WARNING
    value.time = TaurusTimeVal.now()
    return value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (None, "no value"),
        (Quantity(1.5, "V"), "1.5 V"),
        (Quantity(1 / 3, ""), "0.33333333"),
        (Quantity(np.float32(0.1), "mm"), "0.1 mm"),
        (Quantity(12345678901, "Hz"), "12345678901 Hz"),
        (float("nan"), "nan"),
        (True, "True"),
        (DevState.ON, "ON"),
        ("two\nlines", "two lines"),
        ("x" * 200, "x" * 77 + "..."),
        (Quantity(np.array([1.0, 2.5]), "A"), "[1, 2.5] A"),
        (Quantity(np.zeros(0), "A"), "empty spectrum"),
        (np.zeros((0, 3)), "empty image"),
        (Quantity(np.arange(7), "A"), "spectrum of 7, min 0, mean 3, max 6 A"),
        (np.arange(8).reshape(2, 4), "image of 4 x 2, min 0, mean 3.5, max 7"),
        (np.array([True, False] * 5), "spectrum of 10, 5 true"),
        (np.full(9, np.nan), "spectrum of 9, 9 not finite"),
        (
            np.array([1.0] * 7 + [np.inf]),
            "spectrum of 8, min 1, mean 1, max 1, 1",
        ),
        (("a", "b"), "[a, b]"),
        (list("abcdefgh"), "spectrum of 8: a, b, c, d, e, f, ..."),
        (("json", b"{}"), "[json, b'{}']"),
    ],
    ids=str,
)
def test_a_value_is_a_short_text(read: Any, text: str) -> None:
    told = shown(value_of(read)).value
    assert told.startswith(text)
    assert len(told) <= 80


def test_the_text_has_unit_set_value_quality_and_time() -> None:
    value = value_of(Quantity(1.0, "A"), Quantity(2.0, "A"))
    told = shown(value)
    assert str(told) == f"1 A (set 2 A), WARNING, {told.clock}"
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", told.clock)


@pytest.mark.parametrize("nothing", [None, Quantity(np.zeros(0), "A"), [], ()])
def test_what_was_not_written_is_not_shown(nothing: Any) -> None:
    assert shown(value_of(1.0, nothing)).written == ""


def test_the_time_of_another_day_has_its_date() -> None:
    stamp = datetime.datetime(2020, 2, 29, 12, 30, 1, 250_000).timestamp()
    assert Shown("1", stamp=stamp).clock == "2020-02-29 12:30:01.250"
    assert Shown("1").clock == ""


# --- pictures ---

numbers = arrays.arrays(
    st.sampled_from([np.float64, np.float32, np.int16, np.uint64, np.bool_]),
    arrays.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=700),
    elements={"allow_nan": True, "allow_infinity": True},
    fill=st.nothing() | st.just(0),
)


@given(numbers)
def test_any_array_has_a_picture_or_none(array: Any) -> None:
    html = plots.picture(array)
    assert len(html) < 60_000
    if "<svg" in html:
        points(html)
    elif html:
        grey_of(html)
    elif array.size > 1:
        assert not np.isfinite(array.astype(float)).any()


def points(html: str) -> list[tuple[float, float]]:
    """The points of the lines of a curve, which are in its frame."""
    tree = ET.fromstring(html.removeprefix("<br>"))
    found = []
    for line in tree.iter("{http://www.w3.org/2000/svg}polyline"):
        pairs = (pair.split(",") for pair in line.attrib["points"].split())
        found += [(float(x), float(y)) for x, y in pairs]
    assert all(0 <= x <= plots.WIDTH and 0 <= y <= plots.HEIGHT for x, y in found)
    return found


def grey_of(html: str) -> Any:
    """The pixels of an image."""
    (data,) = re.findall(r'base64,([^"]*)"', html)
    png = base64.b64decode(data)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    begin = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[begin - 4 : begin])
    raw = zlib.decompress(png[begin + 4 : begin + 4 + length])
    rows = np.frombuffer(raw, np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:]


def test_a_curve_shows_the_peak_of_many_numbers() -> None:
    many = np.zeros(100_000)
    many[77_777] = 1.0
    curve = points(plots.picture(many))
    assert len(curve) <= 2 * plots.WIDTH
    x, y = min(curve, key=lambda point: point[1])
    assert x == pytest.approx(0.77777 * plots.WIDTH, abs=2)
    assert y == pytest.approx(2, abs=0.1)


def test_a_curve_is_interrupted_where_there_is_no_number() -> None:
    html = plots.picture(np.array([1.0, 2.0, np.nan, 3.0, 4.0]))
    assert html.count("<polyline") == 2


def test_an_image_is_black_where_it_is_least() -> None:
    grey = grey_of(plots.picture(np.array([[0, 50], [100, np.nan]])))
    assert grey.tolist() == [[0, 127], [255, 0]]


def test_a_large_image_is_made_smaller() -> None:
    image = np.zeros((1000, 2000))
    image[:, 1000:] = 1
    grey = grey_of(plots.picture(image))
    assert max(grey.shape) <= plots.MOST_PIXELS
    assert (grey[0, 0], grey[0, -1]) == (0, 255)


@pytest.mark.parametrize("array", [np.array(["a", "b"]), np.zeros((2, 2, 2)), [1]])
def test_other_arrays_have_no_picture(array: Any) -> None:
    assert plots.picture(array) == ""


# --- tables ---


def test_a_table_is_text_and_html_of_the_same() -> None:
    rows = [
        (Cell("<b>&amp;</b>"), Cell("[red]x[/red]")),
        (Cell("two\nlines"), Cell("bad", failed=True)),
    ]
    both = Table(("one", "two"), rows)
    assert [line.split() for line in repr(both).splitlines()] == [
        ["one", "two"],
        ["<b>&amp;</b>", "[red]x[/red]"],
        ["two", "bad"],
    ]
    html = both._repr_html_()
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in html
    assert "<b>" not in html
    assert html.count("#b91c1c") == 1
    assert ET.fromstring(html).tag == "table"


def test_a_long_table_says_how_many_rows_it_does_not_show() -> None:
    rows = [(Cell(f"row{number}"),) for number in range(table.MOST_ROWS + 7)]
    both = Table(("one",), rows)
    assert len(both) == table.MOST_ROWS + 7
    for shown_as in (repr(both), both._repr_html_()):
        assert "... and 7 more" in shown_as
        assert f"row{table.MOST_ROWS}" not in shown_as
