"""The order in which one dense step multiplies tables in and sums old variables out.

Between steps the array holds some old variables (still read by a rule to come) and some new ones.
Its largest size on the way decides time and memory, so the order of the rules is chosen to keep
that peak low: greedily, from every possible first rule, the best of these kept.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from causalopt.laws.discrete import Mechanism

Node = tuple[str, int]
"""(variable, lag): lag 1 the step before, 0 the step being made."""


@dataclasses.dataclass(frozen=True)
class Elimination:
    """An order of mechanisms and the entries of the largest array it meets."""

    order: tuple[Mechanism, ...]
    peak: int


@dataclasses.dataclass(frozen=True)
class Problem:
    """What an order is sought for.

    Args:
        mechanisms: The rules to multiply in, in an order that respects reads within a step.
        blocks: Old variables that enter the array together, for each independent block.
        sizes: Labels of each node.
    """

    mechanisms: tuple[Mechanism, ...]
    blocks: tuple[tuple[str, ...], ...]
    sizes: Mapping[Node, int]

    def reads(self, mechanism: Mechanism) -> set[Node]:
        """Return the nodes a rule reads, as far as they are axes."""
        return {node for node in mechanism.parents if node in self.sizes}

    def entered(self, done: Iterable[Mechanism]) -> set[Node]:
        """Return the old variables in the array once these rules have been multiplied in."""
        read = {name for m in done for name, lag in self.reads(m) if lag == 1}
        return {(name, 1) for block in self.blocks if read & set(block) for name in block}

    def needed(self, left: Iterable[Mechanism]) -> set[Node]:
        """Return the nodes that rules still to come read."""
        return {node for m in left for node in self.reads(m)}

    def live(self, done: Sequence[Mechanism], left: Sequence[Mechanism]) -> set[Node]:
        """Return the axes of the array once these rules are in and spent variables summed out."""
        made = {(m.name, 0) for m in done}
        state = {(m.name, 0) for m in done if not m.noise}
        return ((self.entered(done) | made) & self.needed(left)) | state

    def entries(self, nodes: Iterable[Node]) -> int:
        """Return the size of an array with these axes."""
        return math.prod(self.sizes[node] for node in nodes)


def order(problem: Problem) -> Elimination:
    """Return an order of the rules whose largest array is small."""
    starts = [m for m in problem.mechanisms if _ready(problem, m, ())]
    plans = [_greedy(problem, first) for first in starts]
    return min(plans, key=lambda found: found.peak)


def _greedy(problem: Problem, first: Mechanism) -> Elimination:
    done = [first]
    left = [m for m in problem.mechanisms if m is not first]
    peak = _cost(problem, [], first, left)
    while left:
        costs = [
            (_cost(problem, done, new, [m for m in left if m is not new]), i)
            for i, new in enumerate(left)
            if _ready(problem, new, done)
        ]
        cost, i = min(costs)
        peak = max(peak, cost)
        done.append(left.pop(i))
    return Elimination(tuple(done), peak)


def _cost(
    problem: Problem, done: Sequence[Mechanism], new: Mechanism, left: Sequence[Mechanism]
) -> int:
    """Return the entries of the larger of the arrays before and after `new` is multiplied in."""
    before = problem.live(done, [new, *left])
    entering = (problem.entered([new]) - problem.entered(done)) & problem.needed([new, *left])
    after = problem.live([*done, new], left)
    return max(problem.entries(before | entering), problem.entries(after))


def _ready(problem: Problem, new: Mechanism, done: Iterable[Mechanism]) -> bool:
    made = {m.name for m in done}
    return all(name in made for name, lag in problem.reads(new) if lag == 0)
