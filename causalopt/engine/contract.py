"""What an execution returns: plain arrays, the same from every execution."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.plan import Floats


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """One world's values.

    Attributes:
        values: Shape [t, equation].
        extras: The further terms asked for, shape [t, term].
        execution: What ran it: `python`, `llvm` or `levels`.
    """

    values: Floats
    extras: Floats
    execution: str = "python"


@dataclasses.dataclass(frozen=True)
class Tangents:
    """W and the derivatives of every node by the seeded one.

    A tangent's value is mantissa * 2**exponent; the exponent is common to a world's step.

    Attributes:
        values: W, shape [t, equation].
        total: Derivatives over all paths, mantissas, shape [t, equation].
        direct: Derivatives over the paths that avoid A, mantissas, shape [t, equation].
        total_error: Rounding error carried by `total`, in units of 2**-53, shape [t, equation].
        direct_error: Likewise for `direct`.
        exponents: Of total and direct, shape [t, 2].
        kink: The first step at which the nudge's influence sat on a kink, None for none.
        underflow: Whether a tangent was lost beside a far larger one.
        execution: What ran it: `python`, `llvm` or `levels`.
    """

    values: Floats
    total: Floats
    direct: Floats
    total_error: Floats
    direct_error: Floats
    exponents: NDArray[np.int64]
    kink: int | None
    underflow: bool
    execution: str = "python"
