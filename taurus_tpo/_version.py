"""The version of taurus_tpo, read by setup.cfg and the command line."""

__version__ = "0.2.0"
