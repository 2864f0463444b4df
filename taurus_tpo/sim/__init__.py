"""A Tango facility for tests, demonstrations and benchmarks.

Real PyTango device servers in processes of their own and a real Tango database, as a
small text file says: see :mod:`taurus_tpo.sim.spec` for the file,
:class:`~taurus_tpo.sim.facility.Facility` to run one, and ``taurus tpo sim`` for the
same from a shell.
"""

from taurus_tpo.sim.facility import Facility
from taurus_tpo.sim.files import find
from taurus_tpo.sim.spec import FacilityError, FacilitySpec, load

__all__ = ["Facility", "FacilityError", "FacilitySpec", "find", "load"]
