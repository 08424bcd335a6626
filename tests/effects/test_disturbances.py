"""Nudges of several nodes, spans and parameters, and measures that are expressions."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import causalopt
from causalopt import Model, Node, QuestionError, UnknownNameError, load, op_to_all, run, sweep
from causalopt.engine.contract import Floats
from tests.strategies import templates

LAG = Model(
    name="lag",
    parameters={"a": 0.8, "u": 0.5, "x0": "2*u"},
    variables={
        "d": {"rule": "0*d[t-1]", "initial": 0},
        "x": {"rule": "a*x[t-1] + u + d[t] + c[t-1]", "initial": "x0"},
        "c": {"rule": "-0.1*x[t]"},
    },
    partition={"A": ["c"]},
    question={"nudge": "d[1]", "hold": "c", "target": "x", "steps": 30},
)


def direct_of_step(a: float, first: int, steps: int) -> Floats:
    """Sums of a geometric series: what d[t>=first] makes of x with c held."""
    t = np.arange(steps + 1)
    return np.where(t >= first, (1 - a ** np.maximum(t - first + 1, 0.0)) / (1 - a), 0.0)


def test_a_step_disturbance_is_the_sum_of_a_geometric_series() -> None:
    found = run(LAG, nudge="d[t>=5]")
    np.testing.assert_allclose(found.direct, direct_of_step(0.8, 5, 30), rtol=1e-14)
    np.testing.assert_allclose(found.total, direct_of_step(0.7, 5, 30), rtol=1e-14)


def test_a_pulse_is_the_difference_of_two_steps() -> None:
    found = run(LAG, nudge="d[10<=t<20]")
    expected = direct_of_step(0.8, 10, 30) - direct_of_step(0.8, 20, 30)
    np.testing.assert_allclose(found.direct, expected, rtol=1e-13, atol=1e-15)


def test_a_parameter_is_nudged_at_all_steps_and_where_it_starts() -> None:
    found = run(LAG, nudge="u")
    t = np.arange(31)
    for tangent, a in ((found.direct, 0.8), (found.total, 0.7)):
        start = 2 * a**t  # x0 = 2*u
        if a == 0.7:  # c[0] reads x[0]: x[1] = (a - 0.1)*x[0] + ..., as with a = 0.7
            start = 2 * 0.7**t
        rest = np.where(t > 0, (1 - a**t) / (1 - a), 0.0)
        np.testing.assert_allclose(tangent, start + rest, rtol=1e-13)


def test_a_shaped_disturbance_is_a_weighted_sum() -> None:
    found = run(LAG, nudge="sin(0.3*t)*d")
    expected = [sum(math.sin(0.3 * s) * 0.8 ** (t - s) for s in range(1, t + 1)) for t in range(31)]
    np.testing.assert_allclose(found.direct, expected, rtol=1e-12, atol=1e-14)


@given(templates(), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(-3, 3))))
@settings(max_examples=40)
def test_effects_add_up(model: Model, items: list[tuple[int, int, int]]) -> None:
    steps = model.question.steps
    assert steps is not None
    names = [name for name in model.B if name not in model.A]
    chosen = [(names[i % len(names)], t, w) for i, t, w in items if t <= steps and w]
    assume(chosen)
    text = " + ".join(f"{w}*{name}[{t}]" for name, t, w in chosen)
    target = model.question.target
    assert target is not None
    found = run(model, nudge=text, target=target)
    assume(all(np.isfinite(v).all() and np.abs(v).max() < 1e6 for v in found.W.values()))
    parts = [(w, run(model, nudge=f"{name}[{t}]", target=target)) for name, t, w in chosen]
    for kind in ("total", "direct"):
        expected = sum(w * getattr(part, kind) for w, part in parts)
        size = sum(abs(w * getattr(part, kind)) for w, part in parts)
        error = np.abs(getattr(found, kind) - expected)
        assert (error <= 1e-12 * (1 + size)).all()


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("parameter", ["sigma", "rho", "beta"])
def test_a_parameter_of_a_flow_is_what_other_values_of_it_say(method: str, parameter: str) -> None:
    model = load("lorenz").replace(method=method)  # type: ignore[arg-type]
    value = model.template.parameter_values()[parameter]
    h = 1e-4
    ends = [
        run(model, nudge="b[0]", steps=40, parameters={parameter: value + sign * h}).W["b"]
        for sign in (1, -1)
    ]
    expected = (ends[0] - ends[1]) / (2 * h)
    found = run(model, nudge=parameter, target="b", steps=40)
    np.testing.assert_allclose(found.total, expected, rtol=1e-6, atol=1e-9)


def test_an_algebraic_disturbance_lasts_the_whole_step() -> None:
    """Between steps too: as a parameter does that is added to it."""
    flow = {"flow": "-x**2 + force", "initial": 1}
    model = Model(
        name="forced",
        parameters={"p": 0.25},
        variables={"force": {"algebraic": "p*cos(time)/p + p"}, "x": flow},
        dt=0.1,
        method="rk4",
    )
    by_node = run(model, nudge="force", hold=[], target="x", steps=20)
    added = Model(
        name="added",
        parameters={"p": 0.25, "more": 0},
        variables={"force": {"algebraic": "p*cos(time)/p + p + more"}, "x": flow},
        dt=0.1,
        method="rk4",
    )
    h = 1e-4
    ends = [
        run(added, nudge="x[0]", hold=[], target="x", steps=20, parameters={"more": s * h}).W["x"]
        for s in (1, -1)
    ]
    np.testing.assert_allclose(by_node.total, (ends[0] - ends[1]) / (2 * h), rtol=1e-7, atol=1e-12)
    pulse = run(model, nudge="force[t<10]", hold=[], target="x", steps=20).total
    np.testing.assert_allclose(pulse[:11], by_node.total[:11], rtol=1e-13)
    assert pulse[20] < by_node.total[20]


def test_noise_can_be_nudged() -> None:
    model = Model(
        name="walk",
        variables={"e": {"noise": "normal(0,1)"}, "x": {"rule": "0.5*x[t-1] + e[t]", "initial": 0}},
    )
    found = run(model, nudge="2*e[t>=3]", hold=[], target="x", steps=6, seed=4)
    assert found.total.tolist() == [0, 0, 0, 2, 3, 3.5, 3.75]
    plain = run(model, nudge="x[0]", hold=[], target="x", steps=6, seed=4)
    assert (found.W["x"] == plain.W["x"]).all()


def test_the_baseline_is_that_of_the_model_to_the_last_bit() -> None:
    model = load("lorenz")
    plain = run(model, steps=200)
    for nudge in ("b", "rho", "2*b[t>=3] - sigma", "b[10<=t<20]"):
        found = run(model, nudge=nudge, target="integral(b**2)", steps=200)
        for name in ("a", "b", "c"):
            assert (found.W[name] == plain.W[name]).all()


MEASURES: dict[str, Callable[[Floats, float], Floats]] = {
    "sum(e**2)": lambda e, _: np.cumsum(e**2),
    "mean(e)": lambda e, _: np.cumsum(e) / np.arange(1, len(e) + 1),
    "e[7]": lambda e, _: np.where(np.arange(len(e)) >= 7, e[7], 0.0),
    "e[t-2]": lambda e, _: np.concatenate([[0.0, 0.0], e[:-2]]),
    "max(e)": lambda e, _: np.maximum.accumulate(e),
    "min(e)": lambda e, _: np.minimum.accumulate(e),
    "max(e, 0.5)": lambda e, _: np.maximum(e, 0.5),
    "mean(e**2) - mean(e)**2": lambda e, _: np.array([e[: t + 1].var() for t in range(len(e))]),
    "integral(e)": lambda e, dt: np.array([np.trapezoid(e[: t + 1]) * dt for t in range(len(e))]),
    "integral(e[t>=4])": lambda e, dt: np.array(
        [np.trapezoid(e[4 : t + 1]) * dt if t > 4 else 0.0 for t in range(len(e))]
    ),
    "integral(e[4<=t<=9]**2)": lambda e, dt: np.array(
        [np.trapezoid(e[4 : min(t, 9) + 1] ** 2) * dt if t > 4 else 0.0 for t in range(len(e))]
    ),
    "mean(e[5<=t<9])": lambda e, _: np.array(
        [e[5 : min(t, 8) + 1].mean() if t >= 5 else 0.0 for t in range(len(e))]
    ),
    "max(e[t>=3])": lambda e, _: np.array(
        [e[3 : t + 1].max() if t >= 3 else 0.0 for t in range(len(e))]
    ),
    "sum(e[t>=2]*e[t-1])": lambda e, _: np.cumsum(np.concatenate([[0.0, 0.0], e[2:] * e[1:-1]])),
    "k*e + t": lambda e, _: 3 * e + np.arange(len(e)),
    "abs(e[3]) + e": lambda e, _: np.where(np.arange(len(e)) >= 3, abs(e[3]), 0.0) + e,
}


@pytest.mark.parametrize("text", MEASURES)
def test_a_measure_is_what_numpy_makes_of_the_course(text: str) -> None:
    model = Model(
        name="m",
        parameters={"k": 3},
        variables={
            "e": {"flow": "v", "initial": 1, "label": "deviation"},
            "v": {"flow": "-e - 0.3*v", "initial": 0},
        },
        dt=0.5,
        method="rk4",
    )
    found = run(model, nudge="v[0]", hold=[], target=text, steps=14)
    value = MEASURES[text]
    np.testing.assert_allclose(found.W[text], value(found.W["e"], 0.5), rtol=1e-13, atol=1e-14)
    h = 1e-5
    sides = [
        value(
            run(model, nudge="v[0]", hold=[], target="e", steps=14, initial={"v": s * h}).W["e"],
            0.5,
        )
        for s in (1, -1)
    ]
    slope = (sides[0] - sides[1]) / (2 * h)
    smooth = found.status != "kink"
    assert smooth.sum() >= len(smooth) - 2
    np.testing.assert_allclose(found.total[smooth], slope[smooth], rtol=2e-6, atol=1e-8)


def test_labels_name_variables_in_measures() -> None:
    by_label = run(load("thermostat"), target="mean(room**2)", steps=20)
    by_name = run(load("thermostat"), target="mean(R**2)", steps=20)
    assert by_label.op[-1] == by_name.op[-1]


def test_every_semantics_says_the_same() -> None:
    question = {"nudge": "R[t>=2] - 2*k", "target": "mean(R[t>=3]**2) - T", "hold": "T"}
    model = load("thermostat")
    limit = run(model, **question, steps=12)  # type: ignore[call-overload]
    finite = run(model, **question, steps=12, delta=1e-7)  # type: ignore[call-overload]
    assert finite.op[-1] == pytest.approx(limit.op[-1], rel=1e-4)
    points = sweep(model, {"k": [0.01]}, **question, at=12)  # type: ignore[call-overload]
    assert points.op[0] == pytest.approx(limit.op[-1], rel=1e-13)
    formula = causalopt.derive(model, **question, at=12)  # type: ignore[arg-type]
    assert formula.value(12)["op"] == pytest.approx(limit.op[-1], rel=1e-12)
    flows = causalopt.currents(model, **question, steps=12)  # type: ignore[arg-type]
    assert flows.through("T").op == pytest.approx(limit.op[-1], rel=1e-12)
    (best,) = causalopt.find_optimizers(
        model, nudge=question["nudge"], target=question["target"], steps=12
    )
    assert best.hold == ("T",)
    assert best.op == pytest.approx(limit.op[-1], rel=1e-12)
    backwards = causalopt.op_from_all(model, question["target"], hold="T", steps=12)
    assert list(backwards.variable.values) == ["T", "R"]
    total = backwards.total.sel(variable="R").values
    by_k = run(model, nudge="k", target=question["target"], hold="T", steps=12).total[-1]
    assert total[2:].sum() - 2 * by_k == pytest.approx(limit.total[-1], rel=1e-12)


def test_all_of_python_says_n_alike() -> None:
    model = load("thermostat")
    op = run(model, nudge="2*R[3] - 1*k", target="R", steps=9).op[-1]
    for said in ({"R[3]": 2, "k": -1}, {Node("R", 3): 2.0, "k": -1.0}, "2*R[3] - k"):
        assert run(model, nudge=said, target="R", steps=9).op[-1] == op  # type: ignore[arg-type]
    both = run(model, nudge=["R[3]", Node("R", 4)], steps=9)
    assert both.node_name == "R[3], R[4]"
    assert both.op[-1] == run(model, nudge="R[3<=t<=4]", steps=9).op[-1]


def test_everything_says_which_n_and_m_it_was() -> None:
    found = run(load("thermostat"), nudge="k", target="mean(R)", steps=9)
    said = found.to_dict()
    assert (said["nudge"], said["target"]) == ("k[t>=0]", "mean(R)")
    assert "Op(T; k[t>=0], mean(R))" in repr(found)
    assert found.provenance["nudge"] == "k[t>=0]"
    assert found.dataset.attrs["target"] == "mean(R)"


def test_a_model_declares_its_own_disturbance_and_measure() -> None:
    data = LAG.model_dump()
    data["variables"] |= {
        "load": {"disturbs": "d[t>=5] + 0.5*u"},
        "cost": {"measures": "sum(x**2)"},
    }
    data["question"] |= {"nudge": "load", "target": "cost"}
    own = run(Model(**data))
    said = run(LAG, nudge="d[t>=5] + 0.5*u", target="sum(x**2)")
    np.testing.assert_array_equal(own.total, said.total)
    assert (own.node_name, own.target) == ("load", "cost")
    data["question"] |= {"nudge": "d[t>=5] + 0.5*u", "target": "sum(x**2)"}
    asked = run(Model(**data))
    np.testing.assert_array_equal(asked.direct, said.direct)


def test_sets_that_name_nearly_everything_leave_n_and_m_out() -> None:
    model = Model(
        name="chain",
        variables={
            "u": {"rule": "u[t-1]", "initial": 0},
            "x": {"rule": "u[t] + c[t-1]", "initial": 0},
            "c": {"rule": "-x[t]/2"},
            "y": {"rule": "x[t]**2 + x[t]"},
        },
    )
    found = run(model, nudge="u", hold="~(u | x)", target="y + x", steps=5)
    assert {window.variable for window in found.hold} == {"c", "y"}


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"nudge": "T[t>=2]"}, r"^T\[t>=2\] is in the held set \(T\)"),
        ({"nudge": "R[t>=50]"}, r"^R\[t>=50\] lies after the last step 9: give more steps"),
        ({"nudge": "R[t<0]"}, r"selects no step"),
        ({"nudge": "R[2.5]"}, r"the steps must read 3, t<=10, t>=5 or 3<=t<9, found '2.5'"),
        ({"nudge": "kk"}, r"unknown variable 'kk'; did you mean 'k'"),
        ({"target": "sum(RR)"}, r"unknown name 'RR'; did you mean 'R'"),
        ({"nudge": "R[time>=2]"}, r"3<=t<9, found .time>=2.; steps are counted, so that a time is"),
        ({"nudge": "T*R[0]"}, r"'T' is a variable, and weights are numbers"),
        ({"nudge": "R[0]/2"}, r"cannot be nudged: name nodes and parameters, each with a weight"),
        ({"nudge": "2*3"}, r"'2\*3' names nothing that can be nudged"),
        ({"nudge": "R[0] +"}, r"the text ends too early: something must follow"),
        ({"nudge": []}, r"a nudge is a node such as"),
        ({"nudge": "0*R[0]"}, r"the weights add up to 0, which nudges nothing: change one"),
        ({"nudge": "R[0] - 0.5*R[0] - R[0]/2"}, r"cannot be nudged"),
        ({"nudge": "0.3*R[0] - 0.1*R[0] - 0.2*R[0]"}, r"the weights add up to 0"),
        ({"nudge": {"R": 0}}, r"the weights add up to 0"),
        ({"nudge": "k[t>=50]"}, r"nudges the parameter k after the last step 9 alone"),
        ({"nudge": "R[0] + k[50]"}, r"nudges the parameter k after the last step 9 alone"),
        ({"nudge": {"R[0]": "x"}}, r"the weight of R\[0\] must be a number, found 'x'"),
        ({"target": "mean(R[t<0])"}, r"has no step"),
        (
            {"target": "R[t>=5]"},
            r"is many nodes, and one number is measured: write mean\(R\[t>=5\]\)",
        ),
        ({"target": "mean(mean(R))"}, r"stands inside another value over time"),
        ({"target": "R[t+1]"}, r"cannot look into the future"),
        ({"target": "mean(R, T)"}, r"mean takes 1 argument, found 2"),
        ({"target": "integral(Q)"}, r"unknown name 'Q'"),
        ({"target": "R[x]"}, r"the step must read 100, t-3, t>=5 or 10<=t<20, found x"),
    ],
)
def test_what_cannot_be_nudged_or_measured_says_so(
    question: dict[str, object], message: str
) -> None:
    with pytest.raises(QuestionError, match=message):
        run(load("thermostat"), **{"hold": "T", "steps": 9, **question})  # type: ignore[call-overload]


def test_a_parameter_is_nudged_at_one_step() -> None:
    """By hand: R[1] = R[0] - k*T[0] with T[0] = 10, and with T held no later step reads R."""
    found = run(load("thermostat"), nudge="k[1]", hold="T", target="R", steps=3)
    assert found.direct.tolist() == [0.0, -10.0, -10.0, -10.0]


@pytest.mark.parametrize("nudge", ["0*R[0] + T[2]", "R[0] - R[1]", "k*R[0]", "R[0] - k*R[0]"])
def test_weights_that_leave_something_are_taken(nudge: str) -> None:
    assert np.isfinite(run(load("thermostat"), nudge=nudge, hold="T[5]", steps=9).op).any()


def test_unknown_names_are_unknown() -> None:
    with pytest.raises(QuestionError, match="unknown variable 'Q'"):
        run(load("thermostat"), nudge="Q[t>=1]", steps=9)
    with pytest.raises(UnknownNameError, match="unknown variable 'Q'"):
        run(load("thermostat"), target="Q", steps=9)


def test_parameters_that_are_no_numbers_of_a_rule_cannot_be_nudged() -> None:
    lag = Model(
        name="late", parameters={"L": 2}, variables={"x": {"rule": "x[t-L]/2", "initial": 1}}
    )
    with pytest.raises(QuestionError, match="'L' decides a lag"):
        run(lag, nudge="L", hold=[], target="x", steps=4)
    law = Model(
        name="law",
        parameters={"s": 2},
        variables={"e": {"noise": "normal(0, s)"}, "x": {"rule": "x[t-1] + e[t]", "initial": 0}},
    )
    with pytest.raises(QuestionError, match="'s' stands in the law of 'e'"):
        run(law, nudge="s", hold=[], target="x", steps=4)


def test_spans_of_interventions_are_their_nodes_one_by_one() -> None:
    from causalopt import Nudge, Set

    model = load("thermostat")
    spans = run(model, given=[Set("T[3<=t<6]", 4.0), Nudge("R[t>=7]", 0.5)], steps=9)
    nodes = [Set(f"T[{t}]", 4.0) for t in (3, 4, 5)] + [Nudge(f"R[{t}]", 0.5) for t in (7, 8, 9)]
    singly = run(model, given=nodes, steps=9)
    assert (spans.W["R"] == singly.W["R"]).all()
    assert spans.op.tolist() == singly.op.tolist()
    with pytest.raises(QuestionError, match=r"the node T\[5\] is set twice, to 1 and to 2"):
        run(model, given=[Set("T[t<=5]", 1.0), Set("T[t>=5]", 2.0)], steps=9)
    with pytest.raises(QuestionError, match="'k' is a parameter, and a baseline sets"):
        run(model, given=[Set("k", 1.0)], steps=9)


def test_static_models_take_sums_too() -> None:
    model = Model(
        name="dag",
        parameters={"g": 2},
        variables={
            "p": {"initial": 1},
            "q": {"initial": 3},
            "a": {"rule": "g*p"},
            "y": {"rule": "a*q + p"},
        },
    )
    found = run(model, nudge="p + 2*q", hold="a", target="y - q")
    assert (found.total[0], found.direct[0]) == (3 * 2 + 1 + 2 * 2 - 2, 1 + 2 * 2 - 2)
    by_parameter = run(model, nudge="g", hold=[], target="y")
    assert by_parameter.total[0] == 3
    assert by_parameter.node_name == "1*g"
    with pytest.raises(QuestionError, match="this model has no time"):
        run(model, nudge="p[t>=2]", hold="a", target="y")
    with pytest.raises(QuestionError, match="'mean' is over time, and this model has none"):
        run(model, nudge="p", hold="a", target="mean(y)")


def test_rates_of_a_disturbance_keep_the_spectrum_of_the_system() -> None:
    model = load("thermostat")
    plain = causalopt.rates(model, steps=500)
    lasting = causalopt.rates(model, nudge="R[t>=0]", hold="T", target="R", steps=500)
    assert lasting.lyapunov == plain.lyapunov
    assert lasting.conditional == plain.conditional
    assert lasting.nudge == "R[t>=0]"


def test_op_to_all_leaves_the_disturbance_out() -> None:
    found = op_to_all(load("thermostat"), "R[t>=2]", hold="T", steps=9)
    assert list(found.variable.values) == ["T", "R"]
    expected = run(load("thermostat"), nudge="R[t>=2]", hold="T", target="R", steps=9).op
    np.testing.assert_array_equal(found.op.sel(variable="R").values, expected)


def _delayed(method: str) -> Model:
    return Model(
        name="delayed",
        parameters={"g": 0.7, "tau": 0.3, "h0": 0.5},
        variables={
            "x": {"flow": "-g*x + u + 0.2*y[time - tau]", "initial": "h0 + 0.1*time"},
            "y": {"flow": "x - y + 0.1*z", "initial": "cos(time)*g"},
            "z": {"algebraic": "x*y + g"},
            "u": {"algebraic": "-0.3*x"},
        },
        dt=0.1,
        method=method,
    )


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("parameter", ["g", "h0"])
@pytest.mark.parametrize("target", ["y", "integral(x**2)", "z"])
def test_a_parameter_moves_histories_between_steps_too(
    method: str, parameter: str, target: str
) -> None:
    model, h = _delayed(method), 1e-5
    value = model.template.parameter_values()[parameter]
    ends = [
        run(
            model.replace(parameters={parameter: value + sign * h}),
            nudge="x[0]", hold=[], target=target, steps=30,
        ).W[target]
        for sign in (1, -1)
    ]  # fmt: skip
    found = run(model, nudge=parameter, hold=[], target=target, steps=30)
    np.testing.assert_allclose(found.total, (ends[0] - ends[1]) / (2 * h), rtol=1e-6, atol=1e-9)


START = Model(
    name="start",
    parameters={"u": 2},
    variables={"x": {"rule": "x[t-1]/2", "initial": "2*u"}, "c": "0*x[t]"},
    question={"hold": "c", "target": "x", "steps": 4},
)


def test_a_value_that_is_set_does_not_start_from_a_parameter() -> None:
    given = [causalopt.Set("x[0]", 5)]
    alone = run(START, nudge="u", given=given)
    assert (alone.total.tolist(), alone.status[4].item()) == ([0] * 5, "no_influence")
    both = run(START, nudge="u + 3*x", given=given)  # 3 at every step, on top of the value set
    assert both.total.tolist() == [3, 4.5, 5.25, 5.625, 5.8125]
    points = sweep(START, {"x[0]": [1.0, 2.0]}, nudge="u + 3*x", at=4)
    assert points.total.tolist() == [5.8125, 5.8125]
    points = sweep(START, {"u": [1.0, 2.0]}, nudge="u + 3*x", at=4)
    assert points.total.tolist() == [5.8125 + 2 / 16] * 2


def test_nodes_are_taken_from_a_world_of_the_model_before_it_was_asked() -> None:
    model = load("thermostat")
    donor = causalopt.world(model, causalopt.Nudge("R[0]", 3), steps=9)
    assert isinstance(donor, causalopt.World)
    given = [causalopt.Replace("T[t<=4]", donor)]
    plain = run(model, steps=9, given=given)
    asked = run(model, nudge="R[t>=2] - k", target="mean(R)", steps=9, given=given)
    np.testing.assert_array_equal(asked.W["R"], plain.W["R"])
    np.testing.assert_array_equal(asked.W["T"][:5], np.asarray(donor["T"])[:5])
    h = 1e-6
    ends = [
        run(
            model,
            steps=9,
            given=given,
            parameters={"k": model.template.parameter_values()["k"] + s * h},
        )
        .W["R"]
        .mean()
        for s in (1, -1)
    ]
    by_k = run(model, nudge="k", target="mean(R)", steps=9, given=given).total[-1]
    assert by_k == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)
    # A world of the asked model is one of the model, too; one of another model is not.
    back = causalopt.world(asked.model, causalopt.Nudge("R[0]", 3), steps=9)
    assert isinstance(back, causalopt.World)
    again = run(model, steps=9, given=[causalopt.Replace("T[t<=4]", back)])
    np.testing.assert_array_equal(again.W["R"], plain.W["R"])
    other = causalopt.world(START)
    assert isinstance(other, causalopt.World)
    with pytest.raises(QuestionError, match="is of another model or shorter"):
        run(model, nudge="k", steps=4, given=[causalopt.Replace("T", other)])


def test_a_replaced_node_keeps_what_disturbs_it() -> None:
    donor = causalopt.world(START, causalopt.Set("x[0]", 7))
    assert isinstance(donor, causalopt.World)
    given = [causalopt.Replace("x[0<=t<2]", donor)]
    found = run(START, nudge="u + 3*x", given=given)
    assert found.W["x"].tolist() == [7, 3.5, 1.75, 0.875, 0.4375]
    assert found.total.tolist() == [3, 3, 4.5, 5.25, 5.625]


def test_minus_zero_stays_minus_zero() -> None:
    model = Model(name="sign", variables={"x": {"rule": "-x[t-1]", "initial": 0}, "y": "-x[t]"})
    plain = run(model, nudge="x[0]", hold=[], target="y", steps=5)
    for nudge in ("x", "-x", "2*y[t>=1] - x[t<3]"):
        found = run(model, nudge=nudge, hold=[], target="mean(y)", steps=5)
        for name in ("x", "y"):
            assert found.W[name].tobytes() == plain.W[name].tobytes()


@pytest.mark.parametrize("delta", [None, 0.1])
def test_where_nothing_has_begun_there_is_no_influence(delta: float | None) -> None:
    """Neither before the first nudged node nor before what is measured, by rounding or else."""
    room = run(load("heated_room"), target="integral(abs(error))", steps=40, delta=delta)
    assert (room.status[:11] == "no_influence").all()
    question = {"hold": "T", "steps": 11, "delta": delta}
    for nudge, target, first in (
        ("R[3<=t<6]", "mean(R[t>=5])", 5),
        ("R[3<=t<6]", "R[7]", 7),
        ("R[0]", "integral(R[2<=t<4])", 3),
        ("R[0]", "where(t < 5, 3, R)", 5),
        ("R[0]", "where(4 < t, R, 3)", 5),
        ("k[t>=4]", "max(-R[t<8])", 4),
    ):
        found = run(load("thermostat"), nudge=nudge, target=target, **question)  # type: ignore[call-overload]
        assert (found.status[:first] == "no_influence").all(), (nudge, target)
        assert (found.status[first:] != "no_influence").all(), (nudge, target)


@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 2), st.integers(0, 9))
def test_paths_begin_and_end_with_their_windows(a: int, b: int, lag: int, last: int) -> None:
    """networkx walks the unrolled graph; edges to m and from n are those of the windows."""
    import networkx as nx

    assume(lag <= b + 1)
    from causalopt.effects.asked import ask
    from causalopt.model.reach import reachable, reaching

    asked = ask(load("thermostat"), nudge=f"R[{a}<=t<={a + 2}]", hold="T",
                target=f"sum(R[{b}<=t<={b + 1}]*R[t-{lag}])", steps=9)  # fmt: skip
    graph = nx.DiGraph()  # type: ignore[var-annotated]
    for t in range(1, 10):
        graph.add_edges_from(
            [(("R", t - 1), ("R", t)), (("R", t - 1), ("T", t)), (("T", t - 1), ("R", t))]
        )
    graph.add_edges_from(("n", ("R", t)) for t in range(a, min(a + 2, 9) + 1))
    terms = [t for t in range(max(b, lag), b + 2) if t <= last]
    graph.add_edges_from((("R", t - k), "m") for t in terms for k in {0, lag})
    graph.add_nodes_from("nm")
    template, plan = asked.model.template, asked.plan()
    column = template.index[asked.target]
    ahead = reachable(template, plan, avoid_held=False).of(column)[last]
    back = reaching(template, plan, {last: [column]}, avoid_held=False)
    behind = back.of(template.index[asked.nudge.variable])[0]
    assert ahead == behind == nx.has_path(graph, "n", "m")


@pytest.mark.parametrize("span", ["u[4<=t<9]", "u[t>=12]"])
def test_spans_of_an_algebraic_variable_are_set_between_steps_too(span: str) -> None:
    """Runge and Kutta by hand: the input of a step is that of the node which begins it."""
    model = Model(
        name="input",
        variables={"x": {"flow": "-x**2 + u", "initial": 1}, "u": {"algebraic": "0.5*x"}},
        dt=0.1,
        method="rk4",
    )
    places = range(4, 9) if "<" in span else range(12, 20)
    h = 0.1
    for move, change in (
        (causalopt.Set(span, 2.0), lambda u: 0 * u + 2.0),
        (causalopt.Nudge(span, 2.0), lambda u: u + 2.0),
    ):
        x, expected = 1.0, [1.0]
        for t in range(20):

            def slope(x: float, t: int = t, change: Callable[[float], float] = change) -> float:
                return -(x**2) + (change(0.5 * x) if t in places else 0.5 * x)

            k1 = slope(x)
            k2 = slope(x + h / 2 * k1)
            k3 = slope(x + h / 2 * k2)
            x += h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(x + h * k3))
            expected.append(x)
        found = causalopt.world(model, move, steps=20)
        assert isinstance(found, causalopt.World)
        np.testing.assert_allclose(found["x"], expected, rtol=1e-13)


def test_a_nudge_of_the_baseline_takes_what_a_disturbance_says() -> None:
    """Its world is the X of the disturbance."""
    model = load("thermostat")
    for said in (
        "2*R[t>=5] - T[3]",
        {"R[3]": 2, "T[t<4]": -1.0},
        "0.5*t*R[t>=2]",
        ["R[3]", "R[4]"],
    ):
        shifted = causalopt.world(model, causalopt.Nudge(said, 0.25), steps=9)  # type: ignore[arg-type]
        assert isinstance(shifted, causalopt.World)
        found = run(model, nudge=said, hold=[], target="R", steps=9, delta=0.25)  # type: ignore[arg-type]
        assert found.X is not None
        np.testing.assert_allclose(shifted["R"], found.X["R"], rtol=1e-14)
    forced = _delayed("rk4")
    for span in ("z[3<=t<9]", "0.5*z[7] + x[2]", "sin(t)*z[t>=4]"):
        shifted = causalopt.world(forced, causalopt.Nudge(span, 0.25), steps=20)
        assert isinstance(shifted, causalopt.World)
        found = run(forced, nudge=span, hold=[], target="y", steps=20, delta=0.25)
        assert found.X is not None
        np.testing.assert_allclose(shifted["y"], found.X["y"], rtol=1e-13)


def test_what_a_nudge_of_the_baseline_cannot_be_says_so() -> None:
    model = load("thermostat")
    for move, message in (
        (causalopt.Set("2*R[t>=5]", 1.0), r"is a weighted sum, and nodes are set to one value"),
        (causalopt.Nudge("R[3] - 2*k", 1.0), r"'k' is a parameter, and a baseline sets and"),
        (causalopt.Nudge("2*R[3] + Q[4]", 1.0), r"character 10: unknown variable 'Q'"),
    ):
        with pytest.raises(QuestionError, match=message):
            causalopt.world(model, move, steps=9)


@pytest.mark.parametrize(
    ("key", "text", "place", "message"),
    [
        ("dist", "d[t>=5] + 0.5*uu", (7, 35), "unknown variable 'uu'; did you mean 'u'?"),
        ("dist", "d + cost", (7, 25), "'cost' is a measure, and what is nudged are variables"),
        ("dist", "load[t>=3]", (7, 21), "'load' is a disturbance, and what is nudged are"),
        ("meas", "sum(x) + mean(zz)", (8, 35), "unknown name 'zz'"),
        ("nudge", "d[t>=5] + q", (10, 30), "character 11: unknown variable 'q'; known here: a, c,"),
        ("target", "mean(x) + foo(x)", (10, 55), "character 11: unknown function 'foo'"),
        ("target", "x[99]", (10, 45), "x[99] lies after the last step 10: give more steps"),
    ],
)
def test_mistakes_have_their_place_in_the_text(
    tmp_path: Path, key: str, text: str, place: tuple[int, int], message: str
) -> None:
    texts = {"dist": "d[t>=5]", "meas": "sum(x**2)", "nudge": "load", "target": "cost", key: text}
    path = tmp_path / "model.yaml"
    path.write_text(
        f"""name: lag
parameters: {{a: 0.8, u: 0.5, x0: "2*u"}}
variables:
  d: {{rule: "0*d[t-1]", initial: 0}}
  x: {{rule: "a*x[t-1] + u + d[t] + c[t-1]", initial: x0}}
  c: {{rule: "-0.1*x[t]"}}
  load: {{disturbs: "{texts["dist"]}"}}
  cost: {{measures: "{texts["meas"]}"}}
partition: {{A: [c]}}
question: {{nudge: "{texts["nudge"]}", hold: c, target: "{texts["target"]}", steps: 10}}
"""
    )
    with pytest.raises(causalopt.ModelError) as caught:
        load(path)
    assert (caught.value.location.line, caught.value.location.column) == place
    assert message in caught.value.message


def test_a_model_that_was_asked_is_a_model_that_can_be_written(tmp_path: Path) -> None:
    from causalopt.model.files import write_model

    question = {"nudge": "2*R[t>=5] - k", "target": "integral(R**2)", "steps": 12}
    model = load("thermostat")
    asked, n, m = model.asking(question["nudge"], question["target"])  # type: ignore[arg-type]
    write_model(asked, tmp_path / "asked.yaml")
    again = load(tmp_path / "asked.yaml")
    assert again.fingerprint == asked.fingerprint
    expected = run(model, **question)  # type: ignore[call-overload]
    found = run(again, nudge=n, target=m, steps=12)
    np.testing.assert_array_equal(found.total, expected.total)
    np.testing.assert_array_equal(found.direct, expected.direct)


def test_n_and_m_may_be_written_alike() -> None:
    model = load("thermostat")
    alike = run(model, nudge="R[2] - T[2]", target="R[2] - T[2]", hold=[], steps=4)
    assert alike.total[2:].tolist() == [2, 2, 2]  # 1 for R, and -1 times -1 for T
    assert alike.node_name == "(R[2] - T[2])"


ARRAYS = Model(
    name="arrays",
    sizes={"unit": 3},
    parameters={"a": 0.5},
    variables={
        "x": {"shape": ["unit"], "rule": "a*x[t-1] + c[t-1]", "initial": 1},
        "c": {"shape": ["unit"], "rule": "-0.1*x[t]"},
        "e": {"rule": "sum(x[t])"},
    },
    question={"nudge": "x[2]", "hold": "c", "target": "e", "steps": 8},
)


@pytest.mark.parametrize(
    "nudge",
    ["x[t>=5]", "x[t>=5, unit=2]", "2*x[2]", "x[2] - x[3]", "a", ["x[2]", "x[3]"], {"x[2]": 2}],
)
def test_arrays_have_one_nudged_node_and_the_message_says_what_to_do(nudge: object) -> None:
    with pytest.raises(
        QuestionError, match=r"nudges a parameter or several nodes, .*expand\(model"
    ):
        run(ARRAYS, nudge=nudge)  # type: ignore[call-overload]


@pytest.mark.parametrize("target", ["e**2", "mean(e)", "integral(e**2)", "e[5]", "sum(x)"])
def test_arrays_measure_variables_and_the_message_says_what_to_do(target: str) -> None:
    with pytest.raises(QuestionError, match=r"is an expression, .*expand\(model\)"):
        run(ARRAYS, target=target)


def test_a_step_of_what_is_measured_is_left_out_of_elements() -> None:
    model = Model(
        name="m",
        sizes={"n": 2},
        variables={"x": {"shape": ["n"], "rule": "x[t-1]/2", "initial": 1}},
    )
    with pytest.raises(QuestionError) as caught:
        run(model, nudge="x[0]", hold="", target="x[5, n=1]", steps=3)
    assert str(caught.value) == "'x[5, n=1]': m is measured at every step, write just x[n=1]"


def test_arrays_written_out_are_asked_as_numbers_are() -> None:
    apart = causalopt.expand(ARRAYS)
    found = run(apart, nudge="x_1[t>=5] + a", target="integral(e)", hold="c_0, c_1, c_2")
    h = 1e-5
    by_a = [
        run(ARRAYS, steps=8, parameters={"a": 0.5 + s * h}).W["e"] for s in (1, -1)
    ]  # fmt: skip
    slope = np.trapezoid((np.asarray(by_a[0]) - np.asarray(by_a[1])) / (2 * h))
    steps = np.arange(9)
    lasting = np.where(steps >= 5, (1 - 0.4 ** (steps - 4.0)) / 0.6, 0.0)
    assert found.total[8] == pytest.approx(slope + np.trapezoid(lasting), rel=1e-7)


@pytest.mark.parametrize("key", ["disturbs", "measures"])
def test_arrays_declare_neither(key: str) -> None:
    data = ARRAYS.model_dump()
    data["variables"]["more"] = {key: "e[2]"}
    with pytest.raises(causalopt.ModelError, match=f"'{key}' is for models of numbers"):
        Model(**data)


@pytest.mark.parametrize("nudge", ["d[10<=t<20]", "2*d[3] - u[t<8]", "d[4], x[7]"])
def test_what_a_pulse_leaves_grows_as_any_disturbance_does(nudge: str) -> None:
    """0.8**t with c held, 0.7**t with it."""
    found = causalopt.rates(LAG, nudge=nudge, target="x", hold="c", steps=400)
    assert found.op_rate == pytest.approx(math.log(0.8 / 0.7), rel=1e-9)
    assert found.status == "ok"
    chaotic = causalopt.rates(load("lorenz"), nudge="b[10<=t<20]", target="c", steps=1500)
    assert chaotic.status == "ok"
    assert chaotic.op_rate == pytest.approx(chaotic.generic_rate, abs=chaotic.error / 10)


def test_what_a_model_says_is_what_was_written() -> None:
    data = LAG.model_dump()
    data["variables"] |= {
        "load": {"disturbs": "d[t>=5] + 0.5*u"},
        "cost": {"measures": "sum(x**2)"},
    }
    said = causalopt.describe(Model(**data)).to_dict()["variables"]
    plain = causalopt.describe(LAG).to_dict()["variables"]
    assert {name: said[name] for name in plain} == plain
    asked = {name: (said[name]["rule"], said[name]["initial"]) for name in ("load", "cost")}
    assert asked == {"load": ("disturbs d[t>=5] + 0.5*u", []), "cost": ("measures sum(x**2)", [])}
    stages = causalopt.describe(Model(**data), stages=True).to_dict()["variables"]
    assert "d.undisturbed" in stages


@pytest.mark.parametrize(
    ("text", "reads_t", "reads_r"),
    [
        ("where(t < 5, T, R)", lambda t: t < 5, lambda t: t >= 5),
        ("where(5 < t, T, R)", lambda t: t > 5, lambda t: t <= 5),
        ("where(t == 4, T, R)", lambda t: t == 4, lambda t: t != 4),
        ("where(3 <= t and t <= 6, T, R)", lambda t: 3 <= t <= 6, lambda t: not 3 <= t <= 6),
        ("where(t <= 2, T + R, where(t < 7, R, 0))", lambda t: t <= 2, lambda t: t < 7),
        (
            "where(t - 1 < 3, T, 0) + where(7 <= t, T, R)",
            lambda t: t < 4 or t >= 7,
            lambda t: t < 7,
        ),
        ("where(R > 5, T, 0)", lambda t: t >= 0, lambda t: t >= 0),
    ],
)
def test_edges_to_a_measure_are_there_when_it_reads_them(
    text: str, reads_t: Callable[[int], bool], reads_r: Callable[[int], bool]
) -> None:
    from causalopt.model.edge_windows import edge_windows

    asked, _, m = load("thermostat").asking(target=text)
    found = edge_windows(asked.template)
    for name, reads in (("T", reads_t), ("R", reads_r)):
        windows = found.get((name, 0, str(m)))
        for t in range(12):
            is_there = windows is None or any(
                w.first <= t and (w.last is None or t <= w.last) for w in windows
            )
            assert is_there == bool(reads(t)), (name, t)
