"""The effect of n on m beside any set A, from many starting points at once, over a window of steps.

A window's effect is the root of the sum of its steps' squares: one step where the window has one;
over many it passes the steps at which an effect merely changes its sign. Tangents for delta -> 0,
and differences of worlds for a finite nudge, which is the only one that whole numbers have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.doubts.error_bounds import EPSILON
from causalopt.effects.measures import Effect, Measures, Part, measure
from causalopt.engine.batch import Batch, BatchResult
from causalopt.engine.batch_choice import run_batch
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import run_tangents
from causalopt.errors import QuestionError
from causalopt.model.reach import reachable
from causalopt.model.selectors import Node, Window
from causalopt.model.template import refuse_between
from causalopt.optimizers.starting_points import StartingPoints
from causalopt.worlds.interventions import Set, held_mask, plan_for, set_places
from causalopt.worlds.world import world

USABLE = ("ok", "perfect")  # statuses of which Op is certain, and a set may win by it
PROOFS = 512  # starting points and sets of which a zero is proved by fractions
DOUBTFUL = ("kink", "unresolved", "diverged", "nonfinite")


class StartEffects:
    """Effects of one n on one m, for sets A of variables: Comp and Op by block and start.

    Args:
        asked: The question; its set A plays no part.
        points: The starting points.
        window: How many of the last steps count.
        blocks: Into how many stretches, one after another, the window is divided.
        delta: The nudge's size; None for the limit delta -> 0. Where n starts from a finite domain
            that value + delta leaves, the nudge is -delta.

    Raises:
        QuestionError: Whole numbers stand between n and m, and no delta is given; the window is
            longer than the run.
    """

    def __init__(
        self,
        asked: Asked,
        points: StartingPoints,
        *,
        window: int = 1,
        blocks: int = 1,
        delta: float | None = None,
    ) -> None:
        if not 1 <= blocks <= window <= asked.steps - asked.nudge.t + 1:
            raise QuestionError(
                f"a window holds 1 to {asked.steps - asked.nudge.t + 1} of the steps from "
                f"{asked.node_name} on, one a block at least; found {window} in {blocks} blocks"
            )
        self.asked = dataclasses.replace(asked, model=points.model)
        self.points = points
        template = points.model.template
        if delta is None:
            refuse_between(template, asked.nudge.variable, asked.target)
        self.is_whole = template.equations[template.index[asked.target]].is_integer
        self._delta = delta
        self._proofs = PROOFS
        self._keep: tuple[int, ...] = tuple(range(asked.steps + 1 - window, asked.steps + 1))
        self._rows = np.array_split(np.arange(window), blocks)
        self._starts = self._lanes()
        self._groups = self._nudges()
        self._plan = dataclasses.replace(self.asked, hold=()).plan()
        self._path = self._path_of(self._plan, avoid_held=False)

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """The first and the last step of each block."""
        return [(self._keep[rows[0]], self._keep[rows[-1]]) for rows in self._rows]

    def measures(self, hold: Sequence[str]) -> Measures:
        """Return Comp, Op and status of a set of variables, shape [block, start].

        Over several steps Comp is a ratio of sizes and has no sign.

        Args:
            hold: The set; empty for none.
        """
        return measure(self.effect(hold))

    def effect(self, hold: Sequence[str]) -> Effect:
        """Return the total and the direct effect beside a set, shape [block, start]."""
        asked, windows = self.asked, tuple(Window(name) for name in hold)
        held = held_mask(asked.model, windows, asked.steps)
        plan = dataclasses.replace(self._plan, held=held)
        paths = [self._path, self._path_of(plan, avoid_held=True)]
        found = [self._of(plan, lanes, delta, paths) for lanes, delta in self._groups]
        order = np.argsort(np.concatenate([lanes for lanes, _ in self._groups]))
        totals, directs, finites, kinked = zip(*found, strict=True)
        parts = [
            Part(*(_joined([getattr(part, f.name) for part in group], order) for f in _FIELDS))
            for group in (totals, directs)
        ]
        finite, kinks = _joined(finites, order), _joined(kinked, order)
        measured = np.full(finite.shape, asked.target in hold)
        return Effect(parts[0], parts[1], held=measured, finite=finite, kinks=kinks, diverges=True)

    def _path_of(self, plan: Plan, *, avoid_held: bool) -> Bools:
        """Return whether the graph has a path from n to m at each counted step."""
        template = self.asked.model.template
        found = reachable(template, plan, avoid_held=avoid_held)
        return found.of(template.index[self.asked.target])[self._keep[0] :]

    def _of(
        self, plan: Plan, lanes: NDArray[np.intp], delta: float | None, paths: list[Bools]
    ) -> tuple[Part, Part, Bools, Bools]:
        """Return total, direct, where all is finite and where a branch decided, [block, lane]."""
        index = self.asked.model.template.index
        batch = Batch(
            plan,
            {node: values[lanes] for node, values in self._starts.items()},
            {},
            self._keep,
            (index[self.asked.target],),
            mode="tangents" if delta is None else "finite",
            delta=delta or 0.0,
        )
        kept = run_batch(self.asked.model.template.structure, batch)
        make = _tangents if delta is None else self._differences
        parts = [make(batch, kept, world, path) for world, path in enumerate(paths)]
        if delta is None:
            parts = self._proved(plan, parts)
        total, direct = ([norm(part, rows) for rows in self._rows] for part in parts)
        worlds = "w" if delta is None else "wxy"
        finite = np.logical_and.reduce([np.isfinite(kept.values[w][:, 0]) for w in worlds])
        kinks = (kept.kink >= 0) & (delta is None or not self.is_whole)
        return (
            _stacked(total),
            _stacked(direct),
            np.stack([finite[rows].all(axis=0) for rows in self._rows]),
            np.stack([kinks[rows].any(axis=0) for rows in self._rows]),
        )

    def _proved(self, plan: Plan, parts: list[Part]) -> list[Part]:
        """Return tangents with the zeros that are exact, where a whole block is 0 in floats.

        Fractions along each start's own W, as `run` does it; a sum of squares that is not 0 needs
        none. After `PROOFS` of them what is left stays in doubt.
        """
        lanes = np.zeros(parts[0].mantissa.shape[1], dtype=bool)
        for part in parts:
            for rows in self._rows:
                lanes |= (part.mantissa[rows] == 0).all(axis=0) & part.doubted[rows].any(axis=0)
        exact = np.zeros((2, *parts[0].mantissa.shape), dtype=bool)
        for lane in np.flatnonzero(lanes)[: self._proofs].tolist():
            self._proofs -= 1
            exact[:, :, lane] = self._zeros(plan, lane)
        return [part.proved(zeros) for part, zeros in zip(parts, exact, strict=True)]

    def _zeros(self, plan: Plan, lane: int) -> Bools:
        """Return at which counted steps total and direct effect are exactly 0, [world, step]."""
        from causalopt.effects.doubts.zeros import exact_zeros

        template = self.asked.model.template
        settings = [
            Set(Node(template.equations[column].owner, t), float(values[lane]))
            for (t, column), values in self._starts.items()
        ]
        own = dataclasses.replace(self.asked.plan(*settings), held=plan.held)
        run = run_tangents(template.structure, own)
        zeros = exact_zeros(template, own, run.values, self._keep[-1])
        found: Bools = np.stack(zeros)[:, self._keep[0] :, template.index[self.asked.target]]
        return found

    def _differences(self, batch: Batch, kept: BatchResult, world: int, path: Bools) -> Part:
        """Return difference quotients, shape [step, lane]; those of whole numbers are exact."""
        w, other = kept.values["w"][:, 0], kept.values["xy"[world]][:, 0]
        has_path = np.broadcast_to(path[:, None], w.shape)
        with np.errstate(invalid="ignore", over="ignore"):
            mantissa = (other - w) / batch.delta
            error = EPSILON * np.maximum(np.abs(w), np.abs(other)) / abs(batch.delta) * has_path
        if self.is_whole:
            error, doubts = np.zeros_like(error), np.zeros(w.shape, dtype=bool)
        else:
            doubts = has_path
        return Part(mantissa, np.zeros(w.shape, dtype=np.int64), error, has_path, doubts)

    def _lanes(self) -> dict[tuple[int, int], Floats]:
        """Return node -> its value in each lane: starting values, and noise where there is any."""
        points, asked = self.points, self.asked
        index, starting = points.model.template.index, points.model.template.starting
        starts = {
            (t, starting[name]): rows[t]
            for name, rows in points.values.items()
            for t in range(min(len(rows), asked.steps + 1))
        }
        noisy = [n for n, v in points.model.variables.items() if v.noise is not None]
        if noisy:
            plans = [
                plan_for(points.model, steps=asked.steps, noise_seed=seed) for seed in points.seeds
            ]
            for name in noisy:
                draws = np.stack([plan.values[:, index[name]] for plan in plans], axis=1)
                starts |= {(t, index[name]): draws[t] for t in range(asked.steps + 1)}
        for t, name in set_places(points.model, asked.given, asked.steps):
            starts.pop((t, starting[name]), None)  # what was set stays set, wherever a world starts
        if not starts:
            nudge = asked.nudge
            own = np.asarray(world(points.model, *asked.given, steps=asked.steps)[nudge.variable])
            starts[nudge.t, index[nudge.variable]] = np.full(points.count, own[nudge.t])
        return starts

    def _nudges(self) -> list[tuple[NDArray[np.intp], float | None]]:
        """Return groups of lanes, each with its nudge."""
        every = np.arange(self.points.count)
        if self._delta is None:
            return [(every, None)]
        variable = self.asked.model.variables[self.asked.nudge.variable]
        node = (self.asked.nudge.t, self.asked.model.template.index[self.asked.nudge.variable])
        if variable.domain is None or node not in self._starts:
            return [(every, self._delta)]
        fits = np.isin(self._starts[node] + self._delta, np.array(variable.domain, dtype=float))
        groups = [(every[fits], self._delta), (every[~fits], -self._delta)]
        return [(lanes, delta) for lanes, delta in groups if len(lanes)]


_FIELDS = dataclasses.fields(Part)


def _tangents(batch: Batch, kept: BatchResult, world: int, path: Bools) -> Part:
    """Return derivatives, shape [step, lane]."""
    mantissa, error = kept.values["xy"[world]][:, 0], kept.values["pq"[world]][:, 0]
    has_path = np.broadcast_to(path[:, None], mantissa.shape)
    exponents = np.broadcast_to(kept.exponents[:, world], mantissa.shape)
    return Part.of_tangents(mantissa, exponents, error if batch.estimate else None, has_path)


def norm(part: Part, rows: NDArray[np.intp]) -> Part:
    """Return the root of the sum of squares over some steps, shape [lane]: errors add likewise.

    Args:
        part: Shape [step, lane].
        rows: The steps.
    """
    if len(rows) == 1:
        one = part.each(lambda values: values[rows[0]])
        return dataclasses.replace(one, mantissa=np.abs(one.mantissa))
    mantissa, exponent, error = part.mantissa[rows], part.exponent[rows], part.error[rows]
    top = np.where(mantissa != 0, exponent, np.iinfo(np.int64).min // 2).max(axis=0)
    top = np.where((mantissa != 0).any(axis=0), top, 0)
    shift = np.clip(exponent - top, -1100, 1100).astype(np.int32)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        size, doubt = np.ldexp(mantissa, shift), np.ldexp(error, shift)
        scale = np.abs(size).max(axis=0)
        unit = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        root = unit * np.sqrt(np.square(size / unit).sum(axis=0))
        root_error = unit * np.sqrt(np.square(doubt / unit).sum(axis=0))
    doubts, path = (np.asarray(mask[rows].any(axis=0)) for mask in (part.doubted, part.has_path))
    return Part(root, top, root_error, path, doubts)


def _stacked(parts: list[Part]) -> Part:
    """Return parts of one shape as one, along a first axis."""
    return Part(*(np.stack([getattr(part, f.name) for part in parts]) for f in _FIELDS))


def _joined(arrays: Sequence[NDArray[Any]], order: NDArray[np.intp]) -> NDArray[Any]:
    """Return groups of lanes side by side, in the order of the starting points."""
    return np.concatenate(arrays, axis=1)[:, order]
