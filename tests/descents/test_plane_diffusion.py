"""The plane: matrix S^2, positive stencils, and a current that circulates at rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import solve_continuous_lyapunov

from causalopt.descents.diffusions.plane_diffusion import (
    evolve_plane,
    plane_diffusion,
    plane_stationary,
)
from causalopt.descents.diffusions.stencil import positive_directions
from causalopt.descents.maps.random_map import RandomMap
from causalopt.errors import QuestionError
from tests.descents.chains import swirl, walk


@given(angle=st.floats(0, np.pi), least=st.floats(0.01, 1), most=st.floats(1, 3))
def test_selling_rebuilds_every_matrix_from_non_negative_weights(angle, least, most):
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    D = turn @ np.diag([most, least]) @ turn.T
    e, w = positive_directions(D[:, :, np.newaxis])
    assert w.min() >= 0
    assert np.einsum("kp,kip,kjp->ij", w, e, e) == pytest.approx(D, abs=1e-9)


def _end_state(count, T=0.1):
    chain, H, Q = swirl(T)
    axis = np.linspace(-2.2, 2.2, count)
    plane = plane_diffusion(chain, (axis, axis))
    mass = plane_stationary(plane)
    covariance = solve_continuous_lyapunov(T * H, T * T * Q)
    points = np.stack([line.ravel() for line in np.meshgrid(axis, axis, indexing="ij")])
    inverse = np.linalg.inv(covariance)
    density = np.exp(-0.5 * np.einsum("ip,ij,jp->p", points, inverse, points))
    density /= 2 * np.pi * np.sqrt(np.linalg.det(covariance))
    velocity = (-T * H + 0.5 * T * T * Q @ inverse) @ points
    current = (velocity * density).reshape(2, count, count)
    found = np.einsum("ip,jp,p->ij", points, points, mass)
    return found, covariance, plane.current(mass), current


def test_the_end_state_solves_the_lyapunov_equation_to_second_order():
    errors = []
    for count in (31, 61):
        found, covariance, _, _ = _end_state(count)
        errors.append(np.abs(found - covariance).max())
    assert errors[1] < 2e-3
    assert errors[0] / errors[1] > 3.2


def test_the_current_at_rest_circulates_and_is_the_closed_form():
    _, _, found, exact = _end_state(81)
    assert np.abs(exact).max() > 0.04
    assert np.abs(found - exact).max() < 0.06 * np.abs(exact).max()


def test_the_current_at_rest_vanishes_where_curvature_and_spread_commute():
    T = 0.1
    pulls = [np.array(c) for c in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))]
    maps = tuple((lambda W, c=c: W - T * (W - c[:, np.newaxis])) for c in pulls)
    axis = np.linspace(-1, 1, 61)
    plane = plane_diffusion(RandomMap(maps, (0.25,) * 4, 2, ("x", "y")), (axis, axis))
    mass = plane_stationary(plane)
    scale = T * mass.max() / (axis[1] - axis[0]) ** 2
    assert np.abs(plane.current(mass)).max() < 5e-3 * scale


def test_mass_is_kept_and_never_negative_with_a_singular_matrix():
    # Two datapoints: S^2 has rank one, along a direction no axis shares.
    T = 0.2
    c = np.array([1.0, 0.6])
    maps = tuple((lambda W, s=s: W - T * (W - s * c[:, np.newaxis])) for s in (1.0, -1.0))
    axis = np.linspace(-1.5, 1.5, 41)
    plane = plane_diffusion(RandomMap(maps, (0.5, 0.5), 2, ("x", "y")), (axis, axis))
    mass = evolve_plane(plane, plane.place((0.5, -0.5)), np.array([1.0, 30.0]), step=1.0)
    assert np.abs(mass.sum(axis=1) - 1).max() < 1e-12
    assert mass.min() >= 0


def test_the_mean_follows_the_descent():
    chain, H, _ = swirl(0.05)
    axis = np.linspace(-2.0, 2.0, 81)
    plane = plane_diffusion(chain, (axis, axis))
    mass = evolve_plane(plane, plane.place((0.5, 0.5)), np.array([10.0]), step=0.1)[0]
    points = np.stack([line.ravel() for line in np.meshgrid(axis, axis, indexing="ij")])
    start = axis[np.argmin(np.abs(axis - 0.5))]
    assert points @ mass == pytest.approx(start * np.exp(-0.05 * 10 * np.diag(H)), abs=5e-3)


def test_a_line_is_not_a_plane():
    with pytest.raises(QuestionError, match="two coordinates"):
        plane_diffusion(walk(), (np.arange(3.0), np.arange(3.0)))
