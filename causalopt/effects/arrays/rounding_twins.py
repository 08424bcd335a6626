"""What rounding may have done, by twins: the same run with every value moved in its last place.

Discrete stochastic arithmetic (Vignes, Mathematics and Computers in Simulation 35, 1993): two runs
whose values are disturbed at random by a unit of the last place differ by what rounding is worth,
W's own drift and cancellation inside derivatives included.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from causalopt.effects.arrays.vector_effect import norms
from causalopt.engine.arrays.array_course import Row
from causalopt.engine.arrays.array_plan import ArrayPlan, Values

TWINS = 2
_ULP = 2.0**-52
_POOL = 1 << 16


class Disturbance:
    """Moves values by a unit of their last place, up, down or not at all.

    Attributes:
        number: Which disturbance it is, from 1 up.
        factors: What values are multiplied by, taken from one place after the other.
    """

    def __init__(self, plan: ArrayPlan, number: int) -> None:
        self.number = number
        self._rng = np.random.default_rng([plan.seed & 0xFFFFFFFF, number])
        largest = max((variable.size for variable in plan.template.variables), default=1)
        self.factors = 1.0 + _ULP * self._rng.integers(-1, 2, size=_POOL + largest)
        self._place = 0
        self._base: Row = {}
        # Whole numbers are exact: a count moved by a unit of its last place equals nothing.
        self._ruled = {
            v.name for v in plan.template.variables if v.rule is not None and not v.is_integer
        }

    def value(self, _: Any, value: Any) -> Values:
        """Return a node's value disturbed."""
        moved: Values = value * self._factor(value)
        return moved

    def __call__(self, row: Row, base: Row | None = None) -> None:
        """Disturb a row in place; what equals the baseline's is disturbed as that was."""
        if base is None:
            self._base = {key: value for key, value in row.items() if key[0] == "ref"}
        for key, value in list(row.items()):
            if key[0] == "held" or key[1] not in self._ruled:
                continue
            moved = np.asarray(value, dtype=float) * self._factor(value)
            if base is not None:
                moved = np.where(value == self._base[key], base[key], moved)
            row[key] = moved

    def _factor(self, value: Any) -> Values:
        shape = np.shape(value)
        size = math.prod(shape)
        if self._place + size > len(self.factors):
            # An odd start, so that no two passes over the pool are in step.
            self._place = int(self._rng.integers(0, _POOL // 2))
            if self._place + size > len(self.factors):
                self.factors = np.resize(self.factors, self._place + size)
        found: Values = self.factors[self._place : self._place + size]
        self._place += size
        return found if len(shape) == 1 else found.reshape(shape)


def spread(base: Values, twins: list[Values]) -> Values:
    """Return the largest distance of twins from a course of Jacobians, by their norm, shape [t]."""
    with np.errstate(all="ignore"):
        found = [norms((twin - base).reshape(len(base), -1)) for twin in twins]
    largest: Values = np.nan_to_num(np.max(found, axis=0), nan=np.inf)
    return largest
