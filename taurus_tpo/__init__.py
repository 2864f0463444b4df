"""Taurus Performance Optimization: a plugin that extends Taurus's ``tango`` scheme.

Each package imports only from those above it in this list, and none from beside it:

================ ===================================================================
``core``         what the plugin decides: no Tango, Taurus, Qt or threads
``concurrency``  threads and queues, which know nothing of Tango, Taurus or Qt
``tango_client`` devices, databases and subscriptions: all that calls PyTango
``environment``  Taurus's version, settings and private names, the command line
``scheme``       Taurus's factory, authority, device and attribute
``qt``           what people look at: progress bar, inspector, forms
``bench``        how long a panel takes to start, measured from outside
``cli``          what people type
================ ===================================================================

Beside them stands ``sim``: real device servers and a real Tango database to run all of
it against.
"""

from taurus_tpo._version import __version__
from taurus_tpo.core import renamed

__all__ = ["__version__"]

renamed.install()
