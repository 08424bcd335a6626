"""Directions carried by numpy and by machine code are the same, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, load
from causalopt.engine.carrier import Carrier, PlainCarrier
from causalopt.engine.executions import carrier_for
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.linearization import linearize
from causalopt.engine.machine.carrier_code import CompiledCarrier
from causalopt.engine.machine.growth_code import CompiledGrowth
from tests.engine.strategies import random_model

MODELS = {
    **{f"random rules {seed}": random_model(seed, 7) for seed in range(4)},
    "stages": load("lorenz").replace(method="rk4"),
}


@pytest.mark.parametrize("count", [1, 8, 9, 33])
@pytest.mark.parametrize("name", MODELS)
def test_both_carriers_have_the_same_numbers(name: str, count: int) -> None:
    structure, rng = MODELS[name].template.structure, np.random.default_rng(3)
    step = StepDerivative(structure, rng.random(len(structure.names)) < 0.15)
    slopes = rng.normal(size=(50, len(linearize(structure).partials) + 2))[:, :-2]  # rows apart
    slopes[17, 0] = np.inf
    state = rng.normal(size=(step.size, count))
    blocked = rng.random((step.width, count)) < 0.2
    carriers: list[Carrier] = [PlainCarrier(step, state), CompiledCarrier(step.products, state)]
    for low, high, seed in ((3, 4, 1), (4, 9, None), (9, 30, 0)):
        for carrier in carriers:
            if low == 4:
                carrier.block(blocked)
            with np.errstate(all="ignore"):
                assert carrier.over(slopes, low, high, seed=seed) == high
        for plain, compiled in ((carriers[0].state, carriers[1].state), *_tangents(carriers)):
            np.testing.assert_array_equal(plain, compiled)


def _tangents(carriers: list[Carrier]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(carriers[0].now, carriers[1].now)]


@pytest.mark.parametrize(
    ("slope", "stops"),
    [(1.0, 100), (2.0**9, 32), (2.0**-9, 32), (np.inf, 100), (0.0, 100)],
    ids=["stays", "grows", "shrinks", "infinite", "dies"],
)
def test_machine_code_stops_where_a_direction_must_be_rescaled(slope: float, stops: int) -> None:
    model = Model(name="m", variables={"x": {"rule": "0.5*x[t-1]", "initial": 1}})
    step = StepDerivative(model.template.structure, np.zeros(1, dtype=bool))
    carrier = CompiledCarrier(step.products, np.array([[1.0, 0.0]]))
    slopes = np.full((200, 1), slope)
    assert carrier.over(slopes, 0, 100) == stops
    if stops < 100:
        assert carrier.over(slopes, 32, 100, since=5) == 37


def test_little_work_is_left_to_numpy() -> None:
    step = StepDerivative(load("lorenz").template.structure, np.zeros(3, dtype=bool))
    state = np.eye(3)
    assert isinstance(carrier_for(step, state, 10), PlainCarrier)
    assert isinstance(carrier_for(step, state, 100_000), CompiledCarrier)


@pytest.mark.parametrize("count", [1, 3, 9])
@pytest.mark.parametrize("name", MODELS)
def test_growth_is_that_of_qr_after_every_step(name: str, count: int) -> None:
    structure, rng = MODELS[name].template.structure, np.random.default_rng(5)
    step = StepDerivative(structure, np.zeros(len(structure.names), dtype=bool))
    slopes = rng.normal(size=(60, len(linearize(structure).partials)))
    count = min(count, step.size)
    frame = np.linalg.qr(rng.normal(size=(step.size, count)))[0]
    found = CompiledGrowth(step.products, frame)
    reached, growth = found.grow(slopes, 5, 25, least=1e-12)
    assert reached == 25 or name != "stages"
    for t in range(5, reached):
        frame, upper = np.linalg.qr(step.carry(slopes[t], frame)[0])
        np.testing.assert_allclose(growth[t - 5], np.abs(np.diagonal(upper)), rtol=1e-7)
    signs = np.sign((frame * found.state).sum(axis=0))  # QR leaves those open
    np.testing.assert_allclose(found.state, frame * signs, rtol=1e-6, atol=1e-8)
    if reached < 25:  # some rules forget: a direction dies
        upper = np.linalg.qr(step.carry(slopes[reached], frame)[0])[1]
        assert np.abs(np.diagonal(upper)).min() < 1e-11 * np.abs(np.diagonal(upper)).max()


@pytest.mark.parametrize("slope", [0.0, 1e-13, np.inf, np.nan])
def test_a_step_in_which_a_direction_vanishes_is_taken_back(slope: float) -> None:
    rules = {f"x{i}": {"rule": f"0.5*x{i}[t-1]", "initial": 1} for i in range(2)}
    model = Model(name="m", variables=rules)
    step = StepDerivative(model.template.structure, np.zeros(2, dtype=bool))
    slopes = np.full((30, 2), 0.5)
    slopes[20, 1] = slope
    found = CompiledGrowth(step.products, np.eye(2))
    reached, growth = found.grow(slopes, 0, 30, least=1e-8)
    assert reached == 20
    np.testing.assert_array_equal(growth, np.full((20, 2), 0.5))
    np.testing.assert_array_equal(found.state, np.eye(2))


@pytest.mark.parametrize("name", MODELS)
def test_a_record_has_the_tangents_of_every_step(name: str) -> None:
    structure, rng = MODELS[name].template.structure, np.random.default_rng(5)
    step = StepDerivative(structure, np.zeros(len(structure.names), dtype=bool))
    slopes = rng.normal(size=(30, len(linearize(structure).partials)))
    state = rng.normal(size=(step.size, 3))
    records = []
    for carrier in (PlainCarrier(step, state), CompiledCarrier(step.products, state)):
        record = np.zeros((30, step.width, 3))
        low = 0
        while low < 30:
            low = carrier.over(slopes, low, 30, record=record[low:])
        np.testing.assert_array_equal(record[-1], carrier.now)
        records.append(record)
    np.testing.assert_array_equal(*records)
    alone = CompiledCarrier(step.products, state)
    for t in range(30):
        alone.over(slopes, t, t + 1)
        np.testing.assert_array_equal(records[0][t], alone.now)


def test_sources_add_a_number_for_each_direction() -> None:
    model = Model(
        name="m",
        variables={"x": {"rule": "x[t-1]/2", "initial": 1}, "y": "3*x[t]", "z": "y[t] + x[t]"},
    )
    structure = model.template.structure
    x, y, z = (structure.names.index(name) for name in "xyz")
    step = StepDerivative(structure, np.zeros(3, dtype=bool), sources=(y,), directions=2)
    state = np.zeros((step.size, 2))
    state[-2:] = np.eye(2)
    given = np.array([[p.child, p.parent] for p in linearize(structure).partials])
    slope = {(x, x): 0.5, (y, x): 3.0, (z, y): 1.0, (z, x): 1.0}
    own = np.tile([slope[child, parent] for child, parent in given.tolist()], (4, 1))
    added = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
    rows = np.concatenate([own, added], axis=1)
    for carrier in (PlainCarrier(step, state), CompiledCarrier(step.products, state)):
        for t in range(4):
            carrier.over(rows, t, t + 1)
            np.testing.assert_array_equal(carrier.now[y], added[t])
            np.testing.assert_array_equal(carrier.now[z], added[t])
            np.testing.assert_array_equal(carrier.state[-2:], np.eye(2))


def test_a_direction_that_vanishes_is_replaced_where_that_is_asked_for() -> None:
    """Once, and it grows again; at all steps, and the others go on; what is not finite stops."""
    rules = {f"x{i}": {"rule": f"0.5*x{i}[t-1]", "initial": 1} for i in range(2)}
    step = StepDerivative(
        Model(name="m", variables=rules).template.structure, np.zeros(2, dtype=bool)
    )
    once = np.full((30, 2), 0.5)
    once[7, 1] = 0.0
    found = CompiledGrowth(step.products, np.eye(2))
    reached, growth = found.grow(once, 0, 30, least=-1.0)
    assert reached == 30
    assert (growth[:, 0] == 0.5).all()
    assert growth[7, 1] == 0.0
    assert (growth[10:, 1] == 0.5).all()
    np.testing.assert_array_equal(np.abs(found.state), np.eye(2))
    always = np.tile([0.5, 0.0], (30, 1))
    found = CompiledGrowth(step.products, np.eye(2))
    assert found.grow(always, 0, 30, least=-1.0)[0] == 30
    assert np.isfinite(found.state).all()
    always[20, 0] = np.inf
    assert CompiledGrowth(step.products, np.eye(2)).grow(always, 0, 30, least=-1.0)[0] == 20
