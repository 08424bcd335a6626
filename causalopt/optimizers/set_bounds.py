"""Branch and bound over sets A: the best one with a certificate that no other is better.

The effect beside A is P - N, what goes along paths of positive and of negative products. Of sets
that hold I and may hold more of R, P and N are at most what passes beside I and at least what
passes beside I and R together; so |P - N| has a bound, and where that is below the best set found,
none of them need be looked at. In systems of one sign the bound is the effect itself; where strong
paths of both signs cancel it says little, and the search ends with a gap.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from causalopt.engine.contract import Floats

_SAME = 1e-9  # relative: what rounding may do to a bound
_TOGETHER = 16  # branchings that are swept together

# Sets of parts -> the effects beside them over the total effect: as they are, and the same with
# every path's product counted by its size; shape [set] each.
Beside = Callable[[Sequence[tuple[int, ...]]], tuple[Floats, Floats]]


@dataclasses.dataclass(frozen=True)
class Leaf:
    """Sets that need not be told apart.

    Attributes:
        depth: Parts of the order that are decided.
        included: Those of them that are in.
        height: A bound of |direct effect / total effect| of all of them.
    """

    depth: int
    included: tuple[int, ...]
    height: float


@dataclasses.dataclass(frozen=True, eq=False)
class SetCertificate:
    """What shows that no set is better than the best one by more than a gap.

    Attributes:
        order: The parts in the order in which they are decided.
        size: The most parts of a set.
        leaves: They hold every set once.
        best: The best set found.
        height: Its |direct effect / total effect|; its Op is the logarithm.
        beside: Sweeps sets, so that the bounds can be made again.
    """

    order: tuple[int, ...]
    size: int
    leaves: tuple[Leaf, ...]
    best: tuple[int, ...]
    height: float
    beside: Beside

    @property
    def bound(self) -> float:
        """A bound of Op of all sets, in nats."""
        top = max(self.height, *(leaf.height for leaf in self.leaves))
        return math.log(top) if top > 0 else -math.inf

    @property
    def gap(self) -> float:
        """By how much a set that was not looked at may be better, in nats; 0 to rounding for none.

        It is the bound less the best Op.
        """
        found = math.log(self.height) if self.height > 0 else -math.inf
        return 0.0 if self.bound == found else self.bound - found

    def problems(self) -> list[str]:
        """Return what is wrong with the certificate: made again from the sweeps, empty if nothing.

        The leaves must hold every set once, each bound must be no smaller than the one made anew,
        and the best set must have the effect that is said.
        """
        found = []
        if not self._is_complete():
            found.append("the leaves do not hold every set once")
        heights, _ = self.beside([self.best])
        if not math.isclose(abs(heights[0]), self.height, rel_tol=1e-7):
            found.append(f"the best set has {abs(heights[0]):g}, not {self.height:g}")
        anew = bounds(self.beside, [(leaf.included, self._rest(leaf)) for leaf in self.leaves])
        low = [
            k
            for k, leaf in enumerate(self.leaves)
            if anew[k] > leaf.height * (1 + 1e-7) and not self._is_empty(leaf)
        ]
        if low:
            leaf = self.leaves[low[0]]
            found.append(
                f"the bound of sets with {leaf.included} is {anew[low[0]]:g}, not {leaf.height:g}, "
                f"and {len(low) - 1} others are too low"
            )
        return found

    def _is_empty(self, leaf: Leaf) -> bool:
        """Whether the leaf is the empty set alone, which is no candidate."""
        return leaf.depth == len(self.order) and not leaf.included

    def _rest(self, leaf: Leaf) -> tuple[int, ...]:
        return () if len(leaf.included) >= self.size else self.order[leaf.depth :]

    def _is_complete(self) -> bool:
        """Whether the leaves are the ends of a binary tree: no word begins another, all are there.

        Where a set is full the parts behind are out, so that it counts for all of them.
        """
        words = sorted(
            "".join("1" if p in leaf.included else "0" for p in self.order[: leaf.depth])
            for leaf in self.leaves
        )
        if any(b.startswith(a) for a, b in itertools.pairwise(words)):
            return False
        most = max(map(len, words))
        return sum(1 << (most - len(word)) for word in words) == 1 << most


def bounds(beside: Beside, nodes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> list[float]:
    """Return a bound of |direct / total| for sets that hold I and may hold more of R.

    Args:
        beside: Sweeps sets.
        nodes: Pairs (I, R).
    """
    wide = beside([i for i, _ in nodes])
    narrow = beside([(*i, *r) for i, r in nodes])
    found: list[float] = _heights(wide, narrow).tolist()
    return found


def _heights(beside_i: tuple[Floats, Floats], beside_all: tuple[Floats, Floats]) -> Floats:
    """Return max |P - N|: each is between what passes beside all and what passes beside I."""
    (wide, wide_size), (narrow, narrow_size) = beside_i, beside_all
    with np.errstate(invalid="ignore"):
        above = (wide_size + wide) / 2 - (narrow_size - narrow) / 2
        below = (narrow_size + narrow) / 2 - (wide_size - wide) / 2
        found = np.maximum(np.abs(above), np.abs(below))
    return np.where(np.isnan(found), np.inf, found)


@dataclasses.dataclass(frozen=True, eq=False)
class Bounded:
    """What branch and bound found.

    Attributes:
        sets: All sets that were evaluated.
        certificate: What it shows.
        evaluated: How many sets were swept, those for bounds too.
    """

    sets: list[tuple[int, ...]]
    certificate: SetCertificate
    evaluated: int


@dataclasses.dataclass(frozen=True)
class _Branch:
    depth: int
    included: tuple[int, ...]
    wide: tuple[float, float]  # beside I: the effect, and by sizes
    narrow: tuple[float, float]  # beside I and all that may join it
    height: float


def branch_and_bound(beside: Beside, order: Sequence[int], size: int, budget: int) -> Bounded:
    """Return the set whose |direct / total| is largest, with a certificate.

    The most promising branch is opened first. When the budget is spent the certificate has a gap.

    Args:
        beside: Sweeps sets.
        order: The parts, those that decide most first.
        size: The most parts of a set.
        budget: How many sets may be swept.
    """
    order = tuple(order)
    (wide, narrow), (wide_size, narrow_size) = beside([(), order])
    ends = (float(wide), float(wide_size)), (float(narrow), float(narrow_size))
    root = _Branch(0, (), *ends, _height(*ends))
    counter, heap = itertools.count(), [(-root.height, 0, root)]
    next(counter)
    closed, sets, best, evaluated = list[_Branch](), dict[tuple[int, ...], float](), 0.0, 2
    chosen: tuple[int, ...] = ()
    while heap and evaluated < budget:
        opened = [heapq.heappop(heap)[2] for _ in range(min(_TOGETHER, len(heap)))]
        live = [b for b in opened if not chosen or b.height > best * (1 + _SAME)]
        closed += [b for b in opened if b not in live]
        if not live:
            closed += [branch for _, _, branch in heap]
            heap = []
            break
        for child in _opened(beside, order, size, live):
            if child.included not in sets and child.included:
                height = abs(child.wide[0])
                sets[child.included] = height
                if height > best or not chosen:
                    best, chosen = max(best, height), child.included
            if child.depth == len(order) or len(child.included) == size:
                closed.append(child)
            else:
                heapq.heappush(heap, (-child.height, next(counter), child))
        evaluated += 2 * len(live)
    closed += [branch for _, _, branch in heap]
    leaves = tuple(Leaf(b.depth, b.included, b.height) for b in closed)
    # The empty set is no candidate: its leaf, where it is one alone, bounds nothing.
    leaves = tuple(
        dataclasses.replace(leaf, height=0.0)
        if leaf.depth == len(order) and not leaf.included
        else leaf
        for leaf in leaves
    )
    certificate = SetCertificate(order, size, leaves, chosen, best, beside)
    return Bounded(list(sets), certificate, evaluated)


def _height(wide: tuple[float, float], narrow: tuple[float, float]) -> float:
    ends = tuple((np.array(a), np.array(b)) for a, b in (wide, narrow))
    return float(_heights(*ends))


def _opened(
    beside: Beside, order: tuple[int, ...], size: int, branches: list[_Branch]
) -> list[_Branch]:
    """Return the two children of each branch: with its next part, and without it.

    What passes beside I is the parent's where the part is left out, what passes beside all the
    parent's where it is taken in.
    """
    taken = [(*b.included, order[b.depth]) for b in branches]
    without = [(*b.included, *order[b.depth + 1 :]) for b in branches]
    signed, sizes = beside([*taken, *without])
    found, count = [], len(branches)
    for k, branch in enumerate(branches):
        wide = float(signed[k]), float(sizes[k])
        narrow = wide if len(taken[k]) == size else branch.narrow
        depth = branch.depth + 1
        found.append(_Branch(depth, taken[k], wide, narrow, _height(wide, narrow)))
        narrow = float(signed[count + k]), float(sizes[count + k])
        height = _height(branch.wide, narrow)
        found.append(_Branch(depth, branch.included, branch.wide, narrow, height))
    return found
