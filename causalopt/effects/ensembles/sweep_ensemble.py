"""A sweep under many seeds: Op over noise, with mean, quantiles and intervals, at every point."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.ensembles.seed_lists import seeds_text
from causalopt.effects.ensembles.seed_summary import (
    LEVEL,
    PROBABILITIES,
    SeedSummary,
    check_levels,
    shown,
    summarise,
)
from causalopt.effects.measures import NAMES
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import QuestionError
from causalopt.results import Plotted, Tabled, labelled, nested, plain_number
from causalopt.work.progress import through

if TYPE_CHECKING:
    import xarray

MOST_POINTS = 10_000_000  # seeds times points: five numbers each
_DECIDED = np.isin(NAMES, ["ok", "perfect", "only_path"])
_EFFECTS = np.isin(NAMES, ["ok", "perfect", "only_path", "no_influence"])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SweepEnsemble(Asked, Plotted, Tabled):
    """Comp and Op over a grid and over the draws of noise, at one step.

    Row k is the sweep with seed `seeds[k]`: all points of a seed share its draws, so that
    differences along an axis are not those of the noise.

    Attributes:
        axes: Axis -> its values, in the order of the dimensions.
        delta: The nudge's size, None for the limit delta -> 0.
        seeds: Which seeds; `seed` is the first of them.
        values: W's value of m, shape [seed, axes...].
        total: The effect of n on m over all paths, likewise.
        direct: The effect over the paths that avoid A.
        comp: Comp, NaN where undefined.
        op: Op in nats, NaN where undefined.
        codes: The status of each as a place in `causalopt.effects.measures.NAMES`.
        powers: Each seed's `power`, where the nudged node is the only axis; NaN where it has none.
        level: The coverage that intervals are for.
        probabilities: Which quantiles summaries have.
        undecided: Points that were not run alone though their status calls for it.
        workers: How many threads ran it.
        execution: What they ran.
    """

    axes: dict[str, Floats]
    delta: float | None
    seeds: tuple[int, ...]
    values: Floats
    total: Floats
    direct: Floats
    comp: Floats
    op: Floats
    codes: NDArray[np.int8]
    powers: Floats
    level: float
    probabilities: tuple[float, ...]
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
        return self.codes.shape[1:]

    @property
    def status(self) -> NDArray[np.str_]:
        """What the numbers mean: keys of `causalopt.STATUSES`, shape [seed, axes...]."""
        return NAMES[self.codes]

    @property
    def decided(self) -> Bools:
        """Where Op stands: it is `ok`, `perfect` or `only_path`, shape [seed, axes...]."""
        found: Bools = _DECIDED[self.codes]
        return found

    @property
    def statuses(self) -> dict[str, int]:
        """How many points of all seeds have each status that any has."""
        counts = np.bincount(self.codes.ravel(), minlength=len(NAMES)).tolist()
        return {str(name): count for name, count in zip(NAMES, counts, strict=True) if count}

    def summary(self, measure: str = "op") -> SeedSummary:
        """Return mean, quantiles and intervals of a measure over seeds, at each point.

        Args:
            measure: `op`, `comp`, `total`, `direct` or `values`.

        Raises:
            QuestionError: There is no such measure.
        """
        known = {"op": _DECIDED, "comp": _DECIDED, "total": _EFFECTS, "direct": _EFFECTS}
        if measure not in (*known, "values"):
            raise QuestionError(
                f"a summary is of op, comp, total, direct or values, found '{measure}'"
            )
        table = getattr(self, measure).reshape(len(self.seeds), -1)
        codes = self.codes.reshape(len(self.seeds), -1)
        where = np.isfinite(table) if measure == "values" else known[measure][codes]
        found = summarise(table, where, level=self.level, probabilities=self.probabilities)
        return found.shaped(self.shape)

    @functools.cached_property
    def spread(self) -> SeedSummary:
        """Mean, quantiles and intervals of Op over seeds, shape [axes...]."""
        return self.summary()

    @property
    def power(self) -> SeedSummary | None:
        """Mean and quantiles of `power` over seeds, shape [1]; None where it has no meaning."""
        if list(self.axes) != [self.node_name]:
            return None
        column = self.powers[:, np.newaxis]
        return summarise(
            column, ~np.isnan(column), level=self.level, probabilities=self.probabilities
        )

    def to_dict(self, out: str | None = None) -> dict[str, Any]:
        """Return the summary as JSON's types, `op` point by point in the grid's order."""
        table = self.op.reshape(len(self.seeds), -1)
        codes = self.codes.reshape(len(self.seeds), -1)
        op = summarise(table, _DECIDED[codes], level=self.level, probabilities=self.probabilities)
        known = op.mean[op.decided > 0]
        result: dict[str, Any] = {
            "out": out,
            "shape": list(self.shape),
            "seeds": list(self.seeds),
            "level": self.level,
            "axes": {name: values.tolist() for name, values in self.axes.items()},
            "computed": int(self.codes.size),
            "statuses": self.statuses,
            "op_min": plain_number(float(np.nanmin(known)) if len(known) else math.nan),
            "op_max": plain_number(float(np.nanmax(known)) if len(known) else math.nan),
            "op": op.to_dict(),
        }
        if self.power is not None:
            result["power"] = self.power.to_dict()
        return result

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with labelled axes `seed`, `quantile` and one per swept value."""
        return labelled(self)

    def record(self) -> dict[str, Any]:
        """Return the summary with the grid and what was found at its points, as JSON's types."""
        points = {"value": self.values, "comp": self.comp, "op": self.op}
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
            seeds=seeds_text(self.seeds),
            level=repr(self.level),
            execution=f"{self.execution}, {self.workers} threads",
        )

    def __repr__(self) -> str:
        shape = " x ".join(f"{name}: {len(values)}" for name, values in self.axes.items())
        lines = [
            f"{self.op_name} in {self.model.name}, {shape}, at step {self.at}, over "
            f"{len(self.seeds)} seeds ({seeds_text(self.seeds)})"
        ]
        spread = self.spread
        known = spread.decided > 0
        if not known.any():
            lines.append("  Op is decided at no point")
        else:
            lines += self._extremes(spread, known)
        if spread.is_constant.all():
            lines.append("  every seed has the same Op: intervals have width 0")
        if self.power is not None:
            lines.append(f"  power over {self.node_name}: {self.power.at(0)}")
        lines += [f"  {name}: {count} points of all seeds" for name, count in self.statuses.items()]
        return "\n".join(lines)

    def _extremes(self, spread: SeedSummary, known: Bools) -> list[str]:
        """Return the points with the least and the largest mean, with their intervals."""
        lines = []
        for word, function in (("least", np.nanargmin), ("largest", np.nanargmax)):
            means = np.where(known, spread.mean, np.nan)
            if np.isnan(means).all():
                continue
            place = np.unravel_index(int(function(means)), self.shape)
            where = ", ".join(
                f"{name} = {values[k]:g}"
                for (name, values), k in zip(self.axes.items(), place, strict=True)
            )
            mean, low, high = (
                shown(float(part[place]))
                for part in (spread.mean, spread.mean_low, spread.mean_high)
            )
            lines.append(f"  {word} mean Op {mean} nats [{low}, {high}], at {where}")
        return lines


def sweep_over_noise(
    sweep: Callable[[int], Any],
    seeds: Sequence[int],
    *,
    level: float = LEVEL,
    quantiles: Sequence[float] = PROBABILITIES,
) -> SweepEnsemble:
    """Return a sweep's answers under many seeds.

    Args:
        sweep: Gives the sweep of a seed.
        seeds: Distinct seeds, two or more.
        level: The coverage of intervals.
        quantiles: Which quantiles.

    Raises:
        QuestionError: There are more points than fit.
    """
    probabilities = check_levels(level, quantiles)
    names = ("values", "total", "direct", "comp", "op", "codes")
    tables: dict[str, NDArray[Any]] = {}
    powers, undecided = np.full(len(seeds), np.nan), 0
    for k, seed in enumerate(through(seeds)):
        found = sweep(seed)
        if k == 0:
            if found.codes.size * len(seeds) > MOST_POINTS:
                raise QuestionError(
                    f"{len(seeds)} seeds of {found.codes.size} points are more than "
                    f"{MOST_POINTS:,}: ask fewer seeds, or a coarser grid"
                )
            first = found
            tables = {
                name: np.empty((len(seeds), *found.shape), dtype=getattr(found, name).dtype)
                for name in names
            }
        for name, table in tables.items():
            table[k] = getattr(found, name)
        powers[k] = math.nan if found.power is None else found.power
        undecided += found.undecided
    own: dict[str, Any] = {f.name: getattr(first, f.name) for f in dataclasses.fields(Asked)}
    own |= tables
    return SweepEnsemble(
        **own,
        axes=first.axes,
        delta=first.delta,
        seeds=tuple(seeds),
        powers=powers,
        level=level,
        probabilities=probabilities,
        undecided=undecided,
        workers=first.workers,
        execution=first.execution,
    )
