"""Which execution runs a plan: chosen by the work, and reported."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from causalopt import Model, extras, load, run
from causalopt.engine import executions as choice
from causalopt.engine.contract import Plan
from causalopt.engine.program import operation_count
from causalopt.errors import QuestionError
from causalopt.worlds.interventions import plan_for
from tests.engine.strategies import random_dag, random_model
from tests.shipped_models import shipped_numbers


def plan_of(model: Model, steps: int, hold: str, nudge: str) -> Plan:
    selection = model.selection(hold)
    return plan_for(model, steps=steps, hold=selection, seed=model.node(nudge))


def test_tangents_of_a_chaotic_run_never_overflow() -> None:
    plan = plan_of(load("lorenz"), 200_000, "a", "b[0]")
    found = choice.run_tangents(load("lorenz").template.structure, plan)
    assert found.execution == "llvm"
    size = np.log(np.abs(found.total[-1, 0])) + found.exponents[-1, 0] * math.log(2)
    assert np.isfinite(found.total).all()
    # The largest Lyapunov exponent of the Euler map differs from the flow's .9056 by a little.
    assert 0.7 < size / 2000 < 1.1


def test_the_execution_is_chosen_by_the_work_and_reported() -> None:
    model = load("thermostat")
    assert run(model, steps=100).provenance["execution"] == "python"
    assert run(model, steps=300_000).provenance["execution"] == "llvm"
    assert run(random_dag(1, 900), nudge="n0", hold="n9", target="n899").provenance[
        "execution"
    ] == ("levels")


def test_what_runs_a_plan_is_what_takes_the_least_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large step is compiled for very many steps only; a deep one is none for numpy."""
    wide = Model(
        name="wide",
        variables={
            f"v{i}": {"rule": f"tanh(0.{i + 1}*v{i * 7 % 400}[t-1]) + v{i}[t-1]/2", "initial": 1}
            for i in range(400)
        },
    )
    deep = Model(
        name="deep",
        variables={
            "v0": {"rule": "v399[t-1]", "initial": 1},
            **{f"v{i}": {"rule": f"sin(v{i - 1}[t]) + v{i - 1}[t]"} for i in range(1, 400)},
        },
    )

    def chosen(model: Model, steps: int) -> str:
        plan = plan_for(model, steps=steps, seed=(model.node("v0[0]")))
        return choice.choose(model.template.structure, plan, "tangents")

    assert chosen(wide, 20) == "levels"
    assert chosen(wide, 200_000) == "llvm"
    assert chosen(deep, 20) == "python"
    assert chosen(deep, 200_000) == "llvm"
    monkeypatch.setattr(extras, "has_compiler", lambda: False)
    assert chosen(wide, 200_000) == "levels"


def test_an_unknown_execution_is_refused() -> None:
    with pytest.raises(QuestionError, match="there is no execution 'fortran'"):
        choice.execution("fortran")


@pytest.mark.parametrize("dt", ["0.1", "0.3", "0.007", "1.1", "0.0123456", "12.7"])
@pytest.mark.parametrize("execution", ["python", "llvm", "levels"])
def test_time_is_the_decimal_step_times_dt_rounded_once(dt: str, execution: str) -> None:
    model = Model(
        name="clock",
        dt=float(dt),
        variables={"x": {"rule": "time"}, "last": {"rule": "x[t-1]", "initial": 0}},
    )
    plan = plan_of(model, 3000, "", "last[0]")
    found = choice.execution(execution).run_tangents(model.template.structure, plan)
    place = model.template.index["x"]
    expected = [float(Fraction(dt) * t) for t in range(3001)]
    np.testing.assert_array_equal(found.values[:, place], expected)
    np.testing.assert_array_equal(model.template.time(np.arange(3001)), expected)


@pytest.mark.parametrize("mode", ["values", "tangents"])
def test_the_bound_taken_without_counting_is_one(mode: str) -> None:
    models = [load(name) for name in shipped_numbers()]
    models += [random_model(seed, 3 + 4 * seed, functions=True) for seed in range(8)]
    models.append(random_dag(4, 300))
    for model in models:
        structure = model.template.structure
        assert operation_count(structure, mode) <= choice.most_operations(structure), model.name
