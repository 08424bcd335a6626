"""The amount of optimization: the integral of 1 - Comp over a box of starting values."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from causalopt.basins.op_basins import check_settings, plain_model
from causalopt.basins.op_share import check_design, design_points
from causalopt.basins.point_classes import CLASSES, ask_points
from causalopt.basins.shifted_lattices import baked
from causalopt.basins.start_box import MOST_AXES, Ranges, StartBox, start_box
from causalopt.effects.asked import Asked, ask_at
from causalopt.effects.student_interval import student_interval
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

Rule: TypeAlias = Literal["lattice", "trapezoid"]
_COUNTS = {1: 1024, 2: 128, 3: 32}  # cells along an axis of the trapezoid rule
_KINK = CLASSES.index("kink")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class OptimizationAmount(Asked, Plotted, Tabled):
    """The integral of 1 - Comp over a box of starting values, at one step.

    Attributes:
        box: The box.
        value: The integral, in the product of the axes' units.
        error: Of a lattice, half of Student's interval at 95 % over replicas; of the trapezoid
            rule, how much it changed when the cells were halved, which for a smooth integrand is
            three times its error.
        rule: `lattice` or `trapezoid`.
        estimates: What each replica, or each of three finenesses, gave.
        points: Points that were asked.
        left_out: The share of points without a Comp that is known: unresolved, diverged or
            undefined ones. The integral leaves their part of the box out.
        kinks: The share of points on a kink, which count by the side that their tangent took.
        undecided: Points whose status calls for a run of their own, and that had none.
    """

    box: StartBox
    value: float
    error: float
    rule: str
    estimates: tuple[float, ...]
    points: int
    left_out: float
    kinks: float
    undecided: int

    @property
    def at(self) -> int:
        """The step measured."""
        return self.steps

    @property
    def mean(self) -> float:
        """The mean of 1 - Comp over the box."""
        return self.value / self.box.volume

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "at": self.at,
            "over": self.box.to_dict(),
            "box": self.box.volume,
            "power": self.value,
            "error": self.error,
            "rule": self.rule,
            "estimates": list(self.estimates),
            "points": self.points,
            "left_out": self.left_out,
            "kinks": self.kinks,
            "undecided": self.undecided,
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The integral with its error and the estimates it was made of."""
        return labelled(self)

    def __repr__(self) -> str:
        names = ", ".join(self.box.names)
        lines = [
            f"the integral of 1 - Comp over {names}, {self.op_name} in {self.model.name}, at step "
            f"{self.at}",
            f"  {self.value:.8g} ± {self.error:.2g}, a mean of {self.mean:.6g} over the box",
            f"  by the {self.rule} rule, {self.points} points",
        ]
        if self.left_out:
            lines.append(
                f"  {self.left_out:.2%} of the points have no Comp that is known: left out"
            )
        if self.kinks:
            lines.append(f"  {self.kinks:.2%} of the points lie on a kink: one side of it counts")
        return "\n".join(lines)


@long_work("asking points", direct=True)
def optimization_amount(
    model: Model,
    over: Ranges,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    rule: Rule = "lattice",
    counts: int | None = None,
    replicas: int = 16,
    estimate: bool = True,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> OptimizationAmount:
    """Integrate 1 - Comp(A; n, m) over a box of starting values, with an error.

    Over the nudged node alone this is the post's amount of optimization, and `power` of a sweep.
    By default, over any number of axes: a lattice under the baker's transform and independent
    random shifts, whose spread gives the error.

    Args:
        model: The model; its question gives what is not given here.
        over: Starting node -> its range.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        rule: `lattice`, or `trapezoid` for up to three axes.
        counts: Points of a lattice, a power of two, 1024 by default; or cells along every axis of
            the trapezoid rule, a multiple of four: 1024, 128 or 32 for one, two or three axes.
        replicas: Independent shifts of the lattice.
        estimate: Whether rounding errors are estimated, and doubtful points run alone.
        seed: Which shifts those are, and which draws the noise variables make.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in points.

    Raises:
        QuestionError: The question, the box or the rule cannot be asked of this model.
        UnknownNameError: An axis is not a variable.

    Example:
        >>> from causalopt import load
        >>> found = optimization_amount(load("thermostat_saturating"), {"R[0]": (5, 45)})
        >>> round(found.value, 2), found.error < 0.02
        (19.96, True)
    """
    del progress  # long_work tells it
    asked = ask_at(
        plain_model(model), at, steps=steps, nudge=nudge, hold=hold, target=target, given=given,
        parameters=parameters, initial=initial, seed=seed,
    )  # fmt: skip
    if rule not in get_args(Rule):
        raise QuestionError(f"rule is one of {', '.join(get_args(Rule))}, found '{rule}'")
    box = start_box(asked.model, over, most=None if rule == "lattice" else MOST_AXES)
    check_settings(0.0, 0, workers)
    axes = len(box.names)
    if rule == "lattice":
        size = 1024 if counts is None else counts
        check_design("lattice", size, replicas)
        shares = baked(design_points("lattice", axes, size, replicas, seed))
    else:
        size = _COUNTS[axes] if counts is None else counts
        if size < 4 or size % 4:
            raise QuestionError(
                f"the trapezoid rule is compared with two coarser ones: counts is a multiple of "
                f"four, found {size}"
            )
        shares = _grid_points(size, axes)
    found = ask_points(asked, box, shares, estimate=estimate, workers=workers)
    codes = found.classes(0.0)
    known = (codes <= _KINK) & np.isfinite(found.comp)
    heights = np.where(known, 1 - found.comp, 0.0)
    value, error, estimates = (
        _of_replicas(heights, replicas) if rule == "lattice" else _of_grids(heights, size, axes)
    )
    return OptimizationAmount(
        **vars(asked),
        box=box,
        value=value * box.volume,
        error=error * box.volume,
        rule=rule,
        estimates=tuple(each * box.volume for each in estimates),
        points=shares.shape[1],
        left_out=_share(~known),
        kinks=_share(codes == _KINK),
        undecided=found.undecided,
    )


def _share(chosen: Bools) -> float:
    return float(np.count_nonzero(chosen)) / chosen.size


def _grid_points(size: int, axes: int) -> Floats:
    grids = np.meshgrid(*[np.arange(size + 1) / size] * axes, indexing="ij")
    return np.array([grid.ravel() for grid in grids])


def _of_replicas(heights: Floats, replicas: int) -> tuple[float, float, list[float]]:
    means = heights.reshape(replicas, -1).mean(axis=1)
    mean, low, high = student_interval(means)
    return float(mean), float(high - low) / 2, means.tolist()


def _of_grids(heights: Floats, size: int, axes: int) -> tuple[float, float, list[float]]:
    """Return the trapezoid rule on cells of a size, half and a quarter of them, with its error."""
    table = heights.reshape((size + 1,) * axes)
    found = []
    for stride in (4, 2, 1):
        part = table[(slice(None, None, stride),) * axes]
        for _ in range(axes):
            part = (part[1:] + part[:-1]).sum(axis=0) / (2 * (size // stride))
        found.append(float(part))
    steps = [abs(b - a) for a, b in itertools.pairwise(found)]
    return found[-1], max(steps[1], steps[0] / 4), found
