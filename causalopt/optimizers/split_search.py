"""Op of the sets that are tried: one by one up to a size, beyond it grown from the best.

Growth is a beam search with exchanges: each of the best sets of a size is given each variable more,
then the best loses one variable for another as long as that helps. It may miss the best set; an
upper bound says by how much.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import Measures, measure
from causalopt.engine.adjoint import terms_of
from causalopt.engine.contract import Floats
from causalopt.engine.executions import run_values
from causalopt.engine.held_sets import HeldSets
from causalopt.model.selectors import Window
from causalopt.optimizers.node_sets import NodeSets
from causalopt.optimizers.set_effects import SetEffects
from causalopt.optimizers.set_lists import Held, SetList
from causalopt.optimizers.start_effects import USABLE, StartEffects, norm
from causalopt.optimizers.starting_points import starting_points
from causalopt.work.progress import through

_BEAM = 16
_BLOCK = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Tried:
    """Sets that were tried, from one starting point.

    Attributes:
        sets: The sets, the smaller first.
        comp: Shape [set].
        op: Nats, shape [set].
        status: Shape [set].
    """

    sets: tuple[Held, ...]
    comp: Floats
    op: Floats
    status: NDArray[np.str_]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which have an Op that is certain, shape [set]."""
        return np.isin(self.status, USABLE) & ~np.isnan(self.op)

    def joined(self, other: Tried) -> Tried:
        """Return these sets and others."""
        arrays = (
            np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("comp", "op", "status")
        )
        return Tried((*self.sets, *other.sets), *arrays)


class SplitSearch:
    """Op of any sets of variables, from the model's own starting point.

    Args:
        asked: The question; its set A plays no part.
        listed: The variables that A may hold.
        window: How many of the last steps count.
        delta: The nudge's size; None for the limit delta -> 0.

    Attributes:
        law: What the starting point was drawn from.
    """

    def __init__(
        self, asked: Asked, listed: SetList, *, window: int = 1, delta: float | None = None
    ) -> None:
        points = starting_points(asked.model, 1, seed=asked.seed)
        self.law = points.law
        self._worlds = StartEffects(asked, points, window=window, delta=delta)
        self._asked, self._core, self._delta = self._worlds.asked, listed.core, delta
        self._keep = range(asked.steps + 1 - window, asked.steps + 1)
        self._effects = None if delta is not None else SetEffects(self._asked, at=self._keep)
        if listed.core:
            windows = [(Window(name),) for name in listed.core]
            self._parts = NodeSets.of_selections(self._asked.model, windows, asked.steps)

    def tried(self, sets: Sequence[Held]) -> Tried:
        """Return sets with their Op and statuses."""
        if not sets:
            return Tried((), np.zeros(0), np.zeros(0), np.zeros(0, dtype="<U12"))
        effects = self._effects
        found = self._by_worlds(sets) if effects is None else self._by_tangents(effects, sets)
        return Tried(tuple(sets), found.comp, found.op, found.status)

    def grown(self, tried: Tried, size: int) -> Tried:
        """Return the sets tried and larger ones, grown from the best.

        Args:
            tried: All sets up to a size.
            size: That size.
        """
        core = self._core
        known = set(tried.sets)
        while size < len(core):
            best = _best(tried, size, _BEAM)
            size += 1
            new = {_ordered(core, {*hold, name}) for hold in best for name in core}
            tried = self._added(tried, [hold for hold in new if len(hold) == size], known)
            top: list[Held] = []
            while top != (top := _best(tried, size, 1)) and top:
                (hold,) = top
                swaps = {
                    _ordered(core, {*hold, name} - {out})
                    for name in core if name not in hold for out in hold
                }  # fmt: skip
                tried = self._added(tried, list(swaps), known)
        return tried

    def bounds(self) -> Floats:
        """Return what the Op of no set exceeds, by size, shape [size - 1].

        A set beside which the effect is `direct` has |direct| at most the sum of the sizes of all
        products along paths that avoid any one of its variables: the bound of a set is the least of
        its variables', so that of any set of k the k-th largest. Infinite for finite nudges.
        """
        if self._effects is None or not self._core:
            return np.full(len(self._core), np.inf)
        structure, plan = self._asked.model.template.structure, self._effects.plan
        plain = dataclasses.replace(plan, seed=None)
        slopes = np.abs(run_values(structure, plain, terms_of(structure)).extras)
        target = self._asked.model.template.index[self._asked.target]
        sweep = HeldSets(structure, plan, target, slopes=slopes)
        singles = self._parts.unions(np.arange(len(self._core))[:, np.newaxis])
        mantissas, powers = sweep.over(singles.held(), singles.starts, tuple(self._keep))
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            logs = np.log(mantissas) + powers * np.log(2.0)
            top = logs.max(axis=0)
            size = top + 0.5 * np.log(np.exp(2 * (logs - np.where(top > -np.inf, top, 0))).sum(0))
        total = norm(self._effects.total.total, np.arange(len(self._keep)))
        found: Floats = np.sort(size)[::-1] - float(total.log)
        return found

    def _added(self, tried: Tried, sets: Sequence[Held], known: set[Held]) -> Tried:
        new = sorted(set(sets) - known)
        known.update(new)
        return tried.joined(self.tried(new))

    def _by_tangents(self, effects: SetEffects, sets: Sequence[Held]) -> Measures:
        place = {name: k for k, name in enumerate(self._core)}
        rows, parts = np.arange(len(self._keep)), []
        for low in through(range(0, len(sets), _BLOCK)):
            chosen = [[place[name] for name in hold] for hold in sets[low : low + _BLOCK]]
            effect = effects.of(self._parts.unions(chosen)).effect
            parts.append(
                measure(
                    dataclasses.replace(
                        effect,
                        total=norm(effect.total, rows),
                        direct=norm(effect.direct, rows),
                        held=effect.held[0],
                        finite=np.asarray(effect.finite.all(axis=0)),
                        kinks=np.asarray(effect.on_kink.any(axis=0)),
                        diverges=np.asarray(np.asarray(effect.is_divergence).all(axis=0)),
                    )
                )
            )
        return Measures(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in _FIELDS))

    def _by_worlds(self, sets: Sequence[Held]) -> Measures:
        parts = [self._worlds.measures(hold) for hold in through(sets)]
        return Measures(*(np.array([getattr(p, f.name)[0, 0] for p in parts]) for f in _FIELDS))


_FIELDS = dataclasses.fields(Measures)


def _best(tried: Tried, size: int, count: int) -> list[Held]:
    """Return the sets of one size that have the largest Op."""
    op = np.where(tried.usable, tried.op, -np.inf)
    places = [k for k, hold in enumerate(tried.sets) if len(hold) == size]
    places.sort(key=lambda k: (-op[k], tried.sets[k]))
    return [tried.sets[k] for k in places[:count]]


def _ordered(core: Sequence[str], chosen: set[str]) -> Held:
    return tuple(name for name in core if name in chosen)
