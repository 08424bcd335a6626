"""The result of a sweep: Comp and Op over a grid of starting values and parameters."""

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
from causalopt.effects.sweeps.axes import stretches, trapezoid
from causalopt.engine.contract import Floats
from causalopt.results import Plotted, Tabled, labelled, nested, plain_number, plot

if TYPE_CHECKING:
    import xarray

    from causalopt.results import Places

_FAILED = [int(np.flatnonzero(name == NAMES)[0]) for name in ("diverged", "nonfinite")]
_UNRESOLVED = int(np.flatnonzero(NAMES == "unresolved")[0])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Sweep(Asked, Plotted, Tabled):
    """Comp and Op over a grid, at one step: the last of the question.

    Attributes:
        axes: Axis -> its values, in the order of the dimensions.
        delta: The nudge's size, None for the limit delta -> 0.
        values: W's value of m, shape [axes...].
        total: The effect of n on m over all paths, likewise.
        direct: The effect over the paths that avoid A.
        comp: Comp, NaN where undefined.
        op: Op in nats, NaN where undefined.
        slopes: Comp as `power` integrates it: where a point lies on a kink to within rounding, the
            one for delta -> 0 from above.
        codes: The status of each point as a place in `causalopt.effects.measures.NAMES`.
        undecided: Points that were not run alone though their status calls for it: too many.
        workers: How many threads ran it.
        execution: What they ran: `llvm` or `numpy`.
    """

    axes: dict[str, Floats]
    delta: float | None
    values: Floats
    total: Floats
    direct: Floats
    comp: Floats
    op: Floats
    slopes: Floats
    codes: NDArray[np.int8]
    undecided: int
    workers: int
    execution: str

    @property
    def at(self) -> int:
        """The step measured."""
        return self.steps

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape."""
        return self.codes.shape

    @property
    def status(self) -> NDArray[np.str_]:
        """What each point's numbers mean: keys of `causalopt.STATUSES`."""
        return NAMES[self.codes]

    def status_at(self, place: tuple[Any, ...]) -> str:
        """Return the status of one point."""
        return str(NAMES[self.codes[place]])

    @property
    def failed(self) -> int:
        """How many points have no finite numbers."""
        return sum(self._counts[code] for code in _FAILED)

    @property
    def left_out(self) -> int:
        """How many points are unresolved: their numbers count in no summary."""
        return self._counts[_UNRESOLVED]

    @property
    def statuses(self) -> dict[str, int]:
        """How many points have each status; those that no point has are not named."""
        return {str(name): n for name, n in zip(NAMES, self._counts, strict=True) if n}

    @functools.cached_property
    def _counts(self) -> list[int]:
        """How many points have each status, in the order of `NAMES`."""
        codes, counts = self.codes.ravel(), np.zeros(len(NAMES), dtype=np.int64)
        for stretch in stretches(len(codes)):
            counts += np.bincount(codes[stretch], minlength=len(NAMES))
        found: list[int] = counts.tolist()
        return found

    @functools.cached_property
    def power(self) -> float | None:
        """The amount of optimization: the integral of 1 - Comp over the nudged axis (trapezoid).

        Defining Optimization, Part 4. None unless the nudged node is the only axis, or where Comp
        is undefined somewhere on it. Unresolved points are left out: the trapezoid reaches from
        neighbour to neighbour, and there is none past an end of the axis that is unresolved. On a
        kink the limit delta -> 0 has two sides, and rounding decides which of them a tangent takes:
        there the integral takes the side delta > 0.
        """
        if list(self.axes) != [self.node_name] or _UNRESOLVED in self.codes[[0, -1]]:
            return None
        slopes, along = self.slopes, self.axes[self.node_name]
        if self.left_out:
            known = self.codes != _UNRESOLVED
            slopes, along = slopes[known], along[known]
        value = trapezoid(1.0, slopes, along)
        return None if math.isnan(value) else value

    def to_dict(self, out: str | None = None) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        low, high = self._range
        result: dict[str, Any] = {
            "out": out,
            "shape": list(self.shape),
            "computed": int(self.codes.size),
            "skipped": 0,
            "failed": self.failed,
            "statuses": self.statuses,
            "left_out": self.left_out,
            "op_min": plain_number(low),
            "op_max": plain_number(high),
        }
        if list(self.axes) == [self.node_name]:
            result["power"] = None if self.power is None else plain_number(self.power)
        return result

    @property
    def _range(self) -> tuple[float, float]:
        """The least and the largest Op of points that are resolved, NaN where none has one."""
        op, codes = self.op.ravel(), self.codes.ravel()
        bounds = []
        for stretch in stretches(len(op)):
            known = op[stretch]
            if self.left_out:
                known = np.where(codes[stretch] == _UNRESOLVED, np.nan, known)
            bounds.append((np.fmin.reduce(known), np.fmax.reduce(known)))
        lows, highs = zip(*bounds, strict=True)
        return float(np.fmin.reduce(lows)), float(np.fmax.reduce(highs))

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with one labelled axis per swept value, and its provenance."""
        return labelled(self)

    def record(self) -> dict[str, Any]:
        """Return the summary with the grid and what was found at its points, as JSON's types."""
        points = {
            "value": self.values,
            "total": self.total,
            "direct": self.direct,
            "comp": self.comp,
            "op": self.op,
        }
        return {
            **self.to_dict(),
            "axes": {name: nested(values) for name, values in self.axes.items()},
            **{name: nested(values) for name, values in points.items()},
            "status": self.status.tolist(),
        }

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            at=str(self.at),
            delta="limit" if self.delta is None else repr(self.delta),
            seed=str(self.seed),
            power="" if self.power is None else repr(self.power),
            execution=f"{self.execution}, {self.workers} threads",
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
        """Return a figure: lines over one axis, a map over two, a map for each slice of more.

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
        shape = " x ".join(f"{name}: {len(values)}" for name, values in self.axes.items())
        lines = [f"{self.op_name} in {self.model.name}, {shape}, at step {self.at}"]
        low, high = self._range
        if math.isnan(low):
            lines.append(f"  Op is {'known' if self.left_out else 'defined'} at no point")
        else:
            lines.append(f"  Op from {low:.6g} to {high:.6g} nats")
        if self.power is not None:
            integral = f"the integral of 1 - Comp over {self.node_name}"
            lines.append(f"  power, {integral}: {self.power:.6g}")
        lines += [f"  {name}: {count} points" for name, count in self.statuses.items()]
        if self.left_out:
            lines.append("  unresolved points are left out of the figures above")
        if self.undecided:
            lines.append(
                f"  {self.undecided} points on a kink, with a zero along a path or with a W that "
                "rounding moves keep the status of floats alone: they were not asked one by one"
            )
        return "\n".join(lines)
