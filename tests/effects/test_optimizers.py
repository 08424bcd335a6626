"""Which A? The ranking agrees with runs, set by set."""

from __future__ import annotations

import itertools

import pytest

from causalopt import Model, load, run
from causalopt.effects.optimizers import find_optimizers
from causalopt.errors import QuestionError, UnknownNameError
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
