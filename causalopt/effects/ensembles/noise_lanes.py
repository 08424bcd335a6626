"""One question under many seeds, each a lane of a batch, on threads.

W, X and Y of a lane share its draws, and lane k is the run with seed k: the same code takes it
through the same steps. What a batch cannot tell the truth of is run alone, as `run` does it: seeds
that meet a kink, a zero along a path or a value that is not finite; seeds whose effects part from
those of a twin, whose every value is moved by a few times what it rounds in the first and the last
seed; and all of them, where one of these two, run alone, is other than in the batch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.doubts.drift import rounded_by
from causalopt.effects.doubts.error_bounds import EPSILON
from causalopt.effects.finite import finite_effect
from causalopt.effects.limit import check_integers, read_by, tangent_effect
from causalopt.effects.measures import NAMES, Effect, Part, ratios, status_codes
from causalopt.engine.batch import LANES, Batch, BatchResult
from causalopt.engine.batch_choice import batch_runner
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.linearization import linearize
from causalopt.engine.processor_count import processors
from causalopt.engine.signs import counter_signs
from causalopt.model.reach import reachable
from causalopt.model.template import equations_mask, refuse_between
from causalopt.work.threads import on_threads
from causalopt.worlds.interventions import given_nodes
from causalopt.worlds.noise import draw_seeds

FIELDS = ("value", "total", "direct", "log_total", "log_direct", "comp", "op")
_CHUNK = 1 << 21  # draws of one noise that are held at once
_PARTED = 2.0**-10  # share of an effect by which a twin's may differ: far below an eighth
_SAME = 1e-6  # share by which a seed that is run alone may differ
_ULP = 2.0**-52
_FEW = 4  # times what a value rounds: values of other seeds may be larger
_UNRESOLVED = int(np.flatnonzero(NAMES == "unresolved")[0])
Columns = dict[str, NDArray[Any]]


def columns_of(count: int, kept: int) -> Columns:
    """Return room for what is said of each seed at each kept step, shape [seed, t] each."""
    columns: Columns = {name: np.full((count, kept), np.nan) for name in FIELDS}
    columns["codes"] = np.zeros((count, kept), dtype=np.int8)
    return columns


def put(columns: Columns, k: int, effect: Effect, values: Floats, kept: Sequence[int]) -> None:
    """Write what a run says of a seed into its row.

    Args:
        columns: Written to.
        k: Which row.
        effect: The run's, shape [t].
        values: W's value of m, shape [t].
        kept: The kept steps.
    """
    codes = status_codes(effect)
    comp, op = ratios(effect, codes)
    found: Columns = {
        "value": values,
        "total": effect.total.value,
        "direct": effect.direct.value,
        "log_total": effect.total.log,
        "log_direct": effect.direct.log,
        "comp": comp,
        "op": op,
        "codes": codes,
    }
    steps = np.asarray(kept)
    for name, whole in found.items():
        columns[name][k] = np.broadcast_to(whole, effect.held.shape)[steps]


def run_alone(asked: Asked, delta: float | None) -> tuple[Effect, Floats]:
    """Return a seed's effect as `run` has it, shape [t], and W, shape [t, equation]."""
    if delta is None:
        run, answer = tangent_effect(asked)
        table = run.values
    else:
        worlds, answer = finite_effect(asked, delta)
        table = worlds[0].table
    check_integers(asked.model, table)
    return answer(), table


class NoiseLanes:
    """The lanes of one question, made ready to run.

    Args:
        asked: The question; its own seed plays no part.
        seeds: One a lane.
        kept: Steps to keep, ascending.
        delta: The nudge's size; None for the limit.
    """

    def __init__(
        self, asked: Asked, seeds: Sequence[int], kept: Sequence[int], delta: float | None
    ) -> None:
        model, template = asked.model, asked.model.template
        if delta is None:
            refuse_between(template, asked.nudge.variable, asked.target)
        self._asked, self._delta = asked, delta
        self.seeds, self.kept = tuple(seeds), tuple(kept)
        self._plan = plan = self._alone(0).plan()
        self._noisy = [n for n, v in model.variables.items() if v.noise is not None]
        self._given = self._given_rows(plan)
        i = template.index[asked.target]
        whole = [k for k, e in enumerate(template.equations) if e.is_integer and k != i]
        outputs = (i, *whole)
        self._whole = [k for k, place in enumerate(outputs) if template.equations[place].is_integer]
        rows = np.array(self.kept)
        self._paths = [
            np.asarray(reachable(template, plan, avoid_held=avoid).of(i))[rows]
            for avoid in (False, True)
        ]
        self._held = plan.held_table[rows, i]
        drifting = linearize(template.structure).drifting
        read = frozenset(np.flatnonzero(read_by(model, [i])).tolist())
        self._batch = Batch(
            plan,
            {},
            {},
            self.kept,
            outputs,
            mode="tangents" if delta is None else "finite",
            delta=delta or 0.0,
            near=delta is None and bool(linearize(template.structure).gaps),
            drawn=self._draws([0]),
        )
        self._runner = batch_runner(template.structure, self._batch)
        self._ends = {k: run_alone(self._alone(k), delta) for k in (0, len(self.seeds) - 1)}
        self._twin = self._moved() if delta is None and drifting & read else None

    @property
    def execution(self) -> str:
        """What runs the lanes: `llvm` or `numpy`."""
        return self._runner.execution

    def _moved(self) -> Batch:
        """Return the twin: all that rounds is moved, by more than it rounds in two of the seeds."""
        template, last = self._asked.model.template, self._asked.steps
        found = [rounded_by(template, self._plan, table, last) for _, table in self._ends.values()]
        size, plan = np.fmax(found[0][0], found[1][0]), found[0][1]
        moved = dataclasses.replace(
            plan,
            values=plan.values * (1 + _ULP),
            parameters=plan.parameters * (1 + _ULP),
            shifts=plan.shifts + _FEW * counter_signs(0, size.shape) * size,
        )
        return dataclasses.replace(self._batch, plan=moved)

    def _alone(self, lane: int) -> Asked:
        return dataclasses.replace(self._asked, seed=self.seeds[lane])

    def _given_rows(self, plan: Plan) -> dict[int, Bools]:
        """Return the noises of which interventions give some values -> at which steps."""
        model, template = self._asked.model, self._asked.model.template
        cut = given_nodes(model, self._asked.given, self._asked.steps)
        mask = equations_mask(template, model.variables, cut, plan.steps + 1)
        places = [template.index[name] for name in self._noisy]
        return {i: mask[:, i] for i in places if mask[:, i].any()}

    def _draws(self, lanes: Sequence[int]) -> dict[int, Floats]:
        """Return what the noises draw, equation -> shape [t, lane]."""
        asked, index = self._asked, self._asked.model.template.index
        seeds = [self.seeds[lane] for lane in lanes]
        draws = draw_seeds(asked.model, asked.steps, seeds)
        tables = {index[name]: draws[name] for name in self._noisy}
        for i, rows in self._given.items():
            tables[i][rows] = self._plan.values[: asked.steps + 1, i][rows, np.newaxis]
        return tables

    def run(self, columns: Columns, workers: int | None) -> int:
        """Run all lanes, write what they say, and return how many seeds were run alone."""
        count = len(self.seeds)
        threads = min(workers or processors(), -(-count // LANES))
        share = -(-count // (2 * threads))
        most = max(_CHUNK // (self._asked.steps + 1), 1)
        size = -(-min(share, most) // LANES) * LANES
        doubtful = np.zeros(count, dtype=bool)

        def task(first: int) -> None:
            lanes = range(first, min(first + size, count))
            doubtful[lanes.start : lanes.stop] = self._together(columns, lanes)

        on_threads(task, range(0, count, size), threads)
        return self._settle(columns, doubtful)

    def _settle(self, columns: Columns, doubtful: Bools) -> int:
        """Run doubtful seeds alone; all of them where the first or the last is another there."""
        i = self._asked.model.template.index[self._asked.target]
        for k, (effect, table) in self._ends.items():
            before = {name: columns[name][k].copy() for name in ("total", "direct", "codes")}
            put(columns, k, effect, table[:, i], self.kept)
            if not doubtful[k] and _is_other(before, columns, k):
                doubtful[:] = True
        chosen = [k for k in np.flatnonzero(doubtful).tolist() if k not in self._ends]
        for k in chosen:
            effect, table = run_alone(self._alone(k), self._delta)
            put(columns, k, effect, table[:, i], self.kept)
        return len(chosen) + len(self._ends)

    def _together(self, columns: Columns, lanes: range) -> Bools:
        """Run some lanes, write what they say, and return which of them are doubtful."""
        draws = self._draws(lanes)
        kept = self._lanes(self._batch, draws, len(lanes))
        total, direct = (self._part(kept, world) for world in (0, 1))
        worlds = "wxy" if self._batch.mode == "finite" else "w"
        finite = np.logical_and.reduce([np.isfinite(kept.values[w][:, 0]) for w in worlds])
        effect = Effect(
            total,
            direct,
            held=np.broadcast_to(self._held[:, np.newaxis], finite.shape),
            finite=finite,
            kinks=kept.kink >= 0,
            execution=kept.execution,
            diverges=True,
        )
        codes = status_codes(effect)
        comp, op = ratios(effect, codes)
        rows = slice(lanes.start, lanes.stop)
        for name, values in (
            ("value", kept.values["w"][:, 0]),
            ("total", total.value),
            ("direct", direct.value),
            ("log_total", total.log),
            ("log_direct", direct.log),
            ("comp", comp),
            ("op", op),
            ("codes", codes),
        ):
            columns[name][rows] = np.broadcast_to(values, finite.shape).T
        doubtful = ~finite | ~np.isfinite(total.mantissa) | ~np.isfinite(direct.mantissa)
        doubtful |= effect.on_kink | total.doubted | direct.doubted | (kept.near != 0)
        if self._batch.mode == "finite":
            doubtful |= codes == _UNRESOLVED
        for k in self._whole:
            values = kept.values["w"][:, k]
            doubtful |= values != np.floor(values)
        if self._twin is not None:
            moved = {i: table * (1 + _ULP) for i, table in draws.items()}
            doubtful |= _parted(kept, self._lanes(self._twin, moved, len(lanes)))
        found: Bools = doubtful.any(axis=0)
        return found

    def _lanes(self, batch: Batch, draws: dict[int, Floats], count: int) -> BatchResult:
        return self._runner.over(dataclasses.replace(batch, drawn=draws)).run(slice(0, count))

    def _part(self, kept: BatchResult, world: int) -> Part:
        """Return total or direct effect, shape [kept step, lane]."""
        found = kept.values["xy"[world]][:, 0]
        path = np.broadcast_to(self._paths[world][:, np.newaxis], found.shape)
        if self._batch.mode == "tangents":
            error = kept.values["pq"[world]][:, 0]
            return Part.of_tangents(found, kept.exponents[:, world], error, path)
        w = kept.values["w"][:, 0]
        with np.errstate(invalid="ignore", over="ignore"):
            mantissa = (found - w) / self._batch.delta
            size = np.maximum(np.abs(w), np.abs(found))
            error = EPSILON * size / abs(self._batch.delta) * path
        return Part(mantissa, np.zeros(w.shape, dtype=np.int64), error, path, path)


def _parted(kept: BatchResult, twin: BatchResult) -> Bools:
    """Return where a twin's effects are others, shape [kept step, lane]."""
    parted = np.zeros(kept.kink.shape, dtype=bool)
    for world in (0, 1):
        mine, other = (found.values["xy"[world]][:, 0] for found in (kept, twin))
        power = twin.exponents[:, world] - kept.exponents[:, world]
        with np.errstate(all="ignore"):
            if power.any():
                other = np.ldexp(other, np.clip(power, -4000, 4000).astype(np.int32))
            parted |= ~(np.abs(other - mine) <= _PARTED * np.abs(mine))
    return parted


def _is_other(before: Columns, columns: Columns, k: int) -> bool:
    """Whether a seed that was run alone has another status, or other effects, than in the batch."""
    if (before["codes"] != columns["codes"][k]).any():
        return True
    for name in ("total", "direct"):
        mine, own = before[name], columns[name][k]
        with np.errstate(invalid="ignore"):
            apart = np.abs(mine - own) > _SAME * np.abs(own)
        if apart.any():
            return True
    return False
