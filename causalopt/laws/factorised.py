"""The law of a few target variables at one step, without ever forming the joint law.

The unrolled graph is a network of tables, one a node; the targets' law is its contraction
(opt_einsum finds the order). Only the targets' ancestors take part. Replacing nodes by a replica's
is done on the graph itself: an arrow that would leave a replaced node leaves the replica's node
instead, and the replica's own ancestors join the network. The first replaced step is already
settled when the surgery is made: what read its nodes within that step has read the world's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import opt_einsum

from causalopt.errors import QuestionError, SizeError
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import DenseLaw, Law, Masses, blocks_of

LIMIT = 2**25
"""Most entries an intermediate array may have."""


class Site(NamedTuple):
    """A node of the unrolled graph in one of two worlds: the world asked about, or its replica."""

    name: str
    t: int
    replica: bool = False


@dataclasses.dataclass(frozen=True)
class _Surgery:
    """The nodes (variable, step) that are taken from the replica."""

    nodes: frozenset[tuple[str, int]]

    def seen(self, place: Site, reader: int) -> Site:
        """Return where a reader at some step really reads a node."""
        settled = min((t for _, t in self.nodes), default=0)
        taken = (place.name, place.t) in self.nodes and not place.replica
        return place._replace(replica=True) if taken and reader > settled else place


@dataclasses.dataclass
class Network:
    """Tables and the places on their axes, gathered from the targets backwards.

    Attributes:
        rules: Of the nodes that a rule makes, each the last on its table's axes.
        initial: Of the blocks of the law at t = 0.
        seen: All places.
        begun: The blocks that are in, by number and world.
    """

    rules: list[tuple[Masses, list[Site]]] = dataclasses.field(default_factory=list)
    initial: list[tuple[Masses, list[Site]]] = dataclasses.field(default_factory=list)
    seen: set[Site] = dataclasses.field(default_factory=set)
    begun: set[tuple[int, bool]] = dataclasses.field(default_factory=set)


def marginal(
    model: DiscreteModel,
    names: Iterable[str],
    *,
    at: int,
    replaced: Iterable[tuple[str, int]] = (),
    limit: int = LIMIT,
) -> DenseLaw:
    """Return the law of some variables at step `at`, some nodes taken from a replica.

    Args:
        model: The discrete model, from its own initial law.
        names: The target variables.
        at: The step.
        replaced: Nodes (variable, step) whose values are an independent replica's.
        limit: Most entries an intermediate array may have.

    Raises:
        SizeError: The contraction would need an array larger than `limit`.
    """
    space = model.state.only(names)
    targets, network = gathered(model, space.names, at=at, replaced=replaced)
    return DenseLaw(space, _contracted(network, targets, limit))


def gathered(
    model: DiscreteModel, names: Iterable[str], *, at: int, replaced: Iterable[tuple[str, int]] = ()
) -> tuple[list[Site], Network]:
    """Return where some variables at a step stand, and all that they follow from.

    The arguments are those of `marginal`.
    """
    surgery = _Surgery(frozenset(replaced))
    targets = [surgery.seen(Site(name, at), at + 1) for name in names]
    return targets, _gathered(model, targets, surgery)


def _gathered(model: DiscreteModel, targets: Sequence[Site], surgery: _Surgery) -> Network:
    network = Network()
    blocks = blocks_of(model.initial)
    waiting = list(targets)
    while waiting:
        place = waiting.pop()
        if place in network.seen:
            continue
        network.seen.add(place)
        block = next((i for i, b in enumerate(blocks) if place.name in b.space.names), None)
        if place.t == 0 and block is not None:
            _begin(network, blocks[block], block, place.replica)
            continue
        mechanism = model[place.name]
        if place.t == 0 and any(parent.lag for parent in mechanism.parents):
            raise QuestionError(
                f"{place.name!r} has no initial value and its rule reads a step before t = 0; "
                f"give it an initial value or law"
            )
        parents = [
            surgery.seen(Site(parent.name, place.t - parent.lag, place.replica), place.t)
            for parent in mechanism.parents
        ]
        network.rules.append((mechanism.table, [*parents, place]))
        waiting += parents
    return network


def _begin(network: Network, block: Law, number: int, replica: bool) -> None:
    """Add a block of the initial law once a world."""
    if (number, replica) not in network.begun:
        network.begun.add((number, replica))
        places = [Site(name, 0, replica) for name in block.space.names]
        network.initial.append((block.dense().p, places))


def _contracted(network: Network, targets: Sequence[Site], limit: int) -> Masses:
    tables = [*network.rules, *network.initial]
    places = sorted({place for _, axes in tables for place in axes})
    number = {place: i for i, place in enumerate(places)}
    exact = all(table.dtype == object for table, _ in tables)
    operands: list[Any] = []
    for table, axes in tables:
        operands += [table if exact else table.astype(float), [number[place] for place in axes]]
    operands.append([number[place] for place in targets])
    _, info = opt_einsum.contract_path(*operands, optimize="auto")
    if info.largest_intermediate > limit:
        raise SizeError(
            f"the law of {', '.join(place.name for place in targets)} needs an array of "
            f"{int(info.largest_intermediate)} entries, more than the limit of {limit}; ask for "
            f"fewer variables or an earlier step"
        )
    result = opt_einsum.contract(*operands, optimize="auto")
    return np.asarray(cast("Masses", result), dtype=object if exact else float)
