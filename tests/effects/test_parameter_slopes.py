"""Slopes of Op by parameters, against formulas."""

from __future__ import annotations

import math

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, QuestionError, UnknownNameError, load, sensitivity


def test_slopes_are_those_of_the_polynomial() -> None:
    """R[t] = R[t-1] - k*T[t-1] and T[t] = R[t-1] - d make Comp a polynomial in k."""
    k = sympy.Symbol("k")
    room, thermostat = sympy.Poly(1, k), sympy.Poly(0, k)
    for _ in range(100):
        room, thermostat = room - k * thermostat, room
    at = sympy.Rational(1, 100)
    comp, slope = room.eval(at), room.diff(k).eval(at)
    found = sensitivity(load("thermostat"), at=100).of("k")
    assert found.comp == pytest.approx(float(slope), rel=1e-11)
    assert found.op == pytest.approx(float(-slope / comp), rel=1e-11)
    assert abs(found.op + float(slope / comp)) <= 10 * found.op_error
    assert found.relative == found.value * found.op
    assert found.status == "ok"


@given(st.floats(0.05, 0.95), st.floats(-0.9, -0.05), st.integers(1, 30))
@settings(max_examples=30)
def test_powers_have_the_slopes_of_powers(a: float, b: float, t: int) -> None:
    """With c held x decays by a, with it by a + b: Comp = ((a + b)/a)^t."""
    model = Model(
        name="m",
        parameters={"a": a, "b": b},
        variables={"x": {"rule": "a*x[t-1] + c[t-1]", "initial": 1}, "c": {"rule": "b*x[t]"}},
        question={"nudge": "x[0]", "hold": "c", "target": "x", "steps": t},
    )
    if abs(a + b) < 1e-3:
        return
    found = sensitivity(model)
    by_a = t / a - t / (a + b)
    assert found.of("a").op == pytest.approx(by_a, rel=1e-7)
    assert found.of("b").op == pytest.approx(-t / (a + b), rel=1e-7)
    assert abs(found.of("a").op - by_a) <= max(100 * found.of("a").op_error, 1e-9 * abs(by_a))


def test_what_op_does_not_depend_on_has_slope_zero_and_comes_last() -> None:
    found = sensitivity(load("thermostat"), at=50)
    assert [slope.parameter for slope in found.slopes] == ["k", "d"]
    assert found.of("d").op == found.of("d").comp == 0


def test_chaos_settles_at_small_steps() -> None:
    """At step 500 Op of Lorenz' system turns within a hundredth of rho."""
    model = load("lorenz")
    found = sensitivity(model).of("rho")
    h = 1e-6
    from causalopt import sweep

    near = sweep(model, {"rho": [28 - h, 28 + h]}, at=500).op
    assert found.op == pytest.approx((near[1] - near[0]) / (2 * h), rel=1e-4)
    assert found.status == "ok"


def test_a_kink_nearby_has_no_slope() -> None:
    found = sensitivity(load("thermostat_saturating"))
    assert found.status == "kink"
    assert {slope.status for slope in found.slopes} == {"kink"}
    assert all(math.isnan(slope.op) for slope in found.slopes)


def test_a_branch_at_the_value_itself_is_no_slope() -> None:
    """From p = 1 on x is pulled, below it is not: the two sides differ."""
    model = Model(
        name="m",
        parameters={"p": 1},
        variables={
            "x": {"rule": "x[t-1]/2 + where(p >= 1, 0.3, 0.1)*c[t-1]", "initial": 1},
            "c": {"rule": "-x[t]"},
        },
        question={"nudge": "x[0]", "hold": "c", "target": "x", "steps": 3},
    )
    assert sensitivity(model).of("p").status == "unresolved"


def test_parameters_without_a_slope_say_why() -> None:
    model = Model(
        name="m",
        parameters={"L": 1, "half": 0.5, "both": "2*half"},
        variables={"x": {"rule": "half*x[t-L] + both*c[t-1]/10", "initial": 1}, "c": "-x[t]"},
        question={"nudge": "x[0]", "hold": "c", "target": "x", "steps": 3},
    )
    found = sensitivity(model)
    assert set(found.left_out) == {"L", "both"}
    assert "follows from others: 2*half" in found.left_out["both"]
    with pytest.raises(QuestionError, match="'L' has no slope: it decides a lag"):
        found.of("L")
    by_itself = sensitivity(model, among=["both"]).of("both")
    assert by_itself.status == "ok"
    with pytest.raises(QuestionError, match=r"has no parameter to vary \(L: it decides a lag"):
        sensitivity(model, among=["L"])
    with pytest.raises(UnknownNameError, match="unknown parameter 'halff'; did you mean 'half'"):
        sensitivity(model, among=["halff"])
    with pytest.raises(UnknownNameError, match="unknown parameter 'x'"):
        found.of("x")


def test_the_table_and_the_json_say_the_same() -> None:
    found = sensitivity(load("thermostat"), at=10)
    data = found.to_dict()
    assert data["parameters"][0]["parameter"] == "k"
    assert data["parameters"][0]["op"] == found.of("k").op
    assert found.dataset.op_slope.sel(parameter="k").item() == found.of("k").op
    assert "p dOp/dp" in repr(found)
    assert f"{found.of('k').op:.4g}" in repr(found)


def test_coefficients_of_exact_steps_are_no_parameters_of_their_own() -> None:
    """A lag under sampled P control rests at Comp = 1/(1 + K Kp), whatever tau."""
    lag = Model(
        name="lag",
        dt=0.5,
        method="exact",
        parameters={"tau": 2, "K": 1.5, "Kp": 0.8},
        variables={
            "x": {"flow": "(-x + K*u + d)/tau", "initial": 1},
            "d": {"rule": "0*d[t-1]", "initial": 0},
            "u": {"rule": "-Kp*x[t]", "sampled": True},
        },
        partition={"A": ["u"]},
    )
    found = sensitivity(lag, nudge="d[t>=0]", target="x", at=400)
    assert {slope.parameter for slope in found.slopes} == {"tau", "K", "Kp"}
    assert found.of("Kp").op == pytest.approx(1.5 / 2.2, rel=1e-6)
    assert found.of("K").op == pytest.approx(0.8 / 2.2, rel=1e-6)
    assert found.of("tau").op == pytest.approx(0, abs=1e-6)
