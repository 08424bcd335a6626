"""Escape by the transfer operator: no walkers, a grid, and the error that refinement shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from causalopt.distributions.grid import Box, reach, spread_nodes
from causalopt.distributions.operator import Operator, absorb, transfer_operator
from causalopt.distributions.powers import DENSE_LIMIT, pull_many
from causalopt.errors import QuestionError
from causalopt.escape.answer import Answer, Status

if TYPE_CHECKING:
    from causalopt.distributions.random_map import Array, RandomMap
    from causalopt.escape.question import Escape

HEAD_POINTS = 4096
MANY_STEPS = 100_000
NODES = {1: 750, 2: 60}
MOST_NODES = {1: 48_000, 2: 480}


def escape_by_operator(
    chain: RandomMap,
    question: Escape,
    *,
    tolerance: float = 1e-4,
    relative: float = 1e-2,
    nodes: int | None = None,
    most_nodes: int | None = None,
    bounds: Box | None = None,
) -> Answer:
    """Answer a question of escape by pulling the event back through the transfer operator.

    `u_N(W) = P(beyond at N | start W)` obeys `u_(n+1)(W) = sum_k p_k u_n(F_k(W))`, a sum of
    positive terms, so that a probability of 1e-12 keeps its digits. The first few steps are taken
    exactly (all sequences of picks), the rest on the grid. The grid is doubled until two
    successive changes are both below the tolerance; the larger of the two is the stated error.

    Args:
        chain: The random map, of one or two coordinates.
        question: What is asked.
        tolerance: Absolute error at which refinement may stop.
        relative: Relative error at which it may stop; both must hold.
        nodes: Nodes an axis to begin with.
        most_nodes: Nodes an axis at which refinement gives up, with status `unresolved`.
        bounds: Where the grid lies; by default as far as the chain can reach.

    Returns:
        Probabilities, errors, and a status.

    Raises:
        QuestionError: More than two coordinates, or an update that overflows.

    Example:
        >>> from causalopt.distributions.random_map import RandomMap
        >>> from causalopt.escape import Escape
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> answer = escape_by_operator(walk, Escape((0.0,), 9.5, (10,)))
        >>> round(answer.probability[0] * 2**10, 6)
        1.0
    """
    question.check(chain)
    count, limit = _sizes(chain, question, nodes, most_nodes)
    box = bounds or natural_bounds(chain, question)
    levels = [_solve(chain, question, box, count)]
    while True:
        count *= 2
        levels.append(_solve(chain, question, box, count))
        error = _refinement_error([level[0] for level in levels])
        reached = np.all(error <= np.maximum(relative * levels[-1][0], 1e-300))
        if len(levels) > 2 and reached and np.all(error <= tolerance):
            return _answer(question, levels[-1], error, "ok", "", count)
        if count * 2 > limit:
            note = f"the grid of {count} nodes an axis still changes by {error.max():.3g}"
            return _answer(question, levels[-1], error, "unresolved", note, count)


def _answer(
    question: Escape,
    level: tuple[Array, Array],
    error: Array,
    status: Status,
    note: str,
    size: int,
) -> Answer:
    """Add the mass that left the grid to the error: it may be on either side of the level."""
    probability, lost = level
    if lost.max() > 0:
        status, note = (
            "leaves_grid",
            (
                f"{lost.max():.3g} of the mass leaves the grid by step {max(question.within)}; "
                "it is counted in the error, not in the probability: widen the bounds"
            ),
        )
    chances = tuple(np.minimum(probability, 1.0).tolist())
    errors = tuple((error + lost).tolist())
    return Answer("operator", question.within, chances, errors, status, note, size)


def natural_bounds(chain: RandomMap, question: Escape) -> Box:
    """Return the box the chain can reach from the start, the level included, a little widened."""
    low, high = np.array(question.start), np.array(question.start)
    low[question.coordinate] = min(low[question.coordinate], question.beyond)
    high[question.coordinate] = max(high[question.coordinate], question.beyond)
    return reach(chain, low, high, steps=max(question.within)).widened(0.005)


def _sizes(
    chain: RandomMap, question: Escape, nodes: int | None, most: int | None
) -> tuple[int, int]:
    """Return the first and the largest number of nodes an axis.

    Past `MANY_STEPS` only repeated squaring is quick, which wants a small dense matrix.
    """
    if chain.dimension not in NODES:
        raise QuestionError(
            f"the operator serves one or two coordinates; this chain has {chain.dimension} "
            f"({', '.join(chain.names)}): ask the ensemble"
        )
    if max(question.within) <= MANY_STEPS:
        return nodes or NODES[chain.dimension], most or MOST_NODES[chain.dimension]
    if chain.dimension > 1:
        raise QuestionError(
            f"more than {MANY_STEPS} steps need repeated squaring, which serves one coordinate; "
            f"this chain has {chain.dimension}: ask for fewer steps or for the escape rate"
        )
    return nodes or DENSE_LIMIT // 6, most or DENSE_LIMIT - 8


def _refinement_error(levels: list[Array]) -> Array:
    """Return the larger of the last two changes: one lucky pair of grids can agree."""
    last = np.abs(levels[-1] - levels[-2])
    if len(levels) < 3:
        return last
    return np.asarray(np.maximum(last, np.abs(levels[-2] - levels[-3])))


def _solve(chain: RandomMap, question: Escape, box: Box, count: int) -> tuple[Array, Array]:
    """Return on one grid the probabilities and the mass lost, axis (within,)."""
    operator = gridded(chain, question, box, count)
    event = event_values(operator, question)
    if question.passage:
        operator = absorb(operator, event > 0)
    gone = np.zeros(operator.size)
    gone[-1] = 1.0
    head = _head_steps(chain, question)
    points, weights, passed = _exact_head(chain, question, head)
    start = operator.place(points, weights)
    rest = [steps - head for steps in question.within]
    escaped = pull_many(operator, event, rest) @ start + passed
    lost = pull_many(operator, gone, rest) @ start if _leaks(operator) else np.zeros(len(rest))
    for place, steps in enumerate(rest):
        if not steps:
            escaped[place] = weights[question.holds(points)].sum() + passed
    return escaped, lost


def _leaks(operator: Operator) -> bool:
    return bool(operator.matrix[:-1, [operator.size - 1]].nnz)


def gridded(chain: RandomMap, question: Escape, box: Box, count: int) -> Operator:
    """Return the operator on a grid with a node at the start and a close pair around the level.

    Between the pair the event jumps from 0 to 1; walkers on either side are never mixed.
    """
    axes = []
    for axis in range(chain.dimension):
        through = [question.start[axis]]
        if axis == question.coordinate:
            slit = 1e-9 * (box.high[axis] - box.low[axis])
            through += [question.beyond - slit, question.beyond + slit]
        axes.append(spread_nodes(chain, box, count, axis=axis, through=tuple(through)))
    return transfer_operator(chain, tuple(axes))


def event_values(operator: Operator, question: Escape) -> Array:
    """Return 1 beyond the level and 0 before it, axis (state,); outside counts as not beyond."""
    return np.append(question.holds(operator.points()).astype(float), 0.0)


def _head_steps(chain: RandomMap, question: Escape) -> int:
    """Return how many first steps are taken exactly: as many as every N and memory allow."""
    maps = len(chain.maps)
    most = int(math.log(HEAD_POINTS) / math.log(maps)) if maps > 1 else 64
    return min(most, *question.within, HEAD_POINTS)


def _exact_head(chain: RandomMap, question: Escape, steps: int) -> tuple[Array, Array, float]:
    """Follow every sequence of picks; return points, weights, and the weight already passed."""
    points, weights = np.array(question.start)[:, np.newaxis], np.ones(1)
    passed = 0.0
    for _ in range(steps):
        points = np.concatenate(list(chain.images(points)), axis=1)
        weights = np.outer(chain.probabilities, weights).ravel()
        if question.passage:
            out = question.holds(points)
            passed += float(weights[out].sum())
            points, weights = points[:, ~out], weights[~out]
    return points, weights, passed
