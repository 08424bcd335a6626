"""The two passes that a current is made of: derivatives of arrays by n, and of m by arrays."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from causalopt.effects.arrays.rounding_twins import TWINS, Disturbance
from causalopt.engine.arrays.array_backward import adjoint_of
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_forward import ArraySeed, TangentStretches
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import moves
from causalopt.engine.arrays.array_stretches import blocks
from causalopt.errors import SizeError
from causalopt.model.model import machine_memory
from causalopt.model.selectors import Node


@dataclasses.dataclass(frozen=True, eq=False)
class Passes:
    """Derivatives by n and of m at every element, forwards and backwards.

    A derivative is mantissa * 2**exponent.

    Attributes:
        forward: Variable -> dv/dn, shape [t, p, *shape].
        backward: Variable -> dm/dv, shape [t, q, *shape].
        forward_powers: Of what n moves, shape [t].
        powers: Of the products of both, shape [t].
        total: dm/dn, shape [q, p].
        power: Of the total.
    """

    forward: Mapping[str, Values]
    backward: Mapping[str, Values]
    forward_powers: Values
    powers: Values
    total: Values
    power: int

    def share(self, one: Values, other: Values, t: int | slice = slice(None)) -> Values:
        """Return <(dm/dv)(dv/dn), T> / <T, T>, shape [t, *shape].

        Args:
            one: dv/dn, shape [t, p, *shape].
            other: dm/dv, shape [t, q, *shape].
            t: Which steps these are.
        """
        size = float(np.sum(self.total**2))
        with np.errstate(all="ignore"):
            weights = self.total / size if size else np.full(self.total.shape, np.nan)
            found = np.einsum("tq...,tp...,qp->t...", other, one, weights)
            powers = np.clip(self.powers[t] - self.power, -2200, 2200).astype(np.int32)
            shares: Values = np.ldexp(found, powers.reshape(-1, *[1] * (found.ndim - 1)))
        return shares + 0.0  # no -0


@dataclasses.dataclass(frozen=True, eq=False)
class Passing:
    """What is passed: a nudge's directions forwards, m's backwards."""

    plan: ArrayPlan
    draw: Draw | None
    node: Node
    measured: Node
    nudged: Values
    read: Values

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The variables on a way from n to m, and m's own."""
        template, target = self.plan.template, self.measured.variable
        after = moves(template, self.node.variable, 1).moving["total"]
        return tuple(
            name
            for name in template.names
            if name == target
            or (name in after and target in moves(template, name, 1).moving["total"])
        )

    def passes(self, disturb: Disturbance | None) -> Passes:
        """Return both passes, every value moved in its last place where that is asked for."""
        plan, names, last = self.plan, self.names, self.plan.steps
        self._check_memory()
        count = len(self.nudged)
        shapes = {n: plan.template.by_name[n].shape for n in names}
        forward = {n: np.zeros((last + 1, count, *shapes[n])) for n in names}
        world = TangentStretches(
            plan, ArraySeed(self.node.variable, self.node.t, self.nudged), self.draw, disturb
        )
        moving = world.moves.moving["total"]
        for first, block in blocks(world, [("total", n, 0) for n in names if n in moving]):
            for (_, name, _), found in block.items():
                part = found[:, None] if count == 1 else found
                forward[name][first : world.t] = part
        powers = world.exponents[:, 0]
        backward = adjoint_of(
            plan, self.measured.variable, self.read, names, self.draw, kinds=("total",),
            disturb=disturb,
        )  # fmt: skip
        flat = forward[self.measured.variable][last].reshape(count, -1)
        return Passes(
            forward,
            {n: backward.total[n] for n in names},
            powers,
            powers + backward.exponents[:, 0],
            self.read.reshape(len(self.read), -1) @ flat.T,
            int(powers[last]),
        )

    def _check_memory(self) -> None:
        size = sum(self.plan.template.by_name[n].size for n in self.names)
        directions = len(self.nudged) + len(self.read)
        needed = 8.0 * (1 + TWINS) * (self.plan.steps + 1) * size * directions
        if needed > machine_memory():
            raise SizeError(
                f"the derivatives of {size:,} numbers at {self.plan.steps + 1} steps along "
                f"{directions} directions take {needed / 1e9:.3g} GB and this machine has "
                f"{machine_memory() / 1e9:.3g} GB: choose fewer elements of n and m, or fewer steps"
            )
