from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from scipy.signal import fftconvolve

import causalopt
from causalopt.entropy.bridge import (
    binned_strength,
    label_side_by_side,
    side_by_side,
    strength_from_comp,
)
from causalopt.errors import QuestionError
from causalopt.model.files import parse_model
from causalopt.worlds.interventions import Replace, Set
from tests.entropy.strategies import thermostat

COMPS = [-3.0, -0.5, 1e-6, 0.3, 0.9, 1.0, 1.5, 2.0, 50.0]


def entropy_on_a_grid(masses: np.ndarray, width: float) -> float:
    """The differential entropy of a density from its masses in cells of one width."""
    masses = masses[masses > 0] / masses.sum()
    return float(-(masses * np.log(masses / width)).sum())


def strength_on_a_grid(c: float, density: Callable[[np.ndarray], np.ndarray]) -> float:
    """S[n + (c - 1) n'] - S[c n], by folding the two densities on a grid: no formula is used."""
    second = abs(c - 1)
    width = 0.004 * min(1.0, second)
    points = np.arange(-10 * max(1.0, second), 10 * max(1.0, second), width) + width / 2
    own, replicas = density(points), density(points / second)
    folded = fftconvolve(own, replicas).clip(min=0)
    folded[folded < 1e-12 * folded.max()] = 0.0  # rounding of the transform
    alone = np.arange(-10, 10, 0.001) + 0.0005
    return entropy_on_a_grid(folded, width) - (
        entropy_on_a_grid(density(alone), 0.001) + math.log(abs(c))
    )


@pytest.mark.parametrize("c", COMPS)
@pytest.mark.parametrize(
    ("law", "density"),
    [
        ("normal", lambda x: np.exp(-(x**2) / 2)),
        ("uniform", lambda x: (np.abs(x) < 0.5).astype(float)),
    ],
)
def test_strength_is_the_entropy_of_the_folded_law_less_that_of_its_own(
    c: float, law: Literal["normal", "uniform"], density: Callable[[np.ndarray], np.ndarray]
) -> None:
    expected = 0.0 if c == 1 else strength_on_a_grid(c, density)
    assert strength_from_comp(c, law=law) == pytest.approx(expected, abs=2e-3)
    in_bits = strength_from_comp(c, law=law, unit="bit")
    assert in_bits * math.log(2) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("c", [*COMPS, 1.9, 2.1])
def test_strength_is_never_below_minus_half_a_logarithm(c: float) -> None:
    assert strength_from_comp(c) >= strength_from_comp(2.0) == pytest.approx(-math.log(2) / 2)


@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_both_vanish_where_nothing_is_optimized_and_diverge_where_all_is(law: str) -> None:
    at = [strength_from_comp(c, law=law) for c in (1.0, 0.0, math.inf)]  # type: ignore[arg-type]
    assert at == [0.0, math.inf, 0.0]
    assert math.isnan(strength_from_comp(math.nan))


def test_a_replicas_nudge_reaches_the_target_through_the_replaced_part_alone() -> None:
    """y = direct n + (total - direct) n': both slopes from worlds, total and direct from a run."""
    model, steps, step = causalopt.load("thermostat"), 40, 0.5
    found = causalopt.run(model, steps=steps)

    def y(n: float, replicas: float) -> float:
        other = causalopt.world(model, Set("R[0]", replicas), steps=steps)
        moves = (Set("R[0]", n), Replace("T", other))
        return float(np.asarray(causalopt.world(model, *moves, steps=steps)["R"])[-1])

    own = (y(35 + step, 35) - y(35, 35)) / step
    theirs = (y(35, 35 + step) - y(35, 35)) / step
    assert own == pytest.approx(float(found.direct[-1]), abs=1e-9)
    assert theirs == pytest.approx(float(found.total[-1] - found.direct[-1]), abs=1e-9)


@pytest.mark.parametrize("steps", [5, 40, 120])
def test_fine_bins_agree_with_the_narrow_limit_on_a_linear_model(steps: int) -> None:
    model = causalopt.load("thermostat")
    limit = side_by_side(model, steps=steps, law="uniform").optimizing_strength[-1]
    found = binned_strength(model, width=1.0, steps=steps, draws=3)
    # the narrower law fills 256 Comp bins, the outer two of them only partly
    assert found == pytest.approx(limit, abs=0.02)


def test_fine_bins_approach_the_narrow_limit_on_a_nonlinear_model() -> None:
    text = """
name: n
variables:
  u: {rule: "tanh(2*x[t-1])", initial: 0}
  x: {rule: "x[t-1] - 0.4*u[t-1] + 0.1*sin(x[t-1])", initial: 0.3}
partition: {A: [u]}
question: {nudge: "x[0]", hold: A, target: x, steps: 6}
"""
    model = parse_model(text)
    limit = side_by_side(model, law="uniform").optimizing_strength[-1]
    gaps = [abs(binned_strength(model, width=w) - limit) for w in (0.8, 0.1)]
    assert gaps[1] < 0.02
    assert gaps[1] < gaps[0]


def test_labels_of_the_smart_thermostat_are_worked_out_by_hand() -> None:
    """From (low, warm), the room made hot: merged after two steps, by Op and by entropy.

    X: (low, hot), (off, hot), (low, warm). Y: the room stays hot under a thermostat that stays low.
    With a replica's thermostat (low, then low or off) the room at 2 is warm 1/2, hot 1/4, cold 1/4.
    """
    smart = thermostat("smart")
    found = label_side_by_side(
        smart, ("low", "warm"), nudge="room", to="hot", target="room", steps=2
    )
    assert found.comp.tolist() == [1.0, 1.0, 0.0]
    assert found.op.tolist() == [0.0, 0.0, math.inf]
    assert found.optimizing_strength.tolist() == [0.0, 0.0, 1.5]


def test_numbers_given_to_labels_move_op_and_leave_entropy() -> None:
    dumb = thermostat("dumb")
    ask = {"nudge": "room", "to": "cold", "target": "room", "steps": 3}
    numbers = {"hot": 40.0, "warm": 25.0, "cold": -3.0}
    plain = label_side_by_side(dumb, ("high", "warm"), **ask)  # type: ignore[arg-type]
    other = label_side_by_side(dumb, ("high", "warm"), embedding=numbers, **ask)  # type: ignore[arg-type]
    np.testing.assert_array_equal(plain.optimizing_strength, other.optimizing_strength)
    assert abs(plain.comp[3]) == 1.0
    assert abs(other.comp[3]) in (15 / 28, 28 / 15)


def test_questions_out_of_range_are_refused() -> None:
    smart = thermostat("smart")
    with pytest.raises(QuestionError, match="is in A"):
        label_side_by_side(
            smart, ("low", "warm"), nudge="thermostat", to="off", target="room", steps=1
        )
    with pytest.raises(QuestionError, match="no label of 'room'"):
        label_side_by_side(smart, ("low", "warm"), nudge="room", to="icy", target="room", steps=1)
    with pytest.raises(QuestionError, match="two draws and bins"):
        binned_strength(causalopt.load("thermostat"), width=1.0, steps=3, draws=1)
