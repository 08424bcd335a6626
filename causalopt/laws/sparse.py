"""One step of the law of a discrete model, over the states it can reach.

States are rows of label indices. Each mechanism in turn adds a column: a certain outcome by
look-up, an uncertain one by splitting every row into the outcomes that have probability. Rows that
meet are merged. Cost follows the support, not the size of the space, and Fractions go through
unrounded: this is the proof engine too.

In a large space what starts independent stays apart as long as it can: rules that share no parent
make blocks of their own, and a block's variables enter when a rule first reads them and leave after
the last rule that does, in an order that keeps few of them in at a time.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction

import networkx as nx
import numpy as np

from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel, Mechanism
from causalopt.laws.law import (
    MEMORY,
    Law,
    Masses,
    ProductLaw,
    SparseLaw,
    States,
    blocks_of,
    index_type,
    merge,
    require_room,
)

TOGETHER = 2**16
"""Spaces up to this many states are moved in one piece."""

Node = tuple[str, int]
"""(variable, lag): lag 1 the step before, 0 the step being made."""

Columns = dict[Node, States]
"""Label indices by node."""


def step(model: DiscreteModel, law: Law, *, limit: int = MEMORY) -> Law:
    """Return the law one step later: P(s') = sum over s of P(s) P(s' | s).

    Args:
        model: The discrete model.
        law: The law now, over all state variables in any order.
        limit: Most bytes to hold at once.

    Returns:
        A `SparseLaw` over the state in its order; in a space of more than `TOGETHER` states a
        product of such, where parts of the state are independent.

    Raises:
        SizeError: More memory would be needed than `limit`.
    """
    return _moved(model, model.ordered(), law, 1, limit)


def begin(
    model: DiscreteModel, law: Law, *, names: Collection[str] | None = None, limit: int = MEMORY
) -> Law:
    """Return the law at t = 0, of variables without an initial value by their rules.

    Args:
        model: The discrete model.
        law: The law of the variables that have an initial value.
        names: The variables wanted, all by default; others are summed out on the way.
        limit: Most bytes to hold at once.

    Raises:
        QuestionError: A rule needed at t = 0 reads a step before it.
        SizeError: More memory would be needed than `limit`.
    """
    rules = [m for m in model.ordered() if m.name not in law.space.names]
    if names is not None:
        needed = set(names)
        for rule in reversed(rules):
            needed |= {parent.name for parent in rule.parents} if rule.name in needed else set()
        rules = [rule for rule in rules if rule.name in needed]
    for rule in rules:
        early = [parent.name for parent in rule.parents if parent.lag]
        if early:
            raise QuestionError(
                f"{rule.name!r} has no initial value and its rule reads {early[0]}[t-1]; "
                f"give it an initial value or law"
            )
    return _moved(model, rules, law, 0, limit, names)


def images(model: DiscreteModel, law: SparseLaw) -> States:
    """Return the successor of each row of a law's states, in the rows' order.

    Args:
        model: A deterministic discrete model.
        law: The states, in the order of `model.state`.
    """
    rows = _Rows(model, MEMORY, exact=law.exact)
    rows.columns = {(n, 1): labels for n, labels in zip(law.space.names, law.states.T, strict=True)}
    rows.p = law.p
    for mechanism in model.ordered():
        rows.extend(mechanism)
    return rows.states([(name, 0) for name in model.state.names])


def _moved(
    model: DiscreteModel,
    rules: Sequence[Mechanism],
    law: Law,
    lag: int,
    limit: int,
    names: Collection[str] | None = None,
) -> Law:
    """Return the law of what the rules make of blocks that stand at a lag, at lag 0 with them."""
    wanted = set(model.state.names if names is None else names)
    if model.state.size <= TOGETHER:
        whole = (law.sparse(),) if law.space.names else ()
        return _drawn(model, rules, whole, wanted, lag, limit)
    parts: list[Law] = []
    for some, read in _independent(rules, blocks_of(law), lag):
        given = [n for block in read for n in block.space.names if n in wanted and lag == 0]
        made = [rule.name for rule in some if rule.name in wanted]
        if made:
            parts.append(_drawn(model, some, read, {*given, *made}, lag, limit))
        elif given:
            parts += [block.marginal(given) for block in read]
    return parts[0] if len(parts) == 1 else ProductLaw(tuple(parts))


def _independent(
    rules: Sequence[Mechanism], blocks: Sequence[Law], lag: int
) -> Iterable[tuple[list[Mechanism], list[Law]]]:
    """Yield rules and the blocks they read, those that share a parent together."""
    graph: nx.Graph[Node | int] = nx.Graph()
    graph.add_nodes_from(range(len(blocks)))
    graph.add_nodes_from((rule.name, 0) for rule in rules)
    graph.add_edges_from(
        (i, (name, lag)) for i, block in enumerate(blocks) for name in block.space.names
    )
    graph.add_edges_from((parent, (rule.name, 0)) for rule in rules for parent in rule.parents)
    for found in nx.connected_components(graph):
        some = [rule for rule in rules if (rule.name, 0) in found]
        yield some, [block for i, block in enumerate(blocks) if i in found]


def _drawn(
    model: DiscreteModel,
    rules: Sequence[Mechanism],
    blocks: Sequence[Law],
    names: Collection[str],
    lag: int,
    limit: int,
) -> SparseLaw:
    """Return the joint law of some variables, of what the rules make and at lag 0 of the blocks."""
    space = model.state.only(name for name in model.state.names if name in names)
    wanted: list[Node] = [(name, 0) for name in space.names]
    exact = model.exact and all(block.exact for block in blocks)
    rows, waiting = _Rows(model, limit, exact=exact), list(blocks)
    whole = model.state.size <= TOGETHER or (len(blocks) == 1 and lag == 1)
    if whole and blocks:
        rows.join(waiting.pop(), lag)
    order = rules if whole else _order(model, rules, lag)
    for i, rule in enumerate(order):
        needed = {node for left in order[i:] for node in left.parents} | {*wanted}
        for block in [b for b in waiting if any((n, lag) in rule.parents for n in b.space.names)]:
            waiting.remove(block)
            rows.join(block.marginal(n for n in block.space.names if (n, lag) in needed), lag)
        rows.extend(rule)
        if not whole:
            rows.forget({node for left in order[i + 1 :] for node in left.parents} | {*wanted})
    return SparseLaw(space, rows.states(wanted), rows.p).merged()


def _order(model: DiscreteModel, rules: Sequence[Mechanism], lag: int) -> list[Mechanism]:
    """Return the rules in an order that keeps few old variables in at a time, found greedily."""
    weight = {m.name: math.log(len(m.labels)) for m in model.mechanisms}
    left, order = list(rules), list[Mechanism]()
    waiting = {(rule.name, 0) for rule in rules}
    entered: set[Node] = set()

    def growth(rule: Mechanism) -> float:
        """Return by how much the logarithm of the number of states may grow."""
        old = {node for node in rule.parents if node.lag == lag and node not in made}
        new = math.fsum(weight[node.name] for node in old if node not in entered)
        return new - math.fsum(weight[node.name] for node in old if readers[node] == 1)

    made = set(waiting)
    while left:
        readers = collections.Counter[Node](node for rule in left for node in {*rule.parents})
        chosen = min((r for r in left if not waiting & {*r.parents}), key=growth)
        entered |= {*chosen.parents}
        waiting.remove((chosen.name, 0))
        order.append(chosen)
        left.remove(chosen)
    return order


class _Rows:
    """States in the making: a column of label indices for each node, and their masses."""

    def __init__(self, model: DiscreteModel, limit: int, *, exact: bool) -> None:
        self._limit = limit
        self._kind = object if exact else float
        self._type = index_type([len(m.labels) for m in model.mechanisms])
        self._sizes = {m.name: len(m.labels) for m in model.mechanisms}
        self.columns: Columns = {}
        self.p: Masses = np.array([Fraction(1)]).astype(self._kind)

    def join(self, block: Law, lag: int) -> None:
        """Let an independent block's variables in, at a lag."""
        law = block.sparse()
        here, there = len(self.p), len(law.p)
        self._require(here * there, len(self.columns) + len(law.space.names))
        self.columns = {node: np.repeat(column, there) for node, column in self.columns.items()}
        for name, column in zip(law.space.names, law.states.T, strict=True):
            self.columns[name, lag] = np.tile(column, here)
        self.p = np.repeat(self.p, there) * np.tile(law.p.astype(self._kind), here)

    def extend(self, rule: Mechanism) -> None:
        """Add a rule's column, splitting rows where its outcome is uncertain."""
        row = np.zeros(len(self.p), dtype=np.int64)
        for parent, size in zip(rule.parents, rule.table.shape[:-1], strict=True):
            row = row * size + self.columns[parent]
        possible = np.asarray(rule.rows != 0, dtype=bool)
        count = possible.sum(axis=1)
        if (count == 1).all():
            self.columns[rule.name, 0] = possible.argmax(axis=1).astype(self._type)[row]
            return
        self._require(int(count[row].sum()), len(self.columns) + 1)
        source, label = np.nonzero(possible[row])
        self.columns = {node: column[source] for node, column in self.columns.items()}
        self.columns[rule.name, 0] = label.astype(self._type)
        self.p = self.p[source] * rule.rows[row[source], label].astype(self._kind)

    def forget(self, needed: Collection[Node]) -> None:
        """Drop the columns nobody needs, and merge the rows that are then equal."""
        kept = [node for node in self.columns if node in needed]
        if len(kept) < len(self.columns):
            shape = [self._sizes[name] for name, _ in kept]
            states, self.p = merge(self.states(kept), self.p, shape)
            self.columns = dict(zip(kept, states.T, strict=True))

    def states(self, nodes: Sequence[Node]) -> States:
        """Return some columns side by side."""
        return np.column_stack([self.columns[node] for node in nodes])

    def _require(self, rows: int, columns: int) -> None:
        exact = self._kind is object
        require_room(rows, columns * self._type.itemsize, exact=exact, limit=self._limit)
