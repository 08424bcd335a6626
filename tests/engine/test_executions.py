"""Generated Python, machine code and numpy by level agree: bit for bit on arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from causalopt import Model, Nudge, Set, load, run
from causalopt.engine import executions as choice
from causalopt.engine import levels, python
from causalopt.engine.contract import Tangents
from causalopt.engine.machine import trajectory
from causalopt.engine.plan import Plan
from causalopt.errors import QuestionError
from causalopt.worlds.interventions import plan_for
from tests.engine.strategies import random_dag, random_model

FIELDS = ["values", "total", "direct", "total_error", "direct_error", "exponents"]


def plan_of(model: Model, steps: int, hold: str, nudge: str, *given: Nudge | Set) -> Plan:
    selection = model.selection(hold)
    return plan_for(model, given, steps=steps, hold=selection, seed=model.node(nudge))


def assert_same(one: Tangents, other: Tangents) -> None:
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field)
    assert (one.kink, one.underflow) == (other.kink, other.underflow)


@pytest.mark.parametrize("seed", range(6))
def test_machine_code_and_python_agree_bit_for_bit_on_arithmetic(seed: int) -> None:
    model = random_model(seed, 3 + 2 * seed)
    given = (Nudge("v2[5]", 0.25), Set("v1[7]", 0.5))
    plan = plan_of(model, 150, "v1[t<=90], v2[t>=40]", "v0[3]", *given)
    structure = model.template.structure
    expected = python.run_tangents(structure, plan)
    assert_same(trajectory.run_tangents(structure, plan), expected)
    assert_same(levels.run_tangents(structure, plan), expected)


def test_a_large_template_cut_into_parts_agrees_bit_for_bit() -> None:
    model = random_model(11, 110)
    plan = plan_of(model, 40, "v1, v7", "v0[3]")
    structure = model.template.structure
    assert_same(trajectory.run_tangents(structure, plan), python.run_tangents(structure, plan))


@pytest.mark.parametrize("name", ["thermostat", "thermostat_saturating", "lorenz"])
def test_executions_agree_on_shipped_models(name: str) -> None:
    model = load(name)
    nudge, hold = model.question.nudge, model.question.hold
    assert nudge is not None
    assert hold is not None
    plan = plan_of(model, 2000, hold, nudge)
    structure = model.template.structure
    assert_same(trajectory.run_tangents(structure, plan), python.run_tangents(structure, plan))


def test_values_and_extras_agree_with_every_node_forced() -> None:
    model = load("lorenz")
    structure = model.template.structure
    plan = plan_of(model, 300, "a", "b[0]")
    rng = np.random.default_rng(5)
    forced = np.zeros((301, 3), dtype=bool)
    forced[:, 0] = forced[0] = True
    plan = Plan(300, plan.parameters, forced, rng.normal(size=(301, 3)), plan.shifts, plan.held)
    plan = Plan(300, plan.parameters, forced, plan.values, np.zeros((301, 3)), plan.held)
    rules = tuple(rule for rule in structure.rules if rule is not None)
    one = python.run_values(structure, plan, rules)
    two = trajectory.run_values(structure, plan, rules)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.extras, two.extras)


@pytest.mark.parametrize("seed", range(3))
def test_executions_agree_within_ulps_where_elementary_functions_are_used(seed: int) -> None:
    model = random_model(seed, 6, functions=True)
    plan = plan_of(model, 12, "v1", "v0[0]")
    structure = model.template.structure
    one, two = python.run_tangents(structure, plan), trajectory.run_tangents(structure, plan)
    np.testing.assert_allclose(two.values, one.values, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(two.total, one.total, rtol=1e-10, atol=1e-12)


def test_a_dag_of_many_rules_agrees_with_generated_python() -> None:
    model = random_dag(3, 400)
    plan = plan_of(model, 0, "n20, n33", "n0")
    structure = model.template.structure
    one, two = python.run_tangents(structure, plan), levels.run_tangents(structure, plan)
    np.testing.assert_allclose(two.values, one.values, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(two.total, one.total, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(two.direct, one.direct, rtol=1e-9, atol=1e-12)


def test_an_untaken_branch_leaves_no_nan_in_tangents() -> None:
    model = Model(
        name="guarded",
        variables={"x": {"rule": "where(x[t-1] > 0, x[t-1]/2, log(x[t-1]))", "initial": 1}},
    )
    plan = plan_of(model, 20, "", "x[0]")
    for execution in ("python", "llvm", "levels"):
        found = choice.run_tangents(model.template.structure, plan, execution=execution)
        assert found.total[20, 0] * 2.0 ** found.exponents[20, 0] == 2.0**-20


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


def test_a_run_is_the_same_whichever_execution_is_chosen() -> None:
    model = load("thermostat")
    plan = plan_of(model, 1000, "T", "R[0]")
    found = [
        choice.run_tangents(model.template.structure, plan, execution=name).total[:, 1].tolist()
        for name in choice.EXECUTIONS
    ]
    assert found[0] == found[1] == found[2]


def test_an_unknown_execution_is_refused() -> None:
    plan = plan_of(load("thermostat"), 3, "T", "R[0]")
    with pytest.raises(QuestionError, match="there is no execution 'fortran'"):
        choice.run_values(load("thermostat").template.structure, plan, execution="fortran")


@pytest.mark.parametrize("dt", ["0.1", "0.3", "0.007", "1.1", "0.0123456", "12.7"])
@pytest.mark.parametrize("execution", ["python", "llvm", "levels"])
def test_time_is_the_decimal_step_times_dt_rounded_once(dt: str, execution: str) -> None:
    model = Model(
        name="clock",
        dt=float(dt),
        variables={
            "x": {"rule": "time"},
            "last": {"rule": "x[t-1]", "initial": 0},
        },
    )
    plan = plan_of(model, 3000, "", "last[0]")
    found = choice.run_tangents(model.template.structure, plan, execution=execution)
    place = model.template.index["x"]
    expected = [float(Fraction(dt) * t) for t in range(3001)]
    np.testing.assert_array_equal(found.values[:, place], expected)
    np.testing.assert_array_equal(model.template.time(np.arange(3001)), expected)
