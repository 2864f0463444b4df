"""The pool: which device is served next, how much of it, and by which thread.

Floor 2: knows neither Tango nor Taurus nor Qt. What serving is comes from outside, as a
function that serves a batch.
"""

from taurus_tpo.firstread.costs import Costs
from taurus_tpo.firstread.pool import DevicePool, Stats
from taurus_tpo.firstread.schedule import (
    READS,
    Batch,
    Kind,
    Outcome,
    Report,
    Request,
    Schedule,
)
from taurus_tpo.firstread.server import Server
from taurus_tpo.firstread.shared import own

__all__ = [
    "READS",
    "Batch",
    "Costs",
    "DevicePool",
    "Kind",
    "Outcome",
    "Report",
    "Request",
    "Schedule",
    "Server",
    "Stats",
    "own",
]
