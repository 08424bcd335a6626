"""A batch gives in each lane what a run of its own gives."""

from __future__ import annotations

import concurrent.futures
import dataclasses

import numpy as np
import pytest

from causalopt import Model, Set, load
from causalopt.engine.batch import Batch, BatchResult
from causalopt.engine.batch_choice import batch_runner, run_batch
from causalopt.engine.contract import Plan
from causalopt.engine.executions import execution
from causalopt.engine.machine import batch_code as batches
from causalopt.errors import QuestionError
from causalopt.worlds.interventions import plan_for
from causalopt.worlds.world import three_worlds
from tests.engine.strategies import random_model

KEEP = (0, 10, 77, 150)


@pytest.fixture(autouse=True, params=["long", "brief", "numpy"])
def _compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile batches as if they were long, or in a hurry, or run them without a compiler."""
    monkeypatch.setattr(batches, "_BRIEF", 0 if request.param == "long" else float("inf"))
    if request.param == "numpy":
        monkeypatch.setattr("causalopt.engine.batch_choice.has_compiler", lambda: False)


def plan_of(model: Model, hold: str, nudge: str, *given: Set) -> Plan:
    return plan_for(
        model, given, steps=KEEP[-1], hold=model.selection(hold), seed=model.node(nudge)
    )


def lane_of(lanes: BatchResult, n: int) -> dict[str, np.ndarray]:
    return {letter: values[:, :, n] for letter, values in lanes.values.items()}


@pytest.mark.parametrize(
    ("name", "hold", "nudge", "variable"),
    [
        ("lorenz", "a", "b[0]", "b"),
        ("thermostat", "T[t<=60]", "R[5]", "R"),
        ("thermostat_saturating", "T", "R[0]", "R"),
        ("random", "v1", "v0[3]", "v2"),
    ],
)
def test_each_lane_is_a_run_of_its_own_bit_for_bit(
    name: str, hold: str, nudge: str, variable: str
) -> None:
    model = random_model(4, 7) if name == "random" else load(name)
    structure, index = model.template.structure, model.template.index
    starts = np.random.default_rng(2).uniform(0.5, 30, 21)
    plan = plan_of(model, hold, nudge, Set(f"{variable}[0]", 1.0))
    outputs = tuple(range(len(structure.names)))
    batch = Batch(plan, {(0, index[variable]): starts}, {}, KEEP, outputs)
    lanes = run_batch(structure, batch)
    for n, start in enumerate(starts):
        own = execution("python").run_tangents(
            structure, plan_of(model, hold, nudge, Set(f"{variable}[0]", start))
        )
        for k, t in enumerate(KEEP):
            found = {letter: values[k] for letter, values in lane_of(lanes, n).items()}
            np.testing.assert_array_equal(found["w"], own.values[t])
            for world, letters in enumerate(("xp", "yq")):
                names = (("total", "total_error"), ("direct", "direct_error"))[world]
                for letter, field in zip(letters, names, strict=True):
                    np.testing.assert_array_equal(
                        np.ldexp(found[letter], lanes.exponents[k, world, n]),
                        np.ldexp(getattr(own, field)[t], own.exponents[t, world]),
                    )
            expected = -1 if own.kink is None or own.kink > t else own.kink
            assert lanes.kink[k, n] == expected


def test_a_block_in_which_some_lane_meets_a_kink_is_run_as_if_each_lane_were_alone() -> None:
    model = load("thermostat_saturating")
    structure, index = model.template.structure, model.template.index
    starts = np.array([26.0, 24.0, 25.25, 27.0, 30.0, 25.0, 40.5, 26.0 + 2**-40, *range(5, 45)])
    plan = plan_of(model, "T", "R[0]", Set("R[0]", 1.0))
    outputs = tuple(range(len(structure.names)))
    lanes = run_batch(structure, Batch(plan, {(0, index["R"]): starts}, {}, KEEP, outputs))
    met = 0
    for n, start in enumerate(starts):
        own = execution("python").run_tangents(
            structure, plan_of(model, "T", "R[0]", Set("R[0]", start))
        )
        np.testing.assert_array_equal(lanes.values["w"][:, :, n], own.values[list(KEEP)])
        for k, t in enumerate(KEEP):
            total = np.ldexp(lanes.values["x"][k, :, n], lanes.exponents[k, 0, n])
            np.testing.assert_array_equal(total, np.ldexp(own.total[t], own.exponents[t, 0]))
            expected = -1 if own.kink is None or own.kink > t else own.kink
            assert lanes.kink[k, n] == expected
        met += own.kink is not None
    assert 0 < met < len(starts)


def test_parameters_may_differ_from_lane_to_lane() -> None:
    model = load("thermostat")
    structure = model.template.structure
    k = np.linspace(0.01, 1, 40)
    place = structure.parameters.index("k")
    i = model.template.index["R"]
    batch = Batch(plan_of(model, "T", "R[0]"), {}, {place: k}, KEEP, (i,))
    lanes = run_batch(structure, batch)
    for n in (0, 7, 39):
        other = model.replace(parameters={"k": float(k[n])})
        own = execution("python").run_tangents(structure, plan_of(other, "T", "R[0]"))
        np.testing.assert_array_equal(lanes.values["w"][:, 0, n], own.values[list(KEEP), i])


def test_a_finite_nudge_runs_three_worlds_at_once() -> None:
    model = load("lorenz")
    structure, index = model.template.structure, model.template.index
    starts = np.linspace(1, 5, 19)
    plan = plan_of(model, "a", "b[0]")
    batch = Batch(
        plan, {(0, index["b"]): starts}, {}, KEEP, (index["c"],), mode="finite", delta=0.125
    )
    lanes = run_batch(structure, batch)
    for n in (0, 5, 18):
        worlds = three_worlds(
            model,
            nudge=model.node("b[0]"),
            hold=model.selection("a"),
            steps=plan.steps,
            delta=0.125,
            given=(Set("b[0]", float(starts[n])),),
        )
        for letter, own in zip("wxy", worlds, strict=True):
            np.testing.assert_array_equal(lanes.values[letter][:, 0, n], own["c"][list(KEEP)])


def test_results_do_not_depend_on_how_lanes_are_shared_out() -> None:
    model = load("lorenz")
    structure, index = model.template.structure, model.template.index
    starts = np.random.default_rng(0).normal(size=100)
    batch = Batch(plan_of(model, "a", "b[0]"), {(0, index["b"]): starts}, {}, KEEP, (0, 1, 2))
    whole = run_batch(structure, batch)
    runner = batch_runner(structure, batch)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(runner.run, runner.tasks(16)))
    for letter, values in whole.values.items():
        joined = np.concatenate([part.values[letter] for part in parts], axis=2)
        np.testing.assert_array_equal(joined, values)


def test_leaving_out_the_estimate_or_contracting_changes_no_more_than_rounding() -> None:
    model = load("thermostat_saturating")
    structure, index = model.template.structure, model.template.index
    starts = np.linspace(5.013, 45.017, 50)
    batch = Batch(plan_of(model, "T", "R[0]"), {(0, index["R"]): starts}, {}, KEEP, (1,))
    plain = run_batch(structure, batch)
    bare = run_batch(structure, dataclasses.replace(batch, estimate=False))
    fused = run_batch(structure, dataclasses.replace(batch, contract=True))
    np.testing.assert_array_equal(bare.values["x"], plain.values["x"])
    np.testing.assert_allclose(fused.values["w"], plain.values["w"], rtol=1e-13)


BAD = [
    ({}, {}, KEEP, "needs values that differ"),
    ({(0, 1): np.ones(3)}, {0: np.ones(4)}, KEEP, r"found\s+the shapes \(3,\), \(4,\)"),
    ({(0, 1): np.ones((3, 2))}, {}, KEEP, "arrays of one length"),
    ({(0, 1): np.ones(0)}, {}, KEEP, "the batch is empty"),
    ({(0, 1): np.array([1.0, np.inf])}, {}, KEEP, "is inf in lane 1"),
    ({}, {1: np.array([np.nan])}, KEEP, "is nan in lane 0"),
    ({(0, 1): np.ones(3)}, {}, (), "steps to keep"),
    ({(0, 1): np.ones(3)}, {}, (0, 151), "between 0 and 150"),
]


@pytest.mark.parametrize(("starts", "parameters", "keep", "message"), BAD)
def test_bad_batches_are_refused_by_name(
    starts: dict[tuple[int, int], np.ndarray],
    parameters: dict[int, np.ndarray],
    keep: tuple[int, ...],
    message: str,
) -> None:
    plan = plan_of(load("thermostat"), "T", "R[0]")
    with pytest.raises(QuestionError, match=message):
        Batch(plan, starts, parameters, keep, (0,))


def test_a_batch_with_the_nudged_node_in_the_held_set_is_refused() -> None:
    plan = plan_of(load("thermostat"), "T, R", "R[0]")
    with pytest.raises(QuestionError, match="in the held set A"):
        Batch(plan, {(0, 1): np.ones(3)}, {}, KEEP, (0,))
