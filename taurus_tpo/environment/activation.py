"""Whether the plugin is active in this process, with the reason."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS

#: The environment variable that turns the plugin off, or on despite the settings.
VARIABLE = "TAURUS_TPO"

_OFF = ("0", "false", "no", "off")
_ON = ("1", "true", "yes", "on")


@dataclass(frozen=True)
class Activation:
    """Whether the plugin is active.

    :param active: whether it claims the ``tango`` scheme.
    :param reason: why it is active or not, as text for the user.
    :param amiss: whether this differs from the configuration: worth a warning.
    """

    active: bool
    reason: str
    amiss: bool = False


def decide(environment: Mapping[str, str] = os.environ) -> Activation:
    """Return whether the plugin is active; has no side effects."""
    word = environment.get(VARIABLE, "").strip().lower()
    if word in _OFF:
        return Activation(False, f"{VARIABLE}={word} in the environment")
    if word not in _ON and not CUSTOM_SETTINGS.current().enabled:
        return Activation(False, "TPO_ENABLED = False in the settings")
    unsupported = taurus_compat.why_unsupported()
    if unsupported is not None:
        return Activation(False, unsupported, amiss=True)
    if word and word not in _ON:
        words = ", ".join((*_OFF, *_ON))
        ignored = f"{VARIABLE}={word!r} is ignored (use one of {words})"
        return Activation(True, ignored, amiss=True)
    newer = taurus_compat.newer_than_known()
    if newer is not None:
        tried = f"{newer} is not known; what is overridden is as in the known versions"
        return Activation(True, tried, amiss=True)
    return Activation(True, "installed")


def activate() -> bool:
    """Return whether the plugin is active; log a warning if something is amiss."""
    from taurus.core.util.log import Logger

    CUSTOM_SETTINGS.watch()
    activation = decide()
    log = Logger("TaurusTPO")
    tell = log.warning if activation.amiss else log.debug
    state = "on" if activation.active else "off, stock Taurus is in use"
    tell("taurus_tpo is %s: %s", state, activation.reason)
    return activation.active
