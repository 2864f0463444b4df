"""Taurus Performance Optimization: a plugin that extends Taurus's ``tango`` scheme.

Each package imports only from the packages above it in this list:

================ ===================================================================
``core``         decisions and data: no Tango, Taurus, Qt or threads
``concurrency``  threads and queues, without Tango, Taurus or Qt
``tango_client`` devices, databases and subscriptions: the layer that calls PyTango
``environment``  Taurus's version, settings and private names, the command line
``scheme``       Taurus's factory, authority, device and attribute
``qt``           user interface: progress bar, inspector, forms
``bench``        how long a panel takes to start, measured from outside
``cli``          the commands ``taurus tpo``
================ ===================================================================

The package ``sim`` is separate: device servers and a Tango database for tests, demos
and benchmarks.
"""

from taurus_tpo._version import __version__
from taurus_tpo.core import renamed

__all__ = ["__version__"]

renamed.install()
