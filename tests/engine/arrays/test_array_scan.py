"""JAX runs what numpy runs, to 1e-12 of the largest number."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import causalopt
from causalopt import Model, Nudge, QuestionError
from causalopt.effects.arrays.rounding_twins import Disturbance
from causalopt.engine.arrays import array_executions, array_stretches
from causalopt.engine.arrays.array_executions import chosen
from causalopt.engine.arrays.array_forward import ArraySeed, ArrayTangents, tangents_of
from causalopt.engine.arrays.array_loop import value_graph
from causalopt.tensors.folding import evaluate
from causalopt.tensors.tensor_source import compiled
from causalopt.worlds.array_world import array_plan_for, array_world
from tests.engine.arrays.array_models import RULES, course, data, model
from tests.engine.arrays.test_array_tangents import recurrent
from tests.tensors.operations_of_arrays import EXPRESSIONS, INPUTS, values

jax = pytest.importorskip("jax")
STEPS = 130


def same(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    scale = np.max(np.abs(expected), initial=1e-300)
    assert np.array_equal(np.isfinite(found), np.isfinite(expected))
    assert np.max(np.abs(found - expected), initial=0.0) <= tolerance * scale


def same_tangents(found: ArrayTangents, expected: ArrayTangents) -> None:
    assert (found.execution, expected.execution) == ("jax", "numpy")
    assert np.array_equal(found.exponents, expected.exponents)
    same(found.total, expected.total)
    same(found.direct, expected.direct)
    assert np.array_equal(found.watched, expected.watched)


@pytest.mark.parametrize("case", RULES)
def test_courses_are_those_of_numpy(case: str) -> None:
    plan, draw = array_plan_for(model(case, 8), steps=STEPS, data=data(case, STEPS, 8), seed=3)
    found = course(plan, plan.template.names, draw, "jax")
    for name, expected in course(plan, plan.template.names, draw).items():
        same(found[name], expected)


@pytest.mark.parametrize(
    ("hold", "nudged"), [("h[unit=4:9]", 0), ("h[t>=5]", 0), ("h[135, unit=2:5]", 100), ("h", None)]
)
@pytest.mark.parametrize("count", [1, 3])
def test_tangents_are_those_of_numpy(hold: str, nudged: int | None, count: int) -> None:
    m = recurrent(9, 1.1)
    plan, draw = array_plan_for(m, steps=300, hold=m.selection(hold))
    shape, name = ((9,), "h") if nudged is not None else ((9, 9), "W")
    directions = np.random.default_rng(0).normal(size=(count, *shape))
    seed = ArraySeed(name, nudged or 0, directions)
    found, expected = (
        tangents_of(plan, seed, "h", ["h"], draw, execution=name) for name in ("jax", "numpy")
    )
    same_tangents(found, expected)
    same(found.values["h"], expected.values["h"])


def test_growth_beyond_the_range_of_floats_has_the_same_powers_of_two() -> None:
    m = Model(
        name="growth",
        sizes={"n": 2},
        variables={
            "x": {"shape": ["n"], "rule": "3*x[t-1] + a[t]", "initial": 0},
            "a": {"shape": ["n"], "rule": "-2.5*x[t-1]", "initial": 0},
        },
    )
    question: dict[str, Any] = {"nudge": "x[0, n=1]", "hold": "a", "target": "x[n=1]"}
    run = causalopt.run(m, steps=5000, execution="jax", **question)
    assert np.allclose(run.op, np.arange(5001) * (math.log(3) - math.log(0.5)), rtol=1e-12)
    assert set(run.status) == {"ok"}
    assert run.effect.execution == "jax"
    assert run.provenance["execution"] == "jax"
    assert causalopt.run(m, steps=5000, execution="numpy", **question).effect.execution == "numpy"


TERMS = [
    "x[t-1]", "y[t-1]", "tanh({0})", "softplus({0})", "relu({0})", "sigmoid({0})", "gelu({0})",
    "{0} + {1}", "{0} - {1}", "{0}*{1}/8", "where({0} > {1}, {0}, {1})/2", "max({0}, {1})/2",
    "W[t-1] @ ({0})/4", "ones(n)*sum({0})/8", "softmax({0})", "roll({0}, 1, n)",
    "shift({0}, -1, n)", "concat({0}, {1}, n)[0:5]", "take({0}, argmax({1}), n)*ones(n)",
    "clip({0}, -1, 1)",
    "ones(n)*logsumexp({0})/4", "abs({0})/2", "transpose(W[t-1]) @ ({0})/4",
    "({0})**2/(1 + ({0})**2)",
    "reshape(({0}), n)", "einsum('i,i->i', {0}, {1})/4", "e[t]*({0})/4", "log1p(abs({0}))",
]  # fmt: skip


@st.composite
def texts(draw: st.DrawFn, depth: int = 3) -> str:
    form = draw(st.sampled_from(TERMS[:2] if depth == 0 else TERMS))
    parts = [draw(texts(depth - 1)) for place in range(2) if f"{{{place}}}" in form]
    return form.format(*(f"({part})" for part in parts))


@settings(max_examples=8, deadline=None)
@drawn(texts(), texts())
def test_random_rules_run_as_in_numpy(first: str, second: str) -> None:
    m = Model(
        name="random",
        sizes={"n": 5},
        variables={
            "x": {"shape": ["n"], "rule": f"tanh({first})", "initial": "normal(0, 1)"},
            "y": {"shape": ["n"], "rule": f"tanh({second})", "initial": "normal(0, 1)"},
            "W": {
                "shape": ["n", "n"],
                "rule": "0.98*W[t-1] + 0.01*(ones(n, n)*x[t])",
                "initial": "normal(0, 1)",
            },
            "e": {"noise": "normal(0, 1)"},
        },
    )
    plan, draw = array_plan_for(m, steps=70, hold=m.selection("y[n=1:4]"), seed=1)
    seed = ArraySeed("x", 2, np.eye(5)[:1])
    found, expected = (
        tangents_of(plan, seed, "y", ["W"], draw, execution=name) for name in ("jax", "numpy")
    )
    # Within few steps no rule can drive two runs apart by more than that.
    for name in ("W", "y"):
        same(found.values[name][:12], expected.values[name][:12], 1e-11)
    same(found.total[:12], expected.total[:12], 1e-10)
    same(found.direct[:12], expected.direct[:12], 1e-10)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_operation_is_what_it_is_in_numpy(name: str) -> None:
    given = values(np.random.default_rng(2))
    with jax.enable_x64(True):
        function = compiled([EXPRESSIONS[name]], INPUTS, module=jax.numpy)
        (found,) = jax.jit(function)(*(given[x.payload] for x in INPUTS))
        assert found.dtype == np.float64
        same(np.asarray(found), evaluate([EXPRESSIONS[name]], given.__getitem__)[0], 1e-14)


def test_the_process_s_own_precision_stays() -> None:
    before = jax.numpy.ones(2).dtype
    array_world(model("update", 8), (), steps=STEPS, execution="jax")
    assert jax.numpy.ones(2).dtype == before == np.float32


def test_careful_steps_and_short_stretches_lie_between_scans() -> None:
    m = model("passed on", 8)
    moves = [Nudge("c[70]", 0.5), Nudge("h[80, n=2]", 0.25), Nudge("h[200]", 0.125)]
    found, expected = (
        array_world(m, moves, steps=300, keep=["h", "c"], execution=name)
        for name in ("jax", "numpy")
    )
    assert (found.execution, expected.execution) == ("jax", "numpy")
    same(found["h"], expected["h"])
    same(found["c"], expected["c"])


def test_a_run_in_many_calls_is_a_run_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    m = recurrent(9, 1.1)
    plan, draw = array_plan_for(m, steps=1000, hold=m.selection("h[unit=0:3]"))
    seed = ArraySeed("h", 0, np.eye(9)[4:5])
    one = tangents_of(plan, seed, "h", [], draw, execution="jax")
    monkeypatch.setattr(array_stretches, "_SCANNED_NUMBERS", 256 * plan.template.numbers)
    many = tangents_of(plan, seed, "h", [], draw, execution="jax")
    assert np.array_equal(one.direct, many.direct)
    assert np.array_equal(one.exponents, many.exponents)


def test_disturbed_twins_of_both_are_apart_by_rounding() -> None:
    m = recurrent(9, 0.9)
    plan, draw = array_plan_for(m, steps=200, hold=m.selection("h[unit=0:3]"))
    seed = ArraySeed("h", 0, np.eye(9)[4:5])
    base = tangents_of(plan, seed, "h", [], draw, execution="jax")
    sizes = []
    for name in ("jax", "numpy"):
        twin = tangents_of(plan, seed, "h", [], draw, execution=name, disturb=Disturbance(plan, 1))
        apart = np.abs(twin.total[150:] - base.total[150:]).max()
        sizes.append(apart / np.abs(base.total[150:]).max())
    assert all(1e-16 < size < 1e-12 for size in sizes)


def test_statuses_are_those_of_numpy() -> None:
    m = Model(
        name="m",
        sizes={"n": 3},
        variables={
            "x": {"shape": ["n"], "rule": "x[t-1] - 2**-7", "initial": 2},
            "y": {"shape": ["n"], "rule": "relu(x[t-1] - 1)", "initial": 0},
            "d": {"shape": ["n"], "rule": "(1 + x[t]/3)*7 - 7 - 7*x[t]/3", "initial": 0},
        },
    )
    for target in ("y", "d", "x"):
        question: dict[str, Any] = {"nudge": "x[0]", "hold": [], "target": target, "steps": 200}
        found, expected = (
            causalopt.run(m, execution=name, **question) for name in ("jax", "numpy")
        )
        assert found.status.tolist() == expected.status.tolist()
        assert found.effect.kink == expected.effect.kink


def test_long_runs_of_much_work_go_to_jax_and_others_do_not() -> None:
    graph = value_graph(recurrent(300, 1.0).arrays)
    assert chosen(None, graph, 100) == "numpy"
    assert chosen(None, graph, 10**7) == "jax"
    assert chosen("numpy", graph, 10**7) == "numpy"


def test_without_jax_nothing_is_chosen_but_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_executions, "has", lambda _: False)
    assert chosen(None, value_graph(recurrent(300, 1.0).arrays), 10**7) == "numpy"


def test_an_unknown_execution_and_a_finite_nudge_by_jax_are_refused() -> None:
    m = recurrent(3, 1.0)
    with pytest.raises(QuestionError, match="unknown execution 'jacks'; known here: jax, numpy"):
        array_world(m, (), steps=3, execution="jacks")
    with pytest.raises(QuestionError, match="a finite nudge of arrays is run by numpy"):
        causalopt.run(m, nudge="h[0]", hold=[], target="h", steps=3, delta=0.1, execution="jax")
    with pytest.raises(QuestionError, match="'execution' is for models with array variables"):
        causalopt.run(causalopt.load("thermostat"), steps=3, execution="jax")
