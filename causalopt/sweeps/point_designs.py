"""Designs: points over several quantities at once, which form no grid."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from causalopt.effects.sweeps.axes import axis_values
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.extras import need

_MOST = 1 << 30  # points, as scipy's Sobol sequences have 30 bits


class Design:
    """Points over several quantities at once: one axis of a sweep.

    Args:
        points: Quantity, a parameter or a node -> its value at each point, all of one length.

    Raises:
        QuestionError: Some are no numbers, or of another length.

    Example:
        >>> Design({"k": [0.1, 0.2, 0.4], "R[0]": [20, 30, 20]})
        Design(k, R[0]: 3 points)
    """

    def __init__(self, points: Mapping[str, ArrayLike]) -> None:
        if not isinstance(points, Mapping) or not points:
            raise QuestionError("a design takes points: {'k': [0.1, 0.2], 'R[0]': [20, 30]}")
        self.quantities = {
            str(name): axis_values(str(name), values) for name, values in points.items()
        }
        sizes = {name: len(values) for name, values in self.quantities.items()}
        if len(set(sizes.values())) > 1:
            raise QuestionError(
                "a design takes a value of each quantity at each point, found "
                + ", ".join(f"{size} of '{name}'" for name, size in sizes.items())
            )

    def __len__(self) -> int:
        return len(next(iter(self.quantities.values())))

    def __repr__(self) -> str:
        return f"Design({', '.join(self.quantities)}: {len(self)} points)"


def design(
    over: Mapping[str, Sequence[Any]],
    count: int,
    *,
    kind: Literal["sobol", "halton", "latin"] = "sobol",
    seed: int = 0,
) -> Design:
    """Return points spread evenly over ranges of several quantities, by low discrepancy.

    Sobol and Halton points are scrambled and Latin hypercubes drawn, both by the seed. The first
    points of a Sobol design are those of a smaller one, and 2^k of them are balanced.

    Args:
        over: Quantity, a parameter or a node -> its range (low, high); a third entry "log" spreads
            points evenly in its logarithm.
        count: How many points.
        kind: `sobol`, `halton` or `latin`.
        seed: Of the scrambling.

    Raises:
        QuestionError: A range, the count, the kind or the seed is none.
        MissingPackageError: scipy is not installed.

    Example:
        >>> design({"k": (1e-3, 1, "log"), "R[0]": (5, 45)}, 4)
        Design(k, R[0]: 4 points)

    Source: A. Owen, Randomly permuted (t,m,s)-nets and (t,s)-sequences, 1995; scipy.stats.qmc.
    """
    need("scipy", "a design of points")
    from scipy.stats import qmc

    if not isinstance(over, Mapping) or not over:
        raise QuestionError("a design needs ranges: {'k': (0, 1), 'R[0]': (5, 45)}")
    ranges = {str(name): _checked_range(str(name), ends) for name, ends in over.items()}
    _check_counts(count, seed)
    kinds = {"sobol": qmc.Sobol, "halton": qmc.Halton, "latin": qmc.LatinHypercube}
    with warnings.catch_warnings():  # a count that is no power of 2, which users may want
        warnings.simplefilter("ignore", UserWarning)
        generator = np.random.default_rng(seed)
        shares = kinds[kind](len(ranges), rng=generator).random(count)
    return Design(
        {name: _spread(*ends, shares[:, k]) for k, (name, ends) in enumerate(ranges.items())}
    )


def _check_counts(count: int, seed: int) -> None:
    if not 1 <= count <= _MOST:
        raise QuestionError(f"a design has 1 to {_MOST:,} points, found {count:,}")
    if seed < 0:
        raise QuestionError(f"the seed of a design is a whole number from 0 on, found {seed}")


def _checked_range(name: str, ends: Sequence[Any]) -> tuple[float, float, bool]:
    """Return a range as low, high and whether it is logarithmic."""
    said = list(ends) if isinstance(ends, Sequence) and not isinstance(ends, str) else []
    try:
        low, high = float(said[0]), float(said[1])
    except (IndexError, TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(high - low) and low < high) or said[2:] not in ([], ["log"]):
        raise QuestionError(
            f"the range of '{name}' is (low, high) or (low, high, 'log') with low < high, "
            f"found {ends!r}"
        )
    if said[2:] and low * high <= 0:
        raise QuestionError(
            f"the range of '{name}' is logarithmic, and has ends of one sign, neither of them 0"
        )
    return low, high, bool(said[2:])


def _spread(low: float, high: float, is_log: bool, shares: Floats) -> Floats:
    """Return values at shares of a range."""
    if not is_log:
        return low + (high - low) * shares
    sign = math.copysign(1.0, low)
    start, end = math.log(abs(low)), math.log(abs(high))
    return np.clip(sign * np.exp(start + (end - start) * shares), low, high)
