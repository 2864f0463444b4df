"""Taurus Performance Optimization: a plugin that extends Taurus's ``tango`` scheme.

The rooms of the house, each importing only from the floors under it:

===== ================================================================
floor what lives there
===== ================================================================
6     ``cli``: what people type
5     ``qt``: what people look at; ``bench``: how long a panel takes to
      start, from outside
4     ``scheme``: Taurus's factory, device and attribute
3     ``connection``: one object a Tango device, the one that calls it
2     ``firstread``, ``outbox``, ``janitor``, ``slices``, ``callbacks``:
      threads, and what they do
1     ``subscription``, ``cache``, ``settling``, ``journal``: the life of
      one attribute, as data
0     the modes, who decides them, the settings, the clock, and what
      differs between the versions of Taurus and PyTango
===== ================================================================

Beside them stands :mod:`taurus_tpo.sim`: real device servers and a real Tango
database to run all of it against.
"""

from taurus_tpo._version import __version__

__all__ = ["__version__"]
