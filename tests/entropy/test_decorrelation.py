from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.entropy.declared import strength, strengths
from causalopt.entropy.information import conditional_entropy, entropy, mutual_information
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.propagation import before, law_at, transition
from tests.entropy.strategies import bijections, discrete_models, tabulate, thermostat

PART_1 = {
    "dumb": (1.5849625, 2.7254806, 1.1405181, -0.4444444),
    "smart": (0.0, 2.1971597, 2.1971597, 0.6121972),
}


@pytest.mark.parametrize("kind", ["dumb", "smart"])
@pytest.mark.parametrize("engine", ["auto", "dense", "sparse"])
def test_part_1_numbers_come_out(kind: str, engine: str) -> None:
    found = strength(thermostat(kind), engine=engine)  # type: ignore[arg-type]
    got = (found.S_next, found.S_next_decoupled, found.optimizing_strength, found.adjusted)
    assert got == pytest.approx(PART_1[kind], abs=5e-8)


def test_part_2_dumb_thermostat_is_not_optimizing() -> None:
    found = strength(thermostat("dumb"), at=1, initial="uniform")
    assert found.optimizing_strength == 0.0
    assert found.adjusted == pytest.approx(-4 / 9, abs=1e-15)


def test_part_2_smart_thermostat_numbers_come_out() -> None:
    found = strength(thermostat("smart"), at=1, initial="uniform").to_dict()
    assert found.pop("unit") == "bit"
    assert found == pytest.approx(
        {
            "S": 2.1971597,
            "S_decoupled": 3.0204830,
            "S_next": 0.9864267,
            "S_next_decoupled": 2.0944322,
            "mutual_information": 0.8233233,
            "optimizing_strength": 1.1080054,
            "adjusted": 0.2846822,
        },
        abs=5e-8,
    )


def test_part_2_laws_are_the_rationals_printed() -> None:
    found = strength(thermostat("smart"), at=1, initial="uniform")
    by = found.P_decoupled.marginal(("thermostat", "room")).dense().probability
    assert [by((t, "hot")) for t in ("high", "low", "off")] == [
        Fraction(2, 27),
        Fraction(5, 27),
        Fraction(2, 27),
    ]
    later = found.P_next_decoupled.dense().p.tolist()
    ninth, seven, two = Fraction(9, 27), Fraction(7, 27), Fraction(2, 27)
    assert later == [[0, 0, seven], [two, ninth, two], [seven, 0, 0]]


@given(discrete_models(deterministic=True))
@settings(max_examples=60, deadline=None)
def test_adjusted_is_the_difference_of_what_successors_forget(model: DiscreteModel) -> None:
    """adjusted = H_P(s | f(s)) - H_P'(s | f(s)) for every deterministic f."""
    found = strength(model)
    now = [before(name) for name in model.state.names]
    lost = [
        conditional_entropy(transition(model, law), now, model.state.names)
        for law in (found.P, found.P_decoupled)
    ]
    assert found.adjusted == pytest.approx(lost[0] - lost[1], abs=1e-12)


@given(bijections())
@settings(max_examples=60, deadline=None)
def test_adjusted_is_zero_for_every_bijection(model: DiscreteModel) -> None:
    assert strength(model).adjusted == pytest.approx(0.0, abs=1e-12)


@given(discrete_models())
@settings(max_examples=40, deadline=None)
def test_adjusted_holds_for_stochastic_rules_with_noise_subtracted(model: DiscreteModel) -> None:
    """S_t - S_{t+1} = H(s | s') - H(s' | s), so adjusted is that difference, P less P'."""
    found = strength(model)
    now, later = [before(name) for name in model.state.names], model.state.names
    parts = []
    for law in (found.P, found.P_decoupled):
        both = transition(model, law)
        parts.append(conditional_entropy(both, now, later) - conditional_entropy(both, later, now))
    assert found.adjusted == pytest.approx(parts[0] - parts[1], abs=1e-12)


@given(discrete_models())
@settings(max_examples=40, deadline=None)
def test_the_initial_gap_is_the_mutual_information(model: DiscreteModel) -> None:
    found = strength(model)
    assert found.mutual_information == pytest.approx(
        mutual_information(model.initial, model.A), abs=1e-12
    )
    assert found.mutual_information > -1e-12


@given(discrete_models(), st.integers(1, 3), st.sampled_from([1, 2, 3, None]))
@settings(max_examples=12, deadline=None)
def test_lasting_surgery_agrees_between_twin_worlds_and_the_unrolled_graph(
    model: DiscreteModel, horizon: int, lasting: int | None
) -> None:
    names = model.state.names
    joint = strength(model, at=1, horizon=horizon, lasting=lasting, engine="sparse")
    graph = strength(
        model, at=1, horizon=horizon, lasting=lasting, engine="factorised", targets=names
    )
    got = joint.P_next_decoupled.dense().p
    assert (got == graph.P_next_decoupled.dense().p).all()
    assert joint.to_dict() == pytest.approx(graph.to_dict(), abs=1e-12)


@given(discrete_models())
@settings(max_examples=15, deadline=None)
def test_fresh_replicas_equal_one_replica_while_the_surgery_lasts_one_step(
    model: DiscreteModel,
) -> None:
    one = strength(model, horizon=2, lasting=1)
    fresh = strength(model, horizon=2, lasting=1, fresh=True)
    assert one.to_dict() == fresh.to_dict()


def test_fresh_replicas_differ_where_the_replaced_part_remembers() -> None:
    """A keeps a coin for ever: one replica shows B the same coin twice, fresh ones do not."""
    from causalopt.laws.discrete import Parent
    from causalopt.laws.law import law_of
    from causalopt.laws.space import Space

    bit = (0, 1)
    half = Fraction(1, 2)
    keep = tabulate("a", bit, {Parent("a"): bit}, lambda a: a)
    seen = tabulate("b", bit, {Parent("a"): bit}, lambda a: a)
    last = tabulate("c", bit, {Parent("b"): bit}, lambda b: b)
    space = Space(("a", "b", "c"), (bit, bit, bit))
    start = law_of(space, {(a, a, a): half for a in bit})
    model = DiscreteModel("coin", (keep, seen, last), start, ("a",))
    one = strength(model, horizon=2, lasting=None, targets=["b", "c"])
    fresh = strength(model, horizon=2, lasting=None, targets=["b", "c"], fresh=True)
    assert (one.S_next_decoupled, fresh.S_next_decoupled) == (1.0, 2.0)


def test_strength_as_a_function_of_t_is_each_step_alone() -> None:
    smart = thermostat("smart")
    course = strengths(smart, at=[3, 0, 1], initial="uniform")
    assert [found.at for found in course] == [3, 0, 1]
    for found in course:
        alone = strength(smart, at=found.at, initial="uniform")
        assert alone.to_dict() == found.to_dict()
    assert course[1].adjusted == 0.0


def test_targets_are_measured_alone() -> None:
    smart = thermostat("smart")
    found = strength(smart, at=1, initial="uniform", targets=["room"])
    later = law_at(smart, 2)
    assert found.targets == ("room",)
    assert found.mutual_information == 0.0
    uniform = strength(smart, at=1, initial="uniform")
    assert found.S_next == pytest.approx(entropy(uniform.P_next, of=["room"]))
    assert later.space.names == smart.state.names


def test_swapping_the_two_parts_changes_nothing_in_one_step() -> None:
    smart = thermostat("smart")
    mine = strength(smart, at=1, initial="uniform")
    theirs = strength(smart, at=1, initial="uniform", hold=["room"])
    assert mine.to_dict() == pytest.approx(theirs.to_dict(), abs=1e-14)


def test_the_choice_of_engine_is_reported() -> None:
    assert strength(thermostat("smart")).choice.engine == "sparse"
    assert strength(thermostat("smart"), engine="dense").choice.reason == "asked for"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": -1}, "steps count from 0"),
        ({"horizon": 0}, "at least one step"),
        ({"lasting": 0}, "lasts at least one step"),
        ({"engine": "factorised", "targets": ["room"], "fresh": True}, "need the joint law"),
        ({"unit": "ban"}, "'bit' or 'nat'"),
        ({"hold": []}, "names no A to replace"),
    ],
)
def test_questions_out_of_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        strength(thermostat("smart"), **options)  # type: ignore[arg-type]


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'room'"):
        strength(thermostat("smart"), hold=["rom"])
    with pytest.raises(UnknownNameError, match="did you mean 'room'"):
        strength(thermostat("smart"), targets=["rooms"])
