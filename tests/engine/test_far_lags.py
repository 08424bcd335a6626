"""Long lags: the same numbers as a chain of single steps, at the cost of a short lag.

What a step reads from far is kept in rings. The oracle is a model in which the lag is a chain of
variables that each hand on the last value, which no ring takes part in; and the same rules with
every lag passed on step by step.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from causalopt import Model, run
from causalopt.engine import program, source
from causalopt.engine.batch import Batch
from causalopt.engine.batch_choice import run_batch
from causalopt.engine.contract import Plan
from causalopt.engine.executions import EXECUTIONS, execution
from causalopt.engine.machine import batch_code as batch
from causalopt.engine.machine import reverse, trajectory
from causalopt.engine.rescaling import RESCALE
from causalopt.engine.schedule import schedule
from causalopt.worlds.interventions import plan_for
from tests.engine.test_contract import assert_same

RULES = [
    "0.3*{a} - 0.2*{b}*{c}/(1 + {c}**2) + 0.5*{far}",
    "where({a} > {far}, 0.5*{a}, 0.1 + {c}*0.3)",
    "min({a}, {far})*0.9 + 0.01*sqrt(abs({c}))",
    "max({a}, q)*0.7 - {far}**3/50 + 0.2*{b}",
    "0.9*{far} + k*{a}",
    "1.9*{far} - 0.8*{a}",
    "0.001*{a} + 0.9*{far}",
]
CACHED = (
    source.kernel, source.reverse_kernel, program._layout, schedule,
    trajectory.code_for, batch.code_for, reverse.reverse_code,
)  # fmt: skip


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pass every lag on step by step."""

    def fresh() -> None:
        for cached in CACHED:
            cached.cache_clear()

    fresh()
    for module in (source, trajectory):
        monkeypatch.setattr(module, "FAR", 10**9)
    yield
    fresh()


def model_of(seed: int, *, chained: bool = False) -> Model:
    """Return a model of three variables with lags of 65 to 100 steps, or the chains for them."""
    rng = random.Random(seed)
    names = ["x", "y", "z"]
    variables: dict[str, dict[str, object]] = {}
    chains: dict[str, int] = {}
    for name in names:
        far, lag = rng.choice(names), rng.randrange(65, 100)
        parts = {key: f"{rng.choice(names)}[t-{rng.choice((1, 1, 2))}]" for key in "abc"}
        parts["far"] = f"{far}{lag - 1}[t-1]" if chained else f"{far}[t-{lag}]"
        chains[far] = max(lag, chains.get(far, 0))
        start = [round(rng.uniform(-1, 1), 2) for _ in range(100)]
        variables[name] = {"rule": rng.choice(RULES).format(**parts), "initial": start}
    for name, longest in chains.items() if chained else ():
        for k in range(1, longest):
            before = f"{name}{k - 1}[t-1]" if k > 1 else f"{name}[t-1]"
            started = variables[name]["initial"]
            # At step t the k-th link holds the value of t - k; what was before t = 0 is never read.
            links = [0.0] * min(k, 100) + list(started)[: max(0, 100 - k)]  # type: ignore[call-overload]
            variables[f"{name}{k}"] = {"rule": before, "initial": links}
    return Model(name="far", parameters={"k": 0.1, "q": 0.2}, variables=variables)


def plan_of(model: Model, steps: int, hold: str = "y[t<=130], y[t>=150]") -> Plan:
    return plan_for(model, steps=steps, hold=model.selection(hold), seed=model.node("x[99]"))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", EXECUTIONS)
def test_a_long_lag_is_a_chain_of_single_steps(seed: int, name: str) -> None:
    lagged, chained = model_of(seed), model_of(seed, chained=True)
    # In Y a chain hands on what y held: links carry y's tangent, which is 0 where y is held.
    ways = []
    for model in (lagged, chained):
        structure, plan = model.template.structure, plan_of(model, 420)
        place = [model.template.index[v] for v in "xyz"]
        ahead = execution(name).run_tangents(structure, plan)
        total, direct = (
            np.ldexp(values[:, place], ahead.exponents[:, world, None])
            for world, values in enumerate((ahead.total, ahead.direct))
        )
        ways.append((ahead.values[:, place], total, direct))
    for one, two in zip(*ways, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", EXECUTIONS)
def test_rings_change_no_number(name: str, request: pytest.FixtureRequest) -> None:
    cases = [(model_of(seed), 900) for seed in (1, 4, 5, 6, 9)]
    found = [everything(model, name, steps) for model, steps in cases]
    request.getfixturevalue("one_by_one")
    for (model, steps), (ahead, back) in zip(cases, found, strict=True):
        other_ahead, other_back = everything(model, name, steps)
        assert_same(other_ahead, ahead, 0.0)
        assert_same(other_back, back, 0.0)


def everything(model: Model, name: str, steps: int) -> tuple[object, object]:
    structure, plan = model.template.structure, plan_of(model, steps)
    chosen = execution(name)
    return chosen.run_tangents(structure, plan), chosen.run_adjoint(structure, plan, 0)


@pytest.mark.parametrize("rule", ["3*x[t-1] - x[t-70]", "0.5*x[t-1] + 1e-9*x[t-200]"])
def test_rings_are_rescaled(rule: str, request: pytest.FixtureRequest) -> None:
    model = Model(name="scaled", variables={"x": {"rule": rule, "initial": 1}})
    structure, steps = model.template.structure, 3000
    plan = plan_for(model, steps=steps, hold=(), seed=model.node("x[0]"))
    runs = {name: execution(name).run_tangents(structure, plan) for name in EXECUTIONS}
    assert np.ptp(runs["python"].exponents[:, 0]) > (1000 if "3*" in rule else 200)
    for name in EXECUTIONS[1:]:
        assert_same(runs["python"], runs[name], 0.0)
    near, far, lag = (
        (Fraction(3), Fraction(-1), 70)
        if "3*" in rule
        else (Fraction(1, 2), Fraction(1, 10**9), 200)
    )
    x = [Fraction(0)] * steps
    count = 700
    initial = max(1, lag)
    x[0] = Fraction(1)
    for t in range(initial, count):
        x[t] = near * x[t - 1] + far * x[t - lag]
    for t in (initial, initial + 1, 2 * lag + 5, count - 1):
        exact = x[t]
        got = Fraction(runs["llvm"].total[t, 0]) * Fraction(2) ** int(runs["llvm"].exponents[t, 0])
        assert abs(got - exact) <= abs(exact) * Fraction(1, 10**12), t
    sweeps = {name: execution(name).run_adjoint(structure, plan, 0) for name in EXECUTIONS}
    for name in EXECUTIONS[1:]:
        assert_same(sweeps["python"], sweeps[name], 0.0)
    request.getfixturevalue("one_by_one")
    for name in EXECUTIONS:
        assert_same(execution(name).run_tangents(structure, plan), runs[name], 0.0)
        assert_same(execution(name).run_adjoint(structure, plan, 0), sweeps[name], 0.0)


@pytest.mark.parametrize("brief", [True, False])  # not brief: stretches of steps are taken back
@pytest.mark.parametrize("mode", ["tangents", "finite", "values"])
@pytest.mark.parametrize("seed", [0, 2, 5])
def test_a_batch_is_so_many_runs(
    mode: str, seed: int, brief: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_BRIEF", 10**12 if brief else 0)
    model = model_of(seed)
    structure, steps, count = model.template.structure, 400, 37
    plan = plan_of(model, steps)
    starts = np.linspace(-1, 1, count)
    keep = (120, 255, steps)
    many = run_batch(
        structure, Batch(plan, {(3, 0): starts}, {}, keep, (0, 1, 2), mode, delta=1e-3)
    )
    for lane in (0, 17, 36):
        values = plan.values.copy()
        values[3, 0] = starts[lane]
        one = Plan(steps, plan.parameters, plan.forced, values, plan.shifts, plan.held, plan.seed)
        alone = execution("python").run_tangents(structure, one)
        np.testing.assert_array_equal(many.values["w"][:, :, lane], alone.values[list(keep)])
        if mode == "tangents":
            for world, table in enumerate((alone.total, alone.direct)):
                got = np.ldexp(
                    many.values["xy"[world]][:, :, lane], many.exponents[:, world, lane, None]
                )
                want = np.ldexp(table[list(keep)], alone.exponents[list(keep), world, None])
                np.testing.assert_array_equal(got, want)
        if mode == "finite":
            shifts = plan.shifts.copy()
            shifts[plan.seed[0], plan.seed[1]] += 1e-3  # type: ignore[index]
            moved = Plan(steps, plan.parameters, plan.forced, values, shifts, plan.held)
            x = execution("python").run_values(structure, moved).values
            np.testing.assert_array_equal(many.values["x"][:, :, lane], x[list(keep)])


def lagged(lag: int) -> Model:
    return Model(
        name="lagged",
        variables={
            "x": {"rule": f"0.9*x[t-1] + 0.05*x[t-{lag}] - 0.1*a[t-1]", "initial": 1},
            "a": {"rule": "x[t-1] - 0.5", "initial": 0},
        },
        partition={"A": ["a"]},
        question={"nudge": "x[0]", "target": "x"},
    )


@pytest.mark.parametrize("steps", [20_000, 400_000])  # generated Python, machine code
def test_a_lag_of_ten_thousand_steps_costs_as_a_short_one(steps: int) -> None:
    def seconds(lag: int) -> float:
        model = lagged(lag)
        began = time.process_time()
        run(model, steps=steps)
        return time.process_time() - began

    short = min(seconds(1) for _ in range(2))
    long = min(seconds(10_000) for _ in range(2))
    assert long < 6 * short + 1.5  # it was some hundred times as long


def test_the_ring_is_long_enough_for_steps_taken_back() -> None:
    assert source.FAR >= RESCALE
