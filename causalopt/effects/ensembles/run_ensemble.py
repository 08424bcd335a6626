"""A run under many seeds: Op over noise, with mean, quantiles and intervals, at every kept step."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.ensembles.noise_lanes import NoiseLanes, columns_of, put, run_alone
from causalopt.effects.ensembles.seed_lists import seeds_text
from causalopt.effects.ensembles.seed_summary import (
    LEVEL,
    PROBABILITIES,
    SeedSummary,
    check_levels,
    shown,
    summarise,
    two_sided,
)
from causalopt.effects.measures import NAMES, ROUNDED_OP
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import QuestionError
from causalopt.results import Plotted, Tabled, labelled, plain
from causalopt.work.progress import through, tick

if TYPE_CHECKING:
    import xarray

    from causalopt.effects.run import Run

MOST_VALUES = 5_000_000  # seeds times kept steps: seven numbers each
_KEPT = 1000  # steps that are kept by default
_CARRIED = 30  # effective seeds below which the jackknife is known to say too little
_DECIDED = np.isin(NAMES, ["ok", "perfect", "only_path"])
_POOLED = np.isin(NAMES, ["ok", "perfect", "only_path", "no_influence"])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RunEnsemble(Asked, Tabled, Plotted):
    """Who optimizes what, and by how much, over the draws of noise.

    W, X and Y of one seed share their draws (common random numbers), and row k is the run with seed
    `seeds[k]`: two ensembles of the same seeds, of other sets A say, are compared seed by seed.

    Attributes:
        delta: The nudge's size, None for the limit delta -> 0.
        seeds: Which seeds, shape [seed]; `seed` is the first of them.
        t: The steps that are kept, shape [t].
        value: W's value of m, shape [seed, t]; NaN where m is several elements of an array.
        total: The derivative of m by n over all paths, likewise; of arrays the Jacobian's norm.
        direct: The derivative of m by n over the paths that avoid A.
        log_total: ln |total|, which never overflows.
        log_direct: ln |direct|.
        comp: Comp = total / direct, NaN where undefined.
        op: Op = -ln |Comp| in nats, NaN where undefined.
        codes: The status of each as a place in `causalopt.effects.measures.NAMES`.
        level: The coverage that intervals are for.
        probabilities: Which quantiles summaries have.
        is_random: Whether anything in the model is drawn; if not, one run stands for all seeds.
        alone: How many seeds were run alone, as `run` does it.
        execution: What ran the lanes: `llvm` or `numpy`; `runs` where each seed was a run.
    """

    delta: float | None
    seeds: tuple[int, ...]
    t: NDArray[np.int64]
    value: Floats
    total: Floats
    direct: Floats
    log_total: Floats
    log_direct: Floats
    comp: Floats
    op: Floats
    codes: NDArray[np.int8]
    level: float
    probabilities: tuple[float, ...]
    is_random: bool
    alone: int
    execution: str

    @property
    def time(self) -> Floats:
        """The time, step * dt, of each kept step, shape [t]; the step where there is no dt."""
        if self.model.is_array:
            return np.asarray(self.model.arrays.time(self.t), dtype=float)
        time: Floats = self.model.template.time(self.t)
        return time

    @property
    def status(self) -> NDArray[np.str_]:
        """What the numbers mean: keys of `causalopt.STATUSES`, shape [seed, t]."""
        return NAMES[self.codes]

    @functools.cached_property
    def decided(self) -> Bools:
        """Where Op stands: it is `ok`, `perfect` or `only_path`, shape [seed, t]."""
        found: Bools = _DECIDED[self.codes]
        return found

    @functools.cached_property
    def statuses(self) -> dict[str, NDArray[np.int64]]:
        """How many seeds have each status that any has: status -> shape [t]."""
        counts = {str(name): (self.codes == k).sum(axis=0) for k, name in enumerate(NAMES)}
        return {name: found for name, found in counts.items() if found.any()}

    def summary(self, measure: str = "op") -> SeedSummary:
        """Return mean, quantiles and intervals of a measure over seeds, at each kept step.

        Args:
            measure: `op`, `comp`, `total`, `direct` or `value`. Op and Comp are of the seeds where
                they stand (`decided`); effects also of those where both are 0.

        Raises:
            QuestionError: There is no such measure.

        Example:
            >>> from causalopt import load, run
            >>> found = run(load("sgd_spread"), seeds=20, steps=30)
            >>> bool((found.summary("total").mean_low <= found.summary("total").mean).all())
            True
        """
        known = {"op": _DECIDED, "comp": _DECIDED, "total": _POOLED, "direct": _POOLED}
        if measure not in (*known, "value"):
            raise QuestionError(
                f"a summary is of op, comp, total, direct or value, found '{measure}'"
            )
        values = getattr(self, measure)
        where = np.isfinite(values) if measure == "value" else known[measure][self.codes]
        return summarise(values, where, level=self.level, probabilities=self.probabilities)

    @functools.cached_property
    def spread(self) -> SeedSummary:
        """Mean, quantiles and intervals of Op over seeds."""
        return self.summary()

    @functools.cached_property
    def _shares(self) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
        """Op of all seeds as one, each seed's share of both sums of squares, and how many count."""
        known = _POOLED[self.codes]
        logs = [np.where(known, part, -np.inf) for part in (self.log_total, self.log_direct)]
        sums = [_log_squares(part) for part in logs]
        count = known.sum(axis=0)
        with np.errstate(invalid="ignore", over="ignore"):
            op = np.where(count > 0, sums[1] - sums[0], np.nan)
            total, direct = (
                np.where(np.isneginf(part), 0.0, np.exp(2 * (part - whole)))
                for part, whole in zip(logs, sums, strict=True)
            )
        return op, total, direct, count

    @functools.cached_property
    def pooled(self) -> tuple[Floats, Floats, Floats]:
        """Op of all seeds as one system, -ln of the ratio of root mean squares, and its interval.

        -1/2 ln(sum total^2 / sum direct^2) over the seeds whose effects stand, with the ends of an
        interval by the jackknife: each seed is left out once (Efron and Tibshirani, 1993). Shape
        [t] each, in nats. The interval is too narrow where few seeds carry the sums: see
        `pooled_seeds`.
        """
        op, total, direct, count = self._shares
        with np.errstate(invalid="ignore", divide="ignore"):
            without = (np.log1p(-direct) - np.log1p(-total)) / 2  # Op without a seed, less Op
            known = _POOLED[self.codes]
            mean = np.where(known, without, 0.0).sum(axis=0) / count
            apart = np.where(known, without - mean, 0.0)
            error = np.sqrt((apart * apart).sum(axis=0) * (count - 1) / count)
            reach = np.array([two_sided(self.level, n - 1) if n > 1 else math.nan for n in count])
            low, high = op - reach * error, op + reach * error
        certain = np.isinf(op) | self.is_constant
        return op, np.where(certain, op, low), np.where(certain, op, high)

    @functools.cached_property
    def pooled_seeds(self) -> Floats:
        """How many seeds of equal weight would carry the pooled Op as unevenly, shape [t].

        Kish's effective number 1 / sum share^2, the smaller one of both effects'.
        """
        _, total, direct, _ = self._shares
        with np.errstate(divide="ignore"):
            found: Floats = 1 / np.maximum((total**2).sum(axis=0), (direct**2).sum(axis=0))
        return np.where(np.isfinite(found), found, 0.0)

    @property
    def is_constant(self) -> Bools:
        """Where every seed has the same Op, to rounding: it does not depend on what was drawn."""
        with np.errstate(invalid="ignore"):
            apart = self.op.max(axis=0) - self.op.min(axis=0)
        same: Bools = self.spread.is_constant | (apart <= ROUNDED_OP)
        return self.decided.all(axis=0) & same

    def less(self, other: RunEnsemble) -> SeedSummary:
        """Return Op less another ensemble's, seed by seed: draws that both share cancel.

        Args:
            other: Of the same seeds and steps, such as that of another set A.

        Raises:
            QuestionError: Its seeds or its kept steps are others.

        Example:
            >>> from causalopt import load, run
            >>> model = load("sgd_spread")
            >>> found = run(model, seeds=10, steps=5)
            >>> found.less(found).mean.tolist()[-1]
            0.0
        """
        if self.seeds != other.seeds or not np.array_equal(self.t, other.t):
            raise QuestionError(
                "ensembles are compared seed by seed: ask both with the same seeds, steps and every"
            )
        with np.errstate(invalid="ignore"):
            apart = np.where(self.op == other.op, 0.0, self.op - other.op)
        known = self.decided & other.decided
        return summarise(apart, known, level=self.level, probabilities=self.probabilities)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None.

        `op` and the other measures have one entry per kept step; `last` is every seed's at the last
        step.
        """
        pooled: dict[str, Any] = dict(
            zip(("value", "low", "high"), map(plain, self.pooled), strict=True)
        )
        pooled["effective_seeds"] = plain(self.pooled_seeds)
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "steps": self.steps,
            "delta": self.delta,
            "seeds": list(self.seeds),
            "level": self.level,
            "t": plain(self.time),
            "step": self.t.tolist(),
            "op": self.spread.to_dict(),
            "pooled": pooled,
            "comp": self.summary("comp").to_dict(),
            "total": self.summary("total").to_dict(),
            "direct": self.summary("direct").to_dict(),
            "constant": self.is_constant.tolist(),
            "statuses": {name: counts.tolist() for name, counts in self.statuses.items()},
            "last": {
                "total": plain(self.total[:, -1]),
                "direct": plain(self.direct[:, -1]),
                "comp": plain(self.comp[:, -1]),
                "op": plain(self.op[:, -1]),
                "status": self.status[:, -1].tolist(),
            },
            "notes": self.notes,
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with labelled axes `seed`, `t`, `quantile` and `state`, and its provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            delta="limit" if self.delta is None else repr(self.delta),
            execution=self.execution,
            given="; ".join(repr(i) for i in self.given),
            seeds=seeds_text(self.seeds),
            level=repr(self.level),
        )

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know besides, a sentence each."""
        found = []
        if not self.is_random:
            found.append(
                f"nothing in {self.model.name} is drawn: one run stands for all seeds, and "
                "intervals have width 0"
            )
        elif self.is_constant[-1]:
            found.append(
                "every seed has the same Op at the last step: these derivatives do not depend on "
                "what noise draws, and intervals have width 0"
            )
        open_ = int((~self.decided[:, -1]).sum())
        if 0 < open_ < len(self.seeds):
            found.append(
                f"{open_} of {len(self.seeds)} seeds are undecided at the last step: means are of "
                "the others, and the ends of quantiles' intervals hold wherever those lie"
            )
        effective = self.pooled_seeds[-1]
        if 0 < effective < _CARRIED and not self.is_constant[-1]:
            found.append(
                f"{effective:.2g} of {len(self.seeds)} seeds carry the pooled Op (their effective "
                "number): its interval is too narrow; ask more seeds, or read mean and quantiles"
            )
        return found

    def columns(self) -> dict[str, Floats]:
        """Return what a table shows for each kept step, by heading, shape [t] each."""
        spread = self.spread
        quantiles = {
            f"{100 * p:g} %": row
            for p, row in zip(self.probabilities, spread.quantiles, strict=True)
        }
        return {
            "mean Op": spread.mean,
            "low": spread.mean_low,
            "high": spread.mean_high,
            **quantiles,
            "pooled": self.pooled[0],
        }

    def __repr__(self) -> str:
        size = "delta -> 0" if self.delta is None else f"delta = {self.delta:g}"
        many = f"{len(self.seeds)} seeds ({seeds_text(self.seeds)})"
        lines = [f"{self.op_name} in {self.model.name}, {size}, over {many}"]
        is_timed = self.model.dt is not None
        when = f"time = {self.time[-1]:g} (step {self.steps})" if is_timed else f"t = {self.steps}"
        lines += [f"  {when}:", *(f"    {text}" for text in self._at_last())]
        counts = [f"{name} {found[-1]}" for name, found in self.statuses.items() if found[-1]]
        lines.append(f"    status: {', '.join(counts)}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _at_last(self) -> list[str]:
        spread, percent = self.spread, f"{100 * self.level:g} %"
        if not spread.decided[-1]:
            return ["Op is decided in no seed"]
        lines = [
            f"mean Op = {shown(spread.mean[-1])} nats, {percent} interval "
            f"[{shown(spread.mean_low[-1])}, {shown(spread.mean_high[-1])}]"
        ]
        for p, *ends in zip(
            spread.probabilities,
            spread.quantiles[:, -1],
            spread.quantiles_low[:, -1],
            spread.quantiles_high[:, -1],
            strict=True,
        ):
            value, low, high = map(shown, ends)
            name = "median" if p == 0.5 else f"{100 * p:g} % quantile"
            lines.append(f"{name} {value} [{low}, {high}]")
        value, low, high = (shown(part[-1]) for part in self.pooled)
        lines.append(f"pooled Op {value} [{low}, {high}]")
        return lines


def _log_squares(logs: Floats) -> Floats:
    """Return half the log of the sum of squares over the first axis, from logs of sizes."""
    with np.errstate(divide="ignore"):
        found: Floats = 0.5 * np.logaddexp.reduce(2 * logs, axis=0)
    return found


def kept_steps(steps: int, every: int | None, seeds: int) -> NDArray[np.int64]:
    """Return the steps whose numbers are kept: every so many, and the last.

    Args:
        steps: The last step.
        every: Between one and the next; such that at most a thousand and one are kept when None.
        seeds: How many seeds.

    Raises:
        QuestionError: Not a step or more, or more numbers than fit.

    Example:
        >>> kept_steps(10, 4, 2).tolist(), len(kept_steps(100_000, None, 1000))
        ([0, 4, 8, 10], 1001)
    """
    if every is not None and (isinstance(every, bool) or every < 1):
        raise QuestionError(f"every is a number of steps from 1 up, found {every}")
    apart = max(-(-steps // _KEPT), 1) if every is None else every
    found = np.unique(np.append(np.arange(0, steps + 1, apart), steps))
    if len(found) * seeds > MOST_VALUES:
        least = -(-steps * seeds // MOST_VALUES) + 1
        raise QuestionError(
            f"{seeds} seeds at {len(found)} steps are more than {MOST_VALUES:,} numbers of each "
            f"kind: keep fewer steps, such as every={least} (--every {least}), or ask fewer seeds"
        )
    return found


def ensemble_of_numbers(
    asked: Asked,
    seeds: Sequence[int],
    *,
    delta: float | None = None,
    every: int | None = None,
    level: float = LEVEL,
    quantiles: Sequence[float] = PROBABILITIES,
    workers: int | None = None,
) -> RunEnsemble:
    """Return a question's answers under many seeds, for a model of numbers.

    Args:
        asked: The question; its seed plays no part.
        seeds: Distinct seeds, two or more.
        delta: The nudge's size; None for the limit.
        every: How many steps lie between kept ones; None for at most a thousand and one steps.
        level: The coverage of intervals.
        quantiles: Which quantiles.
        workers: Threads; one per processor when not given. Numbers do not depend on them.

    Raises:
        QuestionError: The question cannot be asked, or settings do not fit.
    """
    probabilities = check_levels(level, quantiles)
    if workers is not None and workers < 1:
        raise QuestionError(f"workers must be at least 1, found {workers}")
    kept = kept_steps(asked.steps, every, len(seeds))
    asked = dataclasses.replace(asked, seed=seeds[0])
    is_random = any(v.noise is not None for v in asked.model.variables.values())
    if is_random:
        lanes = NoiseLanes(asked, seeds, kept.tolist(), delta)
        columns = columns_of(len(seeds), len(kept))
        alone = lanes.run(columns, workers)
        execution = lanes.execution
    else:
        columns, alone = columns_of(1, len(kept)), 1
        effect, table = run_alone(asked, delta)
        place = asked.model.template.index[asked.target]
        put(columns, 0, effect, table[:, place], kept.tolist())
        execution = effect.execution
        columns = {
            name: np.broadcast_to(part, (len(seeds), len(kept))) for name, part in columns.items()
        }
        tick(len(seeds), len(seeds))
    own: dict[str, Any] = {f.name: getattr(asked, f.name) for f in dataclasses.fields(Asked)}
    own |= columns
    return RunEnsemble(
        **own,
        delta=delta,
        seeds=tuple(seeds),
        t=kept,
        level=level,
        probabilities=probabilities,
        is_random=is_random,
        alone=alone,
        execution=execution,
    )


def ensemble_of_runs(
    run: Callable[[int], Run],
    seeds: Sequence[int],
    *,
    every: int | None = None,
    level: float = LEVEL,
    quantiles: Sequence[float] = PROBABILITIES,
) -> RunEnsemble:
    """Return a question's answers under many seeds, each a run of its own: of models with arrays.

    Args:
        run: Gives the run of a seed.
        seeds: Distinct seeds, two or more.
        every: How many steps lie between kept ones, as for `ensemble_of_numbers`.
        level: The coverage of intervals.
        quantiles: Which quantiles.
    """
    probabilities = check_levels(level, quantiles)
    first = run(seeds[0])
    kept = kept_steps(first.steps, every, len(seeds))
    columns = columns_of(len(seeds), len(kept))
    for k, seed in enumerate(through(seeds)):
        found = first if k == 0 else run(seed)
        course = np.asarray(found.W.get(found.target, np.nan), dtype=float)
        values = course.reshape(-1) if course.size == found.steps + 1 else None
        nothing = np.full(found.steps + 1, np.nan)
        put(columns, k, found.effect, nothing if values is None else values, kept.tolist())
    own: dict[str, Any] = {f.name: getattr(first, f.name) for f in dataclasses.fields(Asked)}
    own |= columns
    return RunEnsemble(
        **own,
        delta=first.delta,
        seeds=tuple(seeds),
        t=kept,
        level=level,
        probabilities=probabilities,
        is_random=True,
        alone=len(seeds),
        execution="runs",
    )
