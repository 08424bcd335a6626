"""Random discrete models, and the posts' thermostats as tables."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import DenseLaw, Law, law_of
from causalopt.laws.space import Label, Space

THERMOSTAT = ("high", "low", "off")
ROOM = ("hot", "warm", "cold")
THIRD = Fraction(1, 3)

_ROOM = {
    "high": {"hot": "hot", "warm": "hot", "cold": "warm"},
    "low": {"hot": "hot", "warm": "warm", "cold": "cold"},
    "off": {"hot": "warm", "warm": "cold", "cold": "cold"},
}
_DUMB = {"hot": "off", "warm": "low", "cold": "high"}
_SMART = {
    "hot": {"high": "off", "low": "off", "off": "low"},
    "warm": {"high": "low", "low": "low", "off": "low"},
    "cold": {"high": "low", "low": "high", "off": "high"},
}


Outcome = Label | Mapping[Label, float | Fraction]


def tabulate(
    name: str,
    labels: Sequence[Label],
    parents: Mapping[Parent, Sequence[Label]],
    rule: Callable[..., Outcome],
) -> Mechanism:
    """The mechanism of a rule that gives a label, or a probability for each of several."""
    domain = tuple(labels)
    table = np.full((*map(len, parents.values()), len(domain)), Fraction(0), dtype=object)
    for index in itertools.product(*(range(len(options)) for options in parents.values())):
        outcome = rule(*(options[i] for options, i in zip(parents.values(), index, strict=True)))
        for label, p in (outcome if isinstance(outcome, Mapping) else {outcome: 1}).items():
            table[(*index, domain.index(label))] += p if isinstance(p, float) else Fraction(p)
    exact = all(isinstance(p, Fraction) for p in table.flat)
    return Mechanism(name, domain, tuple(parents), table if exact else table.astype(float))


def noise(name: str, law: Mapping[Label, float | Fraction]) -> Mechanism:
    """An exogenous variable, drawn afresh each step."""
    return dataclasses.replace(tabulate(name, tuple(law), {}, lambda: law), noise=True)


def thermostat(kind: str) -> DiscreteModel:
    """Parts 1 and 2's `dumb` or `smart` thermostat with Part 1's joint law."""
    reads = {Parent("thermostat"): THERMOSTAT, Parent("room"): ROOM}
    acts = {"dumb": lambda _, r: _DUMB[r], "smart": lambda t, r: _SMART[r][t]}[kind]
    space = Space(("thermostat", "room"), (THERMOSTAT, ROOM))
    start = {("high", "cold"): THIRD, ("low", "warm"): THIRD, ("off", "hot"): THIRD}
    return DiscreteModel(
        kind,
        (
            tabulate("thermostat", THERMOSTAT, reads, acts),
            tabulate("room", ROOM, reads, lambda t, r: _ROOM[t][r]),
        ),
        law_of(space, start),
        ("thermostat",),
    )


@st.composite
def rows(draw: st.DrawFn, count: int, labels: int) -> np.ndarray:
    """Rows of exact probabilities, shape (count, labels)."""
    weights = draw(
        st.lists(
            st.lists(st.integers(0, 4), min_size=labels, max_size=labels).filter(any),
            min_size=count,
            max_size=count,
        )
    )
    return np.array([[Fraction(w, sum(row)) for w in row] for row in weights], dtype=object)


@st.composite
def certain_rows(draw: st.DrawFn, count: int, labels: int) -> np.ndarray:
    """Rows that give one label for certain."""
    chosen = draw(st.lists(st.integers(0, labels - 1), min_size=count, max_size=count))
    return np.array(
        [[Fraction(int(i == label)) for i in range(labels)] for label in chosen], dtype=object
    )


@st.composite
def discrete_models(
    draw: st.DrawFn, *, deterministic: bool = False, noise: bool = True
) -> DiscreteModel:
    """Two or three variables of two or three labels, some reading within the step, and noise."""
    count = draw(st.integers(2, 3))
    names = [f"v{i}" for i in range(count)]
    sizes = {name: draw(st.integers(2, 3)) for name in names}
    rule = certain_rows if deterministic else rows
    mechanisms = []
    if noise and not deterministic and draw(st.booleans()):
        names.append("w")
        sizes["w"] = 2
        law = draw(rows(1, 2)).reshape(2)
        mechanisms.append(Mechanism("w", (0, 1), (), law, noise=True))
    for i, name in enumerate(n for n in names if n != "w"):
        options = [Parent(other, 1) for other in names if other != "w"]
        options += [Parent(f"v{j}", 0) for j in range(i)]
        options += [Parent("w", 0)] if "w" in names else []
        parents = tuple(draw(st.lists(st.sampled_from(options), max_size=3, unique=True)))
        shape = tuple(sizes[parent.name] for parent in parents)
        table = draw(rule(int(np.prod(shape, dtype=int)), sizes[name]))
        labels = tuple(range(sizes[name]))
        mechanisms.append(Mechanism(name, labels, parents, table.reshape((*shape, len(labels)))))
    space = Space(
        tuple(f"v{i}" for i in range(count)),
        tuple(tuple(range(sizes[f"v{i}"])) for i in range(count)),
    )
    start = DenseLaw(space, draw(rows(1, space.size)).reshape(space.shape))
    A = tuple(draw(st.lists(st.sampled_from(space.names), min_size=1, max_size=2, unique=True)))
    return DiscreteModel("random", tuple(mechanisms), start, A)


@st.composite
def bijections(draw: st.DrawFn) -> DiscreteModel:
    """Two variables whose joint state is permuted each step."""
    sizes = draw(st.tuples(st.integers(2, 3), st.integers(2, 3)))
    space = Space(("a", "b"), tuple(tuple(range(size)) for size in sizes))
    states = list(itertools.product(*space.labels))
    image = dict(zip(states, draw(st.permutations(states)), strict=True))
    reads = {Parent("a"): space.labels[0], Parent("b"): space.labels[1]}
    start = DenseLaw(space, draw(rows(1, space.size)).reshape(space.shape))
    return DiscreteModel(
        "bijection",
        (
            tabulate("a", space.labels[0], reads, lambda a, b: image[a, b][0]),
            tabulate("b", space.labels[1], reads, lambda a, b: image[a, b][1]),
        ),
        start,
        ("a",),
    )


def enumerated_step(model: DiscreteModel, law: Law) -> dict[tuple[object, ...], Fraction]:
    """The law one step later, state by state and noise by noise: slow and plain."""
    found: dict[tuple[object, ...], Fraction] = {}
    names = model.state.names
    dense = law.marginal(names).dense().p
    ordered = model.ordered()
    for old in itertools.product(*(range(size) for size in model.state.shape)):
        for new in itertools.product(*(range(len(m.labels)) for m in ordered)):
            at = {(n, 1): i for n, i in zip(names, old, strict=True)}
            at |= {(m.name, 0): i for m, i in zip(ordered, new, strict=True)}
            p = dense[old]
            for m in ordered:
                p = p * m.table[(*(at[parent] for parent in m.parents), at[m.name, 0])]
            key = tuple(at[name, 0] for name in names)
            found[key] = found.get(key, Fraction(0)) + p
    return {state: p for state, p in found.items() if p}


def as_table(law: Law, names: tuple[str, ...]) -> dict[tuple[object, ...], Fraction]:
    """A law as probability by label indices, zeros left out."""
    dense = law.sparse().marginal(names).dense().p
    return {tuple(int(i) for i in at): dense[tuple(at)] for at in np.argwhere(dense != 0)}
