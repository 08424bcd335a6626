"""Textbook formulas of affine flows: derive under method: exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
import sympy

from causalopt import Model, QuestionError, derive, run
from causalopt.symbolic import flow_effects

t, w, zeta, tau, Kp, a, b, R, C = sympy.symbols("t w zeta tau Kp a b R C")
s = t / 10  # the time at dt = 0.1


def model(
    variables: dict[str, Any],
    parameters: dict[str, float],
    hold: str,
    nudge: str,
    target: str,
    **more: Any,
) -> Model:
    data: dict[str, Any] = {"dt": 0.1, "method": "exact", **more}
    return Model(
        name="textbook",
        variables=variables,
        parameters=parameters,
        partition={"A": [hold]},
        question={"nudge": nudge, "target": target, "steps": 20},
        **data,
    )


def same(found: Any, expected: Any, **values: float) -> None:
    """Check that two formulas agree at many steps and parameters, to thirty digits."""
    symbols = sorted((found - expected).free_symbols - {t}, key=str)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        point = {x: sympy.Rational(int(rng.integers(2, 97)), 31) for x in symbols}
        point |= {sympy.Symbol(name): sympy.Rational(str(v)) for name, v in values.items()}
        for step in (0, 1, 7, 30):
            gap = (found - expected).subs(point | {t: step})
            assert abs(sympy.N(gap, 30)) < 1e-25


def first_order(controller: dict[str, Any]) -> Model:
    variables = {"x": {"flow": "(u - x)/tau", "initial": 1}, "u": controller}
    return model(variables, {"tau": 2, "Kp": 3}, "u", "x[0]", "x")


def test_a_first_order_lag_under_proportional_control() -> None:
    found = derive(first_order({"algebraic": "-Kp*x"}))
    assert found.verified
    assert sympy.simplify(found.total - sympy.exp(-(Kp + 1) * t / (10 * tau))) == 0
    assert found.direct == sympy.exp(-t / (10 * tau))
    assert found.comp == sympy.exp(-Kp * t / (10 * tau))
    assert found.op == Kp * t / (10 * tau)


def test_the_same_with_a_sampled_controller() -> None:
    found = derive(first_order({"rule": "-Kp*x[t]", "sampled": True}))
    assert found.verified
    decay = sympy.exp(-1 / (10 * tau))
    same(found.total, (decay - Kp * (1 - decay)) ** t)
    same(found.comp, (1 - Kp * (1 / decay - 1)) ** t)


OSCILLATOR: dict[str, Any] = {
    "x": {"flow": "v", "initial": 1},
    "v": {"flow": "-w**2*x - 2*zeta*w*v", "initial": 0},
}


def test_a_damped_oscillator_and_its_critical_damping() -> None:
    found = derive(model(OSCILLATOR, {"w": 2, "zeta": 0.1}, "v", "x[0]", "x"))
    assert found.verified
    assert found.direct == 1
    d = sympy.sqrt(1 - zeta**2)
    textbook = sympy.exp(-zeta * w * s) * (sympy.cos(w * d * s) + zeta / d * sympy.sin(w * d * s))
    branches = found.total.args
    assert {condition for _, condition in branches} == {
        sympy.Eq(zeta, 1),
        sympy.Eq(zeta, -1),
        sympy.true,
    }
    same(branches[-1][0], textbook)
    same(branches[0][0], (1 + w * s) * sympy.exp(-w * s))


def test_an_undamped_oscillator_is_a_cosine() -> None:
    variables = OSCILLATOR | {"v": {"flow": "-w**2*x", "initial": 0}}
    found = derive(model(variables, {"w": 2}, "v", "x[0]", "x"))
    assert found.total == sympy.cos(t * w / 10)
    response = derive(model(variables, {"w": 2}, "x", "v[0]", "x"), hold="v[5]", nudge="v[0]")
    assert response.verified or response.digits  # a set that changes takes the stepwise form


TANKS: dict[str, Any] = {
    "h1": {"flow": "-a*h1", "initial": 1},
    "h2": {"flow": "a*h1 - b*h2 + q", "initial": 0},
    "q": {"algebraic": "-Kp*h2"},
}


@pytest.mark.parametrize("values", [(2.0, 0.5, 3.0), (2.0, 1.0, 1.0), (2.0, 2.0, 1.0)])
def test_two_tanks_whether_or_not_their_rates_coincide(values: tuple[float, ...]) -> None:
    parameters = dict(zip(("a", "b", "Kp"), values, strict=True))
    tanks = model(TANKS, parameters, "q", "h1[0]", "h2")
    found = derive(tanks)
    assert found.verified
    same(found.total.args[-1][0], a * (sympy.exp(-(b + Kp) * s) - sympy.exp(-a * s)) / (a - b - Kp))
    same(found.direct.args[-1][0], a * (sympy.exp(-b * s) - sympy.exp(-a * s)) / (a - b))
    assert found.direct.args[0][1] == sympy.Eq(a, b)
    same(found.direct.args[0][0], b * s * sympy.exp(-b * s))
    numbers = found.evaluate(20)
    assert numbers.op[1:] == pytest.approx(run(tanks).op[1:], rel=1e-10)
    by_formula = found.op.subs({t: 20, a: values[0], b: values[1], Kp: values[2]})
    assert float(by_formula) == pytest.approx(run(tanks).op[20], rel=1e-9)


def test_an_rc_ladder_of_two() -> None:
    variables = {
        "u1": {"flow": "(-2*u1 + u2)/(R*C)", "initial": 1},
        "u2": {"flow": "(u1 - u2)/(R*C)", "initial": 0},
    }
    found = derive(model(variables, {"R": 2, "C": 0.5}, "u1", "u2[0]", "u2"))
    assert found.verified
    k = 1 / (R * C)
    roots = [k * (-3 + sign * sympy.sqrt(5)) / 2 for sign in (1, -1)]
    textbook = sum(
        (root + 2 * k) / (root - other) * sympy.exp(root * s)
        for root, other in (roots, roots[::-1])
    )
    same(found.total, textbook)
    assert found.direct == sympy.exp(-t / (10 * C * R))


def test_three_flows_without_a_closed_form_still_have_a_verified_formula() -> None:
    ladder = np.array([[-2.0, 1, 0], [1, -2, 1], [0, 1, -1]])
    variables = {
        f"u{i}": {"flow": " + ".join(f"({c:g})*u{j}" for j, c in enumerate(row)), "initial": 1}
        for i, row in enumerate(ladder)
    }
    found = derive(model(variables, {}, "u1", "u0[0]", "u0"))
    for step in (1, 5):
        expected = scipy.linalg.expm(ladder * 0.1 * step)[0, 0]
        assert found.evaluate(5).total[step] == pytest.approx(expected, rel=1e-13)
    assert found.verified or found.digits
    assert "expm" in str(found.total)


def test_numbers_set_by_the_caller_have_their_own_formula() -> None:
    found = derive(
        model(OSCILLATOR, {"w": 2, "zeta": 0.1}, "v", "x[0]", "x"), parameters={"zeta": 1}
    )
    same(found.total, (1 + w * s) * sympy.exp(-w * s))
    over = derive(
        model(OSCILLATOR, {"w": 2, "zeta": 0.1}, "v", "x[0]", "x"), parameters={"zeta": "5/4"}
    )
    quick, slow = sympy.exp(-2 * w * s), sympy.exp(-w * s / 2)
    same(over.total, (4 * slow - quick) / 3)


def test_a_wrong_course_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    right = flow_effects.closed_element

    def wrong(entries: list[Any], place: int) -> Any:
        return right(entries, place) * (1 + t / 100)

    monkeypatch.setattr(flow_effects, "closed_element", wrong)
    found = derive(first_order({"algebraic": "-Kp*x"}))
    same(found.total, sympy.exp(-(Kp + 1) * t / (10 * tau)))  # by steps
    assert flow_effects.flow_effects(found.reading) is None
    system = flow_effects._System(found.reading, frozenset({"u"}), {})
    assert system.effect() is not None
    assert not system.is_solved()


def test_rk4_keeps_its_polynomials_and_nonlinear_flows_their_refusal() -> None:
    from causalopt import ModelError

    lag = first_order({"algebraic": "-Kp*x"})
    assert not derive(lag.replace(method="rk4")).total.has(sympy.exp)
    variables = OSCILLATOR | {"v": {"flow": "-sin(x)", "initial": 0}}
    with pytest.raises(ModelError, match=r"'sin\(x\)' is not affine"):
        model(variables, {}, "v", "x[0]", "x")


def test_a_time_limit_too_small_is_told() -> None:
    lag = model(OSCILLATOR, {"w": 2, "zeta": 0.1}, "v", "x[0]", "x")
    try:
        found = derive(lag, time_limit=0.1)
    except QuestionError as error:
        assert "time" in str(error)  # noqa: PT017 - either answer is right on a fast machine
    else:
        assert found.verified or any("within" in note or "time" in note for note in found.notes)


def test_the_step_response_of_comp() -> None:
    variables: dict[str, Any] = {
        "x": {"flow": "(u - x + d)/tau", "initial": 0},
        "u": {"algebraic": "-Kp*x"},
        "d": {"rule": "0", "sampled": True},
    }
    lag = model(variables, {"tau": 2, "Kp": 3}, "u", "d[t>=0]", "x")
    found = derive(lag)
    assert found.verified
    same(found.total, (1 - sympy.exp(-(1 + Kp) * s / tau)) / (1 + Kp))
    same(found.direct, 1 - sympy.exp(-s / tau))
    later = derive(lag, nudge="d[t>=5]", target="integral(x)")
    assert later.evaluate(20).op[-1] == pytest.approx(
        run(lag, nudge="d[t>=5]", target="integral(x)").op[-1], rel=1e-10
    )


def test_a_later_nudge_shifts_the_formula() -> None:
    found = derive(model(OSCILLATOR, {"w": 2, "zeta": 0.1}, "v", "x[3]", "x"), parameters={"w": 1})
    early = derive(model(OSCILLATOR, {"w": 2, "zeta": 0.1}, "v", "x[0]", "x"), parameters={"w": 1})
    assert found.verified
    same(found.total.args[-1][0].subs(t, t + 3), early.total.args[-1][0])
    assert "t >= 3" in found.conditions


def test_irrational_rates_are_checked_in_digits() -> None:
    variables: dict[str, Any] = {
        "x": {"flow": "-sqrt(a)*x + y", "initial": 1},
        "y": {"flow": "-pi*y - x", "initial": 0},
    }
    swing = model(variables, {"a": 2}, "y", "x[0]", "x")
    found = derive(swing)
    assert not found.verified
    assert found.digits == 60
    assert found.direct == sympy.exp(-sympy.sqrt(a) * t / 10)
    rates = np.array([[-np.sqrt(2), 1], [-1, -np.pi]])
    expected = scipy.linalg.expm(rates * 0.7)[0, 0]
    assert float(found.total.subs({a: 2, t: 7})) == pytest.approx(expected, rel=1e-12)
    assert found.evaluate(7).total[7] == pytest.approx(expected, rel=1e-12)
