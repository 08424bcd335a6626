"""The reverse sweep gives what forward tangents give, one nudged node at a time."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, Nudge, Set, load, run
from causalopt.engine.adjoint import PythonSweep, swept, whole_baseline
from causalopt.engine.executions import execution, run_adjoint, run_tangents
from causalopt.engine.machine.reverse_table import TableSweep
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


@pytest.mark.parametrize("seed", range(6))
def test_a_table_of_products_gives_the_generated_sweep_bit_for_bit(seed: int) -> None:
    """Settings, a window of A and a lag make stretches of steps that differ."""
    model = random_dag(seed, 60) if seed == 5 else random_model(seed, 6)
    structure = model.template.structure
    names = model.template.names
    steps, given, hold = (0, (), "n50, n31") if seed == 5 else (150, _settings(names), "v1[t<=70]")
    plan = plan_for(model, given, steps=steps, hold=model.selection(hold))
    target = len(structure.names) - 1
    baseline = whole_baseline(execution("llvm"), structure, plan)
    found = [
        swept(sweep(structure, plan, target), [baseline], structure, plan, target)
        for sweep in (PythonSweep, TableSweep)
    ]
    for field in ("total", "direct", "total_error", "direct_error", "exponents"):
        np.testing.assert_array_equal(*(getattr(one, field) for one in found), err_msg=field)
    assert np.count_nonzero(found[0].total) > 20


def _settings(names: tuple[str, ...]) -> tuple[Set, Nudge]:
    return Set(f"{names[1]}[3]", 0.5), Nudge(f"{names[0]}[5]", 0.1)


def test_a_table_of_products_is_rescaled_on_the_way() -> None:
    """A gain of 1024 leaves the range of floats after a hundred steps."""
    rules = {f"v{i}": {"rule": f"1024*v{i - 1}[t-1]", "initial": 1} for i in range(1, 3)}
    model = Model(name="m", variables={"v0": {"rule": "1024*v2[t-1]", "initial": 1}, **rules})
    structure = model.template.structure
    plan = plan_for(model, steps=400)
    baseline = whole_baseline(execution("python"), structure, plan)
    found = swept(TableSweep(structure, plan, 0), [baseline], structure, plan, 0)
    source = (0 - 400) % 3
    power = np.frexp(found.total[0, source])[1] - 1 + found.exponents[0, 0]
    assert power == 10 * 400
