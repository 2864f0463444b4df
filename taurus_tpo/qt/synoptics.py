"""Methods of Taurus's synoptics, so that they do not wait for each device in turn.

All functions run in the GUI thread.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import taurus
from taurus.core.util.log import Logger

_LOG = Logger("TaurusTPO")

#: The name of an item of a JDraw file, which may be a model. One with a ``$`` has a
#: part that an alias of the view replaces.
_NAME = re.compile(r'\bname:\s*"([^"$]+)"')


def looked_up_before(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``setModel``, which makes an item for each model in a file.

    The database is asked for the devices of all items before.
    """

    @functools.wraps(stock)
    def set_model(self: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        taurus.Factory("tango").look_up_devices(_models_in(str(model)))
        return stock(self, model, *args, **kwargs)

    return set_model


def _models_in(path: str) -> Iterator[str]:
    """Yield what may be a model in a JDraw file; nothing if it cannot be read."""
    try:
        # JDraw writes the encoding of its machine. Names of devices are in ASCII.
        text = Path(path).read_text(encoding="latin-1") if path else ""
    except (OSError, ValueError) as error:
        # Taurus shows an empty view.
        _LOG.debug("%s is not looked into: %s", path, error)
        return
    for found in _NAME.finditer(text):
        if "/" in found[1]:
            yield found[1]
