"""On a kink: whose status it is, and the one-sided derivative. Oracles are difference quotients.

A piecewise linear model has a one-sided derivative that a small positive nudge gives exactly, in
fractions evaluated here and not by the package.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from causalopt import Model, load, op_from_all, op_to_all, run, sweep
from causalopt.effects.asked import ask
from causalopt.effects.limit import forward_effect
from causalopt.engine.executions import EXECUTIONS, execution


def static(rules: dict[str, Any], hold: str = "a", target: str = "m") -> Model:
    variables = {
        name: {"rule": rule} if isinstance(rule, str) else {"initial": rule}
        for name, rule in rules.items()
    }
    return Model(
        name="m", variables=variables, question={"nudge": "n", "hold": hold, "target": target}
    )


def worlds(rules: dict[str, Any], nudge: Fraction, a: Fraction | None = None) -> dict[str, Any]:
    """Evaluate the rules in fractions, by Python itself."""
    names: dict[str, Any] = {
        "clip": lambda x, lo, hi: min(max(x, lo), hi),
        "where": lambda c, x, y: x if c else y,
        **{f.__name__: f for f in (min, max, abs)},
    }
    for name, rule in rules.items():
        if isinstance(rule, str):
            names[name] = eval(rule, {"__builtins__": {}}, names)
        else:
            names[name] = Fraction(rule) + (nudge if name == "n" else 0)
        if name == "a" and a is not None:
            names[name] = a
    return names


def one_sided(rules: dict[str, Any], target: str = "m") -> tuple[Fraction, Fraction]:
    """Return the quotients of a nudge so small that it meets no further kink."""
    small = Fraction(1, 10**9)
    w = worlds(rules, Fraction(0))
    x, y = worlds(rules, small), worlds(rules, small, w["a"])
    return (x[target] - w[target]) / small, (y[target] - w[target]) / small


SHAPES = [
    {"n": 0, "a": "10*clip(n, -1, 0) + 25*clip(n, 0, 1)", "m": "n + a"},
    {"n": 0, "a": "max(n, 0) + min(n, 0)", "m": "n + a"},
    {"n": 0, "a": "max(n, 0)", "m": "a - n/2"},
    {"n": 0, "a": "max(0, n)", "m": "a - n/2"},
    {"n": 0, "a": "min(n, 0)", "m": "a + n/4"},
    {"n": 0, "a": "abs(-3*n)", "m": "2*n - a"},
    {"n": 0, "a": "abs(abs(n) - n)", "m": "n + a"},
    {"n": 0, "a": "where(n > 0, n, 0)", "m": "n + a"},
    {"n": 0, "a": "where(n >= 0, n, 5*n)", "m": "n + a"},
    {"n": 0, "b": "-n", "a": "max(b, 2*b)", "m": "max(a, b) + min(n, a)"},
    {"n": 1, "a": "max(n, 2 - n)", "m": "max(a, 1) - n/2"},
    # A second branch meets what the first one keeps at its edge, for a positive nudge alone.
    {"n": 0, "a": "n", "b": "max(-n, 0)", "m": "max(b, 0) + a + n"},
    {"n": 0, "a": "2*n", "b": "clip(-n, 0, 1)", "m": "a - n + where(b > 0, 3*b, b)"},
    {"n": 0, "a": "-n", "b": "min(n, 0)", "m": "abs(b) - a + 3*n"},
    {"n": 0, "a": "-n", "b": "clip(2*min(a, 0) - n, 0, 1) - min(a, 0)", "m": "n + max(b, 0)"},
]


@pytest.mark.parametrize("rules", SHAPES)
@pytest.mark.parametrize("name", EXECUTIONS)
def test_on_a_kink_the_derivative_is_that_of_a_positive_nudge(
    rules: dict[str, Any], name: str
) -> None:
    model = static(rules)
    total, direct = one_sided(rules)
    asked = ask(model)
    run_of = execution(name).run_tangents(model.template.structure, asked.plan())
    effect = forward_effect(model, asked.plan(), run_of, model.template.index["m"])
    assert effect.total.value[0] == pytest.approx(float(total), abs=1e-12)
    assert effect.direct.value[0] == pytest.approx(float(direct), abs=1e-12)
    assert effect.on_kink[0]


@pytest.mark.parametrize("rules", SHAPES)
def test_run_sweep_and_matrices_say_the_same_on_a_kink(rules: dict[str, Any]) -> None:
    model = static(rules)
    alone = run(model)
    assert alone.status[0] == "kink"
    at = float(rules["n"])
    swept = sweep(model, {"n": [at - 0.125, at, at + 0.125]})
    assert (swept.status[1], swept.total[1]) == ("kink", alone.total[0])
    for found in (
        op_to_all(model, "n").sel(variable="m"),
        op_from_all(model, "m").sel(variable="n"),
    ):
        assert (found.status.item(), found.total.item()) == ("kink", alone.total[0])
    assert run(model, delta=1e-3).status[0] == "kink"


def test_a_kink_is_not_hidden_by_a_zero_or_by_a_held_target() -> None:
    started = load("thermostat").replace(initial={"R": 25})
    model = static({"n": 0, "a": "n", "m": "min(n, 0)"})
    assert run(model).status[0] == "kink"
    assert run(model, hold="m").status[0] == "kink"
    assert "kink" not in run(started, steps=3).status


def test_the_run_names_the_node_the_step_and_the_comparison() -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1]/2", "initial": 0},
            "other": {"rule": "abs(x[t])"},
            "y": {"rule": "max(x[t-1], 0)", "initial": 0},
        },
    )
    found = run(model, nudge="x[0]", hold=[], target="y", steps=4)
    assert found.effect.kink == ("y", 1, "max(x[t-1], 0)")
    assert "first kink on a path to y: max(x[t-1], 0), in y[1]" in repr(found)


@pytest.mark.parametrize(
    "second", ["max(b, 0)", "min(0, -b)", "sign(b)", "where(b > 0, 3, 4)", "ceil(b)"]
)
def test_a_branch_that_another_one_keeps_at_its_edge_is_a_kink(second: str) -> None:
    # For n > 0 b stays at 0, and m with it; a negative nudge moves both.
    model = static({"n": 0, "a": 0, "b": "max(-n, 0)", "m": second})
    found = run(model)
    assert (found.total[0], found.status[0]) == (0.0, "kink")


def test_a_kink_off_the_path_is_nobodys() -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1]/2", "initial": 0.5},
            "b": {"rule": "where(x[t] > 0.25, 1, 0)"},
        },
    )
    question: dict[str, Any] = {"nudge": "x[0]", "hold": [], "target": "x", "steps": 4}
    assert run(model, **question).status.tolist() == ["ok"] * 5
    assert run(model, **question, delta=1e-3).status.tolist() == ["ok"] * 5
    assert sweep(model, {"x[0]": [0.25, 0.5]}, **question).status.tolist() == ["ok", "ok"]
    back = op_from_all(model, "x[4]", hold=[])
    assert back.status.sel(variable="x").values.tolist() == ["ok"] * 5


FORMS = ["{} + {}", "{} - {}", "2*{} - {}", "max({}, {})", "min({}, {})", "abs({}) + {}", "{}*{}"]


def random_rules(rng: np.random.Generator) -> dict[str, Any]:
    rules: dict[str, Any] = {"n": int(rng.integers(-2, 3)), "c": int(rng.integers(-2, 3))}
    for name in ("b", "a", "e", "m"):
        one, other = rng.choice(list(rules), 2)
        rules[name] = str(rng.choice(FORMS)).format(one, other)
    return rules


def test_a_bystander_changes_no_status() -> None:
    rng, met = np.random.default_rng(12), 0
    for _ in range(150):
        rules = random_rules(rng)
        before = run(static(rules))
        value = float(before.W["m"][0])
        after = run(static({**rules, "bystander": f"abs(m - ({value!r}))"}))
        assert before.status.tolist() == after.status.tolist(), rules
        assert (before.total[0], before.direct[0]) == (after.total[0], after.direct[0])
        back = op_from_all(static(rules), "m").sel(variable="n")
        assert back.status.item() == before.status[0], rules
        assert back.total.item() == before.total[0], rules
        met += before.status[0] == "kink"
    assert met > 10


def test_random_piecewise_models_have_the_quotients_of_fractions() -> None:
    rng, kinks = np.random.default_rng(7), 0
    for _ in range(150):
        rules = random_rules(rng)
        total, direct = one_sided(rules)
        found = run(static(rules))
        assert found.total[0] == pytest.approx(float(total), abs=1e-6), rules
        assert found.direct[0] == pytest.approx(float(direct), abs=1e-6), rules
        kinks += found.status[0] == "kink"
    assert kinks > 10


BENDS = ["max({}, 0)", "min({}, 0)", "abs({})", "clip({}, 0, 1)", "where({} > 0, 2*{}, {})"]


def test_chains_of_kinks_have_the_quotients_of_fractions() -> None:
    rng, kinks = np.random.default_rng(11), 0
    for _ in range(100):
        rules: dict[str, Any] = {"n": 0}
        for name in ("b", "a", "e", "m"):
            one, other = rng.choice(list(rules), 2)
            bend = str(rng.choice(BENDS)).replace("{}", str(one))
            rules[name] = f"{rng.choice([-2, -1, 1])}*{bend} + {rng.choice([-1, 1])}*{other}"
        total, direct = one_sided(rules)
        found = run(static(rules))
        assert found.total[0] == pytest.approx(float(total), abs=1e-6), rules
        assert found.direct[0] == pytest.approx(float(direct), abs=1e-6), rules
        kinks += found.status[0] == "kink"
    assert kinks > 50
