"""Rates under many seeds: Op per unit of time, and exponents, over realisations of the noise."""

from __future__ import annotations

import dataclasses
import functools
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.ensembles.seed_lists import seeds_text
from causalopt.effects.ensembles.seed_summary import (
    LEVEL,
    PROBABILITIES,
    SeedSummary,
    check_levels,
    summarise,
)
from causalopt.engine.contract import Floats
from causalopt.results import Plotted, Tabled, labelled, plain
from causalopt.work.progress import through

if TYPE_CHECKING:
    import xarray

_DECIDED = ("ok", "perfect", "only_path")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RatesEnsemble(Tabled, Plotted):
    """Op per unit of time and exponents, one realisation of the noise a row.

    Attributes:
        model: The model's name.
        hold: The held variables, A.
        nudge: The nudged node n; empty where no question was asked.
        target: The measured variable m; likewise.
        seeds: Which seeds, shape [seed].
        op_rate: Each seed's slope of log|direct| - log|total|, shape [seed].
        error: Its standard error within that one run, likewise.
        lyapunov: Exponents of the whole system, largest first, shape [seed, exponent].
        conditional: Exponents of B driven by A, likewise.
        status: Of Op in the long run, shape [seed].
        unit: What the numbers are in.
        steps: How many steps they are fitted to.
        transient: How many steps were run before.
        level: The coverage that intervals are for.
        probabilities: Which quantiles summaries have.
        is_random: Whether anything in the model is drawn; if not, one run stands for all seeds.
    """

    model: str
    hold: str
    nudge: str
    target: str
    seeds: tuple[int, ...]
    op_rate: Floats
    error: Floats
    lyapunov: Floats
    conditional: Floats
    status: NDArray[np.str_]
    unit: str
    steps: int
    transient: int
    level: float
    probabilities: tuple[float, ...]
    is_random: bool

    @functools.cached_property
    def spread(self) -> SeedSummary:
        """Mean, quantiles and intervals of Op per unit of time over seeds, shape [1]."""
        known = np.isin(self.status, _DECIDED)
        return self._of(self.op_rate[:, np.newaxis], known[:, np.newaxis])

    def exponents(self, which: str = "lyapunov") -> SeedSummary:
        """Return the same of `lyapunov` or `conditional` exponents, shape [exponent]."""
        table = self.lyapunov if which == "lyapunov" else self.conditional
        return self._of(table, ~np.isnan(table))

    def _of(self, table: Floats, known: Any) -> SeedSummary:
        return summarise(table, known, level=self.level, probabilities=self.probabilities)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        names, counts = np.unique(self.status, return_counts=True)
        return {
            "model": self.model,
            "hold": self.hold,
            "nudge": self.nudge,
            "target": self.target,
            "seeds": list(self.seeds),
            "level": self.level,
            "unit": self.unit,
            "steps": self.steps,
            "transient": self.transient,
            "op_rate": self.spread.to_dict(),
            "lyapunov": self.exponents("lyapunov").to_dict(),
            "conditional": self.exponents("conditional").to_dict(),
            "statuses": dict(zip(names.tolist(), counts.tolist(), strict=True)),
            "each": {
                "op_rate": plain(self.op_rate),
                "error": plain(self.error),
                "status": self.status.tolist(),
            },
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with labelled axes `seed`, `exponent` and `quantile`, and its provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return {
            "model": self.model,
            "nudge": self.nudge,
            "hold": self.hold,
            "target": self.target,
            "seeds": seeds_text(self.seeds),
            "steps": str(self.steps),
            "transient": str(self.transient),
            "unit": self.unit,
            "level": repr(self.level),
            "causalopt": version("causalopt"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        }

    def __repr__(self) -> str:
        held = f", A = {{{self.hold}}}" if self.hold else ""
        asked = f", n = {self.nudge}, m = {self.target}" if self.nudge else ""
        many = f"{len(self.seeds)} seeds ({seeds_text(self.seeds)})"
        lines = [f"{self.model}{held}{asked}, {self.steps} steps, {self.unit}, over {many}"]
        if self.hold:
            lines.append(f"  Op per unit of time: {self.spread.at(0)}")
        lines.append(f"  largest Lyapunov exponent: {self.exponents('lyapunov').at(0)}")
        if self.conditional.shape[1]:
            lines.append(f"  largest exponent given A: {self.exponents('conditional').at(0)}")
        names, counts = np.unique(self.status, return_counts=True)
        pairs = zip(names.tolist(), counts.tolist(), strict=True)
        lines.append("  status: " + ", ".join(f"{name} {count}" for name, count in pairs))
        if not self.is_random:
            lines.append("  nothing is drawn: one run stands for all seeds")
        return "\n".join(lines)


def rates_over_noise(
    rates: Callable[[int], Any],
    seeds: Sequence[int],
    *,
    is_random: bool,
    level: float = LEVEL,
    quantiles: Sequence[float] = PROBABILITIES,
) -> RatesEnsemble:
    """Return a model's rates under many seeds.

    Args:
        rates: Gives the rates of a seed.
        seeds: Distinct seeds, two or more.
        is_random: Whether anything is drawn; if not, one run stands for all.
        level: The coverage of intervals.
        quantiles: Which quantiles.
    """
    probabilities = check_levels(level, quantiles)
    found = [rates(seed) for seed in through(seeds if is_random else seeds[:1])]
    every = found if is_random else found * len(seeds)
    first = found[0]
    return RatesEnsemble(
        model=first.model,
        hold=first.hold,
        nudge=first.nudge,
        target=first.target,
        seeds=tuple(seeds),
        op_rate=np.array([one.op_rate for one in every]),
        error=np.array([one.error for one in every]),
        lyapunov=np.array([one.lyapunov for one in every]),
        conditional=np.array([one.conditional for one in every]),
        status=np.array([one.status for one in every]),
        unit=first.unit,
        steps=first.steps,
        transient=first.transient,
        level=level,
        probabilities=probabilities,
        is_random=is_random,
    )
