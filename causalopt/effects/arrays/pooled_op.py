"""Op of networks over a batch of starts: the starts are further elements of n and of m.

The Jacobian of all starts' m by all starts' n has their own Jacobians on its diagonal, so the rms
Op of the pool is half the log of a ratio of sums of squares.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_coalitions import Coalitions, direct_of
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_forward import ArraySeed, tangents_of
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.errors import QuestionError
from causalopt.model.selectors import Node
from causalopt.worlds.array_world import element_slices
from causalopt.worlds.unrolled import Unrolled

MAX_DIRECTIONS = 512
_CHUNK = 1 << 21  # numbers of tangents that are carried at once


@dataclasses.dataclass(frozen=True, eq=False)
class PooledOp:
    """What a nudge does in each network and start, over all paths and beside A.

    Attributes:
        total: ln of the norm of m's derivatives by n over all paths, shape [t, network, start].
        direct: Likewise over the paths that avoid A.
        course: The measured values in W, shape [t, network, start, *shape].
    """

    total: Values
    direct: Values
    course: Values

    @property
    def op(self) -> Values:
        """The rms Op of all starts in nats, shape [t, network]."""
        with np.errstate(invalid="ignore"):
            return _pooled(self.direct) - _pooled(self.total)

    @property
    def each(self) -> Values:
        """Op of each start in nats, shape [t, network, start]."""
        with np.errstate(invalid="ignore"):
            found: Values = self.direct - self.total
        return found


def _pooled(logs: Values) -> Values:
    """Return half the log of the sum of squares over the last axis."""
    found: Values = 0.5 * np.logaddexp.reduce(2 * logs, axis=-1)
    return found


def pooled_op(
    runs: Unrolled, plan: ArrayPlan, draw: Draw | None, node: Node, measured: Node
) -> PooledOp:
    """Return Op of every network over its starts, at every step.

    Args:
        runs: The networks' runs.
        plan: Their plan, with A.
        draw: Their noises.
        node: The nudged node of one run.
        measured: The measured variable of one run, and its elements.

    Raises:
        QuestionError: The node has too many elements.
    """
    found = tangents_of(plan, seed_of(runs, node), measured.variable, (measured.variable,), draw)
    logs = [
        _log_norms(runs, part, measured, 2) + found.exponents[:, place, None, None] * math.log(2)
        for place, part in enumerate((found.total, found.direct))
    ]
    course = found.values[measured.variable]
    own = runs.single.by_name[measured.variable].shape
    shaped = course.reshape(len(course), runs.networks, -1, *own)
    return PooledOp(logs[0], logs[1], _cut(shaped, measured, own))


def coalition_ops(
    runs: Unrolled,
    plan: ArrayPlan,
    draw: Draw | None,
    node: Node,
    measured: Node,
    coalitions: Coalitions,
) -> Values:
    """Return the rms Op of each set A at the last step, shape [set, network]."""
    seed = seed_of(runs, node)
    total = pooled_op(runs, dataclasses.replace(plan, held=()), draw, node, measured).total[-1]
    lanes = plan.template.numbers * len(seed.directions)
    # Powers of two: each number of sets is compiled once.
    size = 1 << max(1, min(_CHUNK // max(lanes, 1), len(coalitions.members)).bit_length() - 1)
    parts = []
    for start in range(0, len(coalitions.members), size):
        members = coalitions.members[start : start + size]
        padded = np.resize(members, (size, members.shape[1]))
        values, exponent = direct_of(
            plan, seed, measured.variable, dataclasses.replace(coalitions, members=padded), draw
        )
        logs = _log_norms(runs, values[: len(members)], measured, 2) + exponent * math.log(2)
        parts.append(_pooled(logs))
    with np.errstate(invalid="ignore"):
        found: Values = np.concatenate(parts) - _pooled(total)
    return found


def seed_of(runs: Unrolled, node: Node) -> ArraySeed:
    """Return the nudge of every run at once, one direction for each element of the node.

    Raises:
        QuestionError: The node has too many elements.
    """
    own = runs.single.by_name[node.variable].shape
    where = _elements(node, own)
    inner = np.zeros(own)[where].shape
    count = math.prod(inner)
    if count > MAX_DIRECTIONS:
        raise QuestionError(
            f"'{node.variable}' has {count} elements to nudge, the limit is {MAX_DIRECTIONS}: "
            f"nudge some of them, such as {node.variable}[{node.t}, dim0=0:{MAX_DIRECTIONS}]"
        )
    units = np.zeros((count, *own))
    units[(slice(None), *where)] = np.eye(count).reshape(count, *inner)
    shape = runs.wide.by_name[node.variable].shape
    lanes = shape[: len(shape) - len(own)]
    thin = units.reshape(count, *[1] * len(lanes), *own)
    return ArraySeed(node.variable, node.t, np.broadcast_to(thin, (count, *lanes, *own)).copy())


def _elements(node: Node, own: Sequence[int]) -> tuple[slice, ...]:
    return (
        tuple(slice(None) for _ in own) if node.elements is None else element_slices(node.elements)
    )


def _cut(values: Values, measured: Node, own: Sequence[int]) -> Values:
    """Return the measured elements; the variable's own axes are the last."""
    places: tuple[Any, ...] = (..., *_elements(measured, own))
    cut: Values = values[places]
    return cut


def _log_norms(runs: Unrolled, values: Values, measured: Node, lead: int) -> Values:
    """Return ln of norms over directions and elements of m, shape [first axis, network, start]."""
    own = runs.single.by_name[measured.variable].shape
    shaped = values.reshape(*values.shape[:lead], runs.networks, -1, *own)
    cut = _cut(shaped, measured, own)
    axes = (1, *range(lead + 2, cut.ndim))
    size = np.max(np.abs(cut), axis=axes, keepdims=True)
    with np.errstate(all="ignore"):
        scaled = np.where(size == 0, 0.0, cut / size)
        squares = np.sum(scaled**2, axis=axes)
        found: Values = 0.5 * np.log(squares) + np.log(np.squeeze(size, axis=axes))
    return np.where(np.squeeze(size, axis=axes) == 0, -np.inf, found)
