"""One step of the law of a discrete model as an array with a probability for every state.

Rules are multiplied in one at a time and old variables summed out as soon as no rule to come reads
them. Where the array would grow past a limit, an old variable is held at each of its labels in turn
(sliced) and the results are added: slower, never larger. A wholly certain model needs no products:
its states are sent to their successors by index.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from causalopt.errors import SizeError
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.elimination import Elimination, Node, Problem, order
from causalopt.laws.law import DenseLaw, Law, Masses, blocks_of

LIMIT = 2**25
"""Most entries in one array: a quarter of a gigabyte of floats, of which a few live at once."""

CHUNK = 2**20
"""States sent to their successors at a time."""


@dataclasses.dataclass(frozen=True, eq=False)
class _Array:
    """An array whose axes are nodes."""

    nodes: tuple[Node, ...]
    p: Masses

    def held(self, fixed: Mapping[Node, int]) -> _Array:
        """Return the slice at which some nodes have the labels given."""
        index = tuple(fixed.get(node, slice(None)) for node in self.nodes)
        nodes = tuple(node for node in self.nodes if node not in fixed)
        return _Array(nodes, np.asarray(self.p[index], dtype=self.p.dtype))

    def summed(self, wanted: set[Node]) -> _Array:
        """Return the array with every node that is not wanted summed out."""
        axes = tuple(i for i, node in enumerate(self.nodes) if node not in wanted)
        if not axes:
            return self
        nodes = tuple(node for node in self.nodes if node in wanted)
        return _Array(nodes, np.asarray(self.p.sum(axis=axes), dtype=self.p.dtype))


def step(model: DiscreteModel, law: Law, *, limit: int = LIMIT) -> DenseLaw:
    """Return the law one step later, as a dense array.

    Args:
        model: The discrete model.
        law: The law now; the blocks of a `ProductLaw` are multiplied in only when needed.
        limit: Most entries an array may have.

    Raises:
        SizeError: The space itself has more states than `limit`.
    """
    if model.state.size > limit:
        raise SizeError(
            f"a dense law of {model.name} has {model.state.size} states, more than the limit of "
            f"{limit}; use the sparse engine, or ask for target variables only"
        )
    blocks = [block.dense() for block in blocks_of(law)]
    if model.deterministic and len(blocks) == 1 and not law.exact:
        return _send(model, blocks[0])
    return _contract(model, blocks, limit)


def _send(model: DiscreteModel, law: DenseLaw) -> DenseLaw:
    """Send every state's mass to its successor, some states at a time."""
    p = law.p.reshape(-1)
    result = np.zeros(model.state.size)
    for start in range(0, p.size, CHUNK):
        codes = start + np.flatnonzero(p[start : start + CHUNK])
        np.add.at(result, _successor(model, law, codes), p[codes])
    return DenseLaw(model.state, result.reshape(model.state.shape))


def _successor(
    model: DiscreteModel, law: DenseLaw, codes: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    now = np.unravel_index(codes, law.space.shape)
    labels: dict[Node, npt.NDArray[np.int64]] = {
        (name, 1): column for name, column in zip(law.space.names, now, strict=True)
    }
    for rule in model.ordered():
        row = np.zeros(len(codes), dtype=np.int64)
        for parent, size in zip(rule.parents, rule.table.shape[:-1], strict=True):
            row = row * size + labels[parent]
        labels[rule.name, 0] = rule.rows.argmax(axis=1)[row]
    columns = tuple(labels[name, 0] for name in model.state.names)
    return np.ravel_multi_index(columns, model.state.shape)


def _contract(model: DiscreteModel, laws: Sequence[DenseLaw], limit: int) -> DenseLaw:
    """Multiply all rules in, slice by slice."""
    blocks = [_Array(tuple((name, 1) for name in law.space.names), law.p) for law in laws]
    held, problem, plan = _sliced(model, blocks, limit)
    exact = model.exact and all(law.exact for law in laws)
    zero = Fraction(0) if exact else 0.0
    result: Masses = np.full(model.state.shape, zero, dtype=_kind(exact))
    sizes = [len(model[name].labels) for name, _ in held]
    for labels in itertools.product(*(range(size) for size in sizes)):
        fixed = dict(zip(held, labels, strict=True))
        result += _pass(model, plan, problem, [block.held(fixed) for block in blocks], fixed)
    return DenseLaw(model.state, result)


def _kind(exact: bool) -> type:
    return object if exact else float


def _sliced(
    model: DiscreteModel, blocks: Sequence[_Array], limit: int
) -> tuple[tuple[Node, ...], Problem, Elimination]:
    """Hold old variables, one more at a time, until no array passes the limit."""
    held: tuple[Node, ...] = ()
    problem = _problem(model, blocks, held)
    plan = order(problem)
    while plan.peak > limit:
        tried = []
        for node in (node for block in blocks for node in block.nodes if node not in held):
            smaller = _problem(model, blocks, (*held, node))
            tried.append((order(smaller), smaller, node))
        plan, problem, node = min(tried, key=lambda found: found[0].peak)
        held = (*held, node)
    return held, problem, plan


def _problem(model: DiscreteModel, blocks: Sequence[_Array], held: Sequence[Node]) -> Problem:
    sizes = {(m.name, lag): len(m.labels) for m in model.mechanisms for lag in (0, 1)}
    axes = {node: size for node, size in sizes.items() if node not in held}
    names = tuple(tuple(name for name, _ in b.nodes if (name, 1) not in held) for b in blocks)
    return Problem(model.ordered(), names, axes)


def _pass(
    model: DiscreteModel,
    plan: Elimination,
    problem: Problem,
    blocks: list[_Array],
    fixed: Mapping[Node, int],
) -> Masses:
    """Return the part of the next law that comes from the old labels in `fixed`."""
    now = _Array((), np.ones((), dtype=plan.order[0].table.dtype))
    waiting = list(blocks)
    for i, rule in enumerate(plan.order):
        left = plan.order[i + 1 :]
        table = _Array((*rule.parents, (rule.name, 0)), rule.table).held(fixed)
        entering = [block for block in waiting if set(block.nodes) & set(table.nodes)]
        waiting = [block for block in waiting if block not in entering]
        needed = problem.needed(plan.order[i:])
        for block in entering:
            now = _multiply(now, block.summed(needed), {*now.nodes, *needed})
        now = _multiply(now, table, problem.live(plan.order[: i + 1], left))
    for block in waiting:  # no rule reads these, but their slices still weigh
        now = _multiply(now, block.summed(set()), set(now.nodes))
    out = [now.nodes.index((name, 0)) for name in model.state.names]
    return np.transpose(now.p, out)


def _multiply(left: _Array, right: _Array, wanted: set[Node]) -> _Array:
    """Multiply two arrays and sum out the nodes not wanted, as one batched matrix product.

    The large array's own axes stay last and in their order: long contiguous runs are moved, not
    scattered.
    """
    if not left.nodes:
        return _Array(right.nodes, right.p * left.p).summed(wanted)
    left = left.summed(wanted | set(right.nodes))
    right = right.summed(wanted | set(left.nodes))
    shared = [node for node in left.nodes if node in right.nodes]
    batch = [node for node in shared if node in wanted]
    spent = [node for node in shared if node not in wanted]
    mine = [node for node in left.nodes if node not in shared]
    theirs = [node for node in right.nodes if node not in shared]
    sizes = {n: k for a in (left, right) for n, k in zip(a.nodes, a.p.shape, strict=True)}
    first = _grouped(right, sizes, (*batch, *theirs, *spent), ())
    second = _grouped(left, sizes, (*batch, *spent), mine)
    matrices = math.prod(sizes[n] for n in batch), math.prod(sizes[n] for n in spent)
    first = first.reshape(matrices[0], -1, matrices[1])
    second = second.reshape(matrices[0], matrices[1], -1)
    product = np.matmul(first, second) if spent else first * second
    nodes = (*batch, *theirs, *mine)
    return _Array(nodes, product.reshape([sizes[node] for node in nodes]))


def _grouped(
    array: _Array, sizes: Mapping[Node, int], front: Sequence[Node], rest: Sequence[Node]
) -> Masses:
    """Return the array with some axes in front and the rest behind, in their order.

    The copy is made front label by front label: moving a last axis to the front in one go would
    read memory a number at a time.
    """
    turn = [array.nodes.index(node) for node in (*front, *rest)]
    turned = np.transpose(array.p, turn)
    if turned.flags.c_contiguous or array.p.size < _LARGE:
        return turned
    copy = np.empty(turned.shape, dtype=turned.dtype)
    for labels in itertools.product(*(range(sizes[node]) for node in front)):
        copy[labels] = turned[labels]
    return copy


_LARGE = 2**16
