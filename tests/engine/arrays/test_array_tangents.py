import math

import numpy as np
import pytest

import causalopt
from causalopt import Model
from causalopt.engine.arrays.array_forward import ArraySeed, TangentStretches, tangents_of
from causalopt.engine.arrays.array_stretches import blocks
from causalopt.worlds.array_world import array_plan_for


def recurrent(size: int, gain: float) -> Model:
    return Model(
        name="recurrent",
        sizes={"unit": size},
        variables={
            "W": {
                "shape": ["unit", "unit"],
                "rule": "W[t-1]",
                "initial": f"normal(0, {gain}/sqrt(unit))",
            },
            "h": {"shape": ["unit"], "rule": "tanh(W[t-1] @ h[t-1])", "initial": "normal(0, 1)"},
        },
    )


@pytest.mark.parametrize(
    ("hold", "steps"), [("h[unit=4:9]", 90), ("h[t>=5]", 60), ("h[35, unit=2:5]", 70)]
)
def test_tangents_are_those_of_the_chain_rule_by_hand(hold: str, steps: int) -> None:
    model = recurrent(9, 0.9)
    nudged = causalopt.Node("h", 33) if "35" in hold else model.node("h[0, unit=1]")
    place = "h[33, unit=1]" if nudged.t else "h[0, unit=1]"
    run = causalopt.run(model, nudge=place, hold=hold, target="h", steps=steps, keep=["W"])
    W, h = run.W["W"][0], run.W["h"]
    (window,) = model.selection(hold)
    mask = np.zeros(9, bool)
    mask[slice(None) if window.elements is None else slice(*window.elements[0])] = True
    total, direct = np.zeros((steps + 1, 9)), np.zeros((steps + 1, 9))
    total[nudged.t, 1] = direct[nudged.t, 1] = 1
    for t in range(nudged.t + 1, steps + 1):
        slope = 1 - h[t] ** 2
        total[t] = slope * (W @ total[t - 1])
        direct[t] = slope * (W @ direct[t - 1])
        if window.first <= t <= (steps if window.last is None else window.last):
            direct[t][mask] = 0
    scale = np.max(np.abs(total), axis=1, keepdims=True)
    assert np.allclose(run.total[:, :, 0], total, rtol=1e-11, atol=1e-13 * scale.max())
    assert np.allclose(run.direct[:, :, 0], direct, rtol=1e-11, atol=1e-13 * scale.max())


def test_growth_beyond_the_range_of_floats_keeps_op_exact() -> None:
    model = Model(
        name="growth",
        sizes={"n": 2},
        variables={
            "x": {"shape": ["n"], "rule": "3*x[t-1] + a[t]", "initial": 0},
            "a": {"shape": ["n"], "rule": "-2.5*x[t-1]", "initial": 0},
        },
    )
    run = causalopt.run(model, nudge="x[0, n=1]", hold="a", target="x[n=1]", steps=5000)
    t = np.arange(5001)
    # total = .5^t, direct = 3^t: both leave the range of floats.
    assert np.allclose(run.op, t * (math.log(3) - math.log(0.5)), rtol=1e-12)
    assert set(run.status) == {"ok"}


def test_a_long_recurrent_run_has_a_finite_op_at_every_step() -> None:
    model = recurrent(30, 1.5)
    run = causalopt.run(
        model, nudge="h[0, unit=0]", hold="h[unit=15:30]", target="h[unit=1]", steps=20_000
    )
    assert np.isfinite(run.op[1:]).all()
    # Mantissas and exponents agree with a run that is rescaled at other steps: its first half.
    half = causalopt.run(
        model, nudge="h[0, unit=0]", hold="h[unit=15:30]", target="h[unit=1]", steps=10_000
    )
    assert np.array_equal(half.op[1:], run.op[1:10_001])


def test_directions_are_columns_of_one_jacobian() -> None:
    model = recurrent(6, 1.2)
    plan, draw = array_plan_for(model, steps=50, hold=model.selection("h[unit=0:3]"))
    whole = tangents_of(plan, ArraySeed("h", 7, np.eye(6)), "h", [], draw)
    for place in range(6):
        one = tangents_of(plan, ArraySeed("h", 7, np.eye(6)[place : place + 1]), "h", [], draw)
        for kind in ("total", "direct"):
            expected = getattr(whole, kind)[:, place]
            assert np.allclose(getattr(one, kind)[:, 0], expected, rtol=1e-12, atol=1e-14)


def test_blocks_of_tangents_are_those_of_the_run() -> None:
    model = recurrent(6, 1.2)
    plan, draw = array_plan_for(model, steps=300, hold=model.selection("h[unit=0:3]"))
    seed = ArraySeed("h", 40, np.eye(6))
    found = tangents_of(plan, seed, "h", [], draw)
    world = TangentStretches(plan, seed, draw)
    parts = [block["direct", "h", 0] for _, block in blocks(world, [("direct", "h", 0)])]
    assert np.array_equal(np.concatenate(parts), found.direct)
    assert np.array_equal(world.exponents, found.exponents)


def test_arrays_that_do_not_reach_the_target_are_not_run() -> None:
    variables = {
        "x": {"shape": ["n"], "rule": "0.5*x[t-1]", "initial": 1},
        "wild": {"shape": ["n"], "rule": "exp(wild[t-1]) + x[t]", "initial": 1},
    }
    model = Model(name="side", sizes={"n": 2}, variables=variables)
    run = causalopt.run(model, nudge="x[0]", hold=[], target="x", steps=40, keep=["x"])
    assert set(run.status) == {"ok"}
    world = causalopt.world(model, steps=40)
    assert not np.isfinite(world["wild"]).all()
