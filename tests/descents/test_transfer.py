"""The transfer operator: mass, mean, positivity, many steps, stationary laws and rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.descents.maps.random_map import RandomMap
from causalopt.descents.transfer.grid import Box, reach, spread_nodes
from causalopt.descents.transfer.operator import absorb, transfer_operator
from causalopt.descents.transfer.operator_powers import prefers_squaring, pull_many
from causalopt.descents.transfer.spectrum import escape_rate, mean_steps, stationary_law
from causalopt.errors import QuestionError
from tests.descents.chains import linear, pit, swirl, walk


def line(chain, low, high, count, **options):
    box = Box((low,), (high,), closed=True)
    return transfer_operator(chain, (spread_nodes(chain, box, count, **options),))


@given(T=st.floats(0.001, 0.2), start=st.floats(0.9, 2.2), steps=st.integers(1, 60))
def test_mass_is_kept_and_never_negative(T, start, steps):
    operator = line(pit(T), 0.0, 3.5, 200)
    law = operator.push(operator.place(np.array([[start]])), steps=steps)
    assert abs(law.sum() - 1) < 1e-13
    assert law.min() >= 0


@given(T=st.floats(0.01, 0.9), start=st.floats(1.0, 3.0))
def test_the_mean_of_a_linear_chain_is_kept_exactly(T, start):
    operator = line(linear(T), -4.0, 8.0, 120)
    law = operator.push(operator.place(np.array([[start]])), steps=5)
    expected = 2 + (start - 2) * (1 - T) ** 5
    assert law[:-1] @ operator.axes[0] == pytest.approx(expected, abs=1e-11)


def test_mass_that_leaves_the_grid_is_counted():
    operator = line(walk(), -2.0, 2.0, 5 + 8)
    law = operator.push(operator.place(np.array([[0.0]])), steps=4)
    # Of 16 walks of 4 steps those leaving [-2, 2] are the ones that touch 3 or -3 by step 3 or 4.
    assert law[-1] == pytest.approx(4 / 16, abs=1e-12)
    assert law.sum() == pytest.approx(1, abs=1e-14)


def test_pulling_is_the_adjoint_of_pushing():
    operator = line(pit(0.02), 0.5, 3.0, 300)
    law = operator.place(np.array([[1.0]]))
    values = np.sin(np.arange(operator.size))
    pushed = operator.push(law, steps=7) @ values
    assert law @ operator.pull(values, steps=7) == pytest.approx(pushed, rel=1e-12)


def test_squaring_and_stepping_agree():
    operator = line(pit(0.015), 0.8, 2.2, 150)
    values = np.append((operator.axes[0] > 1.2).astype(float), 0.0)
    steps = [3, 20_000, 70_001]
    assert prefers_squaring(operator, 10**9)
    assert not prefers_squaring(operator, 100)
    squared = pull_many(operator, values, [*steps, 10**9])[:3]
    stepped = np.stack([operator.pull(values, steps=count) for count in steps])
    assert np.abs(squared - stepped).max() < 1e-11


def test_the_stationary_law_of_the_linear_chain_has_its_exact_moments():
    errors = []
    for count in (400, 800, 1600):
        operator = line(linear(), 0.2, 6.0, count)
        law, status = stationary_law(operator)
        assert status == "ok"
        mean = law[:-1] @ operator.axes[0]
        assert mean == pytest.approx(2, abs=1e-9)
        errors.append(abs(law[:-1] @ (operator.axes[0] - mean) ** 2 - 2 / 37))
    # Numerical spread is h^2 a step, so the variance is of second order in h.
    assert errors[2] < errors[0] / 12
    assert errors[2] < 1e-5


def test_the_stationary_law_of_a_swirl_solves_its_lyapunov_equation():
    chain, H, Q = swirl(0.1)
    A = np.eye(2) - 0.1 * H
    exact = np.linalg.solve(np.eye(4) - np.kron(A, A), (0.01 * Q).ravel()).reshape(2, 2)
    errors = []
    for count in (41, 81):
        axis = np.linspace(-2.6, 2.6, count)
        operator = transfer_operator(chain, (axis, axis))
        law, status = stationary_law(operator)
        assert status == "ok"
        points = operator.points()
        errors.append(np.einsum("ip,jp,p->ij", points, points, law[:-1]) - exact)
    assert np.abs(errors[1]).max() < 0.04 * exact.max()
    assert np.abs(errors[0]).max() / np.abs(errors[1]).max() > 3.2


def test_a_chain_that_leaves_its_grid_has_no_stationary_law():
    assert stationary_law(line(walk(), -3.0, 3.0, 20))[1] == "leaves"


def test_escape_from_an_interval_is_the_gamblers_ruin():
    operator = line(walk(), 0.0, 10.0, 11)
    ends = np.append(np.isin(np.arange(11), (0, 10)), False)
    held = absorb(operator, ends)
    inside = ~ends
    inside[-1] = False
    # A fair gambler between 0 and 10 plays k (10 - k) rounds; the rate is 1 - cos(pi / 10).
    assert mean_steps(held, inside)[3] == pytest.approx(21, rel=1e-10)
    rate = escape_rate(held, inside)
    assert rate.status in ("ok", "unresolved")
    assert rate.rate == pytest.approx(1 - np.cos(np.pi / 10), rel=1e-6)


def test_a_tiny_rate_keeps_its_digits():
    # Two wells joined by one chance in 1e20 a step: 1 - lambda would be 0.
    leak = 1e-20
    chain = RandomMap((lambda W: W, lambda W: W + 1.0), (1 - leak, leak))
    operator = transfer_operator(chain, (np.array([0.0, 1.0, 2.0]),))
    inside = np.array([True, False, False, False])
    assert escape_rate(absorb(operator, ~inside), inside).rate == pytest.approx(leak, rel=1e-12)


def test_the_reach_of_a_contraction_is_its_invariant_interval():
    # W/2 and W/2 + 1 map [0, 2] onto itself.
    halves = RandomMap((lambda W: W / 2, lambda W: W / 2 + 1), (0.5, 0.5))
    box = reach(halves, np.array([0.5]), np.array([1.0]), steps=200)
    assert box.closed
    assert (box.low[0], box.high[0]) == pytest.approx((0.0, 2.0), abs=1e-9)


def test_an_unstable_chain_has_no_closed_reach():
    doubling = RandomMap((lambda W: 3 * W,), (1.0,))
    assert not reach(doubling, np.array([1.0]), np.array([2.0]), steps=10**6).closed


def test_an_overflowing_update_is_named():
    wild = RandomMap((lambda W: np.exp(np.exp(W)),), (1.0,))
    with pytest.raises(QuestionError, match="the update overflows"):
        reach(wild, np.array([1.0]), np.array([2.0]), steps=10)


def test_nodes_gather_where_the_maps_curve():
    nodes = spread_nodes(pit(0.02), Box((0.0,), (3.0,), closed=True), 400, through=(1.1,))
    widths = np.diff(nodes)
    assert np.all(widths > 0)
    assert 1.1 in nodes
    assert widths[np.searchsorted(nodes, 1.0)] < widths[np.searchsorted(nodes, 2.5)] / 3


def test_axes_must_match_coordinates():
    with pytest.raises(QuestionError, match="a grid with 2 axes came"):
        transfer_operator(walk(), (np.arange(3.0), np.arange(3.0)))


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.5, -0.5), (1.0,)])
def test_probabilities_that_do_not_sum_to_one_are_refused(shares):
    with pytest.raises(QuestionError, match="probabilit"):
        RandomMap((lambda W: W, lambda W: W), shares)
