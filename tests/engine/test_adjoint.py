"""The reverse sweep gives what forward tangents give, one nudged node at a time."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, load, run
from causalopt.engine.adjoint import whole_baseline
from causalopt.engine.executions import execution, run_adjoint, run_tangents
from causalopt.engine.machine.trajectory import baselines_backwards
from causalopt.worlds.interventions import plan_for
from tests.engine.strategies import random_dag, random_model


def assert_agree(model: Model, hold: str, steps: int, nodes: list[str], rtol: float) -> None:
    structure, index = model.template.structure, model.template.index
    selection = model.selection(hold)
    plan = plan_for(model, steps=steps, hold=selection)
    target = len(structure.names) - 1
    found = run_adjoint(structure, plan, target)
    for text in nodes:
        node = model.node(text)
        seeded = plan_for(model, steps=steps, hold=selection, seed=node)
        forward = run_tangents(structure, seeded)
        i = index[node.variable]
        for world, (back, ahead) in enumerate(
            ((found.total, forward.total), (found.direct, forward.direct))
        ):
            one = np.ldexp(back[node.t, i], found.exponents[node.t, world])
            two = np.ldexp(ahead[steps, target], forward.exponents[steps, world])
            assert one == pytest.approx(two, rel=rtol, abs=1e-300)


@pytest.mark.parametrize("seed", range(4))
def test_the_adjoint_agrees_with_forward_tangents(seed: int) -> None:
    nodes = ["v0[0]", "v0[1]", "v0[9]", "v2[30]", "v2[59]", "v2[60]"]
    assert_agree(random_model(seed, 5), "v1[t<=40]", 60, nodes, 1e-9)


def test_the_adjoint_agrees_on_flows_of_several_stages() -> None:
    model = load("lorenz").replace(method="rk4", dt=0.005)
    assert_agree(model, "a", 400, ["b[0]", "c[17]", "b[399]"], 1e-9)


def test_the_adjoint_agrees_on_a_static_dag() -> None:
    assert_agree(random_dag(2, 120), "n50, n61", 0, ["n0", "n3", "n70", "n119"], 1e-9)


def test_a_long_chaotic_sweep_neither_overflows_nor_parts_from_the_forward_one() -> None:
    model = load("lorenz")
    plan = plan_for(model, steps=70_000, hold=model.selection("a"))
    found = run_adjoint(model.template.structure, plan, model.template.index["b"])
    forward = run(model, nudge="b[0]", hold="a", target="b", steps=70_000)
    i = model.template.index["b"]
    log = np.log(abs(found.total[0, i])) + found.exponents[0, 0] * np.log(2)
    assert log == pytest.approx(forward.effect.total.log[-1], rel=1e-9)


def test_blocks_run_again_give_the_baseline_of_one_pass() -> None:
    structure = load("lorenz").template.structure
    plan = plan_for(load("lorenz"), steps=200_000, hold=())
    whole = whole_baseline(execution("llvm"), structure, plan)
    seen = 0
    for block in baselines_backwards(structure, plan, block=30_000):
        stop = block.first + len(block.values)
        np.testing.assert_array_equal(block.values, whole.values[block.first : stop])
        np.testing.assert_array_equal(block.slopes, whole.slopes[block.first : stop])
        seen += len(block.values)
    assert seen == 200_001
