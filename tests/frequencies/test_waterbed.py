"""Bode's integral by quadrature, beside the poles of the open loop and python-control."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt
from tests.frequencies.loops import RandomLinear, ScalarLoop, control, proportional


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_mean_over_a_fine_grid_of_python_control_s(seed: int) -> None:
    loop = ScalarLoop(seed)
    found = causalopt.frequency(loop.model, frequencies=[1.0]).waterbed
    assert found is not None
    sensitivity = control.feedback(1, loop.plant * loop.controller)
    circle = np.exp(1j * np.pi * (np.arange(1 << 15) + 0.5) / (1 << 15))
    expected = -np.mean(np.log(np.abs(sensitivity(circle))))
    assert found.mean_op == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_of_a_stable_loop_it_is_minus_the_unstable_poles_of_the_open_loop(seed: int) -> None:
    loop = ScalarLoop(seed)
    found = causalopt.frequency(loop.model, frequencies=[1.0]).waterbed
    assert found is not None
    sizes = np.abs((loop.plant * loop.controller).poles())
    expected = -float(np.log(sizes[sizes > 1]).sum())
    assert found.mean_op == pytest.approx(expected, abs=1e-9)
    assert found.by_roots == pytest.approx(expected, abs=1e-9)
    assert found.error < 1e-9
    assert found.removed + found.added == pytest.approx(expected, abs=1e-9)
    assert found.removed >= 0 >= found.added


@given(a=st.floats(1.01, 3.0).map(lambda v: round(v, 3)), share=st.floats(0.1, 0.9))
@settings(max_examples=20, deadline=None)
def test_what_it_costs_to_hold_an_unstable_plant(a: float, share: float) -> None:
    """x(t) = (a - k) x(t-1), k so that the loop is stable: the mean of Op is -ln a, whatever k."""
    k = round(a - 1 + 2 * share, 6)
    found = causalopt.frequency(proportional(a, k, 0), frequencies=[1.0]).waterbed
    assert found is not None
    assert found.mean_op == pytest.approx(-math.log(a), abs=1e-9)


def test_an_integrator_s_logarithm_at_frequency_0_is_integrated() -> None:
    """The largest Op is infinite, and its integral is finite: the mean is 0 all the same."""
    found = causalopt.frequency(causalopt.load("pid_loop"))
    assert found.ends.op[0] == np.inf
    assert found.waterbed is not None
    assert found.waterbed.mean_op == pytest.approx(0, abs=1e-12)
    assert found.waterbed.removed == pytest.approx(-found.waterbed.added)


@pytest.mark.parametrize("seed", range(20))
def test_jensen_s_formula_holds_where_a_answers_at_once(seed: int) -> None:
    """Comp(infinity) is not 1 where A's path has no more delay than the direct one."""
    loop = RandomLinear(seed)
    found = causalopt.frequency(loop.model, frequencies=[1.0])
    if found.waterbed is None:
        assert found.worlds.everywhere in ("perfect", "only_path", "no_influence")
        return
    circle = np.pi * (np.arange(4096) + 0.5) / 4096
    sizes = np.array(
        [loop.gain(w, frozenset()) / loop.gain(w, frozenset({1})) for w in circle.tolist()]
    )
    assert found.waterbed.mean_op == pytest.approx(-np.mean(np.log(np.abs(sizes))), abs=2e-3)
    assert found.waterbed.by_roots == pytest.approx(found.waterbed.mean_op, abs=1e-6)


@pytest.mark.parametrize("k", [0.25, 0.5, 0.9])
def test_what_is_removed_and_what_is_added_are_integrals_of_their_own(k: float) -> None:
    """Comp = z (z - 1) / (z^2 - z + k) by a midpoint rule of a million points."""
    found = causalopt.frequency(causalopt.load("thermostat"), parameters={"k": k}).waterbed
    assert found is not None
    count = 1 << 20
    z = np.exp(1j * np.pi * (np.arange(count) + 0.5) / count)
    op = -np.log(np.abs(z * (z - 1) / (z * z - z + k)))
    assert found.removed == pytest.approx(np.maximum(op, 0).mean(), abs=1e-6)
    assert found.added == pytest.approx(np.minimum(op, 0).mean(), abs=1e-8)
