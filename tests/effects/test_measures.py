from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt import STATUSES, Model, load, rates, run
from causalopt.effects.effect import Effect, Part
from causalopt.effects.measures import measure


def static(**rules: object) -> Model:
    variables = {"n": {"initial": 1}, **{k: {"rule": v} for k, v in rules.items()}}
    return Model(name="m", variables=variables, question={"nudge": "n", "target": "m"})


def closed_form(k: float, t: int) -> float:
    """u_t = u_{t-1} - k u_{t-2}, u_0 = u_1 = 1, by its roots."""
    root = np.sqrt(complex(1 - 4 * k))
    high, low = (1 + root) / 2, (1 - root) / 2
    return float(((high ** (t + 1) - low ** (t + 1)) / root).real)


@pytest.mark.parametrize("k", [0.01, 0.02, 0.2, 0.3, 0.9])
def test_thermostat_has_its_closed_form(k: float) -> None:
    found = run(load("thermostat").replace(parameters={"k": k}), steps=300)
    expected = np.array([closed_form(k, t) for t in range(301)])
    np.testing.assert_allclose(found.total, expected, rtol=1e-9, atol=1e-13)
    np.testing.assert_array_equal(found.direct, 1)


def test_op_slope_of_the_thermostat_is_its_slow_root() -> None:
    op = run(load("thermostat"), steps=4000).op
    assert op[4000] - op[3999] == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2), rel=1e-9)


def test_a_contracting_loop_stays_resolved_for_ever() -> None:
    found = run(load("thermostat"), steps=20_000)
    assert found.status[-1] == "ok"
    assert found.op[-1] == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2) * 20_000, rel=1e-4)


def test_a_disturbance_from_outside_leaves_op_unchanged() -> None:
    variables = {
        "T": {"rule": "R[t-1] - d", "initial": 10},
        "R": {"rule": "R[t-1] - k*T[t-1] + 1000*sin(t)", "initial": 35},
    }
    noisy = Model(
        name="noisy",
        parameters={"k": 0.01, "d": 25},
        variables=variables,
        partition={"A": "T"},
        question={"nudge": "R[0]", "target": "R", "steps": 500},
    )
    np.testing.assert_allclose(run(noisy).op, run(load("thermostat"), steps=500).op, rtol=1e-12)


@pytest.mark.parametrize(
    ("model", "hold", "status", "op"),
    [
        (static(a="-n", m="n + a"), "a", "perfect", math.inf),
        (static(a="2*n", m="a"), "a", "only_path", -math.inf),
        (static(a="2*n", m="a*0 + 3"), "a", "no_influence", None),
        (static(a="2*n", b="3", m="b"), "a", "no_influence", None),
        (static(a="2*n", m="n + a"), "a, m", "held", -math.inf),
        (static(a="n", m="n*a - n*(a - 0.5)"), "a", "ok", 0.0),
        (static(a="n", m="abs(n - 1) + a"), "a", "kink", None),
        (static(a="-0.1*n", m="0.3*n + 3*a"), "a", "unresolved", None),
        (static(a="log(-n)", m="n + a"), "a", "nonfinite", None),
        (static(a="exp(1000*n)", m="n + a"), "a", "diverged", None),
        (static(a="-n/2", m="n + a"), "a", "ok", math.log(2)),
        (static(a="-3*n", m="n + a"), "a", "ok", -math.log(2)),
    ],
)
def test_every_status_has_its_case(model: Model, hold: str, status: str, op: float | None) -> None:
    found = run(model, hold=hold)
    assert found.status[0] == status
    if op is not None:
        assert found.op[0] == pytest.approx(op, rel=1e-15, abs=1e-15)


def test_a_negative_comp_keeps_its_sign() -> None:
    found = run(static(a="-3*n", m="n + a"), hold="a")
    assert found.comp[0] == -2


def test_undefined_is_nan_and_infinite_is_infinite() -> None:
    found = run(load("thermostat").replace(parameters={"k": 1}), steps=6)
    assert found.status.tolist() == ["ok", "ok", "perfect", "ok", "ok", "perfect", "ok"]
    np.testing.assert_array_equal(found.comp, [1, 1, 0, -1, -1, 0, 1])
    assert found.op[2] == math.inf


def test_influence_of_a_held_window_is_finite() -> None:
    found = run(load("thermostat"), hold="T[t<=10]", steps=200)
    assert found.op[200] == pytest.approx(found.op[20], rel=1e-2)
    assert found.op[200] < run(load("thermostat"), steps=200).op[200] / 5


def test_chaotic_tangents_do_not_overflow() -> None:
    found = run(load("lorenz"), steps=80_000)
    expected = rates(load("lorenz"), steps=10_000)
    assert math.isinf(found.total[-1])
    assert found.op[-1] / found.t[-1] == pytest.approx(expected.op_rate, abs=5 * expected.error)
    assert found.status[-1] == "ok"


@pytest.mark.slow
def test_two_hundred_thousand_chaotic_steps_give_a_finite_op() -> None:
    found = run(load("lorenz"), steps=200_000)
    expected = rates(load("lorenz"), steps=50_000)
    assert found.op[-1] / found.t[-1] == pytest.approx(expected.op_rate, abs=5 * expected.error)
    assert found.status[-1] == "ok"


def test_a_finite_nudge_in_chaos_admits_when_it_is_lost() -> None:
    model = load("lorenz").replace(dt=0.001)
    finite, limit = run(model, steps=20_000, delta=1e-5), run(model, steps=20_000)
    assert limit.status[-1] == "ok"
    assert finite.status[-1] == "unresolved"
    assert (finite.direct[-100:] == 0).all()


def test_a_finite_nudge_across_a_branch_is_a_kink() -> None:
    model = load("thermostat_saturating").replace(initial={"R": 25.5})
    found = run(model, delta=5, steps=20)
    assert "kink" in found.status
    assert found.status[0] == "ok"


def test_measures_follow_logs_beyond_the_range_of_floats() -> None:
    ones = np.ones(1)
    yes, no = np.ones(1, dtype=bool), np.zeros(1, dtype=bool)
    part = [Part(ones, np.array([power]), ones * 1e-16, yes, no) for power in (5000, -3000)]
    effect = Effect(part[0], part[1], no, yes, None, None, overflowed=False)
    found = measure(effect)
    assert found.op[0] == pytest.approx(-8000 * math.log(2))
    assert found.comp[0] == math.inf
    assert found.status[0] == "ok"


def test_every_status_is_explained() -> None:
    assert set(STATUSES) == {
        "ok",
        "perfect",
        "only_path",
        "no_influence",
        "held",
        "diverged",
        "nonfinite",
        "kink",
        "unresolved",
    }
