"""Algebraic variables and lags in time are nodes like others: every semantics agrees on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from causalopt import Model, derive, run, sweep
from causalopt.effects.matrices import op_from_all
from causalopt.engine.executions import EXECUTIONS, execution
from causalopt.worlds.interventions import plan_for

CONTROLLED: dict[str, Any] = {
    "x": {"flow": "time - u - y", "initial": 1},
    "y": {"flow": "x - y/2", "initial": 0},
    "u": {"algebraic": "2*x + v"},
    "v": {"algebraic": "y/3"},
}
LATE: dict[str, Any] = {
    "x": {"flow": "-u[time - tau]", "initial": "1 + time"},
    "y": {"flow": "x[time - 0.1] - y", "initial": 0},
    "u": {"algebraic": "2*x + s"},
    "s": {"rule": "x[t]", "sampled": True},
}
MODELS = {"controlled": CONTROLLED, "late": LATE}


def integrated(name: str, method: str) -> Model:
    return Model(
        name=name,
        parameters={"tau": 0.2},
        variables=MODELS[name],
        dt=0.1,
        method=method,
        partition={"A": ["u"]},
        question={"nudge": "x[3]", "target": "y", "steps": 9},
    )


CASES = [(name, method) for name in MODELS for method in ("euler", "rk4")]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_the_limit_is_that_of_finite_nudges(name: str, method: str) -> None:
    model = integrated(name, method)  # linear: a finite nudge has the limit's quotient
    limit, finite = run(model), run(model, delta=0.5)
    np.testing.assert_allclose(finite.total, limit.total, atol=1e-12)
    np.testing.assert_allclose(finite.direct, limit.direct, atol=1e-12)
    assert abs(limit.op[-1]) > 1e-3


@pytest.mark.parametrize(("name", "method"), CASES)
def test_the_executions_agree(name: str, method: str) -> None:
    model = integrated(name, method)
    plan = plan_for(model, steps=9, hold=model.selection("u"), seed=model.node("x[3]"))
    structure = model.template.structure
    one, *others = [execution(each).run_tangents(structure, plan) for each in EXECUTIONS]
    for other in others:
        for field in ("values", "total", "direct", "exponents"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


@pytest.mark.parametrize(("name", "method"), CASES)
def test_formulas_sweeps_and_adjoints_agree(name: str, method: str) -> None:
    model = integrated(name, method)
    op = run(model).op[-1]
    assert derive(model, at=9).value()["op"] == pytest.approx(op, rel=1e-9)
    swept = sweep(model, {"x[0]": [1.0]})  # of a history, one node: the model is linear in it
    assert swept.op[0] == pytest.approx(op, rel=1e-9)
    assert op_from_all(model, "y").op.sel(variable="x", t=3).item() == pytest.approx(op, rel=1e-9)
