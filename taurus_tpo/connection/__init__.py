"""Devices and databases as the plugin uses them; the one place that calls PyTango.

Floor 3: knows PyTango, and nothing of Taurus's objects.
"""

from taurus_tpo.connection.attribute_proxies import attribute_proxy
from taurus_tpo.connection.database import (
    NOT_YET,
    DatabaseConnection,
    Question,
    is_answer,
    no_answer_yet,
)
from taurus_tpo.connection.desk import DESK, SUBSCRIBER
from taurus_tpo.connection.device import DeviceConnection, silence_of
from taurus_tpo.connection.directory import DIRECTORY, Place
from taurus_tpo.connection.reading import Answer, Reading
from taurus_tpo.connection.subscriber import PROMPT
from taurus_tpo.connection.subscription import (
    CALLBACKS,
    JANITOR,
    LINGERING,
    OF_THE_PARENT,
    UNANSWERED,
    Subscription,
)

__all__ = [
    "CALLBACKS",
    "DESK",
    "DIRECTORY",
    "JANITOR",
    "LINGERING",
    "NOT_YET",
    "OF_THE_PARENT",
    "PROMPT",
    "SUBSCRIBER",
    "UNANSWERED",
    "Answer",
    "DatabaseConnection",
    "DeviceConnection",
    "Place",
    "Question",
    "Reading",
    "Subscription",
    "attribute_proxy",
    "is_answer",
    "no_answer_yet",
    "silence_of",
]
