"""Entropies, information and capacities, by dit.

The random models of labels again, their laws listed in fractions by this folder's own enumeration
and handed to dit, which computes the four entropies, the mutual information of A and B, the
transfer entropy from A to B, and the capacity of the channel from a choice of A to B a step later
(empowerment, both by Blahut and Arimoto).
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from causalopt import empowerment, parse_model, strength, transfer_entropy
from tests.truth.random_labels import Labels, Law, drawn
from tests.truth.record import Comparison, Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # dit 2.3 uses names that its own dependencies deprecate
    import dit
    from dit.algorithms import channel_capacity

COUNT, SHORT = 150, 10


def records(short: bool) -> Iterator[Record]:
    """Yield one record for each kind of measure."""
    entropies = Comparison("dit", "entropies of P and P', bits", 1e-12, "absolute")
    mutual = Comparison("dit", "mutual information of A and B, bits", 1e-12, "absolute")
    transfer = Comparison("dit", "transfer entropy from A to B, bits", 1e-12, "absolute")
    capacity = Comparison("dit", "empowerment, bits", 1e-6, "absolute")
    for seed in range(SHORT if short else COUNT):
        labels, at = drawn(seed), seed % 3
        model = parse_model(labels.text())
        law = labels.initial
        for _ in range(at):
            law = labels.after(law)
        found = strength(model, at=at)
        apart = labels.apart(law)
        chain = [law, apart, labels.after(law), labels.after(apart)]
        entropies.add(
            f"seed {seed}",
            [found.S, found.S_decoupled, found.S_next, found.S_next_decoupled],
            [dit.shannon.entropy(as_dit(one)) for one in chain],
        )
        inside, outside = places(labels)
        mutual.add(
            f"seed {seed}",
            found.mutual_information,
            dit.shannon.mutual_information(as_dit(law), inside, outside),
        )
        later = [len(labels.names) + i for i in outside]
        transfer.add(
            f"seed {seed}",
            transfer_entropy(model, law=found.P),
            dit.multivariate.coinformation(
                as_dit(transition(labels, law)), [inside, later], outside
            ),
        )
        state = max(law, key=lambda one: (law[one], one))
        capacity.add(
            f"seed {seed}",
            empowerment(model, state).value,
            channel_capacity(channel(labels, state), rtol=1e-13, atol=1e-13)[0],
        )
    for one in (entropies, mutual, transfer, capacity):
        yield one.record()


def as_dit(law: Law) -> dit.Distribution:
    """Return a law as dit has it."""
    kept = {state: float(p) for state, p in law.items() if p}
    return dit.Distribution(list(kept), list(kept.values()))


def places(labels: Labels) -> tuple[list[int], list[int]]:
    """Return the places of A and of B among the state's variables."""
    inside = [i for i, name in enumerate(labels.names) if name in labels.held]
    return inside, [i for i in range(len(labels.names)) if i not in inside]


def transition(labels: Labels, law: Law) -> Law:
    """Return the joint law of a state and the next."""
    return {
        (*state, *later): p * q
        for state, p in law.items()
        if p
        for later, q in labels.after({state: Fraction(1)}).items()
    }


def channel(labels: Labels, state: tuple[str, ...]) -> np.ndarray:
    """Return the law of B a step later for each choice of A, all else as in the state."""
    inside, outside = places(labels)
    domains = {table.name: table.labels for table in labels.tables}
    read = list(itertools.product(*(domains[labels.names[i]] for i in outside)))
    rows = []
    for choice in itertools.product(*(domains[labels.names[i]] for i in inside)):
        chosen = list(state)
        for i, label in zip(inside, choice, strict=True):
            chosen[i] = label
        row = dict.fromkeys(read, 0.0)
        for later, p in labels.after({tuple(chosen): Fraction(1)}).items():
            row[tuple(later[i] for i in outside)] += float(p)
        rows.append(list(row.values()))
    return np.array(rows)
