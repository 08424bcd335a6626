"""n's tangent along a run: what m gets of it, in a subspace and in the whole, and where it ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from causalopt import Model, extras, rates
from causalopt.effects.exponents.followed import Followed, followed
from causalopt.engine import jacobians
from causalopt.engine.adjoint import terms_of
from causalopt.engine.executions import run_values
from causalopt.engine.jacobians import StepDerivative
from causalopt.worlds.interventions import plan_for

# x and y change places and grow; z is aside.
SWAP = {"x": "y[t-1]", "y": "1.1*x[t-1]", "z": "z[t-1]/2"}


def along(
    rules: dict[str, str], target: str, basis: np.ndarray | None, steps: int = 2000
) -> Followed:
    """Return x's tangent followed, in a subspace or in the whole."""
    variables: dict[str, Any] = {n: {"rule": rule, "initial": 1} for n, rule in rules.items()}
    model = Model(name="m", variables=variables)
    structure, index = model.template.structure, model.template.index
    step = StepDerivative(structure, np.zeros(len(structure.names), dtype=bool))
    slopes = run_values(structure, plan_for(model, steps=steps), terms_of(structure)).extras[1:]
    tangent = np.zeros(step.size)
    tangent[step.slots.index((index["x"], 1))] = 1.0
    start = tangent if basis is None else basis.T @ tangent
    return followed(step, slopes, basis, start, index[target], 0)


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "has_compiler", lambda: request.param)


@pytest.mark.usefixtures("both_ways")
def test_in_a_subspace_a_zero_is_read_and_no_row_is_not() -> None:
    """m reads x at even steps of it, and where it reads nothing no share is said to be lost."""
    plane = np.eye(3)[:, :2]
    found = along({**SWAP, "m": "x[t]"}, "m", plane)
    assert np.isneginf(found.gets[0::2]).all()
    assert np.isfinite(found.gets[1::2]).all()
    silent = along({**SWAP, "m": "where(t == 4*floor(t/4), x[t], 0)"}, "m", plane)
    assert np.isnan(silent.gets[0::2]).all()
    assert np.isfinite(silent.gets[3::4]).all()


@pytest.mark.usefixtures("both_ways")
def test_growth_is_that_of_the_tangent_s_length() -> None:
    expected = np.tile([math.log(1.1), 0.0], 1000)
    turned = np.linalg.qr(np.array([[1.0, 2.0], [3.0, -1.0]]))[0]
    for basis in (None, np.eye(3)[:, :2], np.vstack([turned, np.zeros((1, 2))])):
        np.testing.assert_allclose(along(SWAP, "x", basis).growth, expected, atol=1e-14)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("end", [10_000, 1500])
def test_parts_of_a_run_are_one_run(end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose last step is that in which the tangent vanishes."""
    rules = {**SWAP, "y": f"where(t <= {end}, 1.1, 0)*x[t-1]"}
    plane = np.eye(3)[:, :2]
    whole = along(rules, "x", plane)
    monkeypatch.setattr(jacobians, "_CHUNK", 18 * 130)  # 130 steps at a time
    parts = along(rules, "x", plane)
    for name in ("gets", "growth"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert parts.known == whole.known
    if end == 1500:
        gone = int(np.flatnonzero(np.isneginf(whole.growth))[0])
        assert gone in {1500, 1501}
        assert np.isnan(whole.growth[gone + 1 :]).all()
        assert np.isfinite(whole.growth[:gone]).all()


@pytest.mark.parametrize(("b", "rest"), [("0.25", 0.0), ("0.1", 5.6e-17)])
def test_a_tangent_that_vanishes_on_its_way_is_perfect(b: str, rest: float) -> None:
    """From step 40 on a takes what x keeps: exactly, or to within rounding (0.3 - 3*0.1)."""
    kept = {"0.25": "0.75", "0.1": "0.3"}[b]
    assert abs(float(kept) - 3 * float(b)) == pytest.approx(rest, rel=0.1)
    variables: dict[str, Any] = {
        "x": {"rule": f"where(t < 40, 0.5, {kept})*x[t-1] + a[t]", "initial": 1},
        "b": {"rule": f"where(t < 40, 0, {b})*x[t-1]", "initial": 0},
        "a": {"rule": "-3*b[t]"},
    }
    question = {"nudge": "x[0]", "target": "x", "hold": "a"}
    found = rates(Model(name="m", variables=variables, question=question), steps=100)
    assert (found.status, found.op_rate) == ("perfect", math.inf)
