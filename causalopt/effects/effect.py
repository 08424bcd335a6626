"""The effect: numerator and denominator of Comp, with all that is known about their truth."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.plan import Bools, Floats


@dataclasses.dataclass(frozen=True)
class Part:
    """One of the two effects of n on m, at every step.

    Attributes:
        mantissa: Shape [t]; the effect is mantissa * 2**exponent.
        exponent: Shape [t].
        error: Rounding error of the mantissa as estimated, shape [t].
        has_path: Whether the graph has a path for it, shape [t]: a zero without a path is
            structural, a zero with one is numerical.
        doubts_zero: Where a zero would not prove a zero effect, shape [t].
    """

    mantissa: Floats
    exponent: NDArray[np.int64]
    error: Floats
    has_path: Bools
    doubts_zero: Bools

    @property
    def value(self) -> Floats:
        """The effect itself; it may overflow where its logarithm does not."""
        if not self.exponent.any():
            return self.mantissa.copy()
        with np.errstate(over="ignore", under="ignore"):
            power = np.clip(self.exponent, -4000, 4000).astype(np.int32)
            value: Floats = np.ldexp(self.mantissa, power)
            return value

    @property
    def log(self) -> Floats:
        """The natural logarithm of the effect's size: -inf at 0, never an overflow."""
        with np.errstate(divide="ignore", invalid="ignore"):
            log: Floats = np.log(np.abs(self.mantissa))
            if self.exponent.any():
                log = log + self.exponent * np.log(2.0)
            return log

    @property
    def is_unresolved(self) -> Bools:
        """Where rounding may be as large as an eighth of the effect."""
        size = np.abs(self.mantissa)
        return np.where(size == 0, self.doubts_zero, 8 * np.abs(self.error) >= size)


@dataclasses.dataclass(frozen=True)
class Effect:
    """Total and direct effect of a node n on a variable m, along the baseline W.

    Attributes:
        total: Over all paths.
        direct: Over the paths that avoid A.
        held: Where m itself is in A, shape [t].
        finite: Where the value of m is finite in every world, shape [t].
        kink: The first step at which a branch decided the answer, None for none.
        nonfinite: The first node whose value is not finite, with its step, None for none.
        overflowed: Whether that value is an infinity rather than NaN.
        execution: What ran it: `python`, `llvm` or `levels`.
    """

    total: Part
    direct: Part
    held: Bools
    finite: Bools
    kink: int | None
    nonfinite: tuple[str, int] | None
    overflowed: bool
    execution: str = "python"

    @property
    def on_kink(self) -> Bools:
        """Where a branch decided the answer, shape [t]."""
        steps = np.arange(len(self.held))
        on: Bools = steps >= (len(steps) if self.kink is None else self.kink)
        return on

    @property
    def is_divergence(self) -> bool | Bools:
        """Whether what is not finite is so by overflow."""
        return self.overflowed or self.nonfinite is None


def first_nonfinite(names: tuple[str, ...], values: Floats) -> tuple[str, int, bool] | None:
    """Return the first non-finite node as (variable, step, whether it is an infinity)."""
    bad = ~np.isfinite(values)
    rows = np.flatnonzero(bad.any(axis=1))
    if not len(rows):
        return None
    t = int(rows[0])
    # Of several in one step, an infinity comes first: the NaNs of that step follow from it.
    columns = np.flatnonzero(bad[t])
    infinite = [int(c) for c in columns if np.isinf(values[t, c])]
    column = infinite[0] if infinite else int(columns[0])
    return names[column], t, bool(infinite)
