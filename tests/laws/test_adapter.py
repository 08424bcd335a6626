from __future__ import annotations

from fractions import Fraction

import pytest

import causalopt
from causalopt.errors import ModelError, QuestionError
from causalopt.laws.adapter import discrete, is_finite
from causalopt.laws.propagation import law_at
from causalopt.model.files import parse_model
from causalopt.model.model import Model
from tests.entropy.strategies import as_table, thermostat

COUNTER = """\
name: counter
parameters: {p: 1/3}
variables:
  n: {domain: 0..2, rule: "min(n[t-1] + w[t], 2)", initial: 0}
  seen: {domain: 0..1, rule: "n[t] > 1"}
  w: {noise: bernoulli(p)}
"""
WHERE = COUNTER.replace('"n[t] > 1"', '"where(n[t] > 1, 1, 0)"')


@pytest.mark.parametrize("kind", ["dumb", "smart"])
def test_shipped_thermostats_are_the_posts_tables(kind: str) -> None:
    declared = discrete(causalopt.load(f"thermostat_{kind}"))
    table = thermostat(kind)
    assert declared.A == table.A
    for t in range(4):
        assert as_table(law_at(declared, t), table.state.names) == as_table(
            law_at(table, t), table.state.names
        )


def test_whole_number_rules_with_noise_become_exact_tables() -> None:
    model = discrete(parse_model(WHERE))
    third = Fraction(1, 3)
    assert model.state.names == ("n", "seen")
    assert as_table(law_at(model, 0), ("n", "seen")) == {(0, 0): 1}
    assert as_table(law_at(model, 2), ("n", "seen")) == {
        (0, 0): 4 * third * third,
        (1, 0): 4 * third * third,
        (2, 1): third * third,
    }


def test_integers_without_a_domain_take_the_values_their_rules_close() -> None:
    text = WHERE.replace("domain: 0..2, rule", "kind: integer, rule").replace(
        "domain: 0..1, rule", "kind: integer, rule"
    )
    model = discrete(parse_model(text))
    declared = discrete(parse_model(WHERE))
    assert model.state == declared.state
    assert as_table(law_at(model, 3), ("n", "seen")) == as_table(law_at(declared, 3), ("n", "seen"))


def test_integers_that_count_without_end_are_refused() -> None:
    text = WHERE.replace("domain: 0..2, rule", "kind: integer, rule").replace(
        "min(n[t-1] + w[t], 2)", "n[t-1] + w[t]"
    )
    with pytest.raises(QuestionError, match="more than 512 values"):
        discrete(parse_model(text))


def test_joint_and_marginal_starts_are_independent_blocks() -> None:
    text = """
name: m
variables:
  a: {domain: [x, y], parents: ["a[t-1]"], table: [[x, y], [y, x]]}
  b: {domain: 0..2, rule: "b[t-1]"}
  c: {domain: 0..1, rule: "c[t-1]", initial: {0: 1/4, 1: 3/4}}
initial: [{a: x, b: 0, p: 1/2}, {a: y, b: 2, p: 1/2}]
"""
    model = discrete(parse_model(text))
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    assert as_table(law_at(model, 0), ("a", "b", "c")) == {
        (0, 0, 0): half * quarter,
        (0, 0, 1): half * 3 * quarter,
        (1, 2, 0): half * quarter,
        (1, 2, 1): half * 3 * quarter,
    }


def test_finite_models_are_told_from_real_ones() -> None:
    assert is_finite(causalopt.load("chaser"))
    assert not is_finite(causalopt.load("thermostat"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("min(n[t-1] + w[t], 2)", "n[t-1] + w[t]", r"gives 3 for n\[t-1\] = 2"),
        ("min(n[t-1] + w[t], 2)", "min(n[t-1] + w[t-1], 2)", "and no noise"),
        ("initial: 0", "initial: 7", "7 is no value of the domain"),
        ("initial: 0", "initial: [0, 1]", "one initial value"),
        ("min(n[t-1] + w[t], 2)", "n[t-2]", "read 2 steps back"),
    ],
)
def test_rules_that_leave_their_domain_are_refused(old: str, new: str, message: str) -> None:
    text = WHERE.replace(old, new)
    if "t-2" in new:
        text = text.replace("initial: 0", "initial: [0, 0]")
    with pytest.raises(ModelError, match=message):
        discrete(parse_model(text))


def test_rules_cannot_compute_with_words() -> None:
    text = """
name: m
variables:
  a: {domain: [x, y], parents: ["a[t-1]"], table: [[x, y], [y, x]], initial: x}
  b: {domain: 0..1, rule: "a[t-1]", initial: 0}
"""
    with pytest.raises(ModelError, match="write a table"):
        discrete(parse_model(text))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"x": {"rule": "x[t-1]", "initial": 0}}, "has no finite domain"),
        ({"x": {"domain": "0..1", "rule": "x[t-1] + 0*t", "initial": 0}}, "reads the clock"),
        (
            {
                "x": {"domain": "0..1", "initial": 0},
                "y": {"domain": "0..1", "rule": "y[t-1]", "initial": 0},
            },
            "has no rule",
        ),
    ],
)
def test_models_without_a_law_to_follow_are_refused(
    variables: dict[str, object], message: str
) -> None:
    with pytest.raises(QuestionError, match=message):
        discrete(Model(name="m", variables=variables))


def test_runs_of_label_models_point_to_the_law() -> None:
    with pytest.raises(QuestionError, match="causalopt entropy"):
        causalopt.world(causalopt.load("thermostat_smart"), steps=3)
