"""Without a compiler numpy runs batches: every kept number is machine code's, bit for bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from causalopt import Model, Set, load
from causalopt.engine.batch import Batch, BatchResult
from causalopt.engine.batch_arrays import ArrayBatch
from causalopt.engine.lane_worlds import LaneWorlds
from causalopt.engine.machine.batch_code import MachineBatch
from causalopt.errors import QuestionError
from causalopt.worlds.interventions import plan_for
from tests.engine.strategies import random_model

BENT = Model(
    name="bent",
    variables={
        "n": {"rule": "n[t-1] + 1/2", "initial": 0},
        "a": {"rule": "where(n[t] > 2, floor(n[t-1]), abs(n[t] - 1)) + t/8", "initial": 0},
        "m": {"rule": "max(a[t], n[t-1]) + m[t-1]/2", "initial": 1},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
GROWING = Model(
    name="growing",
    variables={
        "n": {"rule": "1e30*n[t-1]*n[t-1]", "initial": 1},
        "a": {"rule": "-n[t]/2", "initial": 0},
        "m": {"rule": "n[t] + a[t]", "initial": 0},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
SHRINKING = Model(
    name="shrinking",
    variables={
        "n": {"rule": "1e-30*n[t-1]", "initial": 1},
        "k": {"rule": "k[t-1]", "initial": 1},
        "a": {"rule": "n[t-1]/3", "initial": 0},
        "m": {"rule": "n[t]*k[t] + a[t-1]", "initial": [0, 0]},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
LOSING = Model(
    name="losing",
    variables={
        "n": {"rule": "1e8*n[t-1]", "initial": 0},
        "k": {"rule": "where(t < 2, n[t-1], k[t-1])", "initial": 1},
        "a": {"rule": "-n[t]/2", "initial": 0},
        "m": {"rule": "n[t] + a[t] + k[t-1]", "initial": 0},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
FAR = Model(
    name="far",
    variables={
        "n": {"rule": "n[t-1]/2 + 1", "initial": 1},
        "a": {"rule": "max(n[t-40], 3/2) - n[t-1]", "initial": 0},
        "m": {"rule": "n[t] + a[t-20]/4 + m[t-1]/2", "initial": 0},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
# All tangents are 0, and what rounding they carry grows without end.
SILENT = Model(
    name="silent",
    variables={
        "n": {"rule": "t", "initial": 0},
        "a": {"rule": "-n[t-1]/2", "initial": 0},
        "m": {"rule": "n[t-1]/2 + a[t] + 1e8*m[t-1]*k[t-1]", "initial": 0},
        "k": {"rule": "k[t-1]", "initial": 1},
    },
    partition={"A": "k"},
    question={"nudge": "n[0]", "target": "m"},
)
# W leaves the floats, and only then a branch that X takes; two that are undefined do not differ.
LEAVING = Model(
    name="leaving",
    variables={
        "n": {"rule": "1e30*n[t-1]*n[t-1]", "initial": 1},
        "a": {"rule": "where(n[t] > 1e300, 1, 2)", "initial": 0},
        "m": {"rule": "n[t] + a[t]", "initial": 0},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
UNDEFINED = Model(
    name="undefined",
    variables={
        "n": {"rule": "n[t-1]", "initial": 1},
        "a": {"rule": "where(1e308*(40*n[t]) > 1e308*(50*n[t]), 1, 2)", "initial": 0},
        "m": {"rule": "n[t] + a[t]", "initial": 0},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
# In Y alone the held node's rule would take another branch.
CANCELLED = Model(
    name="cancelled",
    variables={
        "n": {"rule": "n[t-1]", "initial": 0},
        "a": {"rule": "n[t-1] + max(m[t-1], 1/8)/1e9", "initial": 0},
        "m": {"rule": "n[t-1] - a[t]", "initial": 0},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
# W is infinite in b where X is in a, at the same step.
APART = Model(
    name="apart",
    variables={
        "n": {"rule": "n[t-1]", "initial": 0},
        "a": {"rule": "1e308*(40*n[t])", "initial": 0},
        "b": {"rule": "1e308*(2 - n[t])", "initial": 0},
        "m": {"rule": "n[t]", "initial": 0},
    },
    partition={"A": "b"},
    question={"nudge": "n[0]", "target": "m"},
)
BELOW = Model(
    name="below",
    variables={
        "n": {"rule": "n[t-1] + 1/2", "initial": 0},
        "a": {"rule": "where(n[t] < 2, n[t-1], 1)", "initial": 0},
        "m": {"rule": "a[t] + n[t]", "initial": 1},
    },
    partition={"A": "a"},
    question={"nudge": "n[0]", "target": "m"},
)
BESIDE = 3 * 2.0**-36  # of a constant 2: nearer than a gap that moves would be, and open
MODELS = {
    "below": (BELOW, "a", "n[0]", "n"),
    "silent": (SILENT, "k", "n[0]", "n"),
    "leaving": (LEAVING, "a", "n[0]", "n"),
    "undefined": (UNDEFINED, "a", "n[0]", "n"),
    "cancelled": (CANCELLED, "a", "n[0]", "n"),
    "apart": (APART, "b", "n[0]", "n"),
    "far": (FAR, "a[t<=60]", "n[0]", "n"),
    "losing": (LOSING, "a", "n[0]", "k"),
    "bent": (BENT, "a", "n[0]", "n"),
    "growing": (GROWING, "a", "n[0]", "n"),
    "shrinking": (SHRINKING, "a[t<=5]", "n[0]", "n"),
    "lorenz": (load("lorenz"), "a", "b[3]", "b"),
    "saturating": (load("thermostat_saturating"), "T", "R[0]", "R"),
    "random": (random_model(4, 7), "v1", "v0[3]", "v2"),
}
MODES = {
    "tangents": {},
    "bare": {"estimate": False},
    "near": {"near": True},
    "watched": {"watch": True},
    "finite": {"mode": "finite", "delta": 0.25, "watch": True},
    "values": {"mode": "values", "watch": True},
}


def batch_of(name: str, mode: str, lanes: int = 47) -> tuple[Model, Batch]:
    model, hold, nudge, variable = MODELS[name]
    structure, index = model.template.structure, model.template.index
    starts = np.append(np.linspace(-4, 40, lanes - 2).round(2), [-0.25, BESIDE])
    given = () if name == "shrinking" else (Set(f"{variable}[0]", 1.0),)
    plan = plan_for(model, given, steps=150, hold=model.selection(hold), seed=model.node(nudge))
    batch = Batch(
        plan,
        {(0, index[variable]): starts},
        {},
        (0, 3, 31, 32, 77, 150),
        tuple(range(len(structure.names))),
        **MODES[mode],
    )
    return model, batch


def fields(result: BatchResult) -> dict[str, np.ndarray]:
    names = ("exponents", "kink", "bad", "near")
    return {**result.values, **{name: getattr(result, name) for name in names}}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MODELS)
def test_every_number_kept_is_that_of_machine_code(name: str, mode: str) -> None:
    model, batch = batch_of(name, mode)
    structure = model.template.structure
    lanes = slice(0, batch.count)
    found = fields(ArrayBatch(structure, batch).run(lanes))
    expected = fields(MachineBatch(structure, batch).run(lanes))
    for field, values in expected.items():
        np.testing.assert_array_equal(found[field], values, err_msg=field)


def test_the_models_above_meet_kinks_infinities_and_rescaling() -> None:
    met = {}
    for name, mode in (("bent", "near"), ("bent", "finite"), ("growing", "watched")):
        model, batch = batch_of(name, mode)
        met[name, mode] = ArrayBatch(model.template.structure, batch).run(slice(0, 47))
    assert (met["bent", "near"].kink[-1] >= 0).sum() > 0
    assert met["bent", "near"].near[-1].sum() > 0
    assert len(set(met["bent", "finite"].kink[-1])) > 3
    assert (met["growing", "watched"].bad[-1] % 2 == 1).any()
    assert (met["growing", "watched"].exponents != 0).any()
    model, batch = batch_of("shrinking", "tangents")
    shrunk = ArrayBatch(model.template.structure, batch).run(slice(0, 47))
    assert (shrunk.exponents < 0).any()
    model, batch = batch_of("silent", "tangents")
    silent = ArrayBatch(model.template.structure, batch).run(slice(0, 47))
    assert not silent.values["x"][1:].any()
    assert silent.values["p"][1:].any()


def test_lanes_are_the_same_alone_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = batch_of("bent", "near")
    runner = ArrayBatch(model.template.structure, batch)
    whole = fields(runner.run(slice(0, 47)))
    monkeypatch.setattr("causalopt.engine.batch_arrays._TOGETHER", 7)
    apart = fields(runner.run(slice(0, 47)))
    for field, values in whole.items():
        np.testing.assert_array_equal(apart[field], values, err_msg=field)


def test_parameters_may_differ_from_lane_to_lane() -> None:
    model = load("thermostat")
    structure = model.template.structure
    place = structure.parameters.index("k")
    plan = plan_for(model, steps=50, hold=model.selection("T"), seed=model.node("R[0]"))
    batch = Batch(plan, {}, {place: np.linspace(0.01, 1, 40)}, (7, 50), (0, 1))
    found = fields(ArrayBatch(structure, batch).run(slice(0, 40)))
    expected = fields(MachineBatch(structure, batch).run(slice(0, 40)))
    for field, values in expected.items():
        np.testing.assert_array_equal(found[field], values, err_msg=field)


def test_what_parameters_alone_decide_is_computed_once() -> None:
    model = load("thermostat_saturating")
    plan = plan_for(model, steps=5, hold=model.selection("T"), seed=model.node("R[0]"))
    batch = Batch(plan, {(0, 1): np.ones(3)}, {}, (5,), (1,), mode="values")
    runner = ArrayBatch(model.template.structure, batch)
    worlds = LaneWorlds(model.template.structure, runner._schedule, batch, frozenset({0, 1}))
    moving = worlds._values._operations
    assert len(moving) < sum(len(group.out) for group in runner._schedule.groups)
    other = dataclasses.replace(batch, starts={(0, 1): np.zeros(3)})
    assert not np.array_equal(
        runner.run(slice(0, 3)).values["w"], runner.over(other).run(slice(0, 3)).values["w"]
    )


@pytest.mark.parametrize("kind", [ArrayBatch, MachineBatch])
def test_a_prepared_batch_takes_no_other_steps_or_variables(kind: type) -> None:
    """Machine code writes what it was prepared to keep: other room for it would be overrun."""
    model = load("thermostat")
    plan = plan_for(model, steps=5)
    batch = Batch(plan, {(0, 1): np.ones(3)}, {}, (5,), (1,), mode="values")
    runner = kind(model.template.structure, batch)
    for change in ({"keep": (4,)}, {"outputs": (0,)}):
        with pytest.raises(QuestionError, match="keeps the same steps"):
            runner.over(dataclasses.replace(batch, **change))
