"""Finite delta, tangents, path sums and linear solves are one number."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings

from causalopt import Model, run
from causalopt.model.selectors import Node
from tests.oracles import linear_effects, path_sums
from tests.strategies import static_models, templates


def small(values: dict[str, np.ndarray]) -> bool:
    return all(np.isfinite(v).all() and np.abs(v).max() < 1e6 for v in values.values())


@given(static_models())
@settings(max_examples=40)
def test_tangents_are_path_sums_on_dags(model: Model) -> None:
    found = run(model)
    assume(small(found.W))
    target = (found.target, 0)
    total, direct, size = path_sums(model, found.nudge, target, found.hold, found.W)
    assert found.total[0] == pytest.approx(total, abs=1e-11 * (1 + size))
    assert found.direct[0] == pytest.approx(direct, abs=1e-11 * (1 + size))


@given(templates())
@settings(max_examples=40)
def test_tangents_are_path_sums_on_templates(model: Model) -> None:
    found = run(model)
    assume(small(found.W))
    target = (found.target, found.steps)
    total, direct, size = path_sums(model, found.nudge, target, found.hold, found.W)
    assert found.total[-1] == pytest.approx(total, abs=1e-11 * (1 + size))
    assert found.direct[-1] == pytest.approx(direct, abs=1e-11 * (1 + size))


@given(templates(linear=True))
def test_tangents_are_the_solve_of_the_unrolled_linear_system(model: Model) -> None:
    found = run(model)
    target = (found.target, found.steps)
    total, direct = linear_effects(model, found.nudge, target, found.hold, found.steps)
    assert found.total[-1] == pytest.approx(total, rel=1e-9, abs=1e-9)
    assert found.direct[-1] == pytest.approx(direct, rel=1e-9, abs=1e-9)


@given(templates(linear=True))
def test_a_finite_nudge_of_a_linear_model_is_its_limit(model: Model) -> None:
    limit, finite = run(model), run(model, delta=0.5)
    scale = 1e-12 * (1 + max(np.abs(v).max() for v in limit.W.values()))
    np.testing.assert_allclose(finite.total, limit.total, rtol=1e-9, atol=scale)
    np.testing.assert_allclose(finite.direct, limit.direct, rtol=1e-9, atol=scale)


@given(templates())
@settings(max_examples=40)
def test_a_small_nudge_approaches_the_limit(model: Model) -> None:
    limit = run(model)
    assume(small(limit.W) and np.abs(limit.total).max() < 1e3 and np.abs(limit.direct).max() < 1e3)
    errors = []
    for delta in (1e-3, 1e-5):
        finite = run(model, delta=delta)
        assume(small(finite.X or {}))
        errors.append(
            max(
                np.abs(finite.total - limit.total).max(), np.abs(finite.direct - limit.direct).max()
            )
        )
    scale = max(np.abs(v).max() for v in limit.W.values())
    assert errors[1] <= 0.2 * errors[0] + 1e-9 * (1 + scale) / 1e-5 * 1e-2


@given(templates())
@settings(max_examples=30)
def test_holding_nothing_that_matters_leaves_comp_at_one(model: Model) -> None:
    found = run(model, hold=f"{model.A[0]}[0]")  # given at t = 0, so the nudge never moves it
    ok = found.status == "ok"
    assert (found.comp[ok] == 1).all()


def test_lorenz_agrees_with_the_variational_equations() -> None:
    from scipy.integrate import solve_ivp

    from causalopt import load

    def right_side(_: float, s: np.ndarray) -> list[float]:
        a, b, c, u, v, w, q, r = s
        return [
            10 * (b - a),
            a * (28 - c) - b,
            a * b - 8 / 3 * c,
            10 * (v - u),
            u * (28 - c) - a * w - v,
            u * b + a * v - 8 / 3 * w,
            -a * r - q,
            a * q - 8 / 3 * r,
        ]

    end = solve_ivp(right_side, (0, 2), [1, 1, 1, 0, 1, 0, 1, 0], rtol=1e-12, atol=1e-12).y[:, -1]
    model = load("lorenz").replace(method="rk4", dt=0.001)
    found = run(model, steps=2000)
    assert found.total[-1] == pytest.approx(end[4], rel=1e-7)
    assert found.direct[-1] == pytest.approx(end[6], rel=1e-7)
    assert found.op[-1] == pytest.approx(-math.log(abs(end[4] / end[6])), abs=1e-7)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
def test_integrators_converge_at_their_order(method: str, order: int) -> None:
    from causalopt import load

    model = load("lorenz").replace(parameters={"rho": 0.8}, method=method)  # type: ignore[arg-type]
    exact = -0.22269340318315
    errors = [abs(run(model.replace(dt=1 / n), steps=n).op[-1] - exact) for n in (50, 100, 200)]
    rates = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert rates == pytest.approx([order, order], abs=0.35)


def test_a_node_is_named_by_its_place() -> None:
    assert run(_halving(), nudge=Node("x", 1), hold="y").total[2] == 0.5


def _halving() -> Model:
    variables = {"x": {"rule": "x[t-1]/2", "initial": 1}, "y": {"rule": "x[t-1]", "initial": 0}}
    return Model(name="m", variables=variables, question={"target": "x", "steps": 2})
