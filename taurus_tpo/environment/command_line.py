"""The plugin's options on the command line of this process.

The options (:mod:`taurus_tpo.cli.options`) store them while the command line is parsed,
before any Taurus factory exists; the factory reads them.
"""

from __future__ import annotations

from taurus_tpo.core.precedence import ModeSource

#: The name of the command line as a mode source.
ORIGIN = "command line"


class CommandLine:
    """The values of the plugin's options."""

    def __init__(self) -> None:
        self.source = ModeSource.named(ORIGIN)
        self.events_disabled = False

    def forget(self) -> None:
        """Reset to a command line without options."""
        self.source = ModeSource.named(ORIGIN)
        self.events_disabled = False


#: The command line of this process.
COMMAND_LINE = CommandLine()
