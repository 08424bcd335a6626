"""Derivatives that avoid many sets A at once: what a nudge moves with each of them held.

W is run once; each set is a further direction of the tangents, whose mask is its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_forward import ArraySeed, TangentStretches
from causalopt.engine.arrays.array_loop import Key
from causalopt.engine.arrays.array_plan import ArrayPlan, HeldArray, Values
from causalopt.engine.arrays.array_step import Moves, moves

Player = tuple[HeldArray, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Coalitions:
    """Sets A, each made of some of the same players.

    Attributes:
        players: What each player holds.
        members: Which players are in which set, truth values, shape [set, player].
    """

    players: Sequence[Player]
    members: Values

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that some player holds."""
        return tuple(dict.fromkeys(held.name for player in self.players for held in player))

    @property
    def edges(self) -> frozenset[int]:
        """The steps at which what a player holds changes."""
        windows = [held for player in self.players for held in player]
        ends = {held.last + 1 for held in windows if held.last is not None}
        return frozenset({0} | {held.first for held in windows} | ends)

    def mask(self, name: str, t: int, shape: tuple[int, ...]) -> Values:
        """Return which elements of a variable are held at a step, shape [set, *shape]."""
        mask = np.zeros((len(self.members), *shape), dtype=bool)
        for place, player in enumerate(self.players):
            inside = self.members[:, place].reshape(-1, *[1] * len(shape))
            for held in player:
                if held.name == name and held.holds_at(t):
                    mask |= inside & (True if held.mask is None else held.mask)
        return mask


class _Apart(TangentStretches):
    """Tangents of which each direction avoids a set of its own."""

    def __init__(
        self,
        plan: ArrayPlan,
        seed: ArraySeed,
        coalitions: Coalitions,
        draw: Draw | None,
        wanted: Iterable[Key],
    ) -> None:
        self._coalitions = coalitions
        super().__init__(plan, seed, draw, wanted=wanted)

    def moved(self) -> Moves:
        template, count = self.plan.template, len(self.seed.directions)
        names = self._coalitions.names
        return moves(template, self.seed.name, count, frozenset(), names, ("direct",), True)

    def held_edges(self) -> frozenset[int]:
        return self._coalitions.edges

    def held(self, name: str) -> Values:
        shape = self.plan.template.by_name[name].shape
        each = len(self.seed.directions) // len(self._coalitions.members)
        return np.repeat(self._coalitions.mask(name, self.t, shape), each, axis=0)


def direct_of(
    plan: ArrayPlan, seed: ArraySeed, target: str, coalitions: Coalitions, draw: Draw | None = None
) -> tuple[Values, int]:
    """Return the derivatives of a variable at the last step over the paths that avoid each set.

    Args:
        plan: W's run; the A in it does not matter.
        seed: The nudged node and its directions.
        target: The measured variable.
        coalitions: The sets, two or more directions in all.
        draw: Gives the noises' values at a step.

    Returns:
        Mantissas, shape [set, direction, *shape], and their power of two.
    """
    count, own = len(coalitions.members), len(seed.directions)
    directions = np.tile(seed.directions, (count, *[1] * (seed.directions.ndim - 1)))
    key: Key = ("direct", target, 0)
    wide = dataclasses.replace(seed, directions=directions)
    world = _Apart(plan, wide, coalitions, draw, [("ref", target, 0), key])
    shape = plan.template.by_name[target].shape
    values = np.zeros((1, count * own, *shape))
    world.run(plan.steps, {})
    stores = {key: values} if target in world.moves.moving["direct"] else {}
    world.run(plan.steps + 1, stores, first=plan.steps)
    return values[0].reshape(count, own, *shape), int(world.exponents[plan.steps, 1])
