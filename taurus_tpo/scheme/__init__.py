"""Taurus's ``tango`` scheme: importing this module activates the plugin.

``TaurusManager`` imports it through the entry point group ``taurus.core.schemes`` and
looks for a factory among its names. If the plugin is turned off or unsupported, the
module stays empty and the stock scheme is used.
"""

from __future__ import annotations

from taurus_tpo.environment import activation

if activation.activate():
    from taurus_tpo.environment.taurus_compat import (
        claim_schemes,
        remember_names,
        use_evaluations,
    )
    from taurus_tpo.scheme.evaluation import TpoEvaluationAttribute
    from taurus_tpo.scheme.factory import TpoTangoFactory
    from taurus_tpo.scheme.name_cache import NAMES

    claim_schemes(TpoTangoFactory)
    remember_names(NAMES)
    use_evaluations(TpoEvaluationAttribute)

    __all__ = ["TpoTangoFactory"]
