"""Many worlds at once are each world alone; sets A side by side are each set alone."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, load, run
from causalopt.effects.arrays.array_run import ArrayRun
from causalopt.effects.arrays.pooled_op import seed_of
from causalopt.engine.arrays.array_batch import batched, differs, is_random
from causalopt.engine.arrays.array_coalitions import Coalitions, direct_of
from causalopt.engine.arrays.array_plan import ArrayPlan
from causalopt.engine.arrays.array_stretches import Stretches
from causalopt.worlds.array_world import held_arrays, template_plan
from causalopt.worlds.unrolled import unrolled
from tests.training.loops import regulated


def course(plan: ArrayPlan, name: str) -> np.ndarray:
    values = np.zeros((plan.steps + 1, *plan.template.by_name[name].shape))
    Stretches(plan).run(plan.steps + 1, {("ref", name, 0): values})
    return values


def test_what_reads_what_differs_differs() -> None:
    template = regulated().arrays
    assert differs(template, ["x"]) == {"x", "h", "cost", "low"}
    assert differs(template, ["G"]) == {"G", "x", "h", "cost", "low"}
    assert differs(template, []) == frozenset()


def test_what_does_not_differ_has_no_axis() -> None:
    wide = batched(regulated().arrays, ["x"], 4)
    shapes = {v.name: v.shape for v in wide.variables}
    assert shapes["x"] == (4, 2)
    assert shapes["h"] == (4, 3)
    assert shapes["W"] == (3, 2)
    assert shapes["cost"] == (4,)


def test_who_draws_is_told() -> None:
    assert [v.name for v in load("cart_pole").arrays.variables if is_random(v)] == [
        *("x", "v", "theta", "omega", "W1", "W2")
    ]


@pytest.mark.parametrize("name", ["cart_pole", "lorenz_controlled", "learned_maze"])
def test_each_of_many_worlds_is_that_world_alone(name: str) -> None:
    """Flows have stages between steps, the maze parameters: all go along."""
    model = load(name)
    target = model.question.target
    assert target is not None
    starts = [v.name for v in model.arrays.variables if is_random(v) and not v.shape]
    wide = batched(model.arrays, starts, 5)
    plan, _ = template_plan(wide, steps=12)
    together = course(plan, target)
    for lane in range(5):
        start = {n: plan.initial[n][0][lane] for n in starts}
        alone, _ = template_plan(model.arrays, steps=12, initial=start)
        np.testing.assert_allclose(together[:, lane], course(alone, target), rtol=1e-12, atol=1e-14)


def test_draws_of_a_batch_differ_from_world_to_world_and_its_first_is_the_single_world() -> None:
    model = load("cart_pole")
    wide, _ = template_plan(batched(model.arrays, ["theta"], 6), steps=1, seed=3)
    single, _ = template_plan(model.arrays, steps=1, seed=3)
    drawn = wide.initial["theta"][0]
    assert len(np.unique(drawn)) == 6
    assert (np.abs(drawn) <= 0.1).all()
    assert drawn[0] == single.initial["theta"][0]


def test_sets_side_by_side_are_each_set_alone() -> None:
    """Also where they hold some units for some steps, and where a unit is in two players."""
    model, steps = regulated(), 6
    texts = ["h[unit=0]", "h[t<=2, unit=1:3]", "h[t>=4]", "h[3]"]
    runs = unrolled(model.arrays, (), steps=steps, networks=1, batch=1)
    plan, draw = runs.drawn({}, [0])
    members = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1
    players = [held_arrays(model.arrays, model.selection(text)) for text in texts]
    found, exponent = direct_of(
        plan, seed_of(runs, model.node("x[0]")), "x", Coalitions(players, members), draw
    )
    given = {n: plan.initial[n][0].reshape(model.arrays.by_name[n].shape) for n in ("x", "W", "G")}
    for place, inside in enumerate(members):
        held = [text for text, is_in in zip(texts, inside, strict=True) if is_in]
        alone = run(model, hold=held, steps=steps, initial=given)
        assert isinstance(alone, ArrayRun)
        np.testing.assert_allclose(
            np.ldexp(found[place].reshape(2, 2).T, exponent),
            alone.jacobian(steps).direct,
            atol=1e-13,
        )


def test_powers_of_two_are_taken_out_of_long_growths() -> None:
    """x doubles 2,000 times: beyond floats, and the exponent has it."""
    rules = {
        "x": {"shape": [1], "rule": "2*x[t-1] + a[t-1] + b[t-1]", "initial": 0},
        "a": {"shape": [1], "rule": "-x[t]/2"},
        "b": {"shape": [1], "rule": "-x[t]"},
    }
    model = Model(name="doubling", variables=rules)
    runs = unrolled(model.arrays, (), steps=2000, networks=1, batch=1)
    plan, draw = runs.drawn({}, [0])
    players = [held_arrays(model.arrays, model.selection(name)) for name in ("a", "b")]
    members = np.array([[True, True], [True, True]])
    found, exponent = direct_of(
        plan, seed_of(runs, model.node("x[0]")), "x", Coalitions(players, members), draw
    )
    np.testing.assert_allclose(np.log2(found[:, 0].ravel()) + exponent, 2000, rtol=1e-12)
