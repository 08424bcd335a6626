"""The page's propositions on random models of labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causalopt import causal_strength, empowerment, strength, transfer_entropy
from causalopt.comparison.average_effects import average_effect
from causalopt.entropy.information import conditional_entropy
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import DenseLaw
from causalopt.laws.space import Space
from tests.entropy.strategies import bijections, discrete_models

seeds = st.integers(0, 2**32 - 1)
BOTH = (Parent("a"), Parent("b"))


def two_parts(seed: int, *, reads_a: bool = True, certain: bool = False) -> DiscreteModel:
    """Two variables of two to four labels with random rules and a random law."""
    rng = np.random.default_rng(seed)
    sizes = tuple(int(n) for n in rng.integers(2, 5, size=2))

    def table(shape: tuple[int, ...], labels: int) -> np.ndarray:
        if certain:
            return np.eye(labels)[rng.integers(labels, size=shape)]
        return rng.dirichlet(np.full(labels, 0.5), size=shape)

    labels = tuple(tuple(range(n)) for n in sizes)
    b_reads = BOTH if reads_a else BOTH[1:]
    rules = (
        Mechanism("a", labels[0], BOTH, table(sizes, sizes[0])),
        Mechanism("b", labels[1], b_reads, table(sizes if reads_a else sizes[1:], sizes[1])),
    )
    space = Space(("a", "b"), labels)
    law = DenseLaw(space, rng.dirichlet(np.ones(space.size)).reshape(space.shape))
    return DiscreteModel("random", rules, law, ("a",))


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_1_in_lockstep_nothing_is_transferred(seed: int) -> None:
    model = two_parts(seed)
    rng = np.random.default_rng(seed)
    sizes = model.state.shape
    answer = rng.integers(sizes[0], size=sizes[1])
    p = np.zeros(sizes)
    p[answer, np.arange(sizes[1])] = rng.dirichlet(np.ones(sizes[1]))
    assert transfer_entropy(model, law=DenseLaw(model.state, p)) == pytest.approx(0.0, abs=1e-12)


@given(seeds, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_3_where_op_is_not_0_some_state_has_empowerment(seed: int, steps: int) -> None:
    model = two_parts(seed, certain=True)
    last = model.state.shape[1] - 1
    effect = average_effect(model, {"a": 0, "b": 0}, nudge="b", to=last, target="b", steps=steps)
    assume(effect.total != effect.direct)
    states = [
        empowerment(model, (a, b)).value
        for a in model.state.labels[0]
        for b in model.state.labels[1]
    ]
    assert max(states) >= 1.0 - 1e-9


@given(seeds, st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_2_and_7_what_b_does_not_read(seed: int, steps: int) -> None:
    model = two_parts(seed, reads_a=False, certain=True)
    effect = average_effect(model, {"a": 0, "b": 0}, nudge="b", to=1, target="b", steps=steps)
    assert effect.total == effect.direct
    chancy = two_parts(seed, reads_a=False)
    assert transfer_entropy(chancy) == pytest.approx(0.0, abs=1e-12)
    assert empowerment(chancy, (0, 0)).value == pytest.approx(0.0, abs=1e-9)
    found = strength(chancy)
    left = [
        conditional_entropy(law, ["a"], ["b"]) for law in (found.P_next_decoupled, found.P_next)
    ]
    assert found.optimizing_strength == pytest.approx(left[0] - left[1], abs=1e-9)


@given(discrete_models(noise=False))
@settings(max_examples=60, deadline=None)
def test_5_transfer_is_at_most_causal_strength(model: DiscreteModel) -> None:
    arrows = {(p.name, m.name) for m in model.mechanisms for p in m.parents}
    cut = [(a, b) for a, b in sorted(arrows) if a in model.A and b not in model.A]
    assume(cut and model.B)
    assert transfer_entropy(model) <= causal_strength(model, cut) + 1e-10


@given(bijections())
@settings(max_examples=40, deadline=None)
def test_6_a_permutation_has_no_strength_from_the_uniform_law(model: DiscreteModel) -> None:
    for at in (0, 1, 3):
        found = strength(model, at=at, initial="uniform")
        assert found.optimizing_strength == pytest.approx(0.0, abs=1e-12)
        assert found.mutual_information == pytest.approx(0.0, abs=1e-12)
