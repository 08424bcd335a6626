"""Generated Python: no compile time, right for short runs. The texts are made in `source`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Adjoint, Execution, Floats, Plan, Tangents, Trajectory
from causalopt.engine.rescaling import HUGE, RESCALE, TINY, divided, largest, power_of
from causalopt.engine.source import TANGENTS, Kernel, Slots, kernel
from causalopt.language.term import Term
from causalopt.model.template import Structure
from causalopt.work.progress import tick

BLOCK = 4096  # steps between two reports of progress


class GeneratedPython(Execution):
    """Plans run by step code in Python."""

    name = "python"

    def run_values(
        self, structure: Structure, plan: Plan, extras: tuple[Term, ...] = ()
    ) -> Trajectory:
        """Return one world's values, and those of further terms, at every step."""
        width = len(structure.names)
        out = np.empty((plan.steps + 1, width + len(extras)))
        fast = kernel(structure, tangents=False, careful=False, extras=extras)
        slow = kernel(structure, tangents=False, careful=True, extras=extras)
        state: tuple[float, ...] = (math.nan,) * len(fast.layout.near)
        rings = _empty_rings(fast)
        for t0, t1, careful in _blocks(plan, BLOCK):
            state, _ = _advance(slow if careful else fast, plan, t0, t1, state, rings, out, careful)
            tick(t1, plan.steps + 1)
        return Trajectory(out[:, :width], out[:, width:], self.name)

    def run_tangents(self, structure: Structure, plan: Plan) -> Tangents:
        """Return W with the total and direct tangents of every node, at every step."""
        width = len(structure.names)
        out = np.empty((plan.steps + 1, 5 * width))
        exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)
        fast = kernel(structure, tangents=True, careful=False)
        slow = kernel(structure, tangents=True, careful=True)
        slots, rings = len(fast.layout.near), _empty_rings(fast)
        state: tuple[float, ...] = (math.nan,) * slots + (0.0,) * (len(TANGENTS) * slots)
        shift, kink = [0, 0], -1
        for t0, t1, careful in _blocks(plan, RESCALE):
            state, met = _advance(
                slow if careful else fast, plan, t0, t1, state, rings, out, careful
            )
            exponents[t0:t1] = shift
            kink = met if kink < 0 else kink
            past = _Rings(rings, fast.layout, out, exponents, (t0, t1))
            state = _rescaled(state, slots, past, shift)
            if t1 % BLOCK < RESCALE:
                tick(t1, plan.steps + 1)
        values, total, direct, total_error, direct_error = (
            out[:, i * width : (i + 1) * width] for i in range(5)
        )
        return Tangents(
            values=values,
            total=total,
            direct=direct,
            total_error=total_error,
            direct_error=direct_error,
            exponents=exponents,
            kink=None if kink < 0 else kink,
            execution=self.name,
        )

    def run_adjoint(self, structure: Structure, plan: Plan, target: int) -> Adjoint:
        """Return the derivatives of an equation's value at the last step by every node."""
        # A run forwards needs none of it, and starts the sooner.
        from causalopt.engine.adjoint import PythonSweep, swept, whole_baseline

        sweep = PythonSweep(structure, plan, target)
        baseline = whole_baseline(self, structure, plan)
        return swept(sweep, [baseline], structure, plan, target)


def _blocks(plan: Plan, size: int) -> Iterator[tuple[int, int, bool]]:
    for t0, t1 in plan.segments():
        for start in range(t0, t1, size):
            yield start, min(start + size, t1), plan.careful(t0)


def _advance(
    kernel: Kernel,
    plan: Plan,
    t0: int,
    t1: int,
    state: tuple[float, ...],
    rings: list[list[float]],
    out: Floats,
    careful: bool,
) -> tuple[tuple[float, ...], int]:
    rows: list[Any] = []
    seed = -1
    if careful:
        rows = _rows(plan, t0, t1)
        seed = plan.seed[1] if plan.seed is not None and plan.seed[0] == t0 else -1
    held = plan.held_at(t0).tolist()
    appended: list[tuple[float, ...]] = []
    parameters = plan.parameters.tolist()
    result = kernel.advance(t0, t1, parameters, state, rings, held, appended, rows, seed)
    out[t0:t1] = appended
    return result


def _rows(plan: Plan, t0: int, t1: int) -> list[tuple[list[bool], list[float], list[float]]]:
    """Return what is done to the nodes of some steps: which are forced, to what, and shifts."""
    width = plan.held.shape[1]
    tables = (part[t0:t1].tolist() for part in (plan.forced, plan.values, plan.shifts))
    given = list(zip(*tables, strict=True))
    nothing = ([False] * width, [0.0] * width, [0.0] * width)
    return given + [nothing] * (t1 - t0 - len(given))


def _empty_rings(kernel: Kernel) -> list[list[float]]:
    """Return what is known of the time before t = 0, world by world."""
    return [
        [math.nan if world == "w" else 0.0] * depth
        for world in kernel.worlds
        for _, depth in kernel.layout.rings
    ]


@dataclasses.dataclass(frozen=True)
class _Rings:
    """The rings after a block of steps, and the tables in which their values stand as well."""

    rings: list[list[float]]
    layout: Slots
    out: Floats
    exponents: NDArray[np.int64]
    block: tuple[int, int]

    def largest(self, kind: int, near: float) -> float:
        """Return the largest size of a quantity among rings and what is near.

        All were in range after the block before: only where those of this block are not, or are too
        small, is there something to find among the older ones.
        """
        if not self.rings:
            return near
        first, last = self.block
        top = max(near, self._top(kind, [first] * len(self.layout.rings)))
        if TINY < top < HUGE:
            return top
        return max(near, self._top(kind, [max(0, last - d) for _, d in self.layout.rings]))

    def _top(self, kind: int, starts: list[int]) -> float:
        last, world = self.block[1], (kind - 1) % 2
        width = self.out.shape[1] // 5
        tops = [0.0]
        for (i, _), start in zip(self.layout.rings, starts, strict=True):
            power = self.exponents[start:last, world] - self.exponents[last - 1, world]
            sizes = np.ldexp(np.abs(self.out[start:last, kind * width + i]), power)
            tops.append(float(sizes.max()))
        return max(tops)

    def divide(self, kind: int, power: int) -> None:
        """Divide a quantity's rings by a power of two."""
        count = len(self.layout.rings)
        for ring in self.rings[kind * count : (kind + 1) * count]:
            ring[:] = divided(ring, power)


def _rescaled(
    state: tuple[float, ...], slots: int, rings: _Rings, shift: list[int]
) -> tuple[float, ...]:
    """Bring tangents back near 1; where all of a world's are 0, the errors they carry count."""
    parts = [list(state[i * slots : (i + 1) * slots]) for i in range(5)]
    for world in (0, 1):
        tangent, error = parts[1 + world], parts[3 + world]
        size = rings.largest(1 + world, largest(tangent))
        power = power_of(size or rings.largest(3 + world, largest(error)))
        if power:
            shift[world] += power
            parts[1 + world], parts[3 + world] = divided(tangent, power), divided(error, power)
            rings.divide(1 + world, power)
            rings.divide(3 + world, power)
    return tuple(value for part in parts for value in part)
