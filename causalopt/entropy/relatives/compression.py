"""Basin and target-set compression: how many states are left, and how many lead to the target.

A deterministic world sends its states to fewer and fewer: the smart thermostat's nine to five, then
three, then one. The basin of a target set is what ends in it.

Sources: the "optimizing system" of A. Flint, "The ground of optimization", 2020 (a basin that
contracts to a target set); Part 2, "compression of futures into a smaller number of trajectories".
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from causalopt.entropy.declared import finite_model
from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import SparseLaw
from causalopt.laws.space import Label, Space
from causalopt.model.model import Model

LIMIT = 2**22
"""Most states whose successors are listed."""

State = tuple[Label, ...]


@dataclasses.dataclass(frozen=True)
class Attractor:
    """A cycle that states end in, and how many do.

    Args:
        states: The cycle, in the order it is run through.
        basin: How many states of the space end in it, its own included.
    """

    states: tuple[State, ...]
    basin: int


def successors(model: Model | DiscreteModel) -> npt.NDArray[np.int64]:
    """Return each state's successor as an index, states counted with the last variable fastest.

    Args:
        model: A model of finite domains, without chance.

    Raises:
        QuestionError: A rule is stochastic, or the space is too large to list.
    """
    model = finite_model(model)
    space = model.state
    if not model.deterministic:
        raise QuestionError(f"{model.name} has stochastic rules: a state has no one successor")
    if space.size > LIMIT:
        raise QuestionError(f"{model.name} has {space.size} states, too many to list")
    states = np.stack(np.unravel_index(np.arange(space.size), space.shape), axis=1)
    every = SparseLaw(space, states, np.full(space.size, 1.0 / space.size))
    columns = sparse.images(model, every)
    codes: npt.NDArray[np.int64] = np.ravel_multi_index(tuple(columns.T), space.shape)
    return codes


def image_sizes(model: Model | DiscreteModel) -> tuple[int, ...]:
    """Return how many states can still be met after 0, 1, 2, ... steps, until no fewer.

    Args:
        model: A model of finite domains, without chance.

    Example:
        >>> from causalopt import load
        >>> image_sizes(load("thermostat_smart"))
        (9, 5, 3, 1)
    """
    successor = successors(model)
    now = np.arange(len(successor))
    sizes = [len(now)]
    while len(following := np.unique(successor[now])) < sizes[-1]:
        now = following
        sizes.append(len(now))
    return tuple(sizes)


def attractors(model: Model | DiscreteModel) -> tuple[Attractor, ...]:
    """Return every cycle with the size of its basin, the largest basin first.

    Args:
        model: A model of finite domains, without chance.

    Example:
        >>> from causalopt import load
        >>> attractors(load("thermostat_smart"))
        (Attractor(states=(('low', 'warm'),), basin=9),)
    """
    model = finite_model(model)
    successor = successors(model)
    ends = np.arange(len(successor))
    jump = successor
    for _ in range(max(1, math.ceil(math.log2(len(successor)))) + 1):
        ends, jump = jump[ends], jump[jump]  # after k rounds every state has run 2^k - 1 steps
    found: dict[int, tuple[int, ...]] = {}
    for end in np.unique(ends):
        cycle = _cycle(successor, int(end))
        found[min(cycle)] = cycle
    owner = {state: key for key, cycle in found.items() for state in cycle}
    counts: dict[int, int] = dict.fromkeys(found, 0)
    for end, count in zip(*np.unique(ends, return_counts=True), strict=True):
        counts[owner[int(end)]] += int(count)
    listed = [Attractor(_labels(model.state, found[key]), counts[key]) for key in found]
    return tuple(sorted(listed, key=lambda attractor: -attractor.basin))


def basin_fraction(
    model: Model | DiscreteModel, target: Callable[[State], bool], *, steps: int
) -> float:
    """Return the fraction of all states that lie in a target set after some steps.

    Args:
        model: A model of finite domains, without chance.
        target: Whether a state, its labels in the model's order, belongs to the target.
        steps: How many steps to allow.

    Example:
        >>> from causalopt import load
        >>> basin_fraction(load("thermostat_smart"), lambda state: state[1] == "warm", steps=3)
        1.0
    """
    model = finite_model(model)
    successor = successors(model)
    now = np.arange(len(successor))
    for _ in range(steps):
        now = successor[now]
    reached, counts = np.unique(now, return_counts=True)
    inside = [target(state) for state in _labels(model.state, tuple(int(i) for i in reached))]
    return float(counts[inside].sum()) / len(successor)


def _cycle(successor: npt.NDArray[np.int64], start: int) -> tuple[int, ...]:
    cycle = [start]
    while (following := int(successor[cycle[-1]])) != start:
        cycle.append(following)
    return tuple(cycle)


def _labels(space: Space, codes: tuple[int, ...]) -> tuple[State, ...]:
    positions = zip(*np.unravel_index(np.array(codes, dtype=np.int64), space.shape), strict=True)
    return tuple(space.state([int(i) for i in position]) for position in positions)
