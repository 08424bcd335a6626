"""The law of small disturbances against sums over single ones, each followed by a run."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from causalopt import Model, load, run, world
from causalopt.comparison.disturbed_law import disturbed_law, log_det
from causalopt.errors import QuestionError


def by_single_nudges(model: Model, names: list[str], at: int) -> np.ndarray:
    """Return the covariance as a sum over disturbed nodes: products of the two effects."""
    covariance = np.zeros((len(names), len(names)))
    for name, t in itertools.product(names, range(at + 1)):
        effects = [
            run(model, nudge=f"{name}[{t}]", hold=[], target=target, steps=at).total[-1]
            for target in names
        ]
        covariance += np.outer(effects, effects)
    return covariance


DELAYED = Model(
    name="delayed",
    variables={
        "R": {"rule": "R[t-1] - 0.2*R[t-2] + 0.1*u[t]", "initial": [1, 2]},
        "u": {"rule": "0.5*R[t-1]**2", "initial": 1},
    },
)
LATE = Model(
    name="late",
    variables={"x": {"flow": "-x[time - 0.015]*x[time - 0.01]", "initial": 1}},
    dt=0.01,
    method="rk4",
)
MODELS = [
    pytest.param(load("thermostat"), 7, id="thermostat"),
    pytest.param(load("solver"), 4, id="read within the step"),
    pytest.param(load("adaptation"), 5, id="not linear"),
    pytest.param(load("lorenz"), 6, id="flow"),
    pytest.param(load("lorenz").replace(method="rk4"), 4, id="stages"),
    pytest.param(DELAYED, 6, id="two lags"),
    pytest.param(LATE, 5, id="a lag between steps"),
]


@pytest.mark.parametrize(("model", "at"), MODELS)
def test_the_covariance_is_the_sum_over_single_disturbances(model: Model, at: int) -> None:
    law = disturbed_law(model, world(model, steps=at + 1), at=at)
    places = [i for i, declared in enumerate(law.declared) if declared]
    names = [law.names[i] for i in places]
    found = law.covariance[np.ix_(places, places)]
    assert found == pytest.approx(by_single_nudges(model, names, at), rel=1e-9, abs=1e-12)


def test_a_step_moves_the_law_on() -> None:
    model = load("adaptation")
    w = world(model, steps=9)
    law, later = (disturbed_law(model, w, at=at) for at in (4, 5))
    assert law.moved() == pytest.approx(later.covariance)
    joint = law.joint()
    assert joint[3:, 3:] == pytest.approx(law.covariance)
    assert joint[:3, :3] == pytest.approx(later.covariance)


def test_noise_of_the_model_is_as_drawn() -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1]*(1 + e[t])", "initial": 1},
            "e": {"noise": "normal(0, 0.1)"},
        },
    )
    w = world(model, steps=2, seed=3)
    slope = 1 + w["e"][1]
    assert disturbed_law(model, w, at=1).covariance[0, 0] == pytest.approx(slope**2 + 1)


def test_what_has_no_law_says_why() -> None:
    static = load("amortized")
    with pytest.raises(QuestionError, match="has no time"):
        disturbed_law(static, world(static), at=0)
    counted = Model(
        name="counted",
        variables={
            "x": {"rule": "x[t-1] - u[t-1]/9", "initial": 5},
            "u": {"rule": "floor(x[t-1])", "kind": "integer", "initial": 0},
        },
    )
    with pytest.raises(QuestionError, match="'u' takes whole numbers"):
        disturbed_law(counted, world(counted, steps=3), at=1)
    with pytest.raises(QuestionError, match="singular to within rounding"):
        log_det(np.array([[1.0, 1.0], [1.0, 1.0 + 1e-15]]))


def test_a_determinant_does_not_mind_units() -> None:
    far_apart = np.diag([1e-12, 1e12])
    assert log_det(far_apart) == pytest.approx(0.0, abs=1e-9)
