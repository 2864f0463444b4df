"""The orders for the processes of this package.

The protocol is that of :mod:`taurus_tpo.bench.protocol`.
"""

from __future__ import annotations

from dataclasses import dataclass

from taurus_tpo.bench.protocol import Order


@dataclass(frozen=True)
class LeaveOrder(Order):
    """The order for a process that ends during its start.

    :param models: the models that it uses, in this order.
    :param how: one of :data:`benchmarks.leaver.HOWS`.
    :param moment: when it ends, s after the imports.
    """

    models: tuple[str, ...]
    how: str
    moment: float


@dataclass(frozen=True)
class SoakOrder(Order):
    """The order for a process that runs for a long time.

    :param models: the models, of which it uses random ones.
    :param attributes: total number of attributes made.
    :param seconds: the duration, s.
    :param seed: of the random numbers.
    :param mode: the name of the mode of all attributes.
    """

    models: tuple[str, ...]
    attributes: int
    seconds: float
    seed: int
    mode: str
