"""Tangents of arrays along W: over all paths, and over the paths that avoid A.

A world's tangents have one common power of two, so that neither growth nor decay ends the run.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from causalopt.engine.arrays.array_course import Draw, Row
from causalopt.engine.arrays.array_loop import Key, StepGraph, pruned, value_graph, watched_graph
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_scan import Scanned
from causalopt.engine.arrays.array_step import KINDS, Moves, disturbed, moves, single
from causalopt.engine.arrays.array_stretches import Disturb, Saved, Stretches, run_through
from causalopt.tensors.tensor import Tensor

# What is watched of a variable's rule: (variable, a number made of values and tangents).
Watch: TypeAlias = Callable[[Moves], tuple[tuple[str, Tensor], ...]]
_EVERY = 32  # steps between looks at the tangents' size
_FAR = 2.0**200
_FAINT = 2.0**-250  # what shrinks by less than 1e-7 a step is seen before it is 0


@dataclasses.dataclass(frozen=True, eq=False)
class ArraySeed:
    """The nudged node and its directions.

    Attributes:
        name: The variable.
        t: The step.
        directions: Shape [direction, *shape].
    """

    name: str
    t: int
    directions: Values


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayTangents:
    """W and the derivatives of a target along the directions.

    A derivative is mantissa * 2**exponent.

    Attributes:
        values: Kept variable -> W, shape [t, *shape].
        total: Derivatives of the target over all paths, mantissas, [t, direction, *shape].
        direct: Over the paths that avoid A.
        exponents: Of total and direct, shape [t, 2].
        reached: Whether total and direct have a path to the target at all.
        watched: What was watched, shape [t, number], of lanes [t, number, lane].
        execution: What ran it, `numpy` or `jax`.
        faint: The step from which on a zero may be a tangent too small beside others for floats,
            None for none; numpy alone sees it.
    """

    values: dict[str, Values]
    total: Values
    direct: Values
    exponents: Values
    reached: tuple[bool, bool]
    watched: Values
    execution: str = "numpy"
    faint: int | None = None


class TangentStretches(Stretches):
    """W with the tangents along a nudged node's directions, over all paths and beside A.

    Args:
        plan: W's run, with A.
        seed: The nudged node and its directions.
        draw: Gives the noises' values at a step.
        disturb: Moves what is rounded: W's values, and each operation of the tangents.
        watch: Gives what is watched of each step's values and tangents, from what moves.
        wanted: The nodes that will be asked for; all others are run only where these need them.
        execution: `numpy`, or `jax` for the stretches that are long enough; by the work when None.

    Attributes:
        moves: What the nudge moves.
        exponents: The powers of two of total and direct, shape [t, 2].
    """

    def __init__(
        self,
        plan: ArrayPlan,
        seed: ArraySeed,
        draw: Draw | None = None,
        disturb: Disturb | None = None,
        watch: Watch | None = None,
        wanted: Iterable[Key] | None = None,
        execution: str | None = None,
    ) -> None:
        super().__init__(plan, draw, disturb, wanted, execution)
        self.seed = seed
        self.moves: Moves = self.moved()
        if disturb is not None:
            self.moves = disturbed(self.moves, disturb.number)
        self.faint: int | None = None
        self.watched = watch(self.moves) if watch is not None else ()
        self.exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)
        self._edges = sorted({*self.held_edges(), seed.t})
        self._masks: dict[str, Values] = {}
        self._masked_at = -1

    def moved(self) -> Moves:
        """Return what the nudge moves."""
        plan, count = self.plan, len(self.seed.directions)
        return moves(plan.template, self.seed.name, count, plan.held_throughout, plan.held_partly)

    def held_edges(self) -> frozenset[int]:
        """Return the steps at which what is held changes."""
        return self.plan.held_edges

    def held(self, name: str) -> Values:
        """Return which elements of a variable are held at the next step."""
        return self.plan.mask_at(name, self.t)

    def resume(self, t: int, state: Row, powers: Values) -> None:
        """Go on from before step t, with what was carried then and the powers of two."""
        super().resume(t, state, powers)
        self.exponents[:t] = powers[:t]
        self._noted, self._powers = t, (int(powers[t, 0]), int(powers[t, 1]))

    def noted(self) -> Values:
        """Return the powers of two at each step so far, and those of the next one."""
        return np.array([*self.exponents[: self.t], self._powers])

    def is_careful(self, t: int) -> bool:
        """Whether something starts at a step, is done to it, or the nudge is made."""
        return t == self.seed.t or super().is_careful(t)

    def boundary(self, t: int) -> int:
        """Return before which step the stretch that starts at t ends."""
        found = super().boundary(t)
        place = bisect.bisect_right(self._edges, t)
        if place < len(self._edges):
            found = min(found, self._edges[place])
        return found

    def graph(self, t: int) -> StepGraph:
        """Return what is computed at a step that is not careful."""
        return self._tangents if t > self.seed.t else self.values

    @functools.cached_property
    def _tangents(self) -> StepGraph:
        """A step of values and tangents, as far as they are needed."""
        whole = watched_graph(self.moves, tuple(tensor for _, tensor in self.watched))
        if self._wanted is None:
            return whole
        return pruned(whole, self._wanted | {("watched", i, 0) for i in range(len(self.watched))})

    @functools.cached_property
    def values(self) -> StepGraph:
        """A step of values, as far as they are needed."""
        found = frozenset(key for key in self._tangents.nodes if key[0] == "ref")
        return pruned(value_graph(self.plan.template), found)

    @functools.cached_property
    def lags(self) -> dict[tuple[str, str], int]:
        """(kind, variable) -> how many steps back any step reads it."""
        return self._tangents.lags

    @property
    def shapes(self) -> Mapping[tuple[str, Any], tuple[int, ...]]:
        """(kind, variable) -> the shape of such a node."""
        return self._tangents.shapes

    def constant(self, key: Key) -> Any:
        """Return what is the same at every step of a stretch."""
        if key[0] == "held":
            return self._mask(key[1])
        return self._zero(key[1]) if key[0] in KINDS else super().constant(key)

    def careful_row(self, t: int) -> Row:
        """Return a careful step's values and tangents: zero for what starts or is forced there."""
        row = super().careful_row(t)
        look = self.look(t, row)
        for kind, moving in self.moves.moving.items():
            for variable in self.plan.template.variables:
                key = (kind, variable.name, 0)
                is_moving = variable.name in moving
                if is_moving and (variable.rule is None or key in self._tangents.nodes):
                    row[key] = self._tangent(key, t, look)
        if t >= self.seed.t:
            for i, (name, tensor) in enumerate(self.watched):
                if self._follows_rule(name, t):
                    row["watched", i, 0] = single(tensor, look)
        return row

    def after(self, t: int) -> None:
        """Note the tangents' powers of two, and see that they stay in range."""
        self.exponents[self._noted : t + 1] = self._powers
        self._noted = t + 1
        if t > self.seed.t and (t + 1) % _EVERY == 0:
            self._rescale()

    def cuts(self) -> set[int]:
        """Return the steps at which a stretch begins or ends."""
        return super().cuts() | {*self._edges, self.seed.t + 1}

    def cut(self, t: int, end: int) -> int:
        """Return where a stretch ends that numpy runs: where the tangents' size is looked at."""
        return min(end, t + _EVERY - t % _EVERY) if t > self.seed.t else end

    def scaling(self) -> dict[str, Any]:
        """Return how a scan keeps tangents in range."""
        if self.t <= self.seed.t:
            return {}
        return {"powers": self._powers, "every": _EVERY, "far": _FAR}

    def scanned(self, found: Scanned) -> None:
        """Note the tangents' powers of two."""
        self.exponents[self._noted : self.t] = found.powers
        self._noted, self._powers = self.t, found.following

    _noted = 0
    _powers = (0, 0)

    def _mask(self, name: str) -> Values:
        place = bisect.bisect_right(self._edges, self.t)
        if place != self._masked_at:
            self._masks, self._masked_at = {}, place
        if name not in self._masks:
            self._masks[name] = self.held(name)
        return self._masks[name]

    def _zero(self, name: str) -> Values:
        return np.zeros(self.moves.shape(name))

    def _tangent(self, key: Key, t: int, look: Any) -> Values:
        plan, (kind, name, _) = self.plan, key
        if name == self.seed.name and t == self.seed.t:
            directions = self.seed.directions
            return directions[0] if self.moves.count == 1 else directions
        tangent = self.moves.derivatives.get((kind, name))
        if tangent is None or t < self.seed.t:
            return self._zero(name)
        if plan.initial_at(plan.template.by_name[name], t) is not None:
            return self._zero(name)
        value: Values = np.asarray(single(tangent, look), dtype=float)
        force = plan.forces.get((t, name))
        if force is None:
            return value
        return self._zero(name) if force.mask is None else np.where(force.mask, 0.0, value)

    def _follows_rule(self, name: str, t: int) -> bool:
        force = self.plan.forces.get((t, name))
        is_forced = force is not None and force.mask is None
        return not is_forced and self.plan.initial_at(self.plan.template.by_name[name], t) is None

    def _rescale(self) -> None:
        powers = list(self._powers)
        for place, kind in enumerate(KINDS):
            keys = [key for key in self.state if key[0] == kind]
            largest = max((_size(self.state[key]) for key in keys), default=0.0)
            if self.faint is None and any(is_faint(self.state[key]) for key in keys):
                self.faint = self.t
            if not np.isfinite(largest) or largest == 0 or 1 / _FAR < largest < _FAR:
                continue
            shift = int(np.frexp(largest)[1])
            for key in keys:
                self.state[key] = np.ldexp(self.state[key], -shift)
            powers[place] += shift
        self._powers = (powers[0], powers[1])


def is_faint(values: Any) -> bool:
    """Whether an element comes near the smallest that floats have, beside others of size 1."""
    sizes = np.abs(values)
    return bool(np.any((sizes < _FAINT) & (sizes > 0)))


def _size(values: Any) -> float:
    """Return the largest absolute value; not a number where one is not."""
    return max(float(np.max(values, initial=0.0)), -float(np.min(values, initial=0.0)))


def tangents_of(
    plan: ArrayPlan,
    seed: ArraySeed,
    target: str,
    keep: Iterable[str],
    draw: Draw | None = None,
    disturb: Disturb | None = None,
    watch: Watch | None = None,
    execution: str | None = None,
    saved: Saved | None = None,
) -> ArrayTangents:
    """Return the derivatives of a variable along directions of a nudged node, at every step.

    Args:
        plan: W's run, with A.
        seed: The nudged node and its directions.
        target: The measured variable.
        keep: Further variables whose courses are kept.
        draw: Gives the noises' values at a step.
        disturb: Moves what is rounded: W's values, and each operation of the tangents.
        watch: Gives what is watched of each step's values and tangents, from what moves.
        execution: `numpy` or `jax`; by the work when None.
        saved: Where the run goes on from, and is written down.
    """
    shape = plan.template.by_name[target].shape
    names = list(dict.fromkeys([target, *keep]))
    wanted = [("ref", name, 0) for name in names] + [(kind, target, 0) for kind in KINDS]
    world = TangentStretches(plan, seed, draw, disturb, watch, wanted, execution)
    kept = {n: np.empty((plan.steps + 1, *plan.template.by_name[n].shape)) for n in names}
    found = {k: np.zeros((plan.steps + 1, len(seed.directions), *shape)) for k in KINDS}
    stores: dict[Key, Values] = {("ref", name, 0): values for name, values in kept.items()}
    reached = {kind: target in world.moves.moving[kind] for kind in KINDS}
    for kind in KINDS:
        if reached[kind]:
            whole = found[kind]
            stores[kind, target, 0] = whole[:, 0] if len(seed.directions) == 1 else whole
    each = world.watched[0][1].shape if world.watched else ()
    watched = np.zeros((plan.steps + 1, len(world.watched), *each))
    stores |= {("watched", i, 0): watched[:, i] for i in range(len(world.watched))}
    run_through(world, stores, saved)
    return ArrayTangents(
        values=kept,
        total=found["total"],
        direct=found["direct"],
        exponents=world.exponents,
        reached=(reached["total"], reached["direct"]),
        watched=watched,
        execution=world.execution,
        faint=world.faint,
    )
