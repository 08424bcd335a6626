"""Goal-directedness of rules against tables written by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt import Model, load, strength
from causalopt.comparison.label_decisions import rule_directedness
from causalopt.entropy.declared import finite_model
from causalopt.entropy.relatives.goal_directedness import goal_directedness
from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import Law, law_of, uniform
from causalopt.laws.space import Space

STATES = [(t, r) for t in ("high", "low", "off") for r in ("hot", "warm", "cold")]
ROOM = {
    "high": {"hot": "hot", "warm": "hot", "cold": "warm"},
    "low": {"hot": "hot", "warm": "warm", "cold": "cold"},
    "off": {"hot": "warm", "warm": "cold", "cold": "cold"},
}
SMART = {
    "hot": {"high": "off", "low": "off", "off": "low"},
    "warm": {"high": "low", "low": "low", "off": "low"},
    "cold": {"high": "low", "low": "high", "off": "high"},
}


def tables(name: str) -> tuple[DiscreteModel, Law]:
    model = finite_model(load(name))
    return model, uniform(model.state)


def test_the_smart_thermostat_by_hand() -> None:
    """Nine contexts; the decision acts on the room two steps on, whose warmth is the utility."""
    settings = ("high", "low", "off")
    policy = np.array([[float(SMART[r][t] == s) for s in settings] for t, r in STATES])
    utility = np.array(
        [[float(ROOM[s][ROOM[t][r]] == "warm") for s in settings] for t, r in STATES]
    )
    expected = goal_directedness(np.full(9, 1 / 9), policy, utility)
    found = rule_directedness(*tables("thermostat_smart"), {"room": "warm"})
    assert found is not None
    assert found.value == pytest.approx(expected.value)


def test_it_knows_only_what_the_rule_reads() -> None:
    """The dumb one reads the room alone: the next room is averaged over what it was set to."""
    settings, rooms = ("high", "low", "off"), ("hot", "warm", "cold")
    dumb = {"hot": "off", "warm": "low", "cold": "high"}
    policy = np.array([[float(dumb[r] == s) for s in settings] for r in rooms])
    utility = np.array(
        [
            [sum(ROOM[s][ROOM[t][r]] == "warm" for t in settings) / 3 for s in settings]
            for r in rooms
        ]
    )
    expected = goal_directedness(np.full(3, 1 / 3), policy, utility)
    found = rule_directedness(*tables("thermostat_dumb"), {"room": "warm"})
    assert found is not None
    assert found.value == pytest.approx(expected.value)
    assert found.rationality == pytest.approx(expected.rationality)


def test_a_decision_that_is_read_at_once_is_judged_at_once() -> None:
    """pursuit, gap = 0: the chaser steps to where the prey was; it stays with probability 1/2."""
    model = finite_model(load("pursuit"))
    law = strength(load("pursuit"), at=1).P
    found = rule_directedness(model, law, {"gap": 0})
    assert found is not None
    # Always at one of the best places only when the chaser is next to the prey; over the
    # contexts the gain is bounded by log2 5 and reached, where the policy is always a best one.
    assert 0 < found.value <= math.log2(5) + 1e-12


def test_a_constant_decision_may_be_the_best() -> None:
    """a = 1 always, b = a, the goal b = 1: 1 bit, with nothing read."""
    model = Model(
        name="m",
        variables={
            "a": {"domain": "0..1", "rule": "1", "initial": {0: "1/2", 1: "1/2"}},
            "b": {"domain": "0..1", "rule": "a[t-1]", "initial": {0: "1/2", 1: "1/2"}},
        },
        partition={"A": "a"},
    )
    finite = finite_model(model)
    for goal, value in ((1, 1.0), (0, 0.0)):
        found = rule_directedness(finite, uniform(finite.state), {"b": goal})
        assert found is not None
        assert found.value == pytest.approx(value, abs=1e-12)


def test_what_a_cannot_move_is_no_goal_of_its() -> None:
    model = finite_model(load("bystander"))
    assert rule_directedness(model, strength(load("bystander")).P, {"weather": 0}) is None


def test_a_goal_in_a_is_refused() -> None:
    with pytest.raises(QuestionError, match="'thermostat' is in A"):
        rule_directedness(*tables("thermostat_smart"), {"thermostat": "low"})
    with pytest.raises(QuestionError, match="no goal"):
        rule_directedness(*tables("thermostat_smart"), {})


def test_too_many_contexts_are_refused() -> None:
    bit = (0, 1)
    read = tuple(Parent(f"x{i}") for i in range(17))
    rules = [Mechanism(parent.name, bit, (parent,), np.eye(2)) for parent in read]
    table = np.zeros((2,) * 18)
    table[..., 0] = 1.0
    rules += [Mechanism("a", bit, read, table), Mechanism("b", bit, (Parent("a"),), np.eye(2))]
    names = tuple(rule.name for rule in rules)
    start = law_of(Space(names, (bit,) * 19), {(0,) * 19: 1.0})
    model = DiscreteModel("m", tuple(rules), start, ("a",))
    with pytest.raises(QuestionError, match="131072 contexts of 2 decisions are more than 131072"):
        rule_directedness(model, start, {"b": 1})


def test_what_a_reads_of_itself_within_the_step_is_part_of_the_decision() -> None:
    """Two labels of A, the second a copy of the first: right half of the time, as indifference."""
    coin = {0: "1/2", 1: "1/2"}
    model = Model(
        name="m",
        variables={
            "first": {"domain": "0..1", "rule": "b[t-1]", "initial": coin},
            "second": {"domain": "0..1", "rule": "first[t]", "initial": coin},
            "b": {"domain": "0..1", "rule": "second[t-1]", "initial": coin},
        },
        partition={"A": ["first", "second"]},
    )
    finite = finite_model(model)
    found = rule_directedness(finite, uniform(finite.state), {"b": 1})
    assert found is not None
    assert found.value == pytest.approx(0.0, abs=1e-12)
