"""Op from all, to all and between many, against runs of one question each."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, Set, load, run
from causalopt.effects.matrices import op_from_all, op_to_all
from causalopt.effects.op_matrix import op_matrix
from causalopt.errors import QuestionError


def test_one_reverse_sweep_answers_for_every_nudged_node() -> None:
    found = op_from_all(load("lorenz"), "b[120]")
    for variable in ("b", "c"):
        for t in (0, 60, 119):
            own = run(load("lorenz"), nudge=f"{variable}[{t}]", steps=120, target="b")
            one = found.sel(variable=variable, t=t)
            assert one.op.item() == pytest.approx(own.op[-1], abs=1e-10)
            assert one.comp.item() == pytest.approx(own.comp[-1], rel=1e-10)
            assert one.status.item() == own.status[-1]


def test_nodes_of_a_are_held_and_later_nodes_have_no_influence() -> None:
    found = op_from_all(load("thermostat"), "R[20]")
    assert (found.status.sel(variable="T") != "ok").all()
    assert np.isnan(found.op.sel(variable="T")).all()
    assert found.status.sel(variable="R", t=20).item() == "ok"
    assert found.op.sel(variable="R", t=20).item() == 0.0


def test_one_forward_pass_answers_for_every_measured_node() -> None:
    found = op_to_all(load("lorenz"), "c[5]", steps=80)
    for variable in ("b", "c"):
        own = run(load("lorenz"), nudge="c[5]", target=variable, steps=80)
        np.testing.assert_array_equal(found.op.sel(variable=variable), own.op)
        np.testing.assert_array_equal(found.status.sel(variable=variable), own.status)


@pytest.mark.parametrize("targets", [["b[40]", "c[35]"], ["c[40]"]])
def test_a_matrix_agrees_with_single_questions_either_way(targets: list[str]) -> None:
    sources = ["b[0]", "c[3]"]
    found = op_matrix(load("lorenz"), sources=sources, targets=targets).dataset
    for n in sources:
        for m in targets:
            own = run(load("lorenz"), nudge=n, target=m[0], steps=int(m[2:-1]))
            assert found.op.sel(source=n, target=m).item() == pytest.approx(own.op[-1], abs=1e-10)


def test_a_source_after_its_target_has_no_influence() -> None:
    found = op_matrix(load("lorenz"), sources=["b[0]", "b[9]"], targets=["b[4]"]).dataset
    assert found.status.sel(source="b[9]").item() == "no_influence"


def test_bad_questions_are_refused_by_name() -> None:
    model = load("thermostat")
    with pytest.raises(QuestionError, match="at least one source"):
        op_matrix(model, sources=[], targets=["R[3]"])
    with pytest.raises(QuestionError, match="made in B"):
        op_to_all(model, "T[0]", steps=5)
    with pytest.raises(QuestionError, match="after the last step"):
        op_to_all(model, "R[9]", steps=5)
    bare = Model(name="m", variables={"x": {"rule": "x[t-1]", "initial": 1}})
    with pytest.raises(QuestionError, match="which nodes are held"):
        op_from_all(bare, "x[3]")


def test_a_long_sweep_runs_in_machine_code_and_says_so() -> None:
    short = op_from_all(load("lorenz"), "b[50]", hold="a")
    long = op_from_all(load("lorenz"), "b[120000]", hold="a")
    assert (short.attrs["execution"], long.attrs["execution"]) == ("python", "llvm")


KINKED = {
    "unrelated": ({"a": "0.5*a[t-1] + 0.1*c[t-1]", "b": "a[t-1]", "c": "abs(c[t-1])"}, 0.0),
    "upon it": ({"a": "0.5*a[t-1] + 0.1*c[t-1]", "b": "a[t-1]", "c": "abs(a[t-1] - 1)"}, 1.0),
    "later": ({"a": "a[t-1]", "b": "0", "c": "max(a[t-1], t/4 + 0.25)"}, 0.0),
}


@pytest.mark.parametrize("name", KINKED)
def test_kinks_are_those_that_the_nudged_node_can_move(name: str) -> None:
    rules, start = KINKED[name]
    initial = {"a": 1.0, "b": 0.0, "c": start}
    variables = {v: {"rule": rule, "initial": initial[v]} for v, rule in rules.items()}
    model = Model(name="kinked", variables=variables)
    for target in ("a[5]", "c[5]"):
        backwards = op_from_all(model, target, hold="b")
        variable = target[0]
        for node in [f"{v}[{t}]" for v in "ac" for t in range(6)]:
            forwards = op_to_all(model, node, hold="b", steps=5)
            ahead = forwards.status.sel(variable=variable, t=5).item()
            back = backwards.status.sel(variable=node[0], t=int(node[2])).item()
            assert back == ahead, (target, node)


@pytest.mark.parametrize("sources", [["R[0]"], ["R[0]", "T[2]", "R[9]", "R[3]"]])
@pytest.mark.parametrize("targets", [["R[5]"], ["R[5]", "T[5]", "R[2]", "R[7]", "R[6]"]])
def test_an_entry_does_not_depend_on_the_others_nor_on_the_way_it_is_found(
    sources: list[str], targets: list[str]
) -> None:
    model = load("thermostat")
    whole = op_matrix(model, sources=sources, targets=targets, hold="T").dataset
    for source in sources:
        for target in targets:
            own = op_matrix(model, sources=[source], targets=[target], hold="T").dataset
            one = whole.sel(source=source, target=target)
            assert one.status.item() == own.status.item()
            for name in ("total", "direct", "log_total", "log_direct", "comp", "op"):
                np.testing.assert_allclose(one[name], own[name].item(), rtol=1e-12)
    if "T[2]" in sources:
        assert set(whole.status.sel(source="T[2]").values) == {"held"}
    assert set(whole.status.sel(target="R[5]").values) <= {"ok", "held", "no_influence"}


def test_nothing_is_measured_at_a_target_in_a() -> None:
    model = load("thermostat")
    found = op_from_all(model, "T[20]", hold="T")
    reaches = found.total != 0
    assert reaches.sum() > 20
    assert set(found.status.values[reaches.values]) == {"held"}
    assert np.isnan(found.op).all()
    assert np.isnan(found.comp).all()
    # A only for a while: T[20] is held, T[21] is not.
    window = op_from_all(model, "T[21]", hold="T[t<=20]")
    assert window.status.sel(variable="R", t=3).item() == "ok"
    last = op_from_all(model, "T[20]", hold="T[t<=20]")
    assert last.status.sel(variable="R", t=3).item() == "held"


def test_the_measured_nodes_of_a_are_held_in_a_forward_pass() -> None:
    found = op_to_all(load("thermostat"), "R[0]", hold="T[t<=10]", steps=20)
    status = found.status.sel(variable="T").values.tolist()
    assert status[1:11] == ["held"] * 10
    assert set(status[11:]) == {"ok"}
    for name in ("op", "comp"):
        undefined = np.isnan(found[name].sel(variable="T").values)
        assert undefined.tolist() == [True] * 11 + [False] * 10
    assert set(found.status.sel(variable="R").values) == {"ok"}


@pytest.mark.parametrize("targets", [["T[8]"], ["T[8]", "R[8]", "T[9]", "R[9]"]])
def test_a_matrix_says_held_of_a_target_in_a_either_way(targets: list[str]) -> None:
    found = op_matrix(
        load("thermostat"), sources=["R[0]", "R[1]", "R[2]"], targets=targets, hold="T"
    ).dataset
    for target in targets:
        column = found.sel(target=target)
        inside = target[0] == "T"
        assert set(column.status.values) == ({"held"} if inside else {"ok"})
        assert np.isnan(column.op).all() == inside
        assert np.isnan(column.comp).all() == inside


def test_a_matrix_too_large_to_hold_says_how_large_it_may_be() -> None:
    with pytest.raises(QuestionError, match="at most 4000000 entries"):
        op_matrix(load("thermostat"), sources=["R[0]"] * 2001, targets=["R[1]"] * 2000)


@pytest.mark.parametrize("target", ["R", "T"])
def test_a_variable_is_measured_at_the_last_step(target: str) -> None:
    found = op_from_all(load("thermostat"), target, hold="", steps=7)
    assert found.attrs["target"] == f"{target}[7]"
    assert found.t.values.tolist() == list(range(8))


def test_effects_of_a_static_model_are_laid_out_by_their_source() -> None:
    model = Model(name="s", variables={"d": {"initial": 1}, "a": "-d/2", "e": "d + a"})
    back = op_from_all(model, "e", hold="a")
    assert back.total.sel(variable=["d", "a", "e"], t=0).values.tolist() == [0.5, 1.0, 1.0]
    assert back.direct.sel(variable=["d", "e"], t=0).values.tolist() == [1.0, 1.0]
    ahead = op_to_all(model, "d", hold="a")
    assert ahead.total.sel(variable=["d", "a", "e"], t=0).values.tolist() == [1.0, -0.5, 0.5]


def test_a_source_at_the_targets_own_step_counts_either_way() -> None:
    model = load("thermostat")
    for sources in (["R[5]"], ["R[5]", "R[4]", "R[3]"]):
        found = op_matrix(model, sources=sources, targets=["R[5]"], hold="T").dataset
        one = found.sel(source="R[5]", target="R[5]")
        assert (one.total.item(), one.op.item(), one.status.item()) == (1.0, 0.0, "ok")


def test_effects_beyond_the_range_of_floats_keep_their_own_exponents() -> None:
    """Each step multiplies by 1e6 without a, and by 1 with it."""
    variables = {
        "x": {"rule": "1e6*x[t-1] - a[t-1]", "initial": 0},
        "a": {"rule": "999999*x[t]", "initial": 0},
    }
    model = Model(name="m", variables=variables)
    back = op_from_all(model, "x[300]", hold="a").sel(variable="x", t=0)
    ahead = op_to_all(model, "x[0]", hold="a", steps=300).sel(variable="x", t=300)
    for found in (back, ahead):
        assert found.log_direct.item() == pytest.approx(300 * 6 * np.log(10), rel=1e-12)
        assert found.op.item() == pytest.approx(299 * 6 * np.log(10), rel=1e-9)


def test_a_kink_of_a_node_that_is_set_is_none() -> None:
    variables = {
        "a": {"rule": "a[t-1]", "initial": 1},
        "b": {"rule": "0", "initial": 0},
        "c": {"rule": "abs(a[t-1] - 1)", "initial": 0},
        "s": {"rule": "s[t-1] + c[t] + a[t-1] + b[t-1]", "initial": 0},
    }
    model = Model(name="m", variables=variables)
    given = [Set(f"c[{t}]", 2.0) for t in range(1, 6)]
    for settings, status in (([], "kink"), (given, "ok")):
        back = op_from_all(model, "s[5]", hold="b", given=settings)
        assert back.status.sel(variable="a", t=0).item() == status


@pytest.mark.parametrize(
    ("rule", "start", "status"),
    [("x[t-1]**2 + a[t-1]", 3.0, "diverged"), ("sqrt(x[t-1] - 1)", 0.5, "nonfinite")],
)
def test_what_is_not_finite_is_said_of_every_source_and_target(
    rule: str, start: float, status: str
) -> None:
    variables = {"x": {"rule": rule, "initial": start}, "a": {"rule": "x[t-1]", "initial": 0}}
    model = Model(name="m", variables=variables)
    own = run(model, nudge="x[0]", hold="a", target="x", steps=14)
    back = op_from_all(model, "x[14]", hold="a").sel(variable="x", t=0)
    ahead = op_to_all(model, "x[0]", hold="a", steps=14).sel(variable="x", t=14)
    assert {own.status[-1], back.status.item(), ahead.status.item()} == {status}
    assert np.isnan(back.op)
    assert np.isnan(ahead.op)


def test_whole_numbers_between_nudge_and_target_are_refused() -> None:
    variables = {
        "n": {"rule": "floor(x[t-1])", "initial": 2, "kind": "integer"},
        "x": {"rule": "x[t-1] + n[t-1]", "initial": 0},
    }
    model = Model(name="m", variables=variables)
    with pytest.raises(QuestionError, match="'n' takes whole numbers"):
        op_from_all(model, "x[4]", hold="")
    with pytest.raises(QuestionError, match="'n' takes whole numbers"):
        op_to_all(model, "x[0]", hold="", steps=4)


def test_a_diverging_run_has_the_status_that_the_run_gives() -> None:
    variables = {
        "x": {"rule": "x[t-1]**2 - a[t-1]", "initial": 3},
        "a": {"rule": "x[t-1]**2", "initial": 0},
    }
    model = Model(name="burst", variables=variables, partition={"A": "a"})
    found = op_to_all(model, "x[0]", steps=30)
    own = run(model, nudge="x[0]", target="x", steps=30)
    assert found.status.sel(variable="x").values.tolist() == own.status.tolist()
    assert own.status[-1] == "diverged"


def test_a_matrix_of_everything_is_every_run() -> None:
    model = load("lorenz")
    found = op_matrix(model, hold="c", steps=40)
    assert found.sources == ["a[0]", "b[0]", "c[0]"]
    assert found.targets == ["a[40]", "b[40]", "c[40]"]
    for i, n in enumerate("ab"):
        for j, m in enumerate("ab"):
            own = run(model, nudge=f"{n}[0]", hold="c", target=m, steps=40)
            assert found.op[i, j] == pytest.approx(own.op[-1], rel=1e-11)
    assert set(found.status[2]) == {"held"}
    assert set(found.status[:2, 2]) == {"held"}


def test_rows_may_be_disturbances_and_columns_expressions() -> None:
    model = load("thermostat")
    found = op_matrix(
        model, sources=["k", "R[t>=3]"], targets=["mean(R)", "R", "R[5]"], hold="T", steps=9
    )
    assert found.sources == ["k[t>=0]", "R[t>=3]"]
    assert found.targets == ["mean(R)[9]", "R[9]", "R[5]"]
    for i, n in enumerate(("k", "R[t>=3]")):
        for j, (m, at) in enumerate((("mean(R)", 9), ("R", 9), ("R", 5))):
            own = run(model, nudge=n, hold="T", target=m, steps=at)
            assert found.op[i, j] == pytest.approx(own.op[-1], rel=1e-11)
    pushed = op_matrix(model, sources=["T[t>=2]"], hold="T", steps=4)
    assert set(pushed.status.ravel()) == {"held"}


def test_a_matrix_tells_its_entries() -> None:
    found = op_matrix(load("thermostat"), hold="T", steps=20)
    text = repr(found)
    assert "Op(T; n, m) in thermostat: 2 n, 2 m, nats" in text
    assert f"{found.op[1, 1]:.4g}" in text
    assert "held" in text
    data = found.to_dict()
    assert data["op"][1][1] == found.op[1, 1]
    assert data["source"] == found.sources
    with pytest.raises(QuestionError, match="say sources and targets"):
        op_matrix(load("lorenz96"))


def test_a_matrix_begins_where_the_history_of_its_flows_ends() -> None:
    """x' = -x[time - 0.2]: what is nudged earlier of x is overwritten, and reaches nothing."""
    model = Model(
        name="late",
        dt=0.1,
        method="rk4",
        variables={
            "x": {"flow": "d - u[time - 0.2]", "initial": 1},
            "u": {"algebraic": "x"},
            "d": {"algebraic": "0"},
        },
        partition={"A": ["u"]},
    )
    begin = model.template.equations[model.template.index["x"]].initial
    found = op_matrix(model, steps=20)
    assert found.sources == [f"{name}[{len(begin) - 1}]" for name in ("x", "u", "d")]
    column = found.targets.index("x[20]")
    assert found.dataset.direct.values[0, column] == pytest.approx(1)  # u held: x' = d
    assert found.dataset.direct.values[2, column] > 0
    assert op_matrix(load("thermostat"), steps=3).sources == ["T[0]", "R[0]"]
