"""Entropies and propagated laws against two packages written by others: dit and pyAgrum."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from causalopt.entropy.declared import strength
from causalopt.entropy.information import (
    conditional_entropy,
    divergence,
    entropy,
    mutual_information,
)
from causalopt.laws import factorised
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import DenseLaw, Law
from causalopt.laws.propagation import law_at
from causalopt.laws.space import Space

with warnings.catch_warnings():
    # dit 2.3 uses names that its own dependencies deprecate, on import alone
    warnings.simplefilter("ignore")
    import dit
    import dit.divergences
    import pyagrum as gum

SEEDS = range(8)


def network(seed: int) -> DiscreteModel:
    """Four variables of two or three labels, two parents each, one read within the step."""
    rng = np.random.default_rng(seed)
    names = tuple("abcd")
    sizes = {name: int(rng.integers(2, 4)) for name in names}
    mechanisms = []
    for i, name in enumerate(names):
        reads = [Parent(str(n)) for n in rng.choice(names, 2, replace=False)]
        reads += [Parent(names[i - 1], 0)] if i else []
        shape = tuple(sizes[p.name] for p in reads)
        table = rng.dirichlet(np.ones(sizes[name]), size=shape)
        mechanisms.append(Mechanism(name, tuple(range(sizes[name])), tuple(reads), table))
    space = Space(names, tuple(tuple(range(sizes[name])) for name in names))
    start = rng.dirichlet(np.ones(space.size)).reshape(space.shape)
    return DiscreteModel("network", tuple(mechanisms), DenseLaw(space, start), ("a", "c"))


def as_dit(law: Law) -> dit.Distribution:
    p = law.dense().p
    outcomes = list(itertools.product(*(range(size) for size in p.shape)))
    return dit.Distribution(outcomes, [float(p[o]) for o in outcomes])


@pytest.mark.parametrize("seed", SEEDS)
def test_entropies_and_information_agree_with_dit(seed: int) -> None:
    law = law_at(network(seed), 2)
    other = as_dit(law)
    assert entropy(law) == pytest.approx(dit.shannon.entropy(other), abs=1e-12)
    assert mutual_information(law, ["a", "c"], ["b", "d"]) == pytest.approx(
        dit.shannon.mutual_information(other, [0, 2], [1, 3]), abs=1e-12
    )
    assert conditional_entropy(law, ["b"], ["a", "d"]) == pytest.approx(
        dit.shannon.conditional_entropy(other, [1], [0, 3]), abs=1e-12
    )
    assert mutual_information(law, ["a"], ["b"], given=["c"]) == pytest.approx(
        dit.multivariate.coinformation(other, [[0], [1]], [2]), abs=1e-12
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_divergence_agrees_with_dit(seed: int) -> None:
    model = network(seed)
    first, second = law_at(model, 1), law_at(model, 2)
    expected = dit.divergences.kullback_leibler_divergence(as_dit(first), as_dit(second))
    assert divergence(first, second) == pytest.approx(expected, abs=1e-12)


def unrolled(model: DiscreteModel, steps: int) -> gum.BayesNet:
    """The same network unrolled in pyAgrum; the initial law is one variable over all states."""
    net = gum.BayesNet()
    start = model.initial.dense()
    shape = start.p.shape
    net.add(gum.LabelizedVariable("start", "", int(np.prod(shape))))
    net.cpt("start").fillWith([float(p) for p in start.p.reshape(-1)])
    for t in range(steps + 1):
        for m in model.ordered():
            net.add(gum.LabelizedVariable(f"{m.name}{t}", "", len(m.labels)))
    for i, name in enumerate(start.space.names):
        net.addArc("start", f"{name}0")
        for code in range(int(np.prod(shape))):
            row = np.zeros(shape[i])
            row[np.unravel_index(code, shape)[i]] = 1.0
            net.cpt(f"{name}0")[{"start": code}] = row.tolist()
    for t, m in itertools.product(range(1, steps + 1), model.ordered()):
        for parent in m.parents:
            net.addArc(f"{parent.name}{t - parent.lag}", f"{m.name}{t}")
        for index in itertools.product(*(range(size) for size in m.table.shape[:-1])):
            at = {
                f"{parent.name}{t - parent.lag}": i
                for parent, i in zip(m.parents, index, strict=True)
            }
            net.cpt(f"{m.name}{t}")[at] = m.table[index].tolist()
    return net


def joint(
    net: gum.BayesNet, names: list[str], evidence: dict[str, int] | None = None
) -> np.ndarray:
    inference = gum.LazyPropagation(net)
    inference.setEvidence(evidence or {})
    inference.addJointTarget(set(names))
    inference.makeInference()
    potential = inference.jointPosterior(set(names))
    shape = [net.variable(name).domainSize() for name in names]
    found = np.zeros(shape)
    for index in itertools.product(*(range(size) for size in shape)):
        found[index] = potential[dict(zip(names, index, strict=True))]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_propagated_laws_agree_with_pyagrum(seed: int) -> None:
    model = network(seed)
    net = unrolled(model, 2)
    expected = joint(net, ["a2", "b2", "c2", "d2"])
    names = model.state.names
    np.testing.assert_allclose(law_at(model, 2, engine="dense").p, expected, atol=1e-12)
    np.testing.assert_allclose(law_at(model, 2, engine="sparse").dense().p, expected, atol=1e-12)
    np.testing.assert_allclose(factorised.marginal(model, names, at=2).p, expected, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_decorrelated_laws_agree_with_pyagrum(seed: int) -> None:
    """P' at 1 is made here by hand from pyAgrum's own marginals and moved by its own network."""
    model = network(seed)
    now = joint(unrolled(model, 1), ["a1", "b1", "c1", "d1"])
    apart = np.einsum("ac,bd->abcd", now.sum(axis=(1, 3)), now.sum(axis=(0, 2)))
    moved = DiscreteModel("moved", model.mechanisms, DenseLaw(model.state, apart), model.A)
    later = joint(unrolled(moved, 1), ["a1", "b1", "c1", "d1"])
    found = strength(model, at=1)
    expected = [dit.shannon.entropy(as_dit(DenseLaw(model.state, p))) for p in (apart, later)]
    assert [found.S_decoupled, found.S_next_decoupled] == pytest.approx(expected, abs=1e-12)
