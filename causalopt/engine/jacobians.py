"""The derivative of one step's state by the one before, applied to many directions at once.

The state is what rules read of earlier steps (`Slots`). A step's map is carried out and not written
down: its equations' tangents in waves, each of which needs those before it alone, then the shifts
of the memory. Exponents follow a frame of directions through it; candidate sets A are directions
that start alike, each with its own equations held.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Bools, Floats
from causalopt.engine.linearization import Partial, linearize
from causalopt.engine.source import Slots
from causalopt.language.algebra import ONE
from causalopt.model.template import Structure

Places = NDArray[np.intp]
TOGETHER = 32  # candidate sets that go together
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


@dataclasses.dataclass(frozen=True)
class Products:
    """Which products make up the tangents of one step, equation by equation.

    Attributes:
        offsets: Equation i is the sum of the products offsets[i] .. offsets[i + 1] - 1.
        columns: Their local derivatives.
        sources: The rows these multiply: equations, then slots.
        memory: The rows that the slots take over after a step, in the order of the slots.
    """

    offsets: NDArray[np.int64]
    columns: NDArray[np.int64]
    sources: NDArray[np.int64]
    memory: NDArray[np.int64]


class StepDerivative:
    """The derivative of a step.

    Args:
        structure: The template's rules.
        held: Equations that carry nothing and whose slots are left out, shape [V].
        sources: Equations to which each step adds a number of its own for each of some directions.
            Those numbers stand behind the local derivatives, shape [source, direction]; direction d
            has 1 in the d-th slot behind the others, and 0 in the rest of them.
        directions: How many directions have sources.

    Attributes:
        width: The number of equations V.
        slots: The state: (equation, lag) pairs; of a direction's 1, (-1 - direction, 1).
        size: How many they are.
    """

    def __init__(
        self, structure: Structure, held: Bools, *, sources: Sequence[int] = (), directions: int = 0
    ) -> None:
        self.width = len(structure.names)
        self.slots = [slot for slot in Slots.of(structure).slots if not held[slot[0]]]
        self.slots += [(-1 - d, 1) for d in range(directions)]
        self.size = len(self.slots)
        row = {slot: self.width + k for k, slot in enumerate(self.slots)}
        row |= {(i, 0): i for i in range(self.width)}
        row |= {(i, 0): place for (i, _), place in row.items() if i < 0}  # a 1 stays
        self._memory = np.array([row[i, lag - 1] for i, lag in self.slots], dtype=np.intp)
        partials = linearize(structure).partials
        self._row = row
        self._used = [
            (column, partial)
            for column, partial in enumerate(partials)
            if not held[partial.child] and not held[partial.parent]
        ]
        added = [(child, d) for child in sources for d in range(directions)]
        self._used += [
            (len(partials) + k, Partial(child, -1 - d, 1, ONE))
            for k, (child, d) in enumerate(added)
        ]
        self._waves = [_wave(chosen, row) for chosen in _by_depth(self._used, self.width)]

    @functools.cached_property
    def products(self) -> Products:
        """The products of a step, equation by equation."""
        ordered = sorted(self._used, key=lambda pair: pair[1].child)
        children = np.array([partial.child for _, partial in ordered], dtype=np.int64)
        return Products(
            np.searchsorted(children, np.arange(self.width + 1)).astype(np.int64),
            np.array([column for column, _ in ordered], dtype=np.int64),
            np.array([self._row[p.parent, p.lag] for _, p in ordered], dtype=np.int64),
            self._memory.astype(np.int64),
        )

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
        whole = np.zeros((*state.shape[:-2], self.width + self.size, state.shape[-1]))
        whole[..., self.width :, :] = state
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
        return whole[..., self._memory, :], whole[..., : self.width, :]

    def parts(self, slopes: Floats) -> Iterator[Floats]:
        """Yield runs of steps whose matrices fit into memory together."""
        length = max(1, _CHUNK // (self.size * (self.width + self.size)))
        yield from np.split(slopes, range(length, len(slopes), length))

    def matrices(self, slopes: Floats) -> tuple[Floats, Floats]:
        """Return steps as matrices, [t, slot, slot], and all equations' rows, [t, V, slot]."""
        unit = np.broadcast_to(np.eye(self.size), (len(slopes), self.size, self.size))
        return self.carry(slopes, unit)


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
