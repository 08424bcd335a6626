from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from causalopt.entropy.information import (
    conditional_entropy,
    divergence,
    entropy,
    entropy_of,
    marginal_entropies,
    mutual_information,
)
from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import DenseLaw, ProductLaw, law_of
from causalopt.laws.space import Space
from tests.entropy.strategies import discrete_models

BIT = (0, 1)
PAIR = Space(("a", "b"), (BIT, BIT))


def binary(p: float) -> float:
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


@given(discrete_models())
@settings(max_examples=40, deadline=None)
def test_entropies_keep_their_bounds(model: DiscreteModel) -> None:
    law = model.initial
    S = entropy(law)
    assert 0.0 <= S <= math.log2(law.space.size) + 1e-12
    for name in law.space.names:
        alone = entropy(law, of=[name])
        assert alone <= math.log2(len(law.space.domain(name))) + 1e-12
        assert alone <= S + 1e-12
    assert sum(entropy(law, of=[name]) for name in law.space.names) >= S - 1e-12


@given(discrete_models())
@settings(max_examples=40, deadline=None)
def test_mutual_information_is_never_negative_and_symmetric(model: DiscreteModel) -> None:
    law = model.initial
    forth = mutual_information(law, model.A, model.B)
    assert forth >= 0.0
    assert mutual_information(law, model.B, model.A) == pytest.approx(forth, abs=1e-12)
    assert mutual_information(law, model.A) == pytest.approx(forth, abs=1e-12)


@given(discrete_models())
@settings(max_examples=40, deadline=None)
def test_mutual_information_is_the_divergence_from_the_product(model: DiscreteModel) -> None:
    law = model.initial
    apart = np.multiply.outer(law.marginal(model.A).dense().p, law.marginal(model.B).dense().p)
    names = (*model.A, *model.B)
    product = DenseLaw(law.space.only(names), apart)
    assert divergence(law, product) == pytest.approx(mutual_information(law, model.A), abs=1e-12)


@given(discrete_models())
@settings(max_examples=25, deadline=None)
def test_all_marginal_entropies_are_those_of_the_marginals(model: DiscreteModel) -> None:
    found = marginal_entropies(model.initial)
    assert len(found) == 2 ** len(model.state.names)
    for names, value in found.items():
        ordered = [name for name in model.state.names if name in names]
        assert value == pytest.approx(entropy(model.initial, of=ordered), abs=1e-12)


def test_a_binary_channel_has_its_textbook_information() -> None:
    flip = Fraction(1, 10)
    half = Fraction(1, 2)
    law = law_of(PAIR, {(a, b): half * (flip if a != b else 1 - flip) for a in BIT for b in BIT})
    assert mutual_information(law, ["a"], ["b"]) == pytest.approx(1 - binary(0.1), abs=1e-15)
    assert conditional_entropy(law, ["b"], ["a"]) == pytest.approx(binary(0.1), abs=1e-15)


def test_entropy_near_certainty_keeps_its_digits() -> None:
    eps = Fraction(1, 10**30)
    law = law_of(Space(("a",), (BIT,)), {(0,): 1 - eps, (1,): eps})
    expected = 1e-30 * (30 * math.log2(10) + 1 / math.log(2))
    assert entropy(law) == pytest.approx(expected, rel=1e-14)
    assert entropy(law, unit="nat") == pytest.approx(expected * math.log(2), rel=1e-14)


def test_masses_below_the_smallest_float_add_nothing() -> None:
    eps = Fraction(1, 10**400)
    law = law_of(Space(("a",), (BIT,)), {(0,): 1 - eps, (1,): eps})
    assert entropy(law) == 0.0


def test_nats_are_bits_times_ln_two() -> None:
    p = np.array([0.1, 0.2, 0.7])
    assert entropy_of(p, unit="nat") == pytest.approx(entropy_of(p) * math.log(2), rel=1e-15)


def test_long_arrays_sum_as_short_ones_do() -> None:
    p = np.full(2**17, 2.0**-17)
    assert entropy_of(p) == pytest.approx(17.0, rel=1e-14)


def test_divergence_is_infinite_where_mass_is_missed() -> None:
    space = Space(("a",), (BIT,))
    sure = law_of(space, {(0,): 1.0})
    fair = law_of(space, {(0,): 0.5, (1,): 0.5})
    assert divergence(fair, sure) == math.inf
    assert divergence(sure, fair) == pytest.approx(1.0)


def test_units_are_bit_or_nat() -> None:
    with pytest.raises(QuestionError, match="'bit' or 'nat', got 'ban'"):
        entropy_of(np.array([1.0]), unit="ban")  # type: ignore[arg-type]


@pytest.mark.parametrize("shared", [True, False])
def test_a_divergence_in_a_wide_space_is_that_over_the_states_with_mass(shared: bool) -> None:
    """Twenty bits, two states with mass: the sum of two terms, infinite if Q misses one."""
    space = Space(tuple(f"x{i}" for i in range(20)), (BIT,) * 20)
    zeros, ones, mixed = (0,) * 20, (1,) * 20, (0, 1) * 10
    P = law_of(space, {zeros: 0.25, ones: 0.75})
    Q = law_of(space, {ones: 0.5, zeros if shared else mixed: 0.5})
    expected = 0.25 * math.log2(0.25 / 0.5) + 0.75 * math.log2(0.75 / 0.5) if shared else math.inf
    assert divergence(P, Q) == pytest.approx(expected)
    assert divergence(P, Q.marginal(reversed(space.names))) == pytest.approx(expected)


def test_a_divergence_does_not_mind_the_order_of_a_product_s_blocks() -> None:
    """P over (a, b), Q over (b) and (a): 1 bit for what P knows of a and Q does not."""
    space = {name: Space((name,), (BIT,)) for name in "ab"}
    P = law_of(PAIR, {(0, 1): 1.0})
    Q = ProductLaw((law_of(space["b"], {(1,): 1.0}), law_of(space["a"], {(0,): 0.5, (1,): 0.5})))
    assert divergence(P, Q) == pytest.approx(1.0)
