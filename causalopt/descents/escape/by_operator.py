"""Escape by the transfer operator: no walkers, a grid, and the error that refinement shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.escape.answer import Answer, Status
from causalopt.descents.escape.pilot import (
    compare_with_walkers,
    extrapolated,
    follow_only_path,
    widest,
)
from causalopt.descents.transfer.grid import Box, reach, spread_nodes
from causalopt.descents.transfer.operator import Operator, absorb, transfer_operator
from causalopt.descents.transfer.operator_powers import DENSE_LIMIT, pull_many
from causalopt.descents.walkers.ensemble import run_ensemble
from causalopt.errors import QuestionError
from causalopt.work.progress import portion

if TYPE_CHECKING:
    from causalopt.descents.escape.escape import Escape
    from causalopt.descents.maps.random_map import Array, RandomMap

HEAD_POINTS = 4096
WHOLE_POINTS = 2**18
PILOTS = 512
PILOT_STEPS = 2000
NEEDLESS = 3.0
WIDE = 60.0
MANY_STEPS = 100_000
TOLERANCE = {1: 1e-4, 2: 1e-2}
RELATIVE = {1: 1e-2, 2: 1e-1}
NODES = {1: 256, 2: 48}
MOST_NODES = {1: 66_000, 2: 400}


def escape_by_operator(
    chain: RandomMap,
    question: Escape,
    *,
    tolerance: float | None = None,
    relative: float | None = None,
    nodes: int | None = None,
    most_nodes: int | None = None,
    bounds: Box | None = None,
) -> Answer:
    """Answer a question of escape by pulling the event back through the transfer operator.

    `u_N(W) = P(beyond at N | start W)` obeys `u_(n+1)(W) = sum_k p_k u_n(F_k(W))`, a sum of
    positive terms, so that a probability of 1e-12 keeps its digits. The first few steps are taken
    exactly (all sequences of picks; short questions are answered by that alone), the rest on the
    grid. The grid is doubled until three changes in a row are below the tolerance; the largest of
    them is the stated error. A chain without chance has one path, which is followed instead. Where
    refinement does not settle, the error reaches as far as the changes may still add up to; where a
    few walkers contradict the grid, it reaches past their share.

    Args:
        chain: The random map, of one or two coordinates.
        question: What is asked.
        tolerance: Absolute error at which refinement may stop; by default 1e-4 for one
            coordinate, 1e-2 for two.
        relative: Relative error at which it may stop, by default 0.01 and 0.1; both must hold.
        nodes: Nodes an axis to begin with.
        most_nodes: Nodes an axis at which refinement gives up, with status `unresolved`.
        bounds: Where the grid lies; by default as far as the chain can reach.

    Returns:
        Probabilities, errors, and a status.

    Raises:
        QuestionError: More than two coordinates, or an update that overflows.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> from causalopt.descents.escape.escape import Escape
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> answer = escape_by_operator(walk, Escape((0.0,), 9.5, (10,)))
        >>> round(answer.probability[0] * 2**10, 6)
        1.0
    """
    question.check(chain)
    count, limit = _sizes(chain, question, nodes, most_nodes)
    tolerance = TOLERANCE[chain.dimension] if tolerance is None else tolerance
    relative = RELATIVE[chain.dimension] if relative is None else relative
    only = follow_only_path(chain, question) if bounds is None else None
    if only is not None:
        return only
    box = bounds or natural_bounds(chain, question)
    found = _refined(chain, question, box, (count, limit), (tolerance, relative))
    return compare_with_walkers(chain, question, found)


def _refined(
    chain: RandomMap, question: Escape, box: Box, sizes: tuple[int, int], aims: tuple[float, float]
) -> Answer:
    """Double the grid from the first size to the last until both aims are met."""
    (count, limit), (tolerance, relative) = sizes, aims
    levels = [_solve(chain, question, box, count)]
    while True:
        count *= 2
        # A doubled grid takes at least twice the time: the last one is half of all.
        with portion(min(count / 2 / limit, 1.0), min(count / limit, 1.0)):
            levels.append(_solve(chain, question, box, count))
        probability, lost = levels[-1]
        error = _refinement_error([level[0] for level in levels])
        aim = np.minimum(relative * probability, tolerance)
        settled = len(levels) > 3 and bool(np.all(error <= aim))
        if settled or count * 2 > limit:
            status, note = _verdict(error, lost, aim, settled=settled, count=count)
            chances = np.minimum(probability, 1.0)
            if status == "unresolved":
                changes = np.abs(np.diff(np.stack([level[0] for level in levels]), axis=0))
                error = np.where(error <= aim, error, extrapolated(error, changes, chances))
            if len(chain.maps) == 1:
                error = widest(chances)
            errors = np.minimum(error + lost, widest(chances))
            return Answer(
                "operator",
                question.within,
                tuple(chances.tolist()),
                tuple(errors.tolist()),
                status,
                note,
                count,
            )


def _verdict(
    error: Array, lost: Array, aim: Array, *, settled: bool, count: int
) -> tuple[Status, str]:
    """Return status and note; mass that left may be on either side, so it is in the error."""
    if np.any(lost > aim):
        return "leaves_grid", (
            f"{lost.max():.3g} of the mass leaves the grid; "
            "it is counted in the error, not in the probability: widen the bounds"
        )
    if not settled:
        return (
            "unresolved",
            f"at {count} nodes an axis the answer still changes by {error.max():.3g}",
        )
    return "ok", ""


def natural_bounds(chain: RandomMap, question: Escape) -> Box:
    """Return the box the grid covers: all the chain can reach, or all it is likely to.

    Where the reachable box is far wider than where walkers go (a free random walk), it is cut to
    the span of a pilot run, half as much again on either side; what leaves it is counted.
    """
    low, high = np.array(question.start), np.array(question.start)
    low[question.coordinate] = min(low[question.coordinate], question.beyond)
    high[question.coordinate] = max(high[question.coordinate], question.beyond)
    steps = max(question.within)
    # Twice the steps, so that the grid's own spread does not leave a box just large enough.
    box = reach(chain, low, high, steps=2 * steps + 16).widened(0.01)
    wide = [top - bottom for bottom, top in zip(box.low, box.high, strict=True)]
    if wide[question.coordinate] < WIDE * abs(
        question.beyond - question.start[question.coordinate]
    ):
        return box
    start = np.tile(np.array(question.start)[:, np.newaxis], (1, PILOTS))
    times = sorted({min(steps, PILOT_STEPS) * part // 32 for part in range(33)})
    seen = run_ensemble(chain, start, times, seed=0).states
    if not np.isfinite(seen).all():
        return box
    least = np.minimum(seen.min(axis=(0, 2)), low)
    most = np.maximum(seen.max(axis=(0, 2)), high)
    likely = Box(tuple(least.tolist()), tuple(most.tolist()), closed=False).widened(0.5)
    return _cut(box, likely)


def _cut(box: Box, likely: Box) -> Box:
    """Return the box, with the axes on which it is needlessly wide cut to the likely span."""
    low, high = list(box.low), list(box.high)
    for axis, (bottom, top) in enumerate(zip(likely.low, likely.high, strict=True)):
        if high[axis] - low[axis] > NEEDLESS * (top - bottom):
            low[axis], high[axis] = max(low[axis], bottom), min(high[axis], top)
    closed = box.closed and (tuple(low), tuple(high)) == (box.low, box.high)
    return Box(tuple(low), tuple(high), closed)


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
    """Return the largest of the last three changes: two grids in a row can agree by luck.

    On an expanding map (the pit at T = 0.05 stretches ninefold) the change per doubling falls
    slowly and with jumps, so the last change alone would promise too much.
    """
    changes = np.abs(np.diff(np.stack(levels), axis=0))
    return np.asarray(changes[-3:].max(axis=0))


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
    if len(chain.maps) == 1:
        return min(*question.within, HEAD_POINTS)
    most, whole = (
        int(math.log(points) / math.log(len(chain.maps))) for points in (HEAD_POINTS, WHOLE_POINTS)
    )
    return min(question.within) if max(question.within) <= whole else min(most, *question.within)


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
