import numpy as np
import pytest

from causalopt import Model, Nudge, Set
from causalopt.engine.arrays.array_loop import array_loop, pruned, value_graph
from causalopt.engine.arrays.array_stretches import Stretches, blocks
from causalopt.language.operations import OPERATIONS
from causalopt.tensors.building import elementwise, given
from causalopt.tensors.tensor_source import compiled
from causalopt.worlds.array_world import array_plan_for, array_world
from tests.engine.arrays.array_models import RULES, by_evaluation, course, data, model

STEPS = 70


@pytest.mark.parametrize("case", RULES)
def test_a_loop_gives_what_evaluating_node_by_node_gives(case: str) -> None:
    plan, draw = array_plan_for(model(case), steps=STEPS, data=data(case, STEPS), seed=3)
    found = course(plan, plan.template.names, draw)
    for name, expected in by_evaluation(plan, draw).items():
        scale = np.max(np.abs(expected)) + 1
        assert np.max(np.abs(found[name] - expected)) <= 1e-12 * scale, name


@pytest.mark.parametrize("case", RULES)
def test_what_is_not_asked_for_changes_no_digit(case: str) -> None:
    plan, draw = array_plan_for(model(case), steps=STEPS, data=data(case, STEPS), seed=3)
    together = course(plan, plan.template.names, draw)
    for name in plan.template.names:
        assert np.array_equal(course(plan, [name], draw)[name], together[name])


@pytest.mark.parametrize("case", RULES)
def test_blocks_are_the_course_in_pieces(case: str) -> None:
    plan, draw = array_plan_for(model(case), steps=STEPS, data=data(case, STEPS), seed=3)
    name = plan.template.names[0]
    whole = course(plan, [name], draw)[name]
    parts = [x["ref", name, 0] for _, x in blocks(Stretches(plan, draw), [("ref", name, 0)])]
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_updates_of_large_arrays_write_over_what_nothing_else_reads() -> None:
    def overwritten(case: str) -> list[str]:
        graph = value_graph(model(case).arrays)
        loop = array_loop(graph, ())
        return [loop.carried[place][1] for place in loop.compiled.overwritten]

    assert overwritten("update") == ["W"]
    assert overwritten("swapped") == []
    assert overwritten("views") == []
    assert overwritten("two lags") == []


def test_a_run_leaves_the_arrays_it_was_given_as_they_were() -> None:
    m = model("update")
    W = np.random.default_rng(0).normal(size=(64, 64))
    plan, draw = array_plan_for(m, steps=STEPS, initial={"W": W})
    before = plan.initial["W"][0].copy()
    first = course(plan, ["W"], draw)["W"]
    assert np.array_equal(plan.initial["W"][0], before)
    assert np.array_equal(first[0], W)
    assert np.array_equal(first, course(plan, ["W"], draw)["W"])


@pytest.mark.parametrize("name", [n for n, o in OPERATIONS.items() if o.kind == "number"])
def test_an_operation_returns_no_view_of_what_it_takes(name: str) -> None:
    operation = OPERATIONS[name]
    payload = 3 if name == "ipow" else None
    for count in (1, 2, 3):
        leaves = [given(i, shape=(3,)) for i in range(count)]
        arrays = [np.full(3, 0.25 + i / 8) for i in range(count)]
        try:
            function = compiled([elementwise(name, *leaves, payload=payload)], leaves)
            (value,) = function(*arrays)
        except (TypeError, IndexError):
            continue
        assert not any(np.shares_memory(value, array) for array in arrays), operation
        return
    pytest.fail(f"{name} takes neither one, two nor three arrays")


def test_a_step_that_something_is_done_to_has_the_digits_of_any_other() -> None:
    m = model("passed on")
    plain = array_world(m, (), steps=STEPS, keep=["h", "W", "c"])
    touched = array_world(m, [Nudge("c[5]", 0.0)], steps=STEPS, keep=["h", "W", "c"])
    for name in ("h", "W", "c"):
        assert np.array_equal(plain[name], touched[name])


def test_interventions_in_the_middle_of_a_run_act_at_their_step() -> None:
    m = Model(
        name="sum",
        sizes={"n": 3},
        variables={"s": {"shape": ["n"], "rule": "s[t-1] + 1", "initial": 0}},
    )
    moves: list[Nudge | Set] = [Nudge("s[40, n=1]", 10.0), Set("s[50, n=2]", 0.0)]
    found = array_world(m, moves, steps=60)["s"]
    t = np.arange(61)
    assert np.array_equal(found[:, 0], t)
    assert np.array_equal(found[:, 1], t + 10 * (t >= 40))
    assert np.array_equal(found[:, 2], np.where(t >= 50, t - 50, t))


def test_pruning_keeps_what_is_needed_at_any_lag_and_nothing_else() -> None:
    graph = value_graph(model("passed on").arrays)
    assert {key[1] for key in pruned(graph, frozenset({("ref", "c", 0)})).nodes} == {"W", "h", "c"}
    assert {key[1] for key in pruned(graph, frozenset({("ref", "W", 0)})).nodes} == {"W"}
