"""What the processes of this package are asked for.

How they are asked, and how they tell: :mod:`taurus_tpo.bench.protocol`.
"""

from __future__ import annotations

from dataclasses import dataclass

from taurus_tpo.bench.protocol import Order


@dataclass(frozen=True)
class LeaveOrder(Order):
    """What a process that is made to end is to do.

    :param models: what it uses, in this order.
    :param how: one of the ends of :data:`benchmarks.leaver.HOWS`.
    :param moment: when it is to end, s after it began.
    """

    models: tuple[str, ...]
    how: str
    moment: float


@dataclass(frozen=True)
class SoakOrder(Order):
    """What a process that works for long is to do.

    :param models: what it makes, at random.
    :param attributes: how many in all.
    :param seconds: within what time.
    :param seed: of what is random.
    :param mode: the name of the mode that all have.
    """

    models: tuple[str, ...]
    attributes: int
    seconds: float
    seed: int
    mode: str
