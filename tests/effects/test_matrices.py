"""Op from all, to all and between many, against runs of one question each."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, load, run
from causalopt.effects.matrices import op_from_all, op_matrix, op_to_all
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
    found = op_matrix(load("lorenz"), sources=sources, targets=targets)
    for n in sources:
        for m in targets:
            own = run(load("lorenz"), nudge=n, target=m[0], steps=int(m[2:-1]))
            assert found.op.sel(source=n, target=m).item() == pytest.approx(own.op[-1], abs=1e-10)


def test_a_source_after_its_target_has_no_influence() -> None:
    found = op_matrix(load("lorenz"), sources=["b[0]", "b[9]"], targets=["b[4]"])
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
    whole = op_matrix(model, sources=sources, targets=targets, hold="T")
    for source in sources:
        for target in targets:
            own = op_matrix(model, sources=[source], targets=[target], hold="T")
            one = whole.sel(source=source, target=target)
            assert one.status.item() == own.status.item()
            for name in ("total", "direct", "log_total", "log_direct", "comp", "op"):
                np.testing.assert_allclose(one[name], own[name].item(), rtol=1e-12)
    if "T[2]" in sources:
        assert set(whole.status.sel(source="T[2]").values) == {"held"}
    assert set(whole.status.sel(target="R[5]").values) <= {"ok", "held", "no_influence"}
