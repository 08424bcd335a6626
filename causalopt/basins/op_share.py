"""How much of a box of any number of axes lies above a level, without cells: by designs."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from causalopt.basins.binomial_bounds import binomial_interval
from causalopt.basins.op_basins import check_settings, plain_model
from causalopt.basins.point_classes import CLASSES, ask_points
from causalopt.basins.shifted_lattices import shifted_lattice
from causalopt.basins.start_box import Ranges, StartBox, start_box
from causalopt.effects.asked import Asked, ask_at
from causalopt.effects.student_interval import student_interval
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

Design: TypeAlias = Literal["lattice", "random"]
_LEVEL = 0.95


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class OpShare(Asked, Plotted, Tabled):
    """Which share of a box of starting values lies above a level, at one step.

    Attributes:
        box: The box.
        level: The level, in nats.
        design: `lattice` or `random`.
        counted: Points of each class in each replica, shape [class, replica].
        points: Points of a replica.
        undecided: Points whose status calls for a run of their own, and that had none.
    """

    box: StartBox
    level: float
    design: str
    counted: Floats
    points: int
    undecided: int

    @property
    def at(self) -> int:
        """The step measured."""
        return self.steps

    @property
    def shares(self) -> dict[str, tuple[float, float, float]]:
        """Class -> its share of the box and the ends of the share's interval at 95 %.

        Of a lattice, Student's interval over its replicas; of points at random, the binomial one.
        Where all replicas of a lattice agree, the binomial interval of one replica is given: they
        may all have missed something.
        """
        found = {}
        for name, counts in zip(CLASSES, self.counted, strict=True):
            if counts.any() or name in ("above", "below"):
                found[name] = self._interval(counts)
        return found

    @property
    def share(self) -> float:
        """The share above the level."""
        return self.shares["above"][0]

    def _interval(self, counts: Floats) -> tuple[float, float, float]:
        total = self.points * counts.size
        mean = float(counts.sum()) / total
        if self.design == "lattice" and np.ptp(counts) > 0:
            _, lower, upper = student_interval(counts / self.points, _LEVEL)
            return mean, max(float(lower), 0.0), min(float(upper), 1.0)
        asked = total if self.design == "random" else self.points
        low, high = binomial_interval(round(mean * asked), asked, _LEVEL)
        return mean, low, high

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "at": self.at,
            "level": self.level,
            "over": self.box.to_dict(),
            "design": self.design,
            "points": self.points,
            "replicas": self.counted.shape[1],
            "shares": {name: list(ends) for name, ends in self.shares.items()},
            "undecided": self.undecided,
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The count of every class in every replica, with the shares and their intervals."""
        return labelled(self)

    def __repr__(self) -> str:
        replicas = self.counted.shape[1]
        lines = [
            f"{self.op_name} > {self.level:g} in {self.model.name}, at step {self.at}: shares of "
            f"the box over {', '.join(self.box.names)}"
        ]
        lines += [
            f"  {name}: {mean:.6g} [{low:.6g}, {high:.6g}]"
            for name, (mean, low, high) in self.shares.items()
        ]
        drawn = f"{self.points * replicas} points at random"
        lattices = f"{replicas} shifted lattices of {self.points} points"
        lines.append(f"  {lattices if self.design == 'lattice' else drawn}, intervals at 95 %")
        return "\n".join(lines)


@long_work("asking points", direct=True)
def op_share(
    model: Model,
    over: Ranges,
    *,
    level: float = 0.0,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    design: Design = "lattice",
    points: int = 1024,
    replicas: int = 16,
    estimate: bool = True,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> OpShare:
    """Estimate which share of a box of starting values has Op(A; n, m) above a level.

    For boxes of many axes, where cells are too many: a rank-1 lattice under independent random
    shifts, with Student's interval over them, or points at random with the binomial interval. It
    says how much, not where: regions are found by `op_basins`.

    Args:
        model: The model; its question gives what is not given here.
        over: Starting node -> its range.
        level: The level, in nats: above lies Op > level.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        design: `lattice` or `random`.
        points: Points of a replica; of a lattice, a power of two.
        replicas: Independent replicas, two or more of a lattice.
        estimate: Whether rounding errors are estimated, and doubtful points run alone.
        seed: Which shifts or points those are, and which draws the noise variables make.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in points.

    Raises:
        QuestionError: The question, the box or the design cannot be asked of this model.
        UnknownNameError: An axis is not a variable.

    Example:
        >>> from causalopt import load
        >>> found = op_share(load("thermostat_saturating"), {"R[0]": (5, 45)}, level=5.0)
        >>> round(found.share, 3)
        0.305
    """
    del progress  # long_work tells it
    asked = ask_at(
        plain_model(model), at, steps=steps, nudge=nudge, hold=hold, target=target, given=given,
        parameters=parameters, initial=initial, seed=seed,
    )  # fmt: skip
    box = start_box(asked.model, over, most=None)
    check_settings(level, 0, workers)
    check_design(design, points, replicas)
    shares = design_points(design, len(box.names), points, replicas, seed)
    found = ask_points(asked, box, shares, estimate=estimate, workers=workers)
    codes = found.classes(level).reshape(replicas, points)
    counted = np.array([(codes == code).sum(axis=1) for code in range(len(CLASSES))], dtype=float)
    return OpShare(
        **vars(asked),
        box=box,
        level=float(level),
        design=design,
        counted=counted,
        points=points,
        undecided=found.undecided,
    )


def design_points(design: str, axes: int, points: int, replicas: int, seed: int) -> Floats:
    """Return the points of all replicas, one after the other, shape [axis, point]."""
    rng = np.random.default_rng(seed)
    if design == "random":
        return rng.random((axes, points * replicas))
    return np.concatenate([shifted_lattice(points, axes, rng) for _ in range(replicas)], axis=1)


def check_design(design: str, points: int, replicas: int) -> None:
    """Refuse a design that is none.

    Raises:
        QuestionError: Its name is unknown, or its numbers do not fit.
    """
    if design not in get_args(Design):
        raise QuestionError(f"design is one of {', '.join(get_args(Design))}, found '{design}'")
    if points < 2 or (design == "lattice" and points & (points - 1)):
        raise QuestionError(
            f"a lattice has a power of two points, such as 1024, and random ones are 2 or more; "
            f"found {points}"
        )
    if replicas < (2 if design == "lattice" else 1):
        raise QuestionError(f"an interval takes two or more replicas, found {replicas}")
