"""What the command line of this process said, for whoever asks later.

The options (:mod:`taurus_tpo.cli.options`) write it while the command line is
parsed, before any Taurus factory exists; the factory asks it.
"""

from __future__ import annotations

from taurus_tpo.core.precedence import ModeSource

#: How the command line is called where people read what decided.
ORIGIN = "command line"


class CommandLine:
    """The words of the command line that matter to the plugin."""

    def __init__(self) -> None:
        self.source = ModeSource.named(ORIGIN)
        self.events_disabled = False

    def forget(self) -> None:
        """Return to a command line that said nothing."""
        self.source = ModeSource.named(ORIGIN)
        self.events_disabled = False


#: The command line of this process.
COMMAND_LINE = CommandLine()
