"""How Sphinx builds the documentation; ``make docs`` does.

Needs Sphinx, Taurus with a Qt, and PyTango, and no network.
"""

import itertools
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from taurus_tpo import __version__  # noqa: E402
from taurus_tpo.concurrency import io_pool, liveness  # noqa: E402
from taurus_tpo.core import (  # noqa: E402
    batching,
    device_health,
    parallel_reads,
    scheduler,
    server_health,
    verification,
)
from taurus_tpo.scheme import (  # noqa: E402
    event_dispatch,
    factory,
    gui_wait_policy,
    polling,
)
from taurus_tpo.tango_client import subscription_queue  # noqa: E402

project = "taurus_tpo"
author = "The taurus_tpo developers"
copyright = author
release = version = __version__

# The page that the benchmark writes is Markdown, so that it can be read without Sphinx.
# myst_nb reads that, too, with the parser of myst_parser.
extensions = [
    "sphinx.ext.autodoc",
    "myst_nb",
    "sphinxcontrib.mermaid",
    "from_code",
]
exclude_patterns = ["_build"]

html_theme = "alabaster"
html_static_path = ["_static"]
html_theme_options = {
    "description": "Event subscription modes and first reads for Taurus",
    "page_width": "1100px",
    "sidebar_width": "250px",
    "fixed_sidebar": True,
}

# Readers may have no network: dist/mermaid.tiny.js of the npm package @mermaid-js/tiny
# 11.17.2. ``from_code`` loads it in the place of the module of this name.
tpo_mermaid = "mermaid/mermaid-11.17.2.tiny.js"
mermaid_use_local = "/mermaid"
mermaid_height = "auto"
mermaid_fullscreen = False
mermaid_init_config = {
    "startOnLoad": False,
    "sequence": {"actorMargin": 10, "width": 130},
    "themeVariables": {"activationBkgColor": "#d97706"},
}

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True


def _listed(numbers):
    return ", ".join(f"{number:g}" for number in numbers)


# Figures that the code decides.
rst_prolog = f"""
.. |gather| replace:: {io_pool.GATHER * 1000:g} ms
.. |closing| replace:: {factory.CLOSING:g} s
.. |forking| replace:: {factory.FORKING:g} s
.. |stopping| replace:: {factory.STOPPING:g} s
.. |slow subscription| replace:: {subscription_queue.SLOW:g} s
.. |unanswered| replace:: {polling.UNANSWERED_FOR:g} s
.. |looks| replace:: {_listed(itertools.accumulate(verification.FIRST_CHECKS))} s
.. |most| replace:: {verification.MOST_CHECKS}
.. |first paint| replace:: {factory.FIRST_PAINT * 1000:g} ms
.. |one device| replace:: {gui_wait_policy.ONE * 1000:g} ms
.. |runs| replace:: {gui_wait_policy.RUNS * 1000:g} ms
.. |all run| replace:: {gui_wait_policy.ALL_RUN * 1000:g} ms
.. |asked for| replace:: {gui_wait_policy.ASKED_FOR:g} s
.. |together| replace:: {gui_wait_policy.TOGETHER * 1000:g} ms
.. |unfelt| replace:: {gui_wait_policy.UNNOTICED * 1000:g} ms
.. |pause| replace:: {gui_wait_policy.NEXT_WINDOW:g} s
.. |backlog| replace:: {event_dispatch.BACKLOG}
.. |first call| replace:: {batching.FIRST}
.. |aim| replace:: {batching.AIM:g} s
.. |growth| replace:: {batching.GROWTH}
.. |overtaking| replace:: {scheduler.OVERTAKING:g} s
.. |lately| replace:: {server_health.LATELY:g} s
.. |at once| replace:: {parallel_reads.MOST_PARALLEL}
.. |held| replace:: {scheduler.HELD:g} s
.. |most held| replace:: {scheduler.MOST_HELD}
.. |far| replace:: {server_health.FAR * 1000:g} ms
.. |calls together| replace:: {server_health.MOST_TOGETHER}
.. |most unanswered| replace:: {polling.MOST_UNANSWERED}
.. |just now| replace:: {server_health.JUST_NOW * 1000:g} ms
.. |silence| replace:: {liveness.SILENCE:g} s
.. |pauses| replace:: {_listed(server_health.RETRY_PAUSES)} s
.. |longest pause| replace:: {server_health.RETRY_PAUSES[-1]:g} s
.. |prompt| replace:: {subscription_queue.PROMPT:g} s
.. |busy| replace:: {subscription_queue.BUSY_FOR:g} s
.. |longest retry| replace:: {device_health.LONGEST_RETRY:g} s
"""

# The notebook of the tutorial is shown with the outputs that it has; the tests run it.
nb_execution_mode = "off"
