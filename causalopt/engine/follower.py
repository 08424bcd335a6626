"""One tangent followed over many steps, and beside it what rounding makes of it.

Three numbers go side by side: the tangent, one realisation of its rounding error, and the sizes of
the products that it is a sum of. After every step the tangent's length is made 1.
"""

from __future__ import annotations

import abc
import dataclasses
import itertools
import math

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.engine.jacobians import Products
from causalopt.engine.signs import counter_signs

UNIT = 2.0**-53


@dataclasses.dataclass(frozen=True)
class Measured:
    """What is watched of a tangent.

    Attributes:
        target: The equation of m.
        known: Of the products that m's tangent is a sum of: below it, it is rounding.
        blurred: Of a tangent's length: an error beyond it, and its direction is not known.
    """

    target: int
    known: float
    blurred: float


class Follower(abc.ABC):
    """A tangent on its way.

    Args:
        products: The products of a step.
        measured: What is watched of the tangent.

    Attributes:
        products: As given.
        measured: As given.
        done: How many steps it has gone.
        blurred_from: The number of steps after which its direction was not known; None so far.
    """

    def __init__(self, products: Products, measured: Measured) -> None:
        self.products, self.measured = products, measured
        self.done = 0
        self.blurred_from: int | None = None

    @property
    @abc.abstractmethod
    def state(self) -> Floats:
        """The slots' tangents and their errors after the steps so far, shape [slot, 2]."""

    @abc.abstractmethod
    def over(self, slopes: Floats, sizes: Floats) -> tuple[Floats, Floats]:
        """Go over steps; return m's tangent and the growth of the state's length, [step] each.

        m's tangent is a share of the state's length before the step: its size, 0 where it is but
        rounding, NaN where nothing reaches m. The step in which the length becomes 0 or leaves the
        floats is the last one returned.

        Args:
            slopes: The local derivatives, shape [t, partial].
            sizes: What their absolute values stand for in sizes of products, likewise.
        """


class PlainFollower(Follower):
    """A tangent followed in Python, number by number.

    Args:
        products: The products of a step.
        start: The slots' tangents before the first step, of length 1, shape [slot].
        measured: What is watched of it.
    """

    def __init__(self, products: Products, start: Floats, measured: Measured) -> None:
        super().__init__(products, measured)
        self._now: list[float] = start.tolist()
        self._error = [0.0] * len(self._now)
        self._memory = products.memory.tolist()
        bounds = products.offsets.tolist()
        pairs = list(zip(products.columns.tolist(), products.sources.tolist(), strict=True))
        self._sums = [pairs[low:high] for low, high in itertools.pairwise(bounds)]

    @property
    def state(self) -> Floats:
        """The slots' tangents and their errors."""
        return np.array([self._now, self._error]).T

    def over(self, slopes: Floats, sizes: Floats) -> tuple[Floats, Floats]:
        """Go over steps; return m's tangent and the growth of the state's length."""
        slots = len(self._now)
        signs = counter_signs(self.done * slots, (len(slopes), slots))
        shares, lengths = [], []
        for row, size, sign in zip(slopes, sizes, signs, strict=True):
            share, length = self._step(row.tolist(), np.abs(size).tolist(), sign.tolist())
            shares.append(share)
            lengths.append(length)
            if not 0.0 < length < math.inf:
                break
        return np.array(shares), np.array(lengths)

    def _step(
        self, slopes: list[float], sizes: list[float], signs: list[float]
    ) -> tuple[float, float]:
        width = len(self._sums)
        now, error = [0.0] * width + self._now, [0.0] * width + self._error
        size = [0.0] * width + [abs(x) for x in self._now]
        for i, products in enumerate(self._sums):
            x = y = z = 0.0
            for column, source in products:
                x += slopes[column] * now[source]
                y += slopes[column] * error[source]
                z += sizes[column] * size[source]
            now[i], error[i], size[i] = x, y, z
        m = self.measured.target
        share = self._share(abs(now[m]), abs(error[m]), size[m])
        memory = self._memory
        self.done += 1
        moved = [error[k] + s * UNIT * size[k] for k, s in zip(memory, signs, strict=True)]
        length, blur = (_length(part) for part in ([now[k] for k in memory], moved))
        if not 0.0 < length < math.inf:
            return share, length
        if self.blurred_from is None and blur > self.measured.blurred * length:
            self.blurred_from = self.done
        self._now = [now[k] / length for k in memory]
        self._error = [x / length for x in moved]
        return share, length

    def _share(self, got: float, error: float, size: float) -> float:
        if size == 0.0:
            return math.nan
        return got if got > self.measured.known * size + error else 0.0


def _length(vector: list[float]) -> float:
    # Summed in order, as machine code does: `sum` of later Pythons compensates.
    square = 0.0
    for x in vector:
        square += x * x
    return math.sqrt(square)
