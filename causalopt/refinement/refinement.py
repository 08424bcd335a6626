"""A refinement: what was found at points that lie where a measure changes fast."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import NAMES
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.language.operations import OPERATIONS
from causalopt.language.term import postorder
from causalopt.model.model import Model
from causalopt.refinement.refined_points import RefinedPoints
from causalopt.refinement.refinement_box import RefinementBox
from causalopt.refinement.simplex_rule import (
    Primitive,
    SimplexIntegral,
    Simplices,
    integrated,
    jump_count,
)
from causalopt.results import Plotted, Tabled, labelled, nested, plain_number, plot

if TYPE_CHECKING:
    import xarray

    from causalopt.results import Places

KINDS = ("", "length", "area", "volume")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Refinement(Asked, Plotted, Tabled):
    """Comp and Op at points that form no grid, and integrals over the box, each with an error.

    Attributes:
        box: The box: a range for each axis.
        delta: The nudge's size, None for the limit delta -> 0.
        measure: Where points were added: where "comp" or "op" changes fast.
        level: Where not None, in nats: points were added where Op passes it.
        tolerance: The error that was asked for, None where points alone were.
        shares: The points as shares of the ranges, in the order asked, shape [axis, point].
        found: What was found at them.
        simplices: The box cut between them: which points are the corners of each piece, shape
            [piece, axes + 1].
        course: After each batch: how many points, and the integral asked for with its error.
        undecided: Points whose status calls for a run of their own, and that had none.
    """

    box: RefinementBox
    delta: float | None
    measure: str
    level: float | None
    tolerance: float | None
    shares: Floats
    found: RefinedPoints
    simplices: Simplices
    course: tuple[tuple[int, float, float], ...]
    undecided: int

    @property
    def at(self) -> int:
        """The step measured."""
        return self.steps

    @property
    def points(self) -> int:
        """How many points were asked."""
        return int(self.shares.shape[1])

    @functools.cached_property
    def axes(self) -> dict[str, Floats]:
        """Axis -> its value at each point, in the order asked, shape [point]."""
        return self.box.at(self.shares)

    @property
    def values(self) -> Floats:
        """W's value of m at each point, shape [point]."""
        return self.found.values

    @property
    def total(self) -> Floats:
        """The effect of n on m over all paths, shape [point]."""
        return self.found.total

    @property
    def direct(self) -> Floats:
        """The effect of n on m over the paths that avoid A, shape [point]."""
        return self.found.direct

    @property
    def comp(self) -> Floats:
        """Comp, NaN where undefined, shape [point]."""
        return self.found.comp

    @property
    def op(self) -> Floats:
        """Op in nats, NaN where undefined, shape [point]."""
        return self.found.op

    @property
    def codes(self) -> NDArray[np.int8]:
        """The status of each point as a place in `causalopt.effects.measures.NAMES`."""
        return self.found.codes

    @property
    def status(self) -> NDArray[np.str_]:
        """What each point's numbers mean: keys of `causalopt.STATUSES`, shape [point]."""
        return NAMES[self.codes]

    @property
    def statuses(self) -> dict[str, int]:
        """How many points have each status; those that no point has are not named."""
        counts = np.bincount(self.codes, minlength=len(NAMES)).tolist()
        return {str(name): count for name, count in zip(NAMES, counts, strict=True) if count}

    @functools.cached_property
    def power_integral(self) -> SimplexIntegral:
        """The integral of 1 - Comp over the box, and its error; both NaN where no point has Comp.

        Parts of the box where Comp is unknown or infinite count as 0: see `left_out`.
        """
        if not self.found.has_comp.any():
            return SimplexIntegral(math.nan, math.nan)
        return self._over_box(self.found.power_heights, primitive=self._primitive)

    @property
    def _primitive(self) -> Primitive | None:
        if not has_primitive(self, self.box, self.delta):
            return None
        return self.found.primitive(self.box.volume, may_jump=may_jump(self.model))

    @functools.cached_property
    def jumps(self) -> int:
        """Over the nudged node's own axis, in how many places W was found to jump.

        Comp is the derivative beside a jump, and `power` does not count it.
        """
        known = self._primitive
        if known is None:
            return 0
        return jump_count(self.shares, self.simplices, self.found.power_heights, known)

    @property
    def power(self) -> float:
        """The amount of optimization: the integral of 1 - Comp over the box, in the axes' units."""
        return self.power_integral.value

    @property
    def error(self) -> float:
        """How wrong `power` may be, likewise."""
        return self.power_integral.error

    @functools.cached_property
    def left_out(self) -> SimplexIntegral:
        """Length, area or volume of the part without a finite Comp that is known, and its error."""
        return self._over_box((~self.found.has_comp).astype(np.float64), jumps=True)

    def area(self, level: float) -> SimplexIntegral:
        """Return length, area or volume of the set where Op lies above a level, and its error.

        Args:
            level: In nats. An infinite Op (`perfect`) lies above each; where Op is unknown it does
                not count, and how much that is tells `left_out`.

        Raises:
            QuestionError: The level is not finite.
        """
        return self._over_box(self.found.above(checked_level(level)).astype(np.float64), jumps=True)

    def _over_box(self, heights: Floats, **known: Any) -> SimplexIntegral:
        value, error = integrated(self.shares, self.simplices, heights, **known)
        return SimplexIntegral(value * self.box.volume, error * self.box.volume)

    @functools.cached_property
    def asked_integral(self) -> SimplexIntegral:
        """What the points were chosen for: the area above `level` if there is one, else power."""
        return self.power_integral if self.level is None else self.area(self.level)

    @property
    def reached(self) -> bool | None:
        """Whether the error is within the tolerance; None where none was asked for."""
        return None if self.tolerance is None else self.asked_integral.error <= self.tolerance

    @property
    def op_range(self) -> tuple[float, float]:
        """The least and the largest Op of points where it is known, NaN where there is none."""
        known = np.where(self.found.known, self.op, np.nan)
        return float(np.fmin.reduce(known)), float(np.fmax.reduce(known))

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        low, high = self.op_range
        result = {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "at": self.at,
            "over": self.box.to_dict(),
            "measure": self.measure,
            "points": self.points,
            "statuses": self.statuses,
            "power": plain_number(self.power),
            "error": plain_number(self.error),
            "left_out": plain_number(self.left_out.value),
            "op_min": plain_number(low),
            "op_max": plain_number(high),
            "jumps": self.jumps,
            "tolerance": self.tolerance,
            "reached": self.reached,
            "undecided": self.undecided,
        }
        if self.level is not None:
            area = self.area(self.level)
            result |= {"level": self.level, "area": area.value, "area_error": area.error}
        return result

    def record(self) -> dict[str, Any]:
        """Return the summary with the points and what was found at them, as JSON's types."""
        columns = {
            "value": self.values,
            "total": self.total,
            "direct": self.direct,
            "comp": self.comp,
            "op": self.op,
        }
        return {
            **self.to_dict(),
            "axes": {name: nested(values) for name, values in self.axes.items()},
            **{name: nested(values) for name, values in columns.items()},
            "status": self.status.tolist(),
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The points with what was found at them, and their provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            at=str(self.at),
            delta="limit" if self.delta is None else repr(self.delta),
            seed=str(self.seed),
            over=str(self.box.to_dict()),
            measure=self.measure,
            level="" if self.level is None else repr(self.level),
            tolerance="" if self.tolerance is None else repr(self.tolerance),
            power=repr(self.power),
            error=repr(self.error),
        )

    def plot(
        self,
        *,
        measure: Literal["op", "comp", "total", "direct", "w"] | None = None,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure: a line through the points, a map of triangles, or slices.

        Args:
            measure: What is drawn: Op, Comp, the total or the direct effect, or W's value of m. Op
                by default, and Comp too over one axis.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".
        """
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, measure=measure, **where)

    def __repr__(self) -> str:
        lines = [f"{self.op_name} in {self.model.name}, at step {self.at}: {self.box}"]
        low, high = self.op_range
        if math.isnan(low):
            lines.append("  Op is known at no point")
        else:
            lines.append(f"  Op from {low:.6g} to {high:.6g} nats")
        names = ", ".join(self.box.names)
        lines.append(
            f"  power, the integral of 1 - Comp over {names}: {_between(self.power_integral)}"
        )
        lines += self._area_lines()
        if self.left_out.value:
            lines.append(
                f"  left out, where Comp is unknown or infinite: {_between(self.left_out)}"
            )
        if self.jumps:
            lines.append(f"  W jumps in {self.jumps} places: power counts the slopes beside them")
        lines.append(f"  {self.points} points, added where {self._where}")
        if self.tolerance is not None:
            lines.append(self._tolerance_line())
        lines += [f"  {name}: {count} points" for name, count in self.statuses.items()]
        if self.undecided:
            lines.append(f"  {self.undecided} doubtful points were not asked one by one: too many")
        return "\n".join(lines)

    @property
    def _where(self) -> str:
        if self.level is not None:
            return f"Op passes {self.level:g}"
        return f"{self.measure.capitalize()} changes fast"

    def _area_lines(self) -> list[str]:
        if self.level is None:
            return []
        area, kind = self.area(self.level), KINDS[len(self.box.names)]
        share = area.value / self.box.volume
        return [f"  {kind} where Op > {self.level:g}: {_between(area)} ({share:.2%} of the box)"]

    def _tolerance_line(self) -> str:
        if self.reached:
            return f"  the tolerance {self.tolerance:g} is reached"
        return (
            f"  the tolerance {self.tolerance:g} is not reached: the error is still "
            f"{self.asked_integral.error:.2g}; allow more points"
        )


def has_primitive(asked: Asked, box: RefinementBox, delta: float | None) -> bool:
    """Whether the total effect is the derivative of m along the axis: the nudged node's own."""
    return delta is None and box.names == (asked.node_name,)


def may_jump(model: Model) -> bool:
    """Whether a rule has an operation whose value jumps: a comparison, floor, ceil or sign."""
    rules = [rule for rule in model.template.structure.rules if rule is not None]
    return any(OPERATIONS[term.op].jumps for term in postorder(*rules) if term.op in OPERATIONS)


def checked_level(level: float) -> float:
    """Return a level of Op.

    Raises:
        QuestionError: It is not finite.
    """
    if not math.isfinite(level):
        raise QuestionError(f"the level is a finite number of nats, found {level}")
    return float(level)


def _between(found: SimplexIntegral) -> str:
    if math.isnan(found.value):
        return "unknown"
    return f"{found.value:.8g} ± {found.error:.2g}"
