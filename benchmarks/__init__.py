"""How long a Taurus window waits for the network: the plugin and stock Taurus, in turn.

``python -m benchmarks`` (or ``make bench``) measures with ``taurus tpo bench``, on the
real facilities of :mod:`taurus_tpo.sim`; ``python -m benchmarks --help`` tells how to
measure a part.

=============== ====================================================================
facilities      what a facility consists of, as data, and its TOML
cases           the facilities that are measured, and the limits of each
trouble         hangs servers, and starts those that are late
far             a slow link between two network namespaces
runner          measures one case
verdict         the limits, met or not
report          the results of all, for a terminal and the documentation
command         the command line
=============== ====================================================================

The others measure something else: ``endings`` how processes end, ``soak`` what a
process keeps of 100,000 attributes, ``core_costs`` what the core takes. ``protocol``
is what their processes are asked for, ``pages`` how their results are documented.
"""

import os
from collections.abc import Mapping
from pathlib import Path

#: Where the repository is.
ROOT = Path(__file__).parents[1]


def finding_us(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that is to import this package."""
    path = filter(None, [str(ROOT), environment.get("PYTHONPATH")])
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}
