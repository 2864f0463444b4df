"""The pool of the first reads: which device is served next, and by which thread.

Floor 2: knows neither Tango nor Taurus nor Qt. What a read is comes from outside, as a
function that serves a batch.
"""

from taurus_tpo.firstread.pool import FirstRead, Stats
from taurus_tpo.firstread.schedule import Batch, Outcome, Request, Schedule

__all__ = ["Batch", "FirstRead", "Outcome", "Request", "Schedule", "Stats"]
