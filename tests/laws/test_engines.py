"""Dense, sparse and factorised propagation against plain enumeration, in exact fractions."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.errors import QuestionError
from causalopt.laws import dense, factorised, sparse
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import ProductLaw, law_of, uniform
from causalopt.laws.propagation import before, choose, law_at, laws, prepared, transition
from causalopt.laws.space import Space
from tests.entropy.strategies import (
    as_table,
    discrete_models,
    enumerated_step,
    noise,
    tabulate,
    thermostat,
)

BIT = (0, 1)


@given(discrete_models())
@settings(max_examples=60, deadline=None)
def test_every_engine_steps_as_enumeration_does(model: DiscreteModel) -> None:
    names = model.state.names
    expected = enumerated_step(model, model.initial)
    assert as_table(sparse.step(model, model.initial), names) == expected
    assert as_table(dense.step(model, model.initial), names) == expected
    assert as_table(factorised.marginal(model, names, at=1), names) == expected


@given(discrete_models(), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_engines_agree_exactly_at_every_step(model: DiscreteModel, t: int) -> None:
    names = model.state.names
    expected = as_table(law_at(model, t, engine="sparse"), names)
    assert as_table(law_at(model, t, engine="dense"), names) == expected
    assert as_table(factorised.marginal(model, names, at=t), names) == expected


@given(discrete_models())
@settings(max_examples=30, deadline=None)
def test_sliced_dense_steps_equal_whole_ones(model: DiscreteModel) -> None:
    whole = dense.step(model, model.initial)
    sliced = dense.step(model, model.initial, limit=model.state.size)
    assert (whole.p == sliced.p).all()


@given(discrete_models(deterministic=True))
@settings(max_examples=30, deadline=None)
def test_certain_float_models_are_sent_as_products_would_send_them(model: DiscreteModel) -> None:
    sent = dense.step(model.inexact(), model.inexact().initial)
    np.testing.assert_allclose(sent.p, dense.step(model, model.initial).p.astype(float), atol=1e-15)


@given(discrete_models())
@settings(max_examples=20, deadline=None)
def test_product_laws_step_as_their_joint_does(model: DiscreteModel) -> None:
    blocks = tuple(model.initial.marginal([name]) for name in model.state.names)
    product = ProductLaw(blocks)
    expected = as_table(sparse.step(model, product.dense()), model.state.names)
    assert as_table(dense.step(model, product), model.state.names) == expected


@given(discrete_models(), st.data())
@settings(max_examples=60, deadline=None)
def test_large_spaces_step_in_independent_parts_as_enumeration_does(
    model: DiscreteModel, data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(model.state.names), unique=True))
    joint = [model.initial.marginal(kept)] if kept else []
    alone = [model.initial.marginal([n]) for n in model.state.names if n not in kept]
    product = ProductLaw((*joint, *alone))
    expected = as_table(sparse.step(model, product.dense()), model.state.names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "TOGETHER", 0)
        assert as_table(sparse.step(model, product), model.state.names) == expected


@given(discrete_models())
@settings(max_examples=30, deadline=None)
def test_the_start_of_large_spaces_is_that_of_small_ones(model: DiscreteModel) -> None:
    """Variables that keep their law, one that reads two of them at once, and one drawn alone."""
    first, second = model.state.names[:2]
    reads = {Parent(n, 0): model[n].labels for n in (first, second)}
    same = tabulate("same", BIT, reads, lambda a, b: int(a == b))
    coin = tabulate("coin", BIT, {}, lambda: {0: Fraction(1, 3), 1: Fraction(2, 3)})
    wide = dataclasses.replace(model, mechanisms=(*model.mechanisms, same, coin))
    alone = ProductLaw(tuple(model.initial.marginal([n]) for n in model.state.names))
    expected = as_table(sparse.begin(wide, alone), wide.state.names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "TOGETHER", 0)
        assert as_table(sparse.begin(wide, alone), wide.state.names) == expected


def test_variables_without_an_initial_value_follow_their_rules_from_the_start() -> None:
    space = Space(("x",), (BIT,))
    third = Fraction(1, 3)
    start = law_of(space, {(0,): third, (1,): 2 * third})
    flip = tabulate("x", BIT, {Parent("x"): BIT}, lambda x: 1 - x)
    seen = tabulate("y", BIT, {Parent("x", 0): BIT}, lambda x: x)
    model = DiscreteModel("m", (flip, seen), start, ("y",))
    expected = {(0, 0): third, (1, 1): 2 * third}
    assert as_table(next(laws(model, "sparse")), ("x", "y")) == expected
    assert as_table(factorised.marginal(model, ["x", "y"], at=0), ("x", "y")) == expected


def test_a_rule_that_reads_before_the_start_is_refused() -> None:
    flip = tabulate("x", BIT, {Parent("x"): BIT}, lambda x: 1 - x)
    copy = tabulate("y", BIT, {Parent("x", 1): BIT}, lambda x: x)
    model = DiscreteModel("m", (flip, copy), law_of(Space(("x",), (BIT,)), {(0,): 1}), ())
    with pytest.raises(QuestionError, match="'y' has no initial value"):
        law_at(model, 1)
    with pytest.raises(QuestionError, match="'y' has no initial value"):
        factorised.marginal(model, ["y"], at=0)


def test_forty_variables_give_up_a_target_without_the_joint() -> None:
    """A ring of forty noisy bits: 2**40 states, one variable's law in closed form."""
    count, flip = 40, 0.1
    table = np.array([[1 - flip, flip], [flip, 1 - flip]])
    mechanisms = tuple(
        Mechanism(f"v{i}", BIT, (Parent(f"v{(i + 1) % count}"),), table) for i in range(count)
    )
    space = Space(tuple(m.name for m in mechanisms), (BIT,) * count)
    point = [law_of(space.only([n]), {(0,): 1.0}) for n in space.names]
    model = DiscreteModel("ring", mechanisms, ProductLaw(tuple(point)), ("v0",))
    law = factorised.marginal(model, ["v0", "v20"], at=3)
    stays = (1 + (1 - 2 * flip) ** 3) / 2
    np.testing.assert_allclose(law.p, np.outer([stays, 1 - stays], [stays, 1 - stays]))
    assert choose(model, targets=True).engine == "factorised"
    assert choose(model).engine == "chain"


def test_reachable_states_of_a_large_space_are_carried_alone() -> None:
    count = 40
    shift = tuple(
        tabulate(f"v{i}", BIT, {Parent(f"v{(i + 1) % count}"): BIT}, lambda x: x)
        for i in range(count)
    )
    space = Space(tuple(m.name for m in shift), (BIT,) * count)
    start = law_of(space, {(1,) + (0,) * 39: Fraction(1, 3), (1, 1) + (0,) * 38: Fraction(2, 3)})
    model = DiscreteModel("shift register", shift, start, ("v0",))
    law = law_at(model, count + 1).sparse()
    assert sorted(law.p.tolist()) == [Fraction(1, 3), Fraction(2, 3)]
    assert law.probability((0,) * 39 + (1,)) == Fraction(1, 3)


def test_limits_say_what_to_do_instead() -> None:
    coin = noise("w", {0: 0.5, 1: 0.5})
    mix = tabulate("x", BIT, {Parent("w", 0): BIT}, lambda w: w)
    model = DiscreteModel("m", (coin, mix), law_of(Space(("x",), (BIT,)), {(0,): 1.0}), ())
    with pytest.raises(QuestionError, match="name the variables whose entropy is wanted"):
        sparse.step(model, model.initial, limit=1)
    with pytest.raises(QuestionError, match="use the sparse engine"):
        dense.step(model, model.initial, limit=1)
    with pytest.raises(QuestionError, match="fewer variables"):
        factorised.marginal(model, ["x"], at=1, limit=1)


def test_choice_names_its_reason() -> None:
    smart = thermostat("smart")
    assert choose(smart).engine == "sparse"
    assert "exact" in choose(smart).reason
    assert choose(smart, "dense").reason == "asked for"
    with pytest.raises(QuestionError, match="no engine 'quick'"):
        choose(smart, "quick")  # type: ignore[arg-type]
    with pytest.raises(QuestionError, match="name target variables"):
        choose(smart, "factorised")


def test_middle_sized_spaces_are_dense() -> None:
    table = np.full((4, 4), 0.25)
    names = tuple(f"v{i}" for i in range(8))
    mechanisms = tuple(Mechanism(n, (0, 1, 2, 3), (Parent(n),), table) for n in names)
    space = Space(names, ((0, 1, 2, 3),) * 8)
    model = DiscreteModel("wide", mechanisms, uniform(space, exact=False), ())
    assert choose(model).engine == "dense"


def test_floats_leave_independent_blocks_apart() -> None:
    """Twelve variables of four labels must not be multiplied out to become floats."""
    table = np.full((4, 4), Fraction(1, 4), dtype=object)
    names = tuple(f"v{i}" for i in range(12))
    mechanisms = tuple(Mechanism(n, (0, 1, 2, 3), (Parent(n),), table) for n in names)
    space = Space(names, ((0, 1, 2, 3),) * 12)
    model = prepared(DiscreteModel("wide", mechanisms, uniform(space), ("v0",)))
    assert isinstance(model.initial, ProductLaw)
    assert len(model.initial.blocks) == 12
    assert not model.exact


def test_prepared_keeps_fractions_where_the_model_is_small() -> None:
    smart = thermostat("smart")
    assert prepared(smart).exact
    assert prepared(smart, initial="uniform").initial.exact
    assert not prepared(smart, exact=False).exact
    with pytest.raises(QuestionError, match="'model' or 'uniform'"):
        prepared(smart, initial="flat")
    with pytest.raises(QuestionError, match="write them as fractions"):
        prepared(smart.inexact(), exact=True)


def test_transition_joins_two_steps() -> None:
    smart = thermostat("smart")
    both = transition(smart, smart.initial)
    names = smart.state.names
    later, now = law_at(smart, 1), [before(name) for name in names]
    assert as_table(both, names) == as_table(later, names)
    assert as_table(both, tuple(now)) == as_table(smart.initial, names)


def test_steps_count_from_zero() -> None:
    with pytest.raises(QuestionError, match="steps count from 0"):
        law_at(thermostat("smart"), -1)


def test_a_model_is_unchanged_by_a_uniform_start() -> None:
    smart = thermostat("smart")
    again = dataclasses.replace(smart)
    prepared(smart, initial="uniform")
    assert as_table(smart.initial, smart.state.names) == as_table(again.initial, smart.state.names)
