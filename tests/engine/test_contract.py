"""One test for every execution: the same cases, the same arrays.

Bit for bit where only + - * /, sqrt and choices are used; within some units of the last place where
elementary functions are, which each execution takes from its own library.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from causalopt import Model, Nudge, Set, load
from causalopt.engine.contract import Execution, Plan
from causalopt.engine.executions import EXECUTIONS, execution
from causalopt.engine.machine.trajectory import MachineCode
from causalopt.language.term import Term
from causalopt.model.template import Structure
from causalopt.worlds.interventions import plan_for
from tests.engine.strategies import random_dag, random_model

REFERENCE, *OTHERS = EXECUTIONS


@dataclasses.dataclass(frozen=True)
class Case:
    model: Model
    hold: str
    nudge: str
    steps: int
    given: tuple[Nudge | Set, ...] = ()
    tolerance: float = 0.0  # 0: bit for bit

    @functools.cached_property
    def structure(self) -> Structure:
        return self.model.template.structure

    @functools.cached_property
    def plan(self) -> Plan:
        model = self.model
        return plan_for(
            model,
            self.given,
            steps=self.steps,
            hold=model.selection(self.hold),
            seed=model.node(self.nudge),
        )

    @functools.cached_property
    def rules(self) -> tuple[Term, ...]:
        return tuple(rule for rule in self.structure.rules if rule is not None)


GIVEN = (Nudge("v2[5]", 0.25), Set("v1[7]", 0.5))
CASES = {
    **{
        f"random rules {seed}": Case(
            random_model(seed, 3 + 2 * seed), "v1[t<=90], v2[t>=40]", "v0[3]", 150, GIVEN
        )
        for seed in range(6)
    },
    "a step cut into parts": Case(random_model(11, 110), "v1, v7", "v0[3]", 40),
    "thermostat": Case(load("thermostat"), "T", "R[0]", 400),
    "held for a while": Case(load("thermostat"), "T[t<=60]", "R[5]", 150, (Set("R[40]", 3.0),)),
    "saturating": Case(load("thermostat_saturating"), "T", "R[0]", 400, (Set("R[0]", 31.0),)),
    "lorenz": Case(load("lorenz"), "a", "b[0]", 2000),
    "stages": Case(load("lorenz").replace(method="rk4", dt=0.005), "a", "b[0]", 300),
    "a last step nudged": Case(load("lorenz"), "a", "b[40]", 40),
    **{
        f"functions {seed}": Case(
            random_model(seed, 6, functions=True), "v1", "v0[0]", 12, tolerance=1e-10
        )
        for seed in range(3)
    },
    "a static dag": Case(random_dag(3, 400), "n20, n33", "n0", 0, tolerance=1e-9),
}


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=OTHERS)
def other(request: pytest.FixtureRequest) -> Execution:
    return execution(request.param)


def assert_same(one: object, two: object, tolerance: float) -> None:
    """Compare two records of one class, all but what ran them; estimates need no tolerance's."""
    assert type(one) is type(two)
    for field in dataclasses.fields(one):  # type: ignore[arg-type]
        a, b = getattr(one, field.name), getattr(two, field.name)
        if field.name == "execution" or (tolerance and field.name.endswith("_error")):
            continue
        assert np.shape(a) == np.shape(b), field.name
        if tolerance and isinstance(a, np.ndarray):
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=1e-12, err_msg=field.name)
        elif tolerance and isinstance(a, float):
            assert b == pytest.approx(a, rel=tolerance), field.name
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


def test_every_execution_is_a_member_under_its_own_name() -> None:
    members = [execution(name) for name in EXECUTIONS]
    assert [member.name for member in members] == list(EXECUTIONS)
    assert {type(member) for member in members} == set(Execution.__subclasses__())


def test_values_and_further_terms_agree(case: Case, other: Execution) -> None:
    reference = execution(REFERENCE).run_values(case.structure, case.plan, case.rules)
    found = other.run_values(case.structure, case.plan, case.rules)
    assert found.execution == other.name
    assert_same(reference, found, case.tolerance)


def test_tangents_agree(case: Case, other: Execution) -> None:
    reference = execution(REFERENCE).run_tangents(case.structure, case.plan)
    found = other.run_tangents(case.structure, case.plan)
    assert found.execution == other.name
    assert_same(reference, found, case.tolerance)


def test_adjoints_agree(case: Case, other: Execution) -> None:
    for target in range(len(case.structure.names))[-4:]:
        reference = execution(REFERENCE).run_adjoint(case.structure, case.plan, target)
        found = other.run_adjoint(case.structure, case.plan, target)
        assert_same(reference, found, case.tolerance)


@pytest.mark.parametrize("name", EXECUTIONS)
def test_the_adjoint_of_the_target_by_the_seed_is_its_tangent(case: Case, name: str) -> None:
    t, i = case.plan.seed or (0, 0)
    if case.plan.held_at(t)[i]:
        pytest.skip("the nudge is made in B")
    member, target = execution(name), len(case.structure.names) - 1
    ahead = member.run_tangents(case.structure, case.plan)
    back = member.run_adjoint(case.structure, case.plan, target)
    for world, (one, two) in enumerate(((ahead.total, back.total), (ahead.direct, back.direct))):
        forward = np.ldexp(one[-1, target], ahead.exponents[-1, world])
        reverse = np.ldexp(two[t, i], back.exponents[t, world])
        assert reverse == pytest.approx(forward, rel=1e-9, abs=1e-300)


def test_values_agree_where_every_node_is_forced(other: Execution) -> None:
    plan, structure = CASES["lorenz"].plan, CASES["lorenz"].structure
    rng = np.random.default_rng(5)
    forced = np.zeros((301, 3), dtype=bool)
    forced[:, 0] = forced[0] = True
    zeros = np.zeros((301, 3))
    plan = Plan(300, plan.parameters, forced, rng.normal(size=(301, 3)), zeros, plan.held)
    one, two = (e.run_values(structure, plan) for e in (execution(REFERENCE), other))
    np.testing.assert_array_equal(one.values, two.values)


def test_rescaled_sweeps_and_tangents_agree_bit_for_bit() -> None:
    model = load("lorenz")
    case = Case(model, "a", "b[0]", 40_000)
    python, llvm = execution("python"), execution("llvm")
    one, two = (e.run_adjoint(case.structure, case.plan, 1) for e in (python, llvm))
    assert (one.execution, two.execution) == ("python", "llvm")
    assert np.ptp(one.exponents[:, 0]) > 200
    assert_same(one, two, 0.0)
    ahead = [e.run_tangents(case.structure, case.plan) for e in (python, llvm)]
    assert np.ptp(ahead[0].exponents[:, 0]) > 200
    assert_same(ahead[0], ahead[1], 0.0)


def test_an_untaken_branch_leaves_no_nan_in_tangents() -> None:
    rule = "where(x[t-1] > 0, x[t-1]/2, log(x[t-1]))"
    model = Model(name="guarded", variables={"x": {"rule": rule, "initial": 1}})
    case = Case(model, "", "x[0]", 20)
    for name in EXECUTIONS:
        found = execution(name).run_tangents(case.structure, case.plan)
        assert found.total[20, 0] * 2.0 ** found.exponents[20, 0] == 2.0**-20


@pytest.mark.parametrize("name", CASES)
def test_worlds_side_by_side_are_those_of_one_run_after_another(name: str) -> None:
    """X is W's plan with n shifted, Y takes A from W besides: the same values, bit for bit."""
    case = CASES[name]
    if case.plan.seed is None or case.plan.held_at(case.plan.seed[0])[case.plan.seed[1]]:
        return
    structure, plan, delta = case.structure, case.plan, 0.125
    t, i = plan.seed
    rows = plan.steps + 1
    grown = ((0, rows - len(plan.forced)), (0, 0))
    wide = dataclasses.replace(
        plan,
        forced=np.pad(plan.forced, grown),
        values=np.pad(plan.values, grown),
        shifts=np.pad(plan.shifts, grown),
        seed=None,
    )
    w = execution("llvm").run_values(structure, wide, case.rules)
    shifted = dataclasses.replace(wide, shifts=wide.shifts.copy())
    shifted.shifts[t, i] += delta
    x = execution("llvm").run_values(structure, shifted, case.rules)
    taken = dataclasses.replace(
        shifted,
        forced=shifted.forced | plan.held_table,
        values=np.where(plan.held_table, w.values, shifted.values),
        shifts=np.where(plan.held_table, 0.0, shifted.shifts),
    )
    y = execution("llvm").run_values(structure, taken, case.rules)
    found = MachineCode().run_worlds(structure, plan, delta, case.rules)
    for one, other in zip(found, (w, x, y), strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.extras, other.extras)
