"""Taurus's ``tango`` scheme, taken over: importing this module is what turns it on.

Floor 4. ``TaurusManager`` imports it through the entry point group
``taurus.core.schemes`` and finds the factory among its names. Where the plugin is
turned off or cannot work, the module stays empty and stock Taurus goes on.
"""

from __future__ import annotations

from taurus_tpo import activation

if activation.activate():
    from taurus_tpo.compat import claim_schemes
    from taurus_tpo.scheme.factory import TpoTangoFactory

    claim_schemes(TpoTangoFactory)

    __all__ = ["TpoTangoFactory"]
