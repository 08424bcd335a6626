"""What n excites and m observes: found in the first steps where they tell, else in all of them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from causalopt import Model
from causalopt.effects.exponents import directions as directions_file
from causalopt.effects.exponents.directions import Directions, directions
from causalopt.effects.exponents.followed import followed
from causalopt.engine import jacobians
from causalopt.engine.adjoint import terms_of
from causalopt.engine.executions import run_values
from causalopt.engine.jacobians import StepDerivative
from causalopt.worlds.interventions import plan_for

STEPS = 3000


Asked = tuple[StepDerivative, np.ndarray, np.ndarray, int]


def asked(rules: dict[str, str], source: str, target: str) -> Asked:
    """Return a step's derivative, its slopes, a nudge of one remembered value, and m."""
    variables: dict[str, Any] = {n: {"rule": rule, "initial": 1} for n, rule in rules.items()}
    model = Model(name="m", variables=variables)
    structure, index = model.template.structure, model.template.index
    step = StepDerivative(structure, np.zeros(len(structure.names), dtype=bool))
    slopes = run_values(structure, plan_for(model, steps=STEPS), terms_of(structure)).extras[1:]
    tangent = np.zeros(step.size)
    tangent[step.slots.index((index[source], 1))] = 1.0
    return step, slopes, tangent, index[target]


def found(rules: dict[str, str], source: str, target: str, *, lead: int = 0) -> Directions:
    return directions(*asked(rules, source, target), lead)


def sizes(of: Directions) -> tuple[int, int]:
    return of.excited.shape[1], of.both.shape[1]


PLANE = {"x": "0.9*x[t-1] - 0.3*y[t-1]", "y": "0.4*x[t-1] + 0.8*y[t-1]"}


@pytest.mark.parametrize(
    ("rules", "source", "target", "expected"),
    [
        ({**PLANE}, "x", "y", (2, 2)),
        ({**PLANE, "z": "z[t-1]/2 + x[t-1]"}, "x", "x", (3, 2)),  # z listens
        ({**PLANE, "z": "z[t-1]/2 + x[t-1]"}, "x", "z", (3, 3)),
        ({**PLANE, "z": "z[t-1]/2"}, "x", "x", (2, 2)),  # z is aside
        ({**PLANE, "z": "z[t-1]/2"}, "z", "x", (1, 0)),
        ({"x": "x[t-1]/2 + y[t-1]", "y": "y[t-1]/3"}, "x", "x", (1, 1)),
        # late: a coupling that is open at one step of 3,000, and one that m reads there
        ({"x": "x[t-1]", "y": "y[t-1] + where(t == 2500, x[t-1], 0)"}, "x", "y", (2, 2)),
        ({"x": "x[t-1] + 0*y[t-1]", "y": "y[t-1]/2", "m": "where(t == 2500, x[t], 0)"},
         "x", "m", (1, 1)),
        # a difference of which six digits are lost, so that the first steps do not tell
        ({"x": "x[t-1]/2", "y": "x[t-1]", "z": "z[t-1]/2 + y[t] - 0.999999*x[t-1]"},
         "x", "z", (2, 2)),
        ({"x": "x[t-1]/2", "y": "x[t-1]", "z": "z[t-1]/2 + y[t] - x[t-1]"}, "x", "z", (1, 0)),
    ],
)  # fmt: skip
def test_directions_are_as_many_as_the_rules_say(
    rules: dict[str, str], source: str, target: str, expected: tuple[int, int]
) -> None:
    assert sizes(found(rules, source, target)) == expected


def test_m_is_looked_at_after_the_transient() -> None:
    rules = {"x": "x[t-1]", "y": "y[t-1]", "m": "where(t < 100, x[t], 0)"}
    assert sizes(found(rules, "x", "m")) == (1, 1)
    assert sizes(found(rules, "x", "m", lead=100)) == (1, 0)


@pytest.mark.parametrize("seed", range(8))
def test_the_first_steps_say_what_all_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of random maps that change with time, in which some variables listen and some are aside."""
    rng = np.random.default_rng(seed)
    edges = rng.random((5, 5)) < 0.35
    rules = {
        f"v{i}": " + ".join(
            [f"0.5*v{i}[t-1]"]
            + [f"{rng.normal():.3f}*cos({j + 1}*t)*v{j}[t-1]" for j in range(5) if edges[i, j]]
        )
        for i in range(5)
    }
    early = found(rules, "v0", "v1")
    monkeypatch.setattr(directions_file, "_EARLY", ())
    whole = found(rules, "v0", "v1")
    for one, other in ((early.excited, whole.excited), (early.both, whole.both)):
        assert one.shape == other.shape
        np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-10)
    assert 1 <= sizes(whole)[0] <= 5


@pytest.mark.parametrize("seed", range(20))
def test_a_subspace_in_other_coordinates_is_not_taken_for_all(seed: int) -> None:
    """Three maps of five directions, of all sizes, that carry three of these into themselves."""
    rng = np.random.default_rng(seed)
    dense = {f"v{i}": " + ".join(f"v{j}[t-1]" for j in range(5)) for i in range(5)}
    step, ones, _, _ = asked(dense, "v0", "v1")
    inner = rng.normal(size=(3, 5, 5)) * 10.0 ** rng.uniform(-4, 0, (3, 5, 5))
    inner = inner[rng.integers(0, 3, 500)]
    inner[:, 3:, :3] = 0.0
    turned = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    maps = turned @ inner @ turned.T
    place = step.matrices(np.arange(1.0, ones.shape[1] + 1)[np.newaxis])[0][0].astype(int) - 1
    slopes = np.empty((500, ones.shape[1]))
    slopes[:, place] = maps
    assert np.allclose(step.matrices(slopes)[0], maps)
    of = directions(step, slopes, turned[:, :3] @ rng.normal(size=3), 0, 100)
    assert sizes(of) == (3, 3)
    assert np.allclose(of.excited @ of.excited.T, turned[:, :3] @ turned[:, :3].T, atol=1e-7)


def test_what_the_first_steps_span_is_not_asked_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    matrices = StepDerivative.matrices

    def noted(self: StepDerivative, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        looked.append(len(slopes))
        return matrices(self, slopes)

    monkeypatch.setattr(StepDerivative, "matrices", noted)
    turning = {"x": "cos(t)*x[t-1] - sin(t)*y[t-1]", "y": "sin(t)*x[t-1] + cos(t)*y[t-1]"}
    assert sizes(found(turning, "x", "y")) == (2, 2)
    assert max(looked) == 64
    looked.clear()
    assert sizes(found({**turning, "z": "z[t-1]/2"}, "x", "y")) == (2, 2)
    assert max(looked) == STEPS
    looked.clear()
    assert sizes(found({**PLANE, "z": "z[t-1]/2"}, "x", "y")) == (2, 2)
    assert max(looked) == 1024  # every step is the same: all of them are one


def test_no_table_of_all_steps_and_pairs_of_slots_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a ring that turns and a variable aside, so that no early step decides."""
    count = 16
    rules = {
        f"v{i}": f"cos({i + 1}*t)*v{i}[t-1] + sin({i + 1}*t)*v{(i + 1) % count}[t-1]"
        for i in range(count)
    }
    step, slopes, tangent, target = asked({**rules, "z": "z[t-1]/2"}, "v0", "v1")
    table = 8 * len(slopes) * step.size**2
    monkeypatch.setattr(jacobians, "_CHUNK", 5_000)
    tracemalloc.start()
    try:
        both = directions(step, slopes, tangent, target, 0).both
        follow = followed(step, slopes, both, both.T @ tangent, target, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert both.shape[1] == count
    assert np.isfinite(follow.growth).all()
    assert peak < table / 2, (peak, table)
