"""Log records that keep no object alive.

pytest keeps the records of a test until it ends. An exception that was logged would
keep the frames through which it went, and their variables.
"""

from __future__ import annotations

import logging
from typing import Any

_FORMATTER = logging.Formatter()


def install() -> None:
    """Have all records of this process formatted at once."""
    stock = logging.getLogRecordFactory()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = stock(*args, **kwargs)
        record.msg, record.args = record.getMessage(), ()
        if record.exc_info:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
            record.exc_info = None
        return record

    logging.setLogRecordFactory(make)
