"""Two worlds in one model: W', a replica left alone, and Y, whose A is taken from it for a while.

Decorrelation that lasts replaces A[t], A[t+1], ..., A[t+d-1] in Y by the nodes of one independent
replica: Y's rules that would read those nodes read the replica's. As a graph this is one model with
a copy of every variable (the replica's, marked with a prime) beside Y's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from causalopt.laws.discrete import DiscreteModel, Parent
from causalopt.laws.law import Law, ProductLaw, SparseLaw, blocks_of
from causalopt.laws.space import Space
from causalopt.worlds.replacement import replace


def prime(name: str) -> str:
    """Return the replica's name of a variable.

    Example:
        >>> prime("room")
        "room'"
    """
    return f"{name}'"


def twin(model: DiscreteModel, *, replaced_before: bool, replaced_now: bool) -> DiscreteModel:
    """Return the model of replica and Y together for one step, t to t + 1.

    Args:
        model: The model of one world.
        replaced_before: Y's A at t is the replica's.
        replaced_now: Y's A at t + 1 is the replica's (it matters where a rule reads A within a
            step).

    Returns:
        A model over Y's variables and the replica's, the replica's primed. Y's own A is still
        computed: it is what A will be once it is no longer replaced.
    """
    lags = [lag for lag, on in ((0, replaced_now), (1, replaced_before)) if on]
    taken = [Parent(name, lag) for name in model.A for lag in lags]
    mine = [replace(m, taken, _primed) for m in model.mechanisms]
    theirs = [
        dataclasses.replace(replace(m, m.parents, _primed), name=prime(m.name))
        for m in model.mechanisms
    ]
    start = pair(model.initial, model.initial)
    return DiscreteModel(f"{model.name} and its replica", (*mine, *theirs), start, model.A)


def pair(law: Law, replica: Law) -> ProductLaw:
    """Return the law of a world and an independent replica, the replica's variables primed."""
    return ProductLaw((*blocks_of(law), *(_named(b, prime) for b in blocks_of(replica))))


def unprimed(law: Law) -> Law:
    """Return a law whose variables have the names that `prime` was given."""
    blocks = [_named(block, lambda name: name.rstrip("'")) for block in blocks_of(law)]
    return blocks[0] if len(blocks) == 1 else ProductLaw(tuple(blocks))


def _named(block: Law, called: Callable[[str], str]) -> SparseLaw:
    law = block.sparse()
    names = tuple(called(name) for name in law.space.names)
    return SparseLaw(Space(names, law.space.labels), law.states, law.p)


def _primed(parent: Parent) -> Parent:
    return Parent(prime(parent.name), parent.lag)
