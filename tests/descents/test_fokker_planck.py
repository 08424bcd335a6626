"""Fokker-Planck: mass, sign, end states, and orders by refinement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.special import gammaln

from causalopt.descents.diffusions.end_state import end_state
from causalopt.descents.diffusions.fokker_planck import diffusion, evolve
from causalopt.descents.maps.random_map import RandomMap
from causalopt.descents.transfer.grid import Box, spread_nodes
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_START, linear, ornstein, pit, walk


def inverse_gamma(points, *, shape, scale):
    """The density scale^shape / Gamma(shape) W^(-shape-1) exp(-scale/W), in logarithms."""
    logs = shape * np.log(scale) - gammaln(shape) - (shape + 1) * np.log(points) - scale / points
    return np.exp(logs)


@settings(max_examples=25, deadline=None)
@given(
    T=st.floats(0.005, 0.2),
    alpha=st.sampled_from([0.0, 0.5, 1.0]),
    scheme=st.sampled_from(["implicit", "crank-nicolson"]),
    step=st.floats(0.05, 50),
)
def test_mass_is_kept_and_never_negative_on_the_pit(T, alpha, scheme, step):
    edges = spread_nodes(pit(T), Box((0.0,), (3.5,), closed=True), 301)
    line = diffusion(pit(T), edges, alpha=alpha)
    flow = evolve(line, line.place(PIT_START), np.array([1.0, 500.0]), step=step, scheme=scheme)
    assert np.abs(flow.mass.sum(axis=1) - 1).max() < 1e-12
    assert flow.mass.min() >= 0


def test_mass_error_stays_below_1e_12_over_many_steps():
    line = diffusion(pit(0.02), spread_nodes(pit(0.02), Box((0.5,), (3.0,), True), 1001))
    flow = evolve(line, line.place(PIT_START), np.array([4000.0]), step=0.5)
    assert abs(flow.mass[0].sum() - 1) < 1e-12
    assert flow.mass.min() >= 0


@pytest.mark.parametrize(("alpha", "shape"), [(0.0, 101), (0.5, 100), (1.0, 99)])
def test_the_linear_end_state_is_the_inverse_gamma_of_its_convention(alpha, shape):
    line = diffusion(linear(), np.linspace(0.6, 5.0, 1601), alpha=alpha)
    # No current at rest: right times a cell's mass is left times its neighbour's.
    mass = np.cumprod(np.append(1.0, line.right / line.left))
    mass /= mass.sum()
    expected = inverse_gamma(line.centres, shape=shape, scale=200.0)
    assert np.abs(mass / line.widths - expected).max() < 2e-4 * expected.max()
    assert mass @ line.centres == pytest.approx(200 / (shape - 1), abs=2e-5)
    formula = end_state(linear(), line.centres, alpha=alpha)
    assert np.abs(formula - expected).max() < 1e-4 * expected.max()


def test_the_ornstein_uhlenbeck_variance_is_the_diffusions_not_the_chains():
    line = diffusion(ornstein(), np.linspace(-1, 1, 801))
    flow = evolve(line, line.place(0.0), np.array([400.0]), step=0.5)
    variance = flow.mass[0] @ line.centres**2
    assert variance == pytest.approx(0.0125, rel=1e-4)
    assert abs(variance - 0.0131579) > 5e-4


def test_spreading_without_drift_adds_its_variance_every_step():
    line = diffusion(walk(0.1), np.linspace(-6, 6, 1201))
    flow = evolve(line, line.place(0.0), np.array([50.0, 100.0]), step=0.25)
    variances = flow.mass @ line.centres**2
    assert variances == pytest.approx([0.5, 1.0], rel=1e-4)


def _gaussian(line):
    density = np.exp(-((line.centres - 0.4) ** 2) / 0.02) * line.widths
    return density / density.sum()


def _mean_square_error(scheme, step):
    """Error in time alone: the semi-discrete solution by very small steps is the reference."""
    line = diffusion(ornstein(), np.linspace(-1.5, 1.5, 301))
    reference = evolve(line, _gaussian(line), np.array([8.0]), step=1 / 512).mass[0]
    found = evolve(line, _gaussian(line), np.array([8.0]), step=step, scheme=scheme).mass[0]
    return np.abs(found - reference).sum()


def test_implicit_euler_is_of_first_order_in_time():
    errors = [_mean_square_error("implicit", step) for step in (1.0, 0.5, 0.25)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all((orders > 0.85) & (orders < 1.15))


def test_crank_nicolson_is_of_second_order_in_time():
    errors = [_mean_square_error("crank-nicolson", step) for step in (0.5, 0.25, 0.125)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all((orders > 1.8) & (orders < 2.2))


def _space_error(cells):
    """Ornstein-Uhlenbeck from a Gaussian stays Gaussian: a closed form in space and time."""
    line = diffusion(ornstein(), np.linspace(-1.5, 1.5, cells + 1))
    mass = evolve(line, _gaussian(line), np.array([8.0]), step=1 / 64).mass[0]
    decay = np.exp(-0.1 * 8)
    mean, variance = 0.4 * decay, 0.01 * decay**2 + 0.0125 * (1 - decay**2)
    exact = np.exp(-((line.centres - mean) ** 2) / (2 * variance)) * line.widths
    return np.abs(mass - exact / exact.sum()).sum()


def test_space_is_of_second_order_where_all_is_smooth():
    errors = [_space_error(cells) for cells in (75, 150, 300)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all((orders > 1.8) & (orders < 2.3))


def test_space_is_of_first_order_at_least_on_the_pit():
    chain, box = pit(0.02), Box((0.6,), (2.6,), closed=True)

    def escaped(cells):
        line = diffusion(chain, spread_nodes(chain, box, cells + 1, through=(1.196,)))
        flow = evolve(line, line.place(PIT_START), np.array([200.0]), step=0.5)
        return flow.mass[0][line.centres > 1.196].sum()

    values = [escaped(cells) for cells in (500, 1000, 2000, 4000)]
    changes = np.abs(np.diff(values))
    assert np.all(np.log2(changes[:-1] / changes[1:]) > 0.9)


def test_without_spread_mass_follows_the_descent():
    alone = RandomMap((lambda W: W - 0.02 * (W - 2),), (1.0,))
    line = diffusion(alone, np.linspace(0, 4, 1601))
    flow = evolve(line, line.place(1.0), np.array([50.0]), step=0.25)
    assert flow.mass[0] @ line.centres == pytest.approx(2 - np.exp(-1.0), abs=2e-3)
    assert flow.mass.min() >= 0


def test_a_step_that_would_turn_negative_is_replaced_and_counted():
    line = diffusion(walk(), np.linspace(-40, 40, 401))
    # After a hundredth of a step the mass is still a spike; a step of 20 then overshoots.
    flow = evolve(line, line.place(0.0), np.array([0.01, 400.0]), step=20.0)
    assert flow.replaced > 0
    assert flow.mass.min() >= 0


def test_a_sink_takes_what_passes_it():
    # Reflection principle: a walk from 0 has passed 10 by time 100 with 2 (1 - Phi(1)).
    line = diffusion(walk(), np.linspace(-70, 10, 1601), sink=True)
    flow = evolve(line, line.place(0.0), np.array([100.0]), step=0.25)
    assert 1 - flow.mass[0].sum() == pytest.approx(0.3173105, abs=1e-4)


def test_the_end_state_formula_refuses_a_vanishing_spread():
    with pytest.raises(QuestionError, match="S\\^2 vanishes near"):
        end_state(pit(0.02), np.linspace(0.5, 3.0, 101))


def test_a_convention_outside_0_and_1_is_refused():
    with pytest.raises(QuestionError, match="alpha is 0"):
        diffusion(walk(), np.linspace(-1, 1, 11), alpha=1.5)


def test_an_unknown_scheme_is_refused():
    line = diffusion(walk(), np.linspace(-1, 1, 11))
    with pytest.raises(QuestionError, match="'implicit' or 'crank-nicolson'"):
        evolve(line, line.place(0.0), np.array([1.0]), scheme="explicit")  # type: ignore[arg-type]


def _rates_matrix(line):
    """dP/dt = A P, written out cell by cell from the rates alone."""
    count = len(line.right) + 1
    matrix = np.zeros((count, count))
    for cell in range(count - 1):
        matrix[cell + 1, cell] += line.right[cell]
        matrix[cell, cell] -= line.right[cell]
        matrix[cell, cell + 1] += line.left[cell]
        matrix[cell + 1, cell + 1] -= line.left[cell]
    matrix[-1, -1] -= line.leak
    return matrix


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize("step", [0.0625, 0.5, 20.0])
def test_the_first_crank_nicolson_step_is_two_implicit_half_steps(step, sink):
    line = diffusion(walk(0.2), np.linspace(-2, 2, 81), sink=sink)
    start = line.place(0.01)
    half = np.linalg.inv(np.eye(len(start)) - step / 2 * _rates_matrix(line))
    flow = evolve(line, start, np.array([step]), step=step)
    np.testing.assert_allclose(flow.mass[0], half @ half @ start, atol=1e-13)
    assert flow.replaced == 0


def test_the_next_steps_are_crank_nicolsons_own():
    line, step = diffusion(walk(0.2), np.linspace(-2, 2, 81)), 0.0625
    start = line.place(0.01)
    one, A = np.eye(len(start)), step / 2 * _rates_matrix(line)
    begun = np.linalg.inv(one - A) @ np.linalg.inv(one - A) @ start
    trapezoid = np.linalg.solve(one - A, one + A)
    flow = evolve(line, start, np.array([3 * step]), step=step)
    np.testing.assert_allclose(flow.mass[0], trapezoid @ trapezoid @ begun, atol=1e-13)


def test_a_point_start_needs_no_step_replaced_and_keeps_second_order():
    line = diffusion(ornstein(), np.linspace(-1.5, 1.5, 302))
    exact = expm(8.0 * _rates_matrix(line)) @ line.place(0.4)
    flows = [
        evolve(line, line.place(0.4), np.array([8.0]), step=step) for step in (0.25, 0.125, 0.0625)
    ]
    assert [flow.replaced for flow in flows] == [0, 0, 0]
    errors = np.array([np.abs(flow.mass[0] - exact).sum() for flow in flows])
    orders = np.log2(errors[:-1] / errors[1:])
    assert np.all((orders > 1.8) & (orders < 2.5))


def test_the_current_is_what_crosses_each_face():
    line = diffusion(ornstein(), np.linspace(-1.5, 1.5, 31))
    mass = _gaussian(line)
    change = -np.diff(np.concatenate([[0.0], line.current(mass), [0.0]]))
    np.testing.assert_allclose(change, _rates_matrix(line) @ mass, atol=1e-15)
