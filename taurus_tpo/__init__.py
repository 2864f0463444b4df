"""Taurus Performance Optimization: a plugin that extends Taurus's ``tango`` scheme.

Each package imports only from the packages above it in this list:

================ ===================================================================
``core``         decisions and data: no Tango, Taurus, Qt or threads
``concurrency``  threads and queues, without Tango, Taurus or Qt
``tango_client`` devices, databases and subscriptions: the layer that calls PyTango
``environment``  Taurus's version, settings and private names, the command line
``scheme``       Taurus's factory, authority, device and attribute
``aio``          attributes for programs with an asyncio event loop
``green``        attributes for programs with gevent
``qt``           user interface: progress bar, inspector, forms
``bench``        how long a panel takes to start, measured from outside
``cli``          the commands ``taurus tpo``
``notebook``     what ``%load_ext taurus_tpo`` adds to IPython
================ ===================================================================

The package ``sim`` is separate: device servers and a Tango database for tests, demos
and benchmarks.
"""

import importlib
from typing import Any

from taurus_tpo._version import __version__
from taurus_tpo.core import renamed

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]

renamed.install()


def load_ipython_extension(shell: Any) -> None:
    """Add ``%tpo``, and how values are shown; ``%load_ext taurus_tpo`` calls it."""
    importlib.import_module("taurus_tpo.notebook.extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Undo :func:`load_ipython_extension`; ``%unload_ext taurus_tpo`` calls it."""
    importlib.import_module("taurus_tpo.notebook.extension").unload(shell)
