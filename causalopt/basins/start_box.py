"""The box of starting values that a question is asked over: a range for each of some nodes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from causalopt.effects.sweeps.axes import sorted_axes
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.model import Model

Ranges: TypeAlias = Mapping[str, Sequence[float]]
MOST_AXES = 3


@dataclasses.dataclass(frozen=True, eq=False)
class StartBox:
    """A box of starting values.

    Attributes:
        names: The nodes that start differently, such as `a[0]`, one an axis.
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
        """Return points given as shares of the ranges, shape [axis, point], by axis."""
        return {
            name: low + (high - low) * share
            for name, low, high, share in zip(self.names, self.low, self.high, shares, strict=True)
        }

    def to_dict(self) -> dict[str, list[float]]:
        """Return name -> its range, as JSON's types."""
        ends = zip(self.low.tolist(), self.high.tolist(), strict=True)
        return {name: list(pair) for name, pair in zip(self.names, ends, strict=True)}


def start_box(model: Model, over: Ranges, *, most: int | None = MOST_AXES) -> StartBox:
    """Return the box that is meant, checked.

    Args:
        model: The model.
        over: Node -> (low, high).
        most: How many axes there may be; None for any number.

    Raises:
        QuestionError: There is no axis or too many, one is no starting value, or no range.
        UnknownNameError: An axis is neither a parameter nor a variable.
    """
    if not over:
        raise QuestionError(
            "basins need an axis of starting values: --grid R[0]=5:45, or over={'R[0]': (5, 45)}"
        )
    if most is not None and len(over) > most:
        raise QuestionError(
            f"cells are cut along at most {most} axes, and there are {len(over)} "
            f"({', '.join(over)}): drop some, or ask `op_share`, whose lattices take any number"
        )
    ranges = {str(name): _range(str(name), ends) for name, ends in over.items()}
    _, parameters = sorted_axes(model, {name: np.array([low]) for name, (low, _) in ranges.items()})
    if parameters:
        raise QuestionError(
            f"'{parameters[0]}' is a parameter, and basins lie among starting values such as "
            f"{_example(model)}: give it another value by parameters (--set), or follow the "
            "basins along it (`basins_along`, --along)"
        )
    low, high = (np.array(ends) for ends in zip(*ranges.values(), strict=True))
    return StartBox(tuple(ranges), low, high)


def _range(name: str, ends: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        raise QuestionError(
            f"the axis '{name}' takes a range (low, high), found {ends!r}"
        ) from None
    if not (math.isfinite(low) and math.isfinite(high - low) and low < high):
        raise QuestionError(
            f"the axis '{name}' takes a range of finite numbers, the lower one first, "
            f"found ({low:g}, {high:g})"
        )
    return low, high


def _example(model: Model) -> str:
    """Return a node that starts with a given value."""
    for equation in model.template.equations:
        if equation.initial:
            return equation.name if model.is_static else f"{equation.name}[0]"
    return "R[0]"
