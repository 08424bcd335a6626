"""Slopes that do not cancel, and what their rounding does to a status; the oracle is mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from causalopt import Model, op_from_all, op_matrix, run, sgd_model
from causalopt.effects.asked import ask
from causalopt.engine.executions import EXECUTIONS, execution


def static(rules: dict[str, Any], hold: str = "a", target: str = "m") -> Model:
    variables = {
        name: {"rule": rule} if isinstance(rule, str) else {"initial": rule}
        for name, rule in rules.items()
    }
    return Model(
        name="m", variables=variables, question={"nudge": "n", "hold": hold, "target": target}
    )


def slope_of(rule: str, at: float) -> float:
    names = {name: getattr(mpmath, name) for name in ("exp", "tanh", "sqrt", "asin", "acos", "log")}
    with mpmath.workdps(900):
        return float(mpmath.diff(lambda n: eval(rule, {"n": n, **names}), mpmath.mpf(at)))


def test_the_slope_of_tanh_keeps_its_digits() -> None:
    found = run(static({"n": 19, "a": "1e-14*n", "m": "tanh(n) + a"}))
    with mpmath.workdps(60):
        alone = 1 / mpmath.cosh(19) ** 2
        op = -mpmath.log((alone + mpmath.mpf("1e-14")) / alone)
    assert found.status[0] == "ok"
    assert found.op[0] == pytest.approx(float(op), abs=1e-12)


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        *(("tanh(n)", at) for at in (-40.0, -18.0, 0.5, 18.0, 19.5, 300.0)),
        *((f"{name}(n)", at) for name in ("asin", "acos") for at in (-1 + 1e-10, 1 - 1e-12)),
        *(("exp(n)/(1 + exp(n))", at) for at in (-30.0, 3.0, 20.0, 36.0, 40.0)),
        *(("sqrt(1 + n**2) - n", at) for at in (2.0, 1e4, 1e7)),
        *(("n/(1 + exp(n))", at) for at in (2.0, 300.0, 500.0)),
    ],
)
def test_a_slope_is_right_or_said_to_be_doubtful(rule: str, at: float) -> None:
    found = run(static({"n": at, "a": "0*n", "m": f"{rule} + a"}))
    back = op_from_all(static({"n": at, "a": "0*n", "m": f"{rule} + a"}), "m")
    assert back.status.sel(variable="n").item() == found.status[0]
    if found.status[0] == "ok":
        assert found.total[0] == pytest.approx(slope_of(rule, at), rel=1 / 8)
    else:
        assert found.status[0] == "unresolved"


def test_slopes_that_do_not_cancel_stay_ok() -> None:
    for rule, at in (("tanh(n)", 300.0), ("asin(n)", 1 - 1e-12), ("exp(n)/(1 + exp(n))", 20.0)):
        found = run(static({"n": at, "a": "0*n", "m": f"{rule} + a"}))
        assert found.status[0] == "ok"
        assert found.total[0] == pytest.approx(slope_of(rule, at), rel=1e-6)


@pytest.mark.parametrize("name", EXECUTIONS)
@pytest.mark.parametrize(
    "rule", ["clip(log(n), -1, 2) + n", "max(log(n), 0)", "max(0, log(n))", "min(3, log(n))"]
)
def test_a_nan_that_is_read_is_one_whatever_the_order(rule: str, name: str) -> None:
    model = static({"n": -1, "a": "n", "m": rule})
    found = execution(name).run_tangents(model.template.structure, ask(model).plan())
    assert np.isnan(found.values[0, model.template.index["m"]])
    assert run(model).status[0] == "nonfinite"


def test_a_branch_that_is_not_taken_is_not_read() -> None:
    assert run(static({"n": -1, "a": "n", "m": "where(n > 0, log(n), n) + a"})).status[0] == "ok"


def test_an_overflow_elsewhere_is_not_the_targets() -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1]/2 + a[t-1]", "initial": 1},
            "a": {"rule": "x[t-1]/4", "initial": 0},
            "far": {"rule": "exp(far[t-1] + x[t-1])", "initial": 5},
        },
        partition={"A": ["a"]},
    )
    alone = run(model, nudge="x[0]", target="x", steps=6)
    assert alone.status.tolist() == ["ok"] * 7
    assert alone.effect.nonfinite is None
    back = op_from_all(model, "x[6]").sel(variable="x", t=0)
    assert back.status.item() == "ok"
    assert back.op.item() == pytest.approx(alone.op[-1], abs=1e-12)
    for sources in (["x[0]"], ["x[0]", "x[1]", "x[2]"]):
        matrix = op_matrix(model, sources=sources, targets=["x[5]", "x[6]"])
        assert set(matrix.status.values.ravel()) == {"ok"}
    assert run(model, nudge="x[0]", target="far", steps=6).status[-1] == "diverged"


def test_an_error_past_the_range_of_floats_is_borne_without_a_warning():
    # Far from the well the slopes vanish, so that an error outgrows its tangent without bound.
    losses = {"l0": "-exp(-(W - 2)**2)", "l1": "-exp(-(W - 2)**2) - exp(-100*(W - 1)**2)"}
    model = sgd_model(losses, T=50.0, start=0.0, batch=2, replacement=False)
    assert run(model, steps=400).status[-1] in {"ok", "unresolved"}
