"""The result of a sweep of any measure over axes of any kind, in memory."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from causalopt.results import Plotted, Tabled, nested, plain_number, plot
from causalopt.sweeps.sweep_plan import SweepPlan, versions
from causalopt.sweeps.task_summary import FAILED

if TYPE_CHECKING:
    from causalopt.model.model import Model
    from causalopt.results import Places


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class MeasureSweep(Plotted, Tabled):
    """What a measure finds at every point of a grid; its variables are attributes too.

    Attributes:
        plan: What was measured where.
        columns: Variable -> its values, shape [axes...]; `codes` are those of `status`.
        failures: Task -> why it failed, where one did; its points have the status `missing`.
    """

    plan: SweepPlan
    columns: dict[str, NDArray[Any]]
    failures: dict[int, str]

    def __getattr__(self, name: str) -> Any:
        columns = self.__dict__.get("columns", {})
        if name in columns:
            return columns[name]
        raise AttributeError(
            f"a {type(self).__name__} has no '{name}': it has {', '.join(columns)}"
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.columns})

    @property
    def model(self) -> Model:
        """The model, under all changes that were not swept."""
        return self.plan.model

    @property
    def axes(self) -> dict[str, NDArray[Any]]:
        """Quantity -> its values along its axis, in the order of the dimensions."""
        return {
            name: np.asarray(values[:])
            for axis in self.plan.axes
            for name, values in axis.quantities.items()
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape."""
        return self.plan.shape

    @property
    def codes(self) -> NDArray[np.int8]:
        """The status of each point as a place among the measure's statuses, -1 where missing."""
        return self.columns["status"]

    @functools.cached_property
    def status(self) -> NDArray[np.object_]:
        """The status of each point, as a word."""
        words = np.array([*self.plan.measure.statuses, "missing"], dtype=object)
        found: NDArray[np.object_] = words[self.codes]
        return found

    @property
    def statuses(self) -> dict[str, int]:
        """How many points have each status; those that no point has are not named."""
        return count_statuses(self.plan, self.codes)

    def to_dict(self, out: str | None = None) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        drawn = self.plan.measure.drawn
        low, high = finite_range(self.columns[drawn], self.codes, self.plan)
        return summary_dict(self.plan, self.statuses, (low, high), out=out)

    def record(self) -> dict[str, Any]:
        """Return the summary with the grid and what was found at its points, as JSON's types."""
        found = {name: nested(values) for name, values in self.columns.items() if name != "status"}
        return {
            **self.to_dict(),
            "axes": {name: nested(values) for name, values in self.axes.items()},
            **found,
            "status": self.status.tolist(),
        }

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, measure and its settings, versions."""
        return provenance_of(self.plan)

    def plot(
        self,
        *,
        measure: str | None = None,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure: lines over one axis, a map over two, panels for lists and more axes.

        Args:
            measure: The variable that is drawn; the measure's first by default.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".
        """
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, measure=measure, **where)

    def __repr__(self) -> str:
        low_high = finite_range(self.columns[self.plan.measure.drawn], self.codes, self.plan)
        return "\n".join(summary_lines(self.plan, self.statuses, low_high))


def measured_grid(plan: SweepPlan) -> dict[str, NDArray[Any]]:
    """Return room for a plan's results, nothing known yet: variable -> shape [axes...]."""
    return {
        one.name: np.full(plan.shape, np.nan)
        if one.dtype == "f8"
        else np.full(plan.shape, -1 if one.name == "status" else 0, dtype=np.int8)
        for one in plan.variables
    }


def count_statuses(plan: SweepPlan, codes: NDArray[np.int8]) -> dict[str, int]:
    """Return how many points have each status, `missing` last."""
    names = ("missing", *plan.measure.statuses)
    counts = np.bincount(codes.ravel().astype(np.int64) + 1, minlength=len(names)).tolist()
    found = {name: count for name, count in zip(names, counts, strict=True) if count}
    missing = found.pop("missing", 0)
    return found | ({"missing": missing} if missing else {})


def finite_range(
    values: NDArray[np.float64], codes: NDArray[np.int8], plan: SweepPlan
) -> tuple[float, float]:
    """Return the least and the largest value of points that are resolved, NaN where none is."""
    statuses = plan.measure.statuses
    known = values
    if "unresolved" in statuses:
        known = np.where(codes == statuses.index("unresolved"), np.nan, values)
    low, high = (bound.reduce(known, axis=None) for bound in (np.fmin, np.fmax))
    return float(low), float(high)


def summary_dict(
    plan: SweepPlan,
    statuses: dict[str, int],
    low_high: tuple[float, float],
    *,
    out: str | None = None,
    skipped: int = 0,
) -> dict[str, Any]:
    """Return the summary of a sweep as JSON's types.

    Args:
        plan: What was measured where.
        statuses: How many points have each status.
        low_high: The least and the largest value of what is drawn.
        out: Where it was written.
        skipped: Points that a store had already.
    """
    drawn = plan.measure.drawn
    return {
        "out": out,
        "measure": plan.measure.name,
        "shape": list(plan.shape),
        "computed": plan.count - statuses.get("missing", 0) - skipped,
        "skipped": skipped,
        "failed": sum(statuses.get(name, 0) for name in FAILED),
        "missing": statuses.get("missing", 0),
        "statuses": statuses,
        "left_out": statuses.get("unresolved", 0),
        f"{drawn}_min": plain_number(low_high[0]),
        f"{drawn}_max": plain_number(low_high[1]),
    }


def summary_lines(
    plan: SweepPlan, statuses: dict[str, int], low_high: tuple[float, float]
) -> list[str]:
    """Return the short text of a sweep, a line each."""
    shape = " x ".join(f"{axis.name}: {len(axis):,}" for axis in plan.axes)
    drawn = next(one for one in plan.variables if one.name == plan.measure.drawn)
    unit = drawn.attrs.get("units", "")
    unit = {"nat": "nats"}.get(unit, unit)
    lines = [f"{plan.measure.title} in {plan.model.name}, {shape}"]
    if low_high[0] != low_high[0]:
        lines.append(f"  {drawn.name} is known at no point")
    else:
        lines.append(f"  {drawn.name} from {low_high[0]:.6g} to {low_high[1]:.6g} {unit}".rstrip())
    return lines + [f"  {name}: {count:,} points" for name, count in statuses.items()]


def provenance_of(plan: SweepPlan) -> dict[str, str]:
    """Return what made a sweep's numbers: model, measure and its settings, versions."""
    settings = {name: str(value) for name, value in plan.measure.settings().items()}
    return {
        "model": plan.model.name,
        "model_hash": plan.model.fingerprint,
        "source": plan.model.source,
        "measure": plan.measure.name,
        **{name: text for name, text in settings.items() if text not in ("None", "{}", "[]")},
        **versions(),
    }
