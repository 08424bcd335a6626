"""The reverse sweep gives what forward tangents give, one nudged node at a time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from causalopt import Model, Set, load, run
from causalopt.engine import baseline as slopes
from causalopt.engine.adjoint import Adjoint, run_adjoint
from causalopt.engine.python import run_tangents
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


CASES = [
    ("lorenz", "a", 400, ()),
    ("thermostat_saturating", "T", 400, (Set("R[0]", 31.0),)),
    ("thermostat", "T[t<=60]", 150, (Set("R[40]", 3.0),)),
    *((f"random {seed}", "v1[t<=40]", 130, ()) for seed in range(6)),
]


@pytest.mark.parametrize(("name", "hold", "steps", "given"), CASES)
def test_machine_code_gives_the_adjoint_of_generated_python_bit_for_bit(
    name: str, hold: str, steps: int, given: tuple[Set, ...]
) -> None:
    random = name.startswith("random")
    model = random_model(int(name.split()[1]), 5) if random else load(name)
    structure = model.template.structure
    plan = plan_for(model, given, steps=steps, hold=model.selection(hold))
    for target in range(len(structure.names)):
        python, llvm = (
            run_adjoint(structure, plan, target, execution=execution)
            for execution in ("python", "llvm")
        )
        assert (python.execution, llvm.execution) == ("python", "llvm")
        for field in [field for field in dataclasses.fields(Adjoint) if field.name != "execution"]:
            one, other = getattr(python, field.name), getattr(llvm, field.name)
            np.testing.assert_array_equal(one, other, err_msg=field.name)


def test_a_long_sweep_in_machine_code_is_rescaled_as_the_python_one() -> None:
    model = load("lorenz")
    structure = model.template.structure
    plan = plan_for(model, steps=40_000, hold=model.selection("a"))
    python, llvm = (
        run_adjoint(structure, plan, 1, execution=execution) for execution in ("python", "llvm")
    )
    assert np.ptp(python.exponents[:, 0]) > 200
    np.testing.assert_array_equal(python.exponents, llvm.exponents)
    np.testing.assert_array_equal(python.total, llvm.total)
    np.testing.assert_array_equal(python.direct_error, llvm.direct_error)


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
    model = load("lorenz")
    structure = model.template.structure
    plan = plan_for(model, steps=200_000, hold=())
    whole = slopes.whole_baseline(structure, plan)
    seen = 0
    for block in slopes.baselines_backwards(structure, plan, block=30_000):
        stop = block.first + len(block.values)
        np.testing.assert_array_equal(block.values, whole.values[block.first : stop])
        np.testing.assert_array_equal(block.slopes, whole.slopes[block.first : stop])
        seen += len(block.values)
    assert seen == 200_001
