"""Grids: axes of a sweep as starting values and parameters, one value a point."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.term import Term, leaves
from causalopt.model.declaration import shown
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.model.template import leaf_name

STRETCH = 1 << 13  # values that a few temporaries of stay in the cache
_DATA = ("value", "total", "direct", "comp", "op", "status")  # arrays beside axes in files


def axis_values(name: str, values: ArrayLike) -> Floats:
    """Return an axis' values, checked: one or more finite numbers in a row.

    Args:
        name: The axis.
        values: Numbers in their order: a list, a tuple, an array, a column of a table, a generator.

    Raises:
        QuestionError: They are no finite numbers in a row.
    """
    if isinstance(values, Iterator | KeysView | ValuesView):
        values = list(values)
    try:
        axis = np.array(values, dtype=np.float64)
        axis += 0.0  # a swept -0.0 is 0.0, as in a model
    except (TypeError, ValueError):
        raise QuestionError(
            f"the axis '{name}' takes numbers in their order, found {shown(values)}{_spelt(values)}"
        ) from None
    if axis.ndim == 0:
        raise QuestionError(
            f"the axis '{name}' takes one or more values in a row, found {shown(values)}: "
            f"write [{shown(values)}] for one"
            if values is not None
            else f"the axis '{name}' has no values: write [0.1, 0.2]"
        )
    if axis.ndim != 1 or not len(axis):
        raise QuestionError(
            f"the axis '{name}' takes one or more values in a row, found an array "
            f"of shape {axis.shape}"
        )
    for stretch in stretches(len(axis)):
        bad = axis[stretch][~np.isfinite(axis[stretch])]
        if len(bad):
            raise QuestionError(f"the axis '{name}' takes finite numbers, found {bad[0]}")
    return axis


def stretches(count: int) -> Iterator[slice]:
    """Yield slices that lead through so many values, each short enough for the cache."""
    for first in range(0, count, STRETCH):
        yield slice(first, min(first + STRETCH, count))


def _spelt(values: object) -> str:
    """Return how an axis is written that was given as the command line or a set has it."""
    if isinstance(values, set | frozenset):
        return ": a set has no order, give a list"
    if isinstance(values, str):
        return ": write numpy.linspace(0, 1, 11), or a list"
    return ": write [0.1, 0.2]"


@dataclasses.dataclass(frozen=True)
class Spaced:
    """Evenly spaced values, both ends included and exact, each computed when it is read.

    Attributes:
        low: The first.
        high: The last.
        count: How many.

    Example:
        >>> Spaced(0, 1, 5)[:].tolist(), Spaced(0, 1, 10**9)[10**9 - 2 :].tolist()
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0.999999999, 1.0])
    """

    low: float
    high: float
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, places: slice | NDArray[np.int64]) -> Floats:
        if isinstance(places, slice):
            along = range(*places.indices(self.count))
            values: Floats = np.empty(len(along))
            for stretch in stretches(len(along)):
                part = along[stretch]
                values[stretch] = self._at(np.arange(part.start, part.stop, part.step))
            return values
        return self._at(places)

    def _at(self, places: NDArray[np.int64]) -> Floats:
        if self.count == 1:
            return np.full(len(places), float(self.low))
        values: Floats = places.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # such values are refused as an axis
            values *= self.high - self.low
            values /= self.count - 1
            values += self.low
        values[places == self.count - 1] = self.high
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        del copy  # all of them are new
        return np.asarray(self[:], dtype=dtype)


def spaced(low: float, high: float, count: int) -> Floats:
    """Return evenly spaced values, both ends included and exact.

    Example:
        >>> spaced(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return Spaced(low, high, count)[:]


def log_spaced(low: float, high: float, count: int) -> Floats:
    """Return values evenly spaced in their logarithm, both ends included and exact.

    Args:
        low: The first, not 0.
        high: The last, of the same sign.
        count: How many.

    Example:
        >>> log_spaced(1, 100, 3).round(12).tolist()
        [1.0, 10.0, 100.0]
    """
    sign = math.copysign(1.0, low)
    values: Floats = sign * np.exp(spaced(math.log(abs(low)), math.log(abs(high)), count))
    values[0], values[-1] = low, high if count > 1 else low
    return values


def trapezoid(level: float, heights: Floats, along: Floats) -> float:
    """Return the integral of level - heights; what lies between stays in the cache."""
    areas = np.empty(len(along) - 1)
    for k in range(0, len(areas), STRETCH):
        lanes = slice(k, k + STRETCH + 1)
        y = level - heights[lanes]
        areas[k : k + STRETCH] = np.diff(along[lanes]) * (y[1:] + y[:-1]) / 2.0
    return float(areas.sum())


def smallest_step(values: Floats) -> float:
    """Return the smallest step between two different values; 1 where there is but one value."""
    if len(values) > 1:
        parts = (values[s.start : s.stop + 1] for s in stretches(len(values) - 1))
        least = min(float(np.diff(part).min()) for part in parts)
        if least > 0:
            return least
    steps = np.diff(np.sort(values))
    steps = steps[steps > 0]
    return float(steps.min()) if len(steps) else 1.0


def sorted_axes(model: Model, axes: Mapping[str, Floats]) -> tuple[dict[str, Node], list[str]]:
    """Tell axes that are nodes from axes that are parameters."""
    nodes: dict[str, Node] = {}
    parameters: list[str] = []
    for name in axes:
        if name in model.template.fixed:
            raise QuestionError(
                f"the axis '{name}' decides how many steps a lag is, and points of a sweep share "
                "their steps: run the model once for each value"
            )
        if name in model.parameters:
            parameters.append(name)
        elif "[" in name or name in model.variables:
            nodes[name] = model.node(name)
        else:
            known = [*model.parameters, *model.variables]
            raise UnknownNameError(
                f"unknown axis '{name}' (an axis is a parameter, or a node such as R[0])"
                f"{suggestion(name, known)}"
            )
    template = model.template
    for name, node in nodes.items():
        equation = template.equations[template.starting[node.variable]]
        if equation.rule is not None and node.t >= len(equation.initial):
            raise QuestionError(
                f"the axis '{name}' is a node that follows its rule: sweep a parameter or an "
                "initial value; to set a node, give the interventions of the baseline"
            )
    if len(set(nodes.values())) < len(nodes):
        raise QuestionError("two axes name the same node")
    return nodes, parameters


def spread(axes: dict[str, Floats]) -> dict[str, Floats]:
    """Return each axis' value at every point, the last axis running fastest, shape [point]."""
    grids = np.meshgrid(*axes.values(), indexing="ij", copy=False)
    return {name: grid.reshape(-1) for name, grid in zip(axes, grids, strict=True)}


def varying_parameters(model: Model, swept: dict[str, Floats]) -> dict[str, Floats]:
    """Return the swept parameters with those that are computed from them."""
    varying = dict(swept)
    for name, term in model.template.parameters.items():
        if name not in swept and _reads(term, varying):
            varying[name] = _computed(model, term, varying)
    return varying


def varying_starts(
    model: Model, varying: dict[str, Floats], taken: set[tuple[int, str]], steps: int
) -> dict[tuple[int, int], Floats]:
    """Return the initial values that are computed from swept parameters."""
    starts: dict[tuple[int, int], Floats] = {}
    for i, equation in enumerate(model.template.equations):
        for t, term in enumerate(equation.initial[: steps + 1]):
            if _reads(term, varying) and (t, equation.owner) not in taken:
                starts[t, i] = _computed(model, term, varying)
                if not np.isfinite(starts[t, i]).all():
                    raise QuestionError(
                        f"the initial value of '{equation.owner}' is not finite at every point of "
                        "the grid: choose another range"
                    )
    return starts


def _reads(term: Term, names: Mapping[str, Floats]) -> bool:
    return any(leaf.op == "param" and leaf.payload in names for leaf in leaves(term))


def _computed(model: Model, term: Term, varying: dict[str, Floats]) -> Floats:
    known = {**model.template.values, **varying}
    return np.asarray(evaluate_arrays([term], lambda leaf: known[leaf_name(leaf)])[0], dtype=float)


def axis_labels(axes: Iterable[str], also: Iterable[str] = ()) -> list[str]:
    """Return axes' names as files allow them, none that of an array: `R[0]` becomes `R_0`.

    A parameter called `total` becomes `total_`; each coordinate's `axis_name` says what it was.

    Args:
        axes: The axes.
        also: Further names that are taken.
    """
    own = [*_DATA, *also]
    taken = list(own)
    for axis in axes:
        label = axis.replace("[", "_").replace("]", "").replace(" ", "")
        while label in taken:
            label += "_"
        taken.append(label)
    return taken[len(own) :]
