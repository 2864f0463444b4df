"""A simulated Tango facility for tests, demonstrations and benchmarks.

It consists of real PyTango device servers and a real Tango database, each in a process
of its own, as described by a facility file (:mod:`taurus_tpo.sim.spec`). Run one with
:class:`~taurus_tpo.sim.facility.Facility` or ``taurus tpo sim``.
"""

from taurus_tpo.sim.facility import Facility
from taurus_tpo.sim.files import find
from taurus_tpo.sim.spec import FacilityError, FacilitySpec, load

__all__ = ["Facility", "FacilityError", "FacilitySpec", "find", "load"]
