"""How Sphinx builds the documentation; ``make docs`` does.

Needs Sphinx, Taurus with a Qt, and PyTango, and no network.
"""

import itertools
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from taurus_tpo import __version__, settling  # noqa: E402
from taurus_tpo.connection import device, subscriber  # noqa: E402
from taurus_tpo.firstread import at_once, costs, pool, schedule, sentinel, server  # noqa: E402
from taurus_tpo.scheme import (  # noqa: E402
    connector,
    courier,
    delivery,
    factory,
    leisure,
    polling,
)

project = "taurus_tpo"
author = "The taurus_tpo developers"
copyright = author
release = version = __version__

# The page that the benchmark writes is Markdown, so that it can be read without Sphinx.
extensions = ["sphinx.ext.autodoc", "myst_parser", "from_code"]
exclude_patterns = ["_build"]

html_theme = "alabaster"
html_static_path = ["_static"]
html_theme_options = {
    "description": "Event subscription modes and first reads for Taurus",
    "page_width": "1100px",
    "sidebar_width": "250px",
    "fixed_sidebar": True,
}

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True


def _listed(numbers):
    return ", ".join(f"{number:g}" for number in numbers)


# Figures that the code decides.
rst_prolog = f"""
.. |gather| replace:: {pool.GATHER * 1000:g} ms
.. |idle| replace:: {pool.IDLE:g} s
.. |closing| replace:: {factory.CLOSING:g} s
.. |stopping| replace:: {factory.STOPPING:g} s
.. |unanswered| replace:: {polling.UNANSWERED_FOR:g} s
.. |looks| replace:: {_listed(itertools.accumulate(settling.PAUSES))} s
.. |quiet| replace:: {leisure.QUIET:g} s
.. |longest| replace:: {leisure.LONGEST:g} s
.. |at most| replace:: {leisure.MOST:g} s
.. |open| replace:: {settling.OPEN:g} to {settling.OPEN + settling.COMPANY:g} s
.. |look| replace:: {settling.PAUSE:g} s
.. |late| replace:: {settling.LATE:g} s
.. |most| replace:: {settling.MOST}
.. |first paint| replace:: {factory.FIRST_PAINT * 1000:g} ms
.. |one device| replace:: {connector.ONE * 1000:g} ms
.. |runs| replace:: {connector.RUNS * 1000:g} ms
.. |all run| replace:: {connector.ALL_RUN * 1000:g} ms
.. |asked for| replace:: {connector.ASKED_FOR:g} s
.. |together| replace:: {connector.TOGETHER * 1000:g} ms
.. |unfelt| replace:: {connector.UNFELT * 1000:g} ms
.. |pause| replace:: {connector.PAUSE:g} s
.. |slice| replace:: {courier.SLICE * 1000:g} ms
.. |backlog| replace:: {delivery.BACKLOG}
.. |first call| replace:: {costs.FIRST}
.. |aim| replace:: {costs.AIM:g} s
.. |growth| replace:: {costs.GROWTH}
.. |overtaking| replace:: {schedule.OVERTAKING:g} s
.. |lately| replace:: {server.LATELY:g} s
.. |at once| replace:: {at_once.MOST}
.. |held| replace:: {schedule.HELD:g} s
.. |most held| replace:: {schedule.MOST_HELD}
.. |just now| replace:: {server.JUST_NOW * 1000:g} ms
.. |silence| replace:: {sentinel.SILENCE:g} s
.. |keep| replace:: {sentinel.KEEP:g} s
.. |pauses| replace:: {_listed(server.PAUSES)} s
.. |longest pause| replace:: {server.PAUSES[-1]:g} s
.. |prompt| replace:: {subscriber.PROMPT:g} s
.. |busy| replace:: {subscriber.BUSY_FOR:g} s
.. |longest retry| replace:: {device.LONGEST_RETRY:g} s
"""
