"""The box that a refinement is over: ranges of one to three starting values or parameters."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from causalopt.effects.sweeps.axes import sorted_axes
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.declaration import shown
from causalopt.model.model import Model

MOST_AXES = 3


@dataclasses.dataclass(frozen=True, eq=False)
class RefinementBox:
    """A range for each of some starting values and parameters.

    Attributes:
        names: The axes, such as `R[0]` or `k`.
        low: Where each range begins, shape [axis].
        high: Where it ends, likewise.
    """

    names: tuple[str, ...]
    low: Floats
    high: Floats

    @property
    def volume(self) -> float:
        """Length, area or volume, in the product of the axes' units."""
        return float(np.prod(self.high - self.low))

    def at(self, shares: Floats) -> dict[str, Floats]:
        """Return points by axis; both ends of a range are exact.

        Args:
            shares: The points as shares of the ranges, shape [axis, point].
        """
        return {
            name: np.where(share == 1.0, high, low + (high - low) * share)
            for name, low, high, share in zip(self.names, self.low, self.high, shares, strict=True)
        }

    def to_dict(self) -> dict[str, list[float]]:
        """Return name -> its range, as JSON's types."""
        ends = zip(self.low.tolist(), self.high.tolist(), strict=True)
        return {name: list(pair) for name, pair in zip(self.names, ends, strict=True)}

    def __str__(self) -> str:
        ends = self.to_dict().items()
        return ", ".join(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in ends)


def refinement_box(model: Model, over: Mapping[str, Sequence[float]]) -> RefinementBox:
    """Return the box that is meant, checked.

    Args:
        model: The model.
        over: Parameter or starting node -> (low, high).

    Raises:
        QuestionError: There is no axis or too many, two are the same, or one is no range.
        UnknownNameError: An axis is neither a parameter nor a variable.
    """
    if not over:
        raise QuestionError(
            "a refinement needs an axis: --grid R[0]=5:45, or over={'R[0]': (5, 45)}"
        )
    if len(over) > MOST_AXES:
        raise QuestionError(
            f"points are refined over at most {MOST_AXES} axes, and there are {len(over)} "
            f"({', '.join(over)}): drop some, or sweep a design of points"
        )
    ranges = {str(name): _range(str(name), ends) for name, ends in over.items()}
    sorted_axes(model, {name: np.array([low]) for name, (low, _) in ranges.items()})
    low, high = (np.array(ends) for ends in zip(*ranges.values(), strict=True))
    return RefinementBox(tuple(ranges), low, high)


def _range(name: str, ends: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        raise QuestionError(
            f"the axis '{name}' takes a range (low, high) such as (5, 45), found {shown(ends)}"
        ) from None
    found = f"found ({low:g}, {high:g})"
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low)):
        raise QuestionError(f"the axis '{name}' takes a range of finite numbers, {found}")
    if not low < high:
        turned = (
            f": write ({high:g}, {low:g})" if high < low else ": give it as a parameter instead"
        )
        raise QuestionError(f"the axis '{name}' takes its lower end first, {found}{turned}")
    return low, high
