from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Model,
    Nudge,
    QuestionError,
    Replace,
    Set,
    UnknownNameError,
    load,
    run,
    sweep,
    unrolled_graph,
    world,
)
from causalopt.effects.matrices import op_from_all, op_to_all
from causalopt.engine.executions import execution
from causalopt.extras import has_compiler
from causalopt.model import model as length
from causalopt.model.selectors import Node
from causalopt.optimizers.optimizers import find_optimizers
from causalopt.worlds.interventions import held_mask, held_rows
from causalopt.worlds.world import three_worlds
from tests.strategies import templates


@given(templates())
@settings(max_examples=25)
def test_an_empty_intervention_is_the_identity(model: Model) -> None:
    name = next(iter(model.variables))
    baseline = world(model)
    np.testing.assert_array_equal(world(model, Nudge(f"{name}[0]", 0.0)).table, baseline.table)
    np.testing.assert_array_equal(world(model, Replace(name, baseline)).table, baseline.table)


@given(templates(), st.data())
@settings(max_examples=40)
def test_disjoint_interventions_commute(model: Model, data: st.DataObject) -> None:
    names = list(model.variables)
    steps = model.question.steps or 0
    places = data.draw(
        st.lists(
            st.tuples(st.sampled_from(names), st.integers(0, steps)),
            unique=True,
            min_size=2,
            max_size=4,
        )
    )
    moves = [
        Nudge(f"{name}[{t}]", 0.25) if i % 2 else Set(f"{name}[{t}]", -1.5)
        for i, (name, t) in enumerate(places)
    ]
    order = data.draw(st.permutations(moves))
    np.testing.assert_array_equal(world(model, *order).table, world(model, *moves).table)


@given(templates())
@settings(max_examples=25)
def test_replacing_everything_is_the_other_world(model: Model) -> None:
    name = next(iter(model.variables))
    other = world(model, Nudge(f"{name}[0]", 1.0))
    everything = ", ".join(model.variables)
    np.testing.assert_array_equal(world(model, Replace(everything, other)).table, other.table)


@given(templates())
@settings(max_examples=25)
def test_an_intervention_leaves_the_past_alone(model: Model) -> None:
    name = next(iter(model.variables))
    steps = model.question.steps or 0
    np.testing.assert_array_equal(
        world(model, Nudge(f"{name}[{steps}]", 1.0)).table[:steps], world(model).table[:steps]
    )


def test_the_three_worlds_of_the_post() -> None:
    model = load("thermostat")
    n, A = model.node("R[0]"), model.selection("T")
    w, x, y = three_worlds(model, nudge=n, hold=A, delta=0.001, steps=1000)
    assert abs(x["R[1000]"] - w["R[1000]"]) < 1e-7
    assert y["R[1000]"] - w["R[1000]"] == pytest.approx(0.001)
    np.testing.assert_array_equal(y["T"], w["T"])
    assert (x["T"] != w["T"]).any()


def test_a_finite_run_is_made_of_the_three_worlds() -> None:
    model = load("lorenz")
    found = run(model, delta=0.01, steps=100)
    worlds = three_worlds(model, nudge=found.nudge, hold=found.hold, delta=0.01, steps=100)
    for mine, theirs in zip((found.W, found.X, found.Y), worlds, strict=True):
        assert mine is not None
        for name in model.variables:
            np.testing.assert_array_equal(mine[name], theirs[name])


def test_a_variables_stages_are_held_with_it() -> None:
    model = load("lorenz").replace(method="rk4")
    n, A = model.node("b[0]"), model.selection("a")
    w, _, y = three_worlds(model, nudge=n, hold=A, delta=1.0, steps=20)
    names = [equation.name for equation in model.template.equations]
    for name in ("a", "a.2", "a.3", "a.4"):
        np.testing.assert_array_equal(
            y.table[1:, names.index(name)], w.table[1:, names.index(name)]
        )
    assert (y.table[1:, names.index("b.2")] != w.table[1:, names.index("b.2")]).all()


def test_worlds_are_frozen() -> None:
    table = world(load("thermostat"), steps=3).table
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda m: world(m, Nudge("Rr[0]", 1), steps=3), UnknownNameError, "unknown variable 'Rr'"),
        (
            lambda m: world(m, Nudge("R", 1), steps=3),
            QuestionError,
            r"needs one step, such as R\[0\]",
        ),
        (lambda m: world(m, Nudge("R[9]", 1), steps=3), QuestionError, "after the last step 3"),
        (lambda m: world(m, Nudge("R[0]", float("inf")), steps=3), QuestionError, "finite"),
        (lambda m: world(m, Set("R[0]", float("nan")), steps=3), QuestionError, "finite"),
        (lambda m: world(m, steps=-1), QuestionError, "whole number"),
        (lambda m: world(m, steps=3)["Q"], UnknownNameError, "unknown variable 'Q'"),
        (lambda m: world(m, steps=3)["R[7]"], QuestionError, "after the last step"),
        (lambda m: world(m, Replace("T", world(m, steps=2)), steps=3), QuestionError, "shorter"),
        (lambda m: run(m, nudge="T[0]"), QuestionError, "nudge is made in B"),
        (lambda m: run(m, nudge="R[2000]"), QuestionError, "after the last step"),
        (lambda m: run(m, hold="T[t>]"), QuestionError, "steps must read"),
        (lambda m: run(m, hold="T[5<=t<=3]"), QuestionError, "selects no step"),
        (lambda m: run(m, hold="Tt"), UnknownNameError, "did you mean 'T'|known here"),
        (lambda m: run(m, target="Q"), UnknownNameError, "unknown variable 'Q'"),
        (lambda m: run(m, delta=0), QuestionError, "other than 0"),
    ],
)
def test_a_wrong_question_is_named(act, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act(load("thermostat"))


def test_what_is_said_nowhere_is_asked_for() -> None:
    bare = Model(name="m", variables={"x": {"rule": "x[t-1]", "initial": 1}})
    with pytest.raises(QuestionError, match="which node is nudged"):
        run(bare)
    with pytest.raises(QuestionError, match="how many steps"):
        world(bare)


def test_data_without_a_rule_runs_as_far_as_it_goes() -> None:
    variables = {"u": {"initial": [1, 2, 4]}, "x": {"rule": "x[t-1] + u[t]", "initial": 0}}
    model = Model(name="m", variables=variables)
    assert world(model, steps=2)["x"].tolist() == [0, 2, 6]
    with pytest.raises(QuestionError, match="values for 3 steps"):
        world(model, steps=3)


def test_integer_variables_are_whole_and_have_no_tangent() -> None:
    variables = {
        "n": {"rule": "floor(n[t-1]/2)", "initial": 9, "kind": "integer"},
        "x": {"rule": "x[t-1] + n[t-1]", "initial": 0},
    }
    model = Model(name="m", variables=variables, question={"steps": 4, "target": "x"})
    assert world(model)["n"].tolist() == [9, 4, 2, 1, 0]
    with pytest.raises(QuestionError, match="take a finite nudge"):
        run(model, nudge="n[0]", hold=[])
    assert run(model, nudge="n[0]", hold=[], delta=1).total[-1] == 1 + 1 + 0 + 0
    variables["n"]["rule"] = "n[t-1]/2"
    halves = Model(name="m", variables=variables, question={"steps": 4, "target": "x"})
    with pytest.raises(QuestionError, match=r"took the value 4.5 at t = 1"):
        run(halves, nudge="x[0]", hold="n")


def test_what_is_done_later_to_a_node_stands() -> None:
    model = load("thermostat")
    w = world(model, steps=6)
    nudged = world(model, Nudge("T[3]", 1.0), Replace("T", w), steps=6)
    np.testing.assert_array_equal(nudged.table, w.table)
    on_top = world(model, Replace("T", w), Nudge("T[3]", 1.0), steps=6)
    assert on_top["T[3]"] == w["T[3]"] + 1.0
    assert world(model, Nudge("T[3]", 1.0), Set("T[3]", 4.0), steps=6)["T[3]"] == 4.0
    assert world(model, Set("T[3]", 4.0), Nudge("T[3]", 1.0), steps=6)["T[3]"] == 5.0
    assert world(model, Set("T[3]", 4.0), Replace("T[3]", w), steps=6)["T[3]"] == w["T[3]"]
    twice = world(model, Nudge("T[3]", 1.0), Nudge("T[3]", 2.0), steps=6)
    assert twice["T[3]"] == w["T[3]"] + 3.0


def test_replace_takes_the_steps_of_its_window_and_no_others() -> None:
    model = load("thermostat")
    other = world(model, Set("R[0]", 60.0), steps=8)
    found = world(model, Replace("T[2<=t<5]", other), steps=8)["T"]
    assert isinstance(found, np.ndarray)
    taken = found == other["T"]
    assert taken.tolist() == [t in (0, 2, 3, 4) for t in range(9)]  # T[0] is given in both
    longer = world(model, Set("R[0]", 60.0), steps=20)
    np.testing.assert_array_equal(
        world(model, Replace("T, R", longer), steps=8).table, longer.table[:9]
    )


def test_replace_refuses_the_world_of_another_model() -> None:
    with pytest.raises(QuestionError, match="world W is of another model"):
        world(load("thermostat"), Replace("T", world(load("lorenz"), steps=9)), steps=9)


def test_memory_is_looked_at_before_a_run_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of two variables keeps five numbers of eight bytes for each at every step."""
    model = load("thermostat")
    monkeypatch.setattr(length, "machine_memory", lambda: 80.0 * 1001)
    assert world(model, steps=1000).steps == 1000
    message = "1001 steps of this model need about 8.02e-05 GB and this machine has 8.01e-05 GB"
    with pytest.raises(QuestionError, match=re.escape(message)):
        world(model, steps=1001)
    for ask in (
        lambda: run(model, steps=10**6),
        lambda: op_to_all(model, "R[0]", steps=10**6),
        lambda: op_from_all(model, "R", steps=10**6),
        lambda: find_optimizers(model, steps=10**6),
        lambda: sweep(model, {"k": [0.1]}, steps=10**6),
        lambda: unrolled_graph(model, 10**6),
    ):
        with pytest.raises(QuestionError, match=r"need about 0\.08 GB and this machine has 8\.01e"):
            ask()


def test_a_run_has_at_most_a_billion_steps_and_a_whole_number_of_them() -> None:
    with pytest.raises(QuestionError, match="at most 1,000,000,000, found 1000000001"):
        world(load("thermostat"), steps=10**9 + 1)
    with pytest.raises(QuestionError, match=r"whole number from 0 up, found 2\.5"):
        world(load("thermostat"), steps=2.5)  # type: ignore[arg-type]
    with pytest.raises(QuestionError, match="takes no steps"):
        world(Model(name="z", variables={"z": 1}), steps=1)


def test_a_window_that_goes_on_after_the_run_is_taken_to_its_end() -> None:
    model = load("thermostat")
    longer = world(model, Set("R[0]", 60.0), steps=20)
    found = world(model, Replace("T[t<=15], R[t<=15]", longer), steps=8)
    np.testing.assert_array_equal(found.table, longer.table[:9])


def test_two_values_for_one_node_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"the node R\[1\] is set twice, to 2 and to 3"):
        world(load("thermostat"), Set("R[1]", 2), Nudge("R[1]", 1), Set("R[1]", 3), steps=3)


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("hold", ["a", "a[3]", "a[t<=2], b[1]", "b[t>=2]", "c[0], a[t>=4]"])
def test_held_nodes_are_the_same_as_lists_and_as_arrays(hold: str, method: str) -> None:
    model = Model(
        name="m",
        dt=0.1,
        method=method,
        variables={
            "a": {"flow": "b - a", "initial": 1},
            "b": {"algebraic": "2*a"},
            "c": {"rule": "a[t-1] + b[t]", "initial": 0},
        },
    )
    chosen = model.selection(hold)
    for steps in (2, 9):
        rows = held_rows(model, chosen, steps)
        assert rows == held_mask(model, chosen, steps).tolist()
        own = [any(Node("c", t) in window for window in chosen) for t in range(len(rows))]
        assert [row[model.template.index["c"]] for row in rows] == own


@pytest.mark.parametrize("steps", [50, 60_000], ids=["one after another", "side by side"])
def test_the_plans_of_x_and_y_run_again_give_x_and_y(steps: int) -> None:
    model = load("lorenz")
    worlds = three_worlds(
        model, nudge=model.node("b[3]"), hold=model.selection("a"), steps=steps, delta=0.5
    )
    names = [found.trajectory.execution for found in worlds]
    has_both = steps > 50 and has_compiler()
    assert names == ["llvm" if has_both else "python"] * 3
    for found in worlds:
        again = execution(names[0]).run_values(
            model.template.structure, dataclasses.replace(found.plan, seed=None)
        )
        np.testing.assert_array_equal(found.table, again.values)
