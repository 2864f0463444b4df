"""Taurus Performance Optimization: a plugin that extends Taurus's ``tango`` scheme.

The rooms of the house, each importing only from the floors under it:

===== ======================================== =====================================
floor room                                     what lives there
===== ======================================== =====================================
5     :mod:`taurus_tpo.cli`                    what people touch
4     :mod:`taurus_tpo.scheme`                 Taurus's factory and attribute
3     :mod:`taurus_tpo.connection`             one object a Tango device
2     :mod:`taurus_tpo.firstread`              the pool of the first reads
1     :mod:`taurus_tpo.subscription`, ``cache`` the life of one attribute, as data
0     ``submode``, ``rules``, ``settings``,    the modes, who decides them, the clock,
      ``clock``, ``compat``                    the versions of Taurus and PyTango
===== ======================================== =====================================

Beside them stands :mod:`taurus_tpo.sim`: real device servers and a real Tango
database to run all of it against.
"""

from taurus_tpo._version import __version__

__all__ = ["__version__"]
