"""Which A? The ranking agrees with runs, set by set."""

from __future__ import annotations

import itertools
import math

import pytest

from causalopt import Model, load, run
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.optimizers.optimizers import find_optimizers
from tests.engine.strategies import random_model


@pytest.mark.parametrize("seed", range(3))
def test_every_candidate_has_the_op_a_run_gives(seed: int) -> None:
    model = random_model(seed, 6)
    found = find_optimizers(model, nudge="v0[0]", target="v5", steps=40, size=3)
    names = ["v1", "v2", "v3", "v4"]
    tried = {candidate.hold for candidate in found}
    assert {(name,) for name in names} | set(itertools.combinations(names, 2)) <= tried
    for candidate in found:
        own = run(model, nudge="v0[0]", hold=list(candidate.hold), target="v5", steps=40)
        if own.status[-1] in {"ok", "kink", "unresolved"}:
            assert candidate.op == pytest.approx(own.op[-1], abs=1e-9)
            assert candidate.comp == pytest.approx(own.comp[-1], rel=1e-9)


def test_the_thermostat_is_found() -> None:
    noise = {"u": {"rule": "0.5*u[t-1] + 0.01*R[t-1]", "initial": 0}}
    plain = load("thermostat")
    variables = {name: v.model_dump(exclude_defaults=True) for name, v in plain.variables.items()}
    model = Model(name="m", parameters=plain.parameters, variables={**variables, **noise})
    found = find_optimizers(model, nudge="R[0]", target="R", steps=500)
    assert found[0].hold == ("T",)
    assert found[0].op == pytest.approx(5.06645414, abs=1e-7)


def test_a_set_that_is_the_only_conduit_has_op_minus_infinity() -> None:
    model = Model(name="chain", variables={"x": {"initial": 1}, "y": "2*x", "z": "3*y"})
    (only,) = find_optimizers(model, nudge="x", target="z")
    assert (only.hold, only.op) == (("y",), -float("inf"))


def test_bad_questions_are_refused_by_name() -> None:
    model = load("lorenz")
    with pytest.raises(QuestionError, match="nudged or measured"):
        find_optimizers(model, among=["b"], steps=5)
    with pytest.raises(UnknownNameError, match="unknown variable 'q'"):
        find_optimizers(model, among=["q"], steps=5)
    with pytest.raises(QuestionError, match="size must be at least 1"):
        find_optimizers(model, size=0, steps=5)
    with pytest.raises(QuestionError, match="which node is nudged"):
        find_optimizers(Model(name="m", variables={"x": {"initial": 1}}))


@pytest.mark.parametrize(("through", "beside"), [(3, -1), (-3, 1), (-3, -1), (3, 1), (-1, 2)])
def test_comp_has_the_sign_of_the_total_and_of_the_direct_effect(through: int, beside: int) -> None:
    model = Model(
        name="m", variables={"n": {"initial": 1}, "a": f"({through})*n", "m": f"({beside})*n + a"}
    )
    (only,) = find_optimizers(model, nudge="n", target="m")
    assert only.comp == pytest.approx((through + beside) / beside, rel=1e-12)
    assert only.op == pytest.approx(-math.log(abs((through + beside) / beside)), rel=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_set_that_changes_nothing_has_comp_one_whatever_the_effects_sign(sign: int) -> None:
    variables = {"n": {"initial": 1}, "a": "2*n", "m": f"({sign})*n"}
    (only,) = find_optimizers(Model(name="m", variables=variables), nudge="n", target="m")
    assert (only.comp, only.op) == (1.0, 0.0)


def test_sets_come_strongest_first_and_undefined_ones_last() -> None:
    variables = {
        "n": {"initial": 1},
        "half": "-n/2",
        "twice": "2*n",
        "m": "n + half + twice",
        "aside": "n",
    }
    model = Model(name="m", variables=variables)
    found = find_optimizers(model, nudge="n", target="m", size=1)
    # m = 2.5 n; without half 3 n, without twice 0.5 n.
    assert [candidate.hold for candidate in found] == [("half",), ("aside",), ("twice",)]
    assert [c.op for c in found] == pytest.approx([-math.log(2.5 / 3), 0, -math.log(5)], abs=1e-12)
    cancelled = Model(name="m", variables={"n": {"initial": 1}, "a": "n", "b": "-n", "m": "a + b"})
    last = find_optimizers(cancelled, nudge="n", target="m", size=2)[-1]
    assert last.hold == ("a", "b")
    assert math.isnan(last.op)


def test_a_nudge_after_the_last_step_is_refused() -> None:
    with pytest.raises(QuestionError, match="lies after the last step 3"):
        find_optimizers(load("thermostat"), nudge="R[4]", target="R", steps=3)


def test_the_only_conduit_has_the_comp_of_a_run_whatever_the_sign_of_the_total() -> None:
    variables = {
        "x": {"rule": "x[t-1]", "initial": 1},
        "a": {"rule": "-x[t-1]", "initial": 0},
        "y": {"rule": "a[t-1]", "initial": 0},
    }
    model = Model(name="conduit", variables=variables)
    (found,) = find_optimizers(model, nudge="x[0]", target="y", steps=4)
    own = run(model, nudge="x[0]", target="y", steps=4, hold="a")
    assert own.total[-1] == -1
    assert (found.comp, found.op) == (own.comp[-1], own.op[-1]) == (math.inf, -math.inf)
