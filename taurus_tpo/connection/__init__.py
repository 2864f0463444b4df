"""Devices and databases as the plugin uses them; the one place that calls PyTango.

Floor 3: knows PyTango, and nothing of Taurus's objects.
"""

from taurus_tpo.connection.database import DatabaseConnection, Question, is_answer
from taurus_tpo.connection.device import (
    NOT_YET,
    PROMPT,
    DeviceConnection,
    Reading,
    silence_of,
)
from taurus_tpo.connection.directory import DIRECTORY
from taurus_tpo.connection.subscription import JANITOR, UNANSWERED, Subscription

__all__ = [
    "DIRECTORY",
    "JANITOR",
    "NOT_YET",
    "PROMPT",
    "UNANSWERED",
    "DatabaseConnection",
    "DeviceConnection",
    "Question",
    "Reading",
    "Subscription",
    "is_answer",
    "silence_of",
]
