"""How Sphinx builds the documentation; ``make docs`` does.

Needs Sphinx, Taurus and PyTango, and no network.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from taurus_tpo import __version__, connection  # noqa: E402
from taurus_tpo.firstread import pool  # noqa: E402
from taurus_tpo.scheme import connector, courier, delivery, factory  # noqa: E402

project = "taurus_tpo"
author = "The taurus_tpo developers"
copyright = author
release = version = __version__

extensions = ["sphinx.ext.autodoc", "from_code"]
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

# Figures that the code decides.
rst_prolog = f"""
.. |gather| replace:: {pool.GATHER * 1000:g} ms
.. |idle| replace:: {pool.IDLE:g} s
.. |closing| replace:: {factory.CLOSING:g} s
.. |first paint| replace:: {factory.FIRST_PAINT * 1000:g} ms
.. |one device| replace:: {connector.ONE * 1000:g} ms
.. |together| replace:: {connector.TOGETHER * 1000:g} ms
.. |pause| replace:: {connector.PAUSE:g} s
.. |slice| replace:: {courier.SLICE * 1000:g} ms
.. |backlog| replace:: {delivery.BACKLOG}
.. |silence| replace:: {connection.SILENCE:g} s
.. |longest retry| replace:: {connection.LONGEST_RETRY:g} s
"""
