"""Algebraic variables: evaluated at every instant, stages included, and held with their stages."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from causalopt import Model, ModelError, run
from causalopt.model.declaration import Method
from causalopt.model.graph import edge_list, unrolled_graph
from causalopt.worlds.world import three_worlds, world

ORDERS = [("euler", 1), ("rk4", 4)]


def controlled(per_unit: int, method: Method = "rk4", **controller: object) -> Model:
    """Return x' = cos(time) - u with u = x^2 unless said otherwise, and y' = x - y."""
    return Model(
        name="controlled",
        variables={
            "x": {"flow": "cos(time) - u", "initial": 1},
            "u": controller or {"algebraic": "x**2"},
            "y": {"flow": "x - y", "initial": 0},
        },
        dt=1 / per_unit,
        method=method,
        partition={"A": ["u"]},
        question={"nudge": "x[0]", "target": "y"},
    )


def exact() -> list[float]:
    """Return y at time 2, its derivative by x at time 0, and that with u held."""

    def slope(t: float, state: np.ndarray) -> list[float]:
        x, y, dx, dy, ey = state
        return [math.cos(t) - x * x, x - y, -2 * x * dx, dx - dy, 1 - ey]

    found = solve_ivp(slope, (0, 2), [1, 0, 1, 0, 0], method="DOP853", rtol=1e-12, atol=1e-13)
    return [float(found.y[i, -1]) for i in (1, 3, 4)]


@pytest.mark.parametrize(("method", "order"), ORDERS)
def test_the_method_keeps_its_order_with_a_and_with_a_held(method: Method, order: int) -> None:
    errors = []
    for per_unit in (10, 20, 40):
        found = run(controlled(per_unit, method), steps=2 * per_unit)
        ends = [found.W["y"][-1], found.total[-1], found.direct[-1]]
        errors.append(np.abs(np.subtract(ends, exact())))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, order, atol=0.25)


def held_for_a_while() -> float:
    """Return the derivative of y at time 2 by x at time 0, with u held from 0.5 to 1.5."""

    def slope(t: float, state: np.ndarray) -> list[float]:
        x, y, dx, dy = state
        free = 0 if 0.5 <= t < 1.5 else -2 * x * dx
        return [math.cos(t) - x * x, x - y, free, dx - dy]

    state = np.array([1.0, 0, 1, 0])
    for start, stop in ((0, 0.5), (0.5, 1.5), (1.5, 2)):
        times = (start, stop - 1e-13)  # the switch lies outside
        state = solve_ivp(slope, times, state, "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    return float(state[3])


def test_a_window_holds_the_time_from_its_first_node_to_the_one_after_its_last() -> None:
    errors = []
    for n in (20, 40, 80):
        found = run(controlled(n), hold=f"u[{n // 2}<=t<{3 * n // 2}]", steps=2 * n)
        errors.append(abs(found.direct[-1] - held_for_a_while()))
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 4, atol=0.4)


def test_the_flow_of_the_written_out_model_is_the_same() -> None:
    written = Model(
        name="written",
        variables={
            "x": {"flow": "cos(time) - x**2", "initial": 1},
            "y": {"flow": "x - y", "initial": 0},
        },
        dt=0.1,
        method="rk4",
    )
    mine, theirs = world(controlled(10), steps=30), world(written, steps=30)
    for name in "xy":
        np.testing.assert_array_equal(mine[name], theirs[name])


def test_it_has_its_value_at_the_start_too() -> None:
    np.testing.assert_array_equal(
        world(controlled(10), steps=5)["u"], world(controlled(10), steps=5)["x"] ** 2
    )


def test_its_stages_are_held_with_it() -> None:
    model = controlled(10)
    n, A = model.node("x[0]"), model.selection("u")
    w, _, y = three_worlds(model, nudge=n, hold=A, delta=1.0, steps=5)
    for i, equation in enumerate(model.template.equations):
        same = y.table[1:, i] == w.table[1:, i]
        assert same.all() if equation.owner == "u" else not same.any()


def test_only_what_flows_read_has_stages() -> None:
    variables = {"x": {"flow": "-x", "initial": 1}, "reported": {"algebraic": "2*x"}}
    model = Model(name="m", variables=variables, dt=0.1, method="rk4")
    owners = [equation.owner for equation in model.template.equations]
    assert owners.count("x") == 4
    assert owners.count("reported") == 1


def test_its_edges_run_at_one_instant() -> None:
    assert "x[t] -> u[t]" in edge_list(controlled(10))
    graph = unrolled_graph(controlled(10), 1)
    assert graph.has_edge(("x", 0), ("u", 0))
    assert graph.has_edge(("u", 0), ("x", 1))


@pytest.mark.parametrize(
    "rule", ["x[t]**2", "x[t-1]**2", "sin(time)", "u[t-1]/2 + x[t]", "other[t-1]"]
)
def test_a_moving_rule_that_a_flow_reads_is_refused_under_rk4(rule: str) -> None:
    variables = {
        "x": {"flow": "-u", "initial": 1},
        "u": {"rule": rule, "initial": 0},
        "other": {"rule": "x[t-1]", "initial": 0},
    }
    with pytest.raises(ModelError, match=r"variables\.u\.rule: .* of first order in dt"):
        Model(name="m", variables=variables, dt=0.1, method="rk4")
    Model(name="m", variables=variables, dt=0.1, method="euler")


@pytest.mark.parametrize("rule", ["u[t-1]", "u[t-1]/2", "where(t < 5, 0, 1)", "k"])
def test_a_rule_that_follows_neither_time_nor_flows_may_be_read(rule: str) -> None:
    variables = {"x": {"flow": "-u", "initial": 1}, "u": {"rule": rule, "initial": 1}}
    model = Model(name="m", variables=variables, parameters={"k": 2}, dt=0.1, method="rk4")
    assert model.template.names == ("x", "u")


def test_a_rule_that_is_sampled_in_truth_keeps_its_value_between_two_steps() -> None:
    model = controlled(10, rule="x[t]", sampled=True)
    found = world(model, steps=1)
    # x' = cos(time) - x[0] over one step.
    assert found["x"][1] == pytest.approx(1 + math.sin(0.1) - 0.1, abs=1e-8)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"u": {"algebraic": "2"}}, "this model has no flow"),
        ({"u": {"algebraic": "x", "rule": "1"}}, "one of rule, flow, algebraic"),
        ({"u": {"algebraic": "x[t]"}}, r"write x without a step here, or x\[time - s\]"),
        ({"u": {"algebraic": "x", "initial": 1}}, "t = 0 too: drop 'initial'"),
        ({"u": {"algebraic": "x", "domain": "0..1"}}, "'algebraic' moves real numbers"),
        ({"u": {"algebraic": "x", "sampled": True}}, "'sampled' says that a rule"),
        ({"u": {"algebraic": "v"}, "v": {"algebraic": "u"}}, "make one of them a flow"),
    ],
)
def test_what_cannot_be_is_refused(variables: dict[str, object], message: str) -> None:
    flows = {} if "no flow" in message else {"x": {"flow": "-x", "initial": 1}}
    how = {"dt": 0.1, "method": "rk4"} if flows else {}
    with pytest.raises(ModelError, match=message):
        Model(name="m", variables={**flows, **variables}, **how)
