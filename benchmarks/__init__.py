"""Compares how long a Taurus window waits for the network, with and without the plugin.

``python -m benchmarks`` (or ``make bench``) runs ``taurus tpo bench`` and some programs
on simulated facilities (:mod:`taurus_tpo.sim`); ``python -m benchmarks --help`` lists
its options.

=============== ====================================================================
facilities      the devices of a facility as data, and as TOML
cases           the facilities that are measured, and the limits of each
trouble         stops servers, and starts late ones
far             a slow link between two network namespaces
programs        what is measured beside a form and listeners
runner          measures one case
verdict         compares the figures with the limits
report          all results, for a terminal and the documentation
command         the command line
=============== ====================================================================

Other benchmarks: ``endings`` (how processes end), ``soak`` (what a process keeps of
100,000 attributes), ``core_costs`` (time per operation of the core). ``protocol`` has
the orders of their processes, ``pages`` writes their results from ``templates``.
"""

import os
from collections.abc import Mapping
from pathlib import Path

#: The root of the repository.
ROOT = Path(__file__).parents[1]


def finding_us(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that must be able to import this package."""
    path = filter(None, [str(ROOT), environment.get("PYTHONPATH")])
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}
