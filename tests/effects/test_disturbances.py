"""Nudges of several nodes, spans and parameters, and measures that are expressions."""

from __future__ import annotations

import math
from collections.abc import Callable

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
    limit = run(model, **question, steps=12)  # type: ignore[arg-type]
    finite = run(model, **question, steps=12, delta=1e-7)  # type: ignore[arg-type]
    assert finite.op[-1] == pytest.approx(limit.op[-1], rel=1e-4)
    points = sweep(model, {"k": [0.01]}, **question, at=12)  # type: ignore[arg-type]
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
        ({"nudge": "T[t>=2]"}, r"T\[t>=2\] nudges T\[t>=2\], which is in the held set \(T\)"),
        ({"nudge": "R[t>=50]"}, r"which lies after the last step 9: give more steps"),
        ({"nudge": "R[t<0]"}, r"selects no step"),
        ({"nudge": "R[2.5]"}, r"the steps must read 3, t<=10, t>=5 or 3<=t<9, found '2.5'"),
        ({"nudge": "T*R[0]"}, r"'T' is a variable, and weights are numbers"),
        ({"nudge": "R[0]/2"}, r"cannot be nudged: name nodes and parameters, each with a weight"),
        ({"nudge": "2*3"}, r"'2\*3' names nothing that can be nudged"),
        ({"nudge": "R[0] +"}, r"the text ends too early: something must follow"),
        ({"nudge": []}, r"a nudge is a node such as"),
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
        run(load("thermostat"), **{"hold": "T", "steps": 9, **question})  # type: ignore[arg-type]


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
