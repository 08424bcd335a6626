"""Flows under method: exact: the zero-order hold, and what is held acts with its course in W."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, ModelError, QuestionError, run
from causalopt.model.declaration import Method
from causalopt.worlds.world import world

STABLE = st.integers(0, 2**32 - 1)


def linear(
    A: Any,
    *,
    dt: float = 0.5,
    method: Method = "exact",
    inputs: dict[str, dict[str, Any]] | None = None,
    B: Any = None,
    **more: Any,
) -> Model:
    """Return x' = A x + B u with variables x0, x1, ... from 1, 2, ..."""
    inputs = inputs or {}
    flows = {}
    for i, row in enumerate(np.asarray(A)):
        terms = [f"({float(c)!r})*x{j}" for j, c in enumerate(row) if c]
        if B is not None:
            terms += [f"({float(c)!r})*{u}" for c, u in zip(B[i], inputs, strict=True) if c]
        flows[f"x{i}"] = {"flow": " + ".join(terms) or "0", "initial": i + 1}
    return Model(name="linear", variables=flows | inputs, dt=dt, method=method, **more)


def stable(seed: int, size: int) -> Any:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size))
    return matrix - (np.linalg.eigvals(matrix).real.max() + rng.uniform(0.1, 1)) * np.eye(size)


@given(STABLE, st.integers(1, 4), st.sampled_from([0.01, 0.3, 2.0]))
@settings(max_examples=15, deadline=None)
def test_runs_are_the_zero_order_hold_of_scipy(seed: int, size: int, dt: float) -> None:
    A, B = stable(seed, size), np.random.default_rng(seed).normal(size=(size, 2))
    inputs = {
        "u": {"rule": "sin(t)", "sampled": True},
        "w": {"rule": "0.5*w[t-1] + 1", "initial": 0, "sampled": True},
    }
    found = world(linear(A, dt=dt, B=B, inputs=inputs), steps=12)
    Ad, Bd, *_ = scipy.signal.cont2discrete((A, B, np.eye(size), np.zeros((size, 2))), dt)
    state, w = np.arange(1.0, size + 1), 0.0
    for t in range(12):
        state, w = Ad @ state + Bd @ [math.sin(t), w], 0.5 * w + 1
    got = [found[f"x{i}"][12] for i in range(size)]
    np.testing.assert_allclose(got, state, rtol=1e-10, atol=1e-12)


@given(STABLE)
@settings(max_examples=5, deadline=None)
def test_whatever_is_held_the_rest_follows_its_own_exponential(seed: int) -> None:
    A, size, steps = stable(seed, 4), 4, 5
    model = linear(A)
    sets = [s for n in (1, 2, 3) for s in itertools.combinations(range(1, size), n)]
    for held in sets:
        free = [i for i in range(size) if i not in held]
        direct = scipy.linalg.expm(A[np.ix_(free, free)] * 0.5 * steps)
        for m in free:
            names = [f"x{i}" for i in held]
            found = run(model, nudge="x0[0]", hold=names, target=f"x{m}", steps=steps)
            total = scipy.linalg.expm(A * 0.5 * steps)[m, 0]
            assert found.total[-1] == pytest.approx(total, rel=1e-9, abs=1e-12)
            expected = direct[free.index(m), 0]
            assert found.direct[-1] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_it_is_what_rk4_tends_to_with_flows_held() -> None:
    A = stable(7, 3)
    question: dict[str, Any] = {"nudge": "x0[0]", "target": "x2", "hold": "x1"}
    exact = run(linear(A), steps=4, **question)
    gaps = []
    for finer in (4, 8, 1000):
        model = linear(A, dt=0.5 / finer, method="rk4")
        gaps.append(abs(run(model, steps=4 * finer, **question).op[-1] - exact.op[-1]))
    assert gaps[0] / gaps[1] == pytest.approx(16, rel=0.35)  # of fourth order
    assert gaps[2] < 1e-11


CONTROLLED: dict[str, Any] = {
    "x": {"flow": "v", "initial": 1},
    "v": {"flow": "-w**2*x - c*v + u + 1", "initial": 0},
    "u": {"algebraic": "-Kp*x + e"},
    "e": {"algebraic": "-Kd*v"},
}
VALUES = {"w": 2, "c": 0.3, "Kp": 1, "Kd": 0.2}


def controlled(method: Method = "exact", dt: float = 0.1, **other: Any) -> Model:
    return Model(
        name="controlled",
        variables=CONTROLLED,
        parameters=VALUES | other,
        dt=dt,
        method=method,
        partition={"A": ["u", "e"]},
        question={"nudge": "x[0]", "target": "x", "steps": 30},
    )


# An algebraic variable's node stands for the step that it begins.
@pytest.mark.parametrize("hold", ["u", "e", "u, e", "v", "u[t<=10]", "u[t<10], e", "v[t<=10]"])
def test_algebraic_variables_are_put_in_and_are_held(hold: str) -> None:
    exact = run(controlled(), hold=hold)
    finer = hold.replace("u[t<=10]", "u[t<1100]").replace("10]", "1000]")
    near = run(controlled("rk4", 0.001), hold=finer, steps=3000)
    np.testing.assert_allclose(exact.W["u"], near.W["u"][::100], atol=1e-11)
    np.testing.assert_allclose(exact.direct, near.direct[::100], atol=1e-11)


def test_a_held_controller_leaves_the_plants_exponential() -> None:
    A = np.array([[0, 1], [-4, -0.3]])
    loop = np.array([[0, 1], [-5, -0.5]])
    found = run(controlled())
    for t in (1, 7, 30):
        assert found.total[t] == pytest.approx(scipy.linalg.expm(loop * 0.1 * t)[0, 0], rel=1e-11)
        assert found.direct[t] == pytest.approx(scipy.linalg.expm(A * 0.1 * t)[0, 0], rel=1e-11)


def test_nothing_happens_to_what_is_not_nudged() -> None:
    found = run(controlled(), nudge="x[30]", hold="u, v", delta=0.5)
    assert found.Y is not None
    assert found.Y["x"][:30].tolist() == found.W["x"][:30].tolist()
    assert found.Y["x"][30] == found.W["x"][30] + 0.5


@pytest.mark.parametrize("delay", [0.5, 0.35, 0.1, 0.12])
def test_dead_times_of_sampled_inputs_are_exact_inside_the_step(delay: float) -> None:
    variables: dict[str, Any] = {
        "x": {"flow": f"-2*x + u[time - {delay}] + u[time - 0.3]", "initial": 1},
        "u": {"rule": "sin(t)", "sampled": True},
    }
    dt, steps = 0.1, 20
    found = world(Model(name="late", variables=variables, dt=dt, method="exact"), steps=steps)
    waits = math.ceil(max(delay, 0.3) / dt - 1e-9) + 1
    x = found["x"][waits]
    for t in range(waits, steps):
        # Each input as a sum of steps: u is constant between its switches.
        for fraction, ending in itertools.pairwise([0.0, (delay / dt) % 1, 1.0]):
            if ending - fraction < 1e-12:
                continue
            middle = t + (fraction + ending) / 2
            push = sum(math.sin(math.floor(middle - d / dt + 1e-9)) for d in (delay, 0.3))
            decay = math.exp(-2 * dt * (ending - fraction))
            x = decay * x + (1 - decay) / 2 * push
    assert found["x"][steps] == pytest.approx(x, rel=1e-12)


def test_integrators_and_repeated_eigenvalues_need_no_other_formula() -> None:
    variables: dict[str, Any] = {
        "x": {"flow": "v", "initial": 1},
        "v": {"flow": "g", "initial": 2},
        "h1": {"flow": "-k*h1", "initial": 3},
        "h2": {"flow": "k*h1 - (k + gap)*h2", "initial": 0},
    }
    for gap in (0, 1e-9, 1e-3):
        values = {"g": -9.81, "k": 0.7, "gap": gap}
        model = Model(name="fall", variables=variables, parameters=values, dt=0.25, method="exact")
        found = world(model, steps=8)
        assert found["x"][8] == pytest.approx(1 + 2 * 2 - 9.81 * 4 / 2, rel=1e-14)
        size = -math.expm1(-gap * 2) / gap if gap else 2
        assert found["h2"][8] == pytest.approx(3 * 0.7 * math.exp(-1.4) * size, rel=1e-13)


def test_parameters_and_dt_may_be_swept() -> None:
    from causalopt import sweep

    model = controlled()
    found = sweep(model, {"Kp": np.linspace(0, 3, 80), "w": [1.0, 2.5]}, steps=10)
    for i, j in ((0, 0), (41, 1), (79, 0)):
        values = {"Kp": float(np.linspace(0, 3, 80)[i]), "w": [1.0, 2.5][j]}
        one = run(model, parameters=values, steps=10)
        assert float(found.dataset["op"][i, j]) == pytest.approx(one.op[-1], rel=1e-11)
    twice = run(model.replace(dt=0.2), steps=5)
    assert twice.op[-1] == pytest.approx(run(model, steps=10).op[-1], rel=1e-12)


def test_tangents_adjoints_and_finite_nudges_agree() -> None:
    from causalopt import op_from_all

    model = controlled()
    limit = run(model, nudge="v[0]", target="x", steps=12)
    finite = run(model, nudge="v[0]", target="x", steps=12, delta=0.5)
    assert finite.op[-1] == pytest.approx(limit.op[-1], rel=1e-11)
    adjoint = op_from_all(model, "x[12]")["op"].sel(variable="v", t=0)
    assert float(adjoint) == pytest.approx(limit.op[-1], rel=1e-11)


def test_normal_laws_follow_the_exact_step() -> None:
    from causalopt.laws.affine import affine

    spread: dict[str, Any] = {"initial": 1, "spread": "normal(2)"}
    variables: dict[str, Any] = {
        "x": {"flow": "-k*x + y + e", **spread},
        "y": {"flow": "-x", **spread},
        "e": {"noise": "normal(0.5, 3)"},
    }
    model = Model(name="ou", variables=variables, parameters={"k": 2}, dt=0.1, method="exact")
    A, B = np.array([[-2.0, 1.0], [-1.0, 0.0]]), np.array([[1.0], [0.0]])
    Ad, Bd, *_ = scipy.signal.cont2discrete((A, B, np.eye(2), np.zeros((2, 1))), 0.1)
    found = affine(model)
    assert found.names == ("x", "y")
    np.testing.assert_allclose(found.matrix, Ad, rtol=1e-12)
    np.testing.assert_allclose(found.noise, 9 * Bd @ Bd.T, rtol=1e-12)
    np.testing.assert_allclose(found.shift, 0.5 * Bd[:, 0], rtol=1e-12)


def test_noise_read_at_two_lags_has_no_law_of_one_step() -> None:
    from causalopt.errors import QuestionError
    from causalopt.laws.affine import affine

    spread: dict[str, Any] = {"initial": 0, "spread": "normal(1)"}
    variables: dict[str, Any] = {
        "x": {"flow": "-x + e", **spread},
        "y": {"rule": "e[t]", **spread},
        "e": {"noise": "normal(0, 1)"},
    }
    with pytest.raises(QuestionError, match=r"rules read e\[t\] and e\[t-1\]"):
        affine(Model(name="two", variables=variables, dt=0.1, method="exact"))


def refusal(variables: dict[str, Any], **more: Any) -> str:
    data: dict[str, Any] = {"dt": 0.1, "method": "exact", **more}
    with pytest.raises(ModelError) as error:
        _ = Model(name="m", variables=variables, **data).template
    return f"{'.'.join(map(str, error.value.path))}: {error.value.message}"


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        ("-x*y", "'-x*y' is not affine in the flow variables"),
        ("-k*sin(x) + 1", "'sin(x)' is not affine in the flow variables"),
        ("3 + x**2", "'x**2' is not affine in the flow variables"),
        ("u*x", "'u*x' has a coefficient that changes from step to step"),
        ("x/u", "'x/u' has a coefficient that changes from step to step"),
        ("x*y/2", "'x*y' is not affine in the flow variables"),
        ("u/x", "'u/x' is not affine in the flow variables"),
        ("max(x, 0)", "'max(x, 0)' is not affine in the flow variables"),
        ("-x + time", "holds what it does not integrate over a step, and this reads time"),
        ("-x[time - 0.2]", "'x[time - 0.2]' moves within the step"),
    ],
)
def test_what_is_not_exact_is_refused_by_its_term(flow: str, expected: str) -> None:
    variables: dict[str, Any] = {
        "x": {"flow": flow, "initial": 1},
        "y": {"flow": "-y", "initial": 1},
        "u": {"rule": "u[t-1] + 1", "initial": 0, "sampled": True},
    }
    found = refusal(variables, parameters={"k": 2})
    assert found.startswith("variables.x.flow: ")
    assert expected in found
    assert "rk4" in found


def test_other_mistakes_are_told_as_with_other_methods() -> None:
    assert "integrates flows, and this model has none" in refusal({"x": {"rule": "1"}}, dt=1)
    assert "'dt' is missing" in refusal({"x": {"flow": "-x", "initial": 1}}, dt=None)
    moving: dict[str, Any] = {"x": {"flow": "-u", "initial": 1}, "u": {"rule": "2*x[t]"}}
    assert "exact would be of first order in dt" in refusal(moving)
    growing: dict[str, Any] = {"x": {"flow": "1e5*x", "initial": 1}}
    assert "give a smaller dt or other parameters" in refusal(growing)
    vectors: dict[str, Any] = {"x": {"flow": "-x", "initial": 1, "shape": [2]}}
    with pytest.raises(ModelError, match="is for flows of numbers"):
        _ = Model(name="m", variables=vectors, dt=0.1, method="exact").arrays
    with pytest.raises(ModelError, match="'euler', 'rk4' or 'exact'"):
        Model(name="m", variables={"x": {"flow": "-x", "initial": 1}}, dt=1, method="heun")  # type: ignore[arg-type]


def test_many_flows_that_all_act_on_each_other_are_refused() -> None:
    with pytest.raises(ModelError, match="too many flows act on each other"):
        _ = linear(stable(1, 6)).template
    ladder = np.diag([-2.0] * 6) + np.diag([1.0] * 5, 1) + np.diag([1.0] * 5, -1)
    found = run(linear(ladder), nudge="x0[0]", hold="x2", target="x1", steps=3)
    direct = scipy.linalg.expm(ladder[:2, :2] * 1.5)[1, 0]
    assert found.direct[-1] == pytest.approx(direct, rel=1e-12)


def lag(controller: dict[str, Any], **more: Any) -> Model:
    variables: dict[str, Any] = {
        "x": {"flow": "(u - x + d)/tau", "initial": 2},
        "u": controller,
        "d": {"rule": "0", "sampled": True},
    }
    values = {"tau": 2, "Kp": 3}
    data: dict[str, Any] = {"dt": 0.1, "method": "exact", "partition": {"A": ["u"]}, **more}
    question = {"target": "x", "steps": 20}
    return Model(name="lag", variables=variables, parameters=values, question=question, **data)


SAMPLED: dict[str, Any] = {"rule": "1 - Kp*x[t]", "sampled": True}
ALGEBRAIC: dict[str, Any] = {"algebraic": "1 - Kp*x"}


@pytest.mark.parametrize("parameter", ["tau", "Kp"])
def test_a_nudged_parameter_moves_the_coefficients(parameter: str) -> None:
    # x = h x + (1 - h) (1 - Kp x), h = exp(-dt/tau), by complex differences.
    found = run(lag(SAMPLED), nudge=parameter)
    values: dict[str, complex] = {"tau": 2, "Kp": 3}
    values[parameter] += 1e-30j
    x, decay = 2 + 0j, np.exp(-0.1 / values["tau"])
    for _ in range(20):
        x = decay * x + (1 - decay) * (1 - values["Kp"] * x)
    assert found.total[-1] == pytest.approx(x.imag / 1e-30, rel=1e-12)


def test_a_step_in_what_a_flow_reads_is_the_step_response() -> None:
    found = run(lag(ALGEBRAIC), nudge="d[t>=0]")
    for t in (1, 5, 20):
        alone, controlled = (-math.expm1(-k * 0.1 * t / 2) / k for k in (1, 4))
        assert found.direct[t] == pytest.approx(alone, rel=1e-12)
        assert found.total[t] == pytest.approx(controlled, rel=1e-12)


def test_nudges_that_exact_steps_do_not_follow_are_refused() -> None:
    with pytest.raises(ModelError, match="the nudge of tau moves the coefficients of flows"):
        run(lag(ALGEBRAIC), nudge="tau")
    with pytest.raises(ModelError, match="the nudge of tau moves the coefficients of flows"):
        run(lag({"algebraic": "2 - d"}), nudge="tau")  # whose course in x has a formula of its own
    with pytest.raises(QuestionError, match="its course within a step is not shifted"):
        run(lag(ALGEBRAIC), nudge="u[t>=5]", hold="d")
    assert run(lag(ALGEBRAIC, method="rk4"), nudge="tau").status[-1] == "ok"


def test_an_algebraic_variable_acts_from_the_step_that_it_begins() -> None:
    from causalopt.model.graph import declared_edges

    edges = declared_edges(lag(ALGEBRAIC))
    assert ("u", "x", 1) in edges
    assert ("x", "u", 0) in edges
    assert edges == declared_edges(lag(ALGEBRAIC, method="rk4"))
