"""In a regime a step is the whole step, bit for bit, with its comparisons decided."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import Model, Set, load
from causalopt.engine.batch import Batch, BatchResult
from causalopt.engine.batch_choice import run_batch
from causalopt.engine.linearization import linearize
from causalopt.engine.machine import batch_code as batches
from causalopt.engine.program import Program
from causalopt.engine.regimes import Regime, Side, bounds
from causalopt.language.term import Term, const, evaluate, ref
from causalopt.worlds.interventions import plan_for
from tests.engine.strategies import random_model

X = ref("x", 1)
STEPS = 150


@pytest.fixture(autouse=True)
def _as_long_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile short batches as if they were long."""
    monkeypatch.setattr(batches, "_BRIEF", 0)


def regimes_of(model: Model) -> tuple[Regime, ...]:
    return Program(model.template.structure, "tangents").regimes()


def holds(side: Side, values: dict[str, float]) -> bool:
    left, right = number(side.left, values), number(side.right, values)
    return left > right if side.above else left < right


def number(term: Term, values: dict[str, float]) -> float:
    def leaf(term: Term) -> float:
        if term.op == "ref":
            assert isinstance(term.payload, tuple)
            name, lag = term.payload
            return values[f"{name}.{lag}"]
        return values[str(term.payload or term.op)]

    return float(evaluate(term, leaf))


@given(st.integers(0, 60), st.integers(0, 10**6))
def test_a_regimes_rules_and_slopes_are_the_whole_ones_where_its_sides_hold(
    seed: int, drawn: int
) -> None:
    model = random_model(seed, 4)
    structure = model.template.structure
    rng = np.random.default_rng(drawn)
    values = {f"{name}.{lag}": float(rng.normal()) for name in structure.names for lag in range(3)}
    values |= {**model.template.parameter_values(), "t": 7.0}
    whole = {(p.child, p.parent, p.lag): p.term for p in linearize(structure).partials}
    inside = [r for r in regimes_of(model) if all(holds(side, values) for side in r.sides)]
    assert len(inside) <= 1
    for regime in inside:
        for rule, left in zip(structure.rules, regime.rules, strict=True):
            assert rule is not None
            assert left is not None
            assert number(rule, values) == number(left, values)
        slopes = {(p.child, p.parent, p.lag): p.term for p in regime.linear.partials}
        assert slopes.keys() <= whole.keys()
        for place, term in whole.items():
            kept = number(slopes[place], values) if place in slopes else 0.0
            assert number(term, values) == kept


def test_a_saturating_thermostat_has_three_regimes_of_which_one_controls() -> None:
    found = regimes_of(load("thermostat_saturating"))
    assert len(found) == 3
    structure = load("thermostat_saturating").template.structure
    room, controller = structure.names.index("R"), structure.names.index("T")
    controlling = [
        any((p.child, p.parent) == (room, controller) for p in regime.linear.partials)
        for regime in found
    ]
    assert sorted(controlling) == [False, False, True]
    assert all(not regime.linear.gaps for regime in found)


def test_a_model_without_comparisons_has_no_regimes() -> None:
    assert regimes_of(load("lorenz")) == ()


def test_a_step_with_many_comparisons_leaves_some_undecided() -> None:
    rule = " + ".join(f"clip(x[t-1], -{k}, {k})" for k in range(1, 9))
    found = regimes_of(Model(name="many", variables={"x": {"rule": rule, "initial": 1}}))
    assert 2 <= len(found) <= 6
    assert all(regime.linear.gaps for regime in found)


def test_two_sides_of_a_band_are_one_comparison() -> None:
    c = Term.of("param", payload="c")
    band = (Side(X, Term.of("neg", c), True), Side(X, c, False))
    assert bounds(band) == [(Term.of("abs", X), c)]
    assert bounds((Side(X, const(-2), True), Side(const(2), X, True))) == [
        (Term.of("abs", X), const(2))
    ]
    assert bounds((Side(X, const(-2), True), Side(X, const(3), False))) == [
        (const(-2), X),
        (X, const(3)),
    ]


def lanes_of(
    model: Model, starts: np.ndarray, hold: str, nudge: str, node: str, mode: str = "tangents"
) -> BatchResult:
    index = model.template.index
    plan = plan_for(
        model,
        (Set(f"{node}[0]", 1.0),),
        steps=STEPS,
        hold=model.selection(hold),
        seed=model.node(nudge),
    )
    batch = Batch(
        plan,
        {(0, index[node]): starts},
        {},
        (3, 40, STEPS),
        tuple(range(len(index))),
        mode=mode,
        delta=0.01,
        watch=True,
    )
    return run_batch(model.template.structure, batch)


def assert_same(one: BatchResult, other: BatchResult) -> None:
    for letter, values in one.values.items():
        world = 0 if letter in "wxp" else 1
        exponents = (lanes.exponents[:, world, None] for lanes in (one, other))
        a, b = (0, 0) if letter == "w" else exponents
        np.testing.assert_array_equal(np.ldexp(values, a), np.ldexp(other.values[letter], b))
    for field in ("kink", "bad"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


DIVERGING = """
    where(x[t-1] > 1, x[t-1]**2 + 0.01, where(x[t-1] < -1, -x[t-1]**2, x[t-1] + 0.003*k[t-1]))
"""
MODELS = ["thermostat_saturating", "diverging", *(f"random {seed}" for seed in range(8))]
SPREADS = [1e-9, 1e-2, 10.0]  # lanes that agree, that part now and then, that never agree


def question(name: str) -> tuple[Model, str, str, str, float]:
    """Return a model, a held set, a nudged node, a swept variable and the middle of its starts."""
    if name == "diverging":
        variables = {
            "k": {"rule": "k[t-1]", "initial": 1},
            "x": {"rule": DIVERGING.strip(), "initial": 0},
        }
        model = Model(name="diverging", variables=variables)
        return model, "k", "x[2]", "x", 0.9
    if name.startswith("random"):
        model = random_model(int(name.split()[1]), 4)
        return model, "v1", "v0[3]", "v2", 0.3
    return load(name), "T", "R[0]", "R", 27.0


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("mode", ["tangents", "finite", "values"])
def test_batches_in_regimes_are_those_without_bit_for_bit(
    name: str, spread: float, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, hold, nudge, node, centre = question(name)
    starts = centre + spread * np.linspace(-1, 1, 77)
    with_regimes = lanes_of(model, starts, hold, nudge, node, mode)
    batches.code_for.cache_clear()
    monkeypatch.setattr(Program, "regimes", lambda _: ())
    without = lanes_of(model, starts, hold, nudge, node, mode)
    batches.code_for.cache_clear()
    assert_same(with_regimes, without)
    if name == "diverging":
        assert (with_regimes.bad[-1] >= 0).any()


@pytest.mark.parametrize("name", ["thermostat_saturating", "lorenz", "random"])
def test_a_set_that_is_compiled_in_is_held_as_one_given_by_a_mask(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, nudge, node = {"lorenz": ("a", "b[0]", "b"), "random": ("v1", "v0[3]", "v2")}.get(
        name, ("T", "R[0]", "R")
    )
    model = random_model(7, 4) if name == "random" else load(name)
    starts = np.linspace(0.5, 30, 50)
    masked = lanes_of(model, starts, hold, nudge, node)
    monkeypatch.setattr(batches, "_COMPILE_HELD_FROM", 0)
    built_in = lanes_of(model, starts, hold, nudge, node)
    held = [model.template.index[variable] for variable in hold.split(", ")]
    for letter in "yq":
        assert (built_in.values[letter][:, held] == 0).all()
    assert_same(masked, built_in)


def test_a_set_that_changes_in_time_is_given_by_a_mask() -> None:
    model = load("thermostat")
    plan = plan_for(model, steps=STEPS, hold=model.selection("T[t<=60]"), seed=model.node("R[0]"))
    batch = Batch(plan, {(0, 1): np.ones(3)}, {}, (STEPS,), (0,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_COMPILE_HELD_FROM", 0)
        structure = model.template.structure
        assert batches.compiled_in(structure, batch) is None
        always = dataclasses.replace(
            batch,
            plan=plan_for(model, steps=STEPS, hold=model.selection("T"), seed=model.node("R[0]")),
        )
        assert batches.compiled_in(structure, always) == {model.template.index["T"]}


@pytest.mark.parametrize("name", MODELS[:4])
def test_what_is_compiled_in_a_hurry_is_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, hold, nudge, node, centre = question(name)
    starts = centre + 0.01 * np.linspace(-1, 1, 20)
    well = lanes_of(model, starts, hold, nudge, node)
    monkeypatch.setattr(batches, "_BRIEF", float("inf"))
    assert_same(well, lanes_of(model, starts, hold, nudge, node))
