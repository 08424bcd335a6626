"""The derivative of a step, applied to many directions, is what executions carry one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from causalopt import Model, Nudge, Set, load
from causalopt.engine import held_sets
from causalopt.engine.adjoint import terms_of
from causalopt.engine.executions import execution, run_values
from causalopt.engine.held_sets import HeldSets
from causalopt.engine.jacobians import StepDerivative
from causalopt.worlds.interventions import plan_for
from tests.engine.strategies import random_model
from tests.optimizers.systems import linear_loop

MODELS = {
    **{f"random rules {seed}": random_model(seed, 6) for seed in range(4)},
    "stages": load("lorenz").replace(method="rk4"),
    "lorenz": load("lorenz"),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Model:
    return MODELS[request.param]


def test_each_held_set_has_the_direct_tangents_of_a_run_of_its_own(model: Model) -> None:
    structure, rng = model.template.structure, np.random.default_rng(1)
    width = len(structure.names)
    given = (Set(f"{model.template.names[1]}[3]", 0.5), Nudge(f"{model.template.names[0]}[5]", 0.1))
    plan = plan_for(model, given, steps=90, seed=model.node(f"{model.template.names[0]}[2]"))
    held = rng.random((width, 40)) < 0.3
    assert plan.seed is not None
    held[plan.seed[1]] = False
    for target in range(width):
        mantissas, exponents = HeldSets(structure, plan, target).tangents(held)
        for k in range(0, 40, 9):
            own = dataclasses.replace(plan, held=held[:, k][np.newaxis])
            found = execution("python").run_tangents(structure, own)
            expected = np.ldexp(found.direct[-1, target], found.exponents[-1, 1])
            assert np.ldexp(mantissas[k], exponents[k]) == pytest.approx(expected, rel=1e-9)


def test_sets_shared_among_threads_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = linear_loop(1, 8)
    structure, rng = model.template.structure, np.random.default_rng(3)
    plan = plan_for(model, steps=40, seed=model.node("x0[0]"))
    held = rng.random((len(structure.names), 150)) < 0.2
    held[model.template.index["x0"]] = False
    sets = HeldSets(structure, plan, model.template.index["x5"])
    alone = sets.tangents(held)
    monkeypatch.setattr(held_sets, "_THREADS_FROM", 0)
    monkeypatch.setattr(held_sets, "processors", lambda: 3)
    shared = sets.tangents(held)
    for one, other in zip(alone, shared, strict=True):
        assert one.tobytes() == other.tobytes()
    assert len(set(alone[0].tolist())) > 4


def test_a_chaotic_run_of_many_sets_does_not_overflow() -> None:
    model = load("lorenz")
    structure, index = model.template.structure, model.template.index
    plan = plan_for(model, steps=70_000, seed=model.node("b[0]"))
    found = HeldSets(structure, plan, index["b"]).tangents(np.zeros((3, 1), dtype=bool))
    own = execution("llvm").run_tangents(structure, plan)
    log = np.log(abs(own.total[-1, index["b"]])) + own.exponents[-1, 0] * np.log(2)
    assert np.log(abs(found[0][0])) + found[1][0] * np.log(2) == pytest.approx(log, rel=1e-9)
    assert log > np.log(np.finfo(float).max)


def test_steps_written_as_matrices_carry_a_frame_as_the_map_does(model: Model) -> None:
    structure, rng = model.template.structure, np.random.default_rng(2)
    held = rng.random(len(structure.names)) < 0.2
    step = StepDerivative(structure, held)
    slopes = run_values(structure, plan_for(model, steps=20), terms_of(structure)).extras[2:]
    frame = rng.normal(size=(step.size, 3))
    for row, matrix in zip(slopes, step.matrices(slopes)[0], strict=True):
        np.testing.assert_allclose(
            matrix @ frame, step.carry(row, frame)[0], rtol=1e-12, atol=1e-14
        )
