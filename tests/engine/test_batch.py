"""A batch gives in each lane what a run of its own gives."""

from __future__ import annotations

import concurrent.futures
import dataclasses

import numpy as np
import pytest

from causalopt import Model, Set, load, parse_model
from causalopt.engine.batch import Batch, BatchResult
from causalopt.engine.batch_choice import batch_runner, run_batch
from causalopt.engine.contract import Plan
from causalopt.engine.executions import execution
from causalopt.engine.machine import batch_code as batches
from causalopt.errors import QuestionError
from causalopt.worlds.interventions import plan_for
from causalopt.worlds.noise import draw_noise
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


NOISY = """
name: noisy
variables:
  T: {rule: "T[t-1]/2 + R[t-1]*e[t]/3", initial: 0.1}
  R: {rule: "R[t-1]*(1 - f[t]) - T[t-1]*e[t-1]", initial: 1}
  e: {noise: uniform}
  f: {noise: "bernoulli(1/4)"}
partition: {A: [T]}
"""


@pytest.mark.parametrize("mode", ["values", "tangents", "finite"])
def test_each_lane_has_draws_of_its_own_at_every_step(mode: str) -> None:
    model = parse_model(NOISY)
    structure, index = model.template.structure, model.template.index
    seeds = [5, 0, 77, 2, 9]
    steps, node = KEEP[-1], model.node("R[2]")
    outputs = [index["T"], index["R"]]

    def planned(seed: int) -> Plan:
        seeded = None if mode == "values" else node
        hold = () if mode == "values" else model.selection("T")
        return plan_for(model, steps=steps, hold=hold, seed=seeded, noise_seed=seed)

    draws = [draw_noise(model, steps, seed=seed) for seed in seeds]
    drawn = {index[name]: np.stack([own[name] for own in draws], axis=1) for name in ("e", "f")}
    batch = Batch(planned(3), {}, {}, KEEP, tuple(outputs), mode=mode, delta=0.25, drawn=drawn)
    assert batch.count == 5
    whole = run_batch(structure, batch)
    some = batch_runner(structure, batch.slice(slice(0, 1))).over(batch).run(slice(1, 4))
    for letter, values in whole.values.items():
        np.testing.assert_array_equal(some.values[letter], values[:, :, 1:4])
    for n, seed in enumerate(seeds):
        own = execution("python").run_values(structure, planned(seed))
        for k, t in enumerate(KEEP):
            np.testing.assert_array_equal(whole.values["w"][k, :, n], own.values[t, outputs])
        if mode == "tangents":
            found = execution("python").run_tangents(structure, planned(seed))
            for k, t in enumerate(KEEP):
                power = whole.exponents[k, 0, n] - found.exponents[t, 0]
                mine = np.ldexp(whole.values["x"][k, :, n], power)
                np.testing.assert_array_equal(mine, found.total[t, outputs])
        if mode == "finite":
            _, x, y = three_worlds(
                model, nudge=node, hold=model.selection("T"), steps=steps, delta=0.25, seed=seed
            )
            for k, t in enumerate(KEEP):
                np.testing.assert_array_equal(whole.values["x"][k, :, n], x.table[t, outputs])
                np.testing.assert_array_equal(whole.values["y"][k, :, n], y.table[t, outputs])


def test_a_prepared_batch_takes_other_draws_and_values_of_the_same_nodes_only() -> None:
    model = parse_model(NOISY)
    structure, index = model.template.structure, model.template.index
    plan = plan_for(model, steps=20, seed=model.node("R[0]"))
    drawn = {index[name]: np.random.default_rng(1).random((21, 4)) for name in ("e", "f")}
    batch = Batch(plan, {}, {}, (20,), (index["R"],), drawn=drawn)
    runner = batch_runner(structure, batch)
    moved = dataclasses.replace(batch, plan=dataclasses.replace(plan, values=2 * plan.values))
    own = batch_runner(structure, moved).run(slice(0, 4)).values["w"]
    np.testing.assert_array_equal(runner.over(moved).run(slice(0, 4)).values["w"], own)
    assert (own != runner.run(slice(0, 4)).values["w"]).all()
    with pytest.raises(QuestionError, match="other draws of the same variables"):
        runner.over(dataclasses.replace(batch, drawn={index["e"]: drawn[index["e"]]}))
    other = dataclasses.replace(plan, seed=(1, 1))
    with pytest.raises(QuestionError, match="a plan of the same nodes, n and A"):
        runner.over(dataclasses.replace(batch, plan=other))
    with pytest.raises(QuestionError, match="a row for each of the 21 steps"):
        dataclasses.replace(batch, drawn={index["e"]: drawn[index["e"]][:5]})
