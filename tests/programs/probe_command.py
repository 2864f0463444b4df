"""Runs the ``taurus`` command with one more: ``probe`` tells what the factory knows."""

from __future__ import annotations

import taurus.cli.cli

import taurus_tpo.cli  # noqa: F401 - it adds the options


@taurus.cli.cli.taurus_cmd.command("probe")
def probe() -> None:
    import taurus
    from taurus import tauruscustomsettings as settings

    factory = taurus.Factory("tango")
    disabled = factory.is_tango_event_subscription_disabled()
    print(type(factory).__name__, bool(disabled), settings.TANGO_EVENT_SUB_MODE)


taurus.cli.cli.taurus_cmd()
