"""The derivative of one step's state by the one before, applied to many directions at once.

The state is what rules read of earlier steps (`Slots`). A step's map is carried out and not written
down: its equations' tangents in waves, each of which needs those before it alone, then the shifts
of the memory. Exponents follow a frame of directions through it; candidate sets A are directions
that start alike, each with its own equations held.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.adjoint import terms_of
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import Partial, linearize
from causalopt.engine.rescaling import RESCALE, rescale_lanes
from causalopt.engine.source import Slots
from causalopt.model.template import Structure

Places = NDArray[np.intp]
_CACHED = 1 << 16  # products of a step that stay in the processor's cache
_CHUNK = 1_000_000  # numbers of matrices that are made at once


@dataclasses.dataclass(frozen=True)
class _Wave:
    """Equations that need those of earlier waves alone, and the products they are sums of.

    Those with most products come first. The k-th products of all that have as many stand side by
    side, so that they are added to the first equations at once.

    Attributes:
        children: The equations, shape [child].
        rounds: How many have a k-th product, for k = 0, 1, ...
        columns: The local derivatives, round by round, shape [product].
        sources: Rows of what they multiply: equations, then slots; likewise.
    """

    children: Places
    rounds: tuple[int, ...]
    columns: Places
    sources: Places


class StepDerivative:
    """The derivative of a step.

    Args:
        structure: The template's rules.
        held: Equations that carry nothing and whose slots are left out, shape [V].

    Attributes:
        slots: The state: (equation, lag) pairs.
        size: How many they are.
    """

    def __init__(self, structure: Structure, held: Bools) -> None:
        self._width = len(structure.names)
        self.slots = [slot for slot in Slots.of(structure).slots if not held[slot[0]]]
        self.size = len(self.slots)
        row = {slot: self._width + k for k, slot in enumerate(self.slots)}
        row |= {(i, 0): i for i in range(self._width)}
        self._memory = np.array([row[i, lag - 1] for i, lag in self.slots], dtype=np.intp)
        partials = linearize(structure).partials
        used = [
            (column, partial)
            for column, partial in enumerate(partials)
            if not held[partial.child] and not held[partial.parent]
        ]
        self._waves = [_wave(chosen, row) for chosen in _by_depth(used, self._width)]

    def carry(
        self,
        slopes: Floats,
        state: Floats,
        *,
        blocked: Bools | None = None,
        seed: int | None = None,
    ) -> tuple[Floats, Floats]:
        """Return the next state, and the tangents of all equations at this step.

        Args:
            slopes: The local derivatives, shape [..., partial].
            state: Tangents of the slots, shape [..., slot, direction].
            blocked: Which equations let nothing through, shape [V, direction]; none by default.
            seed: An equation by which tangents are taken from this step on.
        """
        whole = np.zeros((*state.shape[:-2], self._width + self.size, state.shape[-1]))
        whole[..., self._width :, :] = state
        if seed is not None:
            whole[..., seed, :] = 1.0
        for wave in self._waves:
            products = slopes[..., wave.columns, None] * whole[..., wave.sources, :]
            sums, done = products[..., : wave.rounds[0], :], wave.rounds[0]
            for count in wave.rounds[1:]:
                sums[..., :count, :] += products[..., done : done + count, :]
                done += count
            if blocked is not None:
                sums[blocked[wave.children]] = 0.0  # no product: 0 * inf is not 0
            whole[..., wave.children, :] += sums
        return whole[..., self._memory, :], whole[..., : self._width, :]

    def along(self, slopes: Floats, *, dense: bool) -> Iterator[Callable[[Floats], Floats]]:
        """Yield what carries a frame [slot, direction] over each step, of local derivatives [t, .].

        Args:
            slopes: The local derivatives, shape [t, partial].
            dense: Whether steps are written as matrices first: sooner for a few slots.
        """
        if not dense:
            for row in slopes:
                yield functools.partial(self._carried, row)
            return
        for part in self.parts(slopes):
            for matrix in self.matrices(part)[0]:
                yield matrix.__matmul__

    def parts(self, slopes: Floats) -> Iterator[Floats]:
        """Yield runs of steps whose matrices fit into memory together."""
        length = max(1, _CHUNK // (self.size * (self._width + self.size)))
        yield from np.split(slopes, range(length, len(slopes), length))

    def matrices(self, slopes: Floats) -> tuple[Floats, Floats]:
        """Return steps as matrices, [t, slot, slot], and all equations' rows, [t, V, slot]."""
        unit = np.broadcast_to(np.eye(self.size), (len(slopes), self.size, self.size))
        return self.carry(slopes, unit)

    def _carried(self, slopes: Floats, frame: Floats) -> Floats:
        return self.carry(slopes, frame)[0]


def _by_depth(used: list[tuple[int, Partial]], width: int) -> list[list[tuple[int, Partial]]]:
    """Return local derivatives by how many others of the same step theirs need first."""
    depth = [0] * width
    ordered = sorted(used, key=lambda pair: pair[1].child)
    for _, partial in ordered:
        if not partial.lag:
            depth[partial.child] = max(depth[partial.child], depth[partial.parent] + 1)
    waves: list[list[tuple[int, Partial]]] = [[] for _ in range(max(depth, default=0) + 1)]
    for pair in ordered:
        waves[depth[pair[1].child]].append(pair)
    return [wave for wave in waves if wave]


def _wave(chosen: list[tuple[int, Partial]], row: dict[tuple[int, int], int]) -> _Wave:
    of: dict[int, list[tuple[int, Partial]]] = {}
    for pair in chosen:
        of.setdefault(pair[1].child, []).append(pair)
    children = sorted(of, key=lambda child: -len(of[child]))
    rounds = [
        [of[child][k] for child in children if len(of[child]) > k]
        for k in range(len(of[children[0]]))
    ]
    ordered = [pair for products in rounds for pair in products]
    return _Wave(
        np.array(children),
        tuple(map(len, rounds)),
        np.array([column for column, _ in ordered]),
        np.array([row[partial.parent, partial.lag] for _, partial in ordered]),
    )


class HeldSets:
    """The tangents of one node by the seeded one, for many constant sets A over one baseline.

    No estimate of rounding is carried: for a set whose status matters, ask `run_tangents`.

    Args:
        structure: The template's rules.
        plan: The baseline and its seed; its own held set is not used.
        target: The measured equation.
    """

    def __init__(self, structure: Structure, plan: Plan, target: int) -> None:
        self._plan, self._target = plan, target
        self._width = len(structure.names)
        self._map = StepDerivative(structure, np.zeros(self._width, dtype=bool))
        baseline = dataclasses.replace(plan, seed=None)
        self._slopes = run_values(structure, baseline, terms_of(structure)).extras

    def tangents(self, held: Bools) -> tuple[Floats, NDArray[np.int64]]:
        """Return mantissas and exponents at the last step, shape [set]; `held` is [V, set]."""
        products = max(self._slopes.shape[1], 1)
        group = max(_CACHED // products, 1)
        parts = [
            self._of(held[:, start : start + group]) for start in range(0, held.shape[1], group)
        ]
        mantissas, exponents = zip(*parts, strict=True)
        return np.concatenate(mantissas), np.concatenate(exponents)

    def _of(self, held: Bools) -> tuple[Floats, NDArray[np.int64]]:
        plan, count = self._plan, held.shape[1]
        assert plan.seed is not None
        first, seed = plan.seed
        state = np.zeros((self._map.size, count))
        exponents = np.zeros(count, dtype=np.int64)
        now = np.zeros((self._width, count))
        with np.errstate(all="ignore"):
            for t in range(first, plan.steps + 1):
                blocked = held
                if t < len(plan.forced):
                    blocked = held | plan.forced[t][:, np.newaxis]
                if (t - first) % RESCALE == 0:
                    rescale_lanes(state, exponents)
                state, now = self._map.carry(
                    self._slopes[t], state, blocked=blocked, seed=seed if t == first else None
                )
        return now[self._target], exponents
