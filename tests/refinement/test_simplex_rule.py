"""The linear rule on simplices and its error, beside integrals that are known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial import Delaunay

from causalopt.refinement.simplex_rule import Primitive, integrated, jump_count, volumes


def scattered(axes: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random points of the unit cube with its corners, and another package's simplices."""
    draw = np.random.default_rng(seed)
    corners = np.array(list(itertools.product([0.0, 1.0], repeat=axes)))
    shares = np.concatenate([corners, draw.random((count, axes))])
    if axes == 1:
        order = np.argsort(shares[:, 0])
        return shares.T, np.column_stack([order[:-1], order[1:]])
    return shares.T, Delaunay(shares).simplices


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_pieces_fill_the_cube(axes: int) -> None:
    assert volumes(*scattered(axes, 40, 1)).sum() == pytest.approx(1.0, rel=1e-9)


def test_over_one_axis_it_is_the_trapezoid_rule() -> None:
    shares, pieces = scattered(1, 30, 2)
    x = np.sort(shares[0])
    found = integrated(shares, pieces, np.exp(shares[0]))
    assert found.value == pytest.approx(np.trapezoid(np.exp(x), x), rel=1e-12)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_linear_height_is_integrated_exactly(axes: int) -> None:
    shares, pieces = scattered(axes, 50, 3)
    slopes = np.arange(1.0, axes + 1)
    found = integrated(shares, pieces, 2.0 + slopes @ shares)
    assert found.value == pytest.approx(2.0 + slopes.sum() / 2, rel=1e-9)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_error_of_a_curved_height_covers_the_true_one(axes: int) -> None:
    """exp of the sum of coordinates, whose integral is (e - 1)^axes, on grids of no order."""
    truth, covered, ratios = (math.e - 1) ** axes, 0, []
    for seed in range(60):
        shares, pieces = scattered(axes, 150, seed)
        found = integrated(shares, pieces, np.exp(shares.sum(axis=0)))
        apart = abs(found.value - truth)
        covered += apart <= found.error
        ratios.append(found.error / apart)
    assert covered >= 59
    assert np.median(ratios) < 20


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_error_of_a_set_covers_the_true_one(axes: int) -> None:
    """A ball about a corner: an interval, a quarter of a disk, an eighth of a ball."""
    radius = 0.7
    truth = {1: radius, 2: math.pi * radius**2 / 4, 3: math.pi * radius**3 / 6}[axes]
    covered, ratios = 0, []
    for seed in range(100):
        shares, pieces = scattered(axes, 200, seed)
        inside = ((shares**2).sum(axis=0) < radius**2).astype(float)
        found = integrated(shares, pieces, inside, jumps=True)
        covered += abs(found.value - truth) <= found.error
        ratios.append(found.error / abs(found.value - truth))
    assert covered >= 95
    assert np.median(ratios) < 20


def test_the_error_of_a_jump_is_no_smaller_than_half_its_interval() -> None:
    shares = np.array([[0.0, 0.3, 0.7, 1.0]])
    pieces = np.array([[0, 1], [1, 2], [2, 3]])
    found = integrated(shares, pieces, np.array([0.0, 0.0, 1.0, 1.0]), jumps=True)
    assert found.value == pytest.approx(0.5)
    assert 0.2 <= found.error < 0.4


def test_a_height_that_turns_between_two_equal_corners_is_doubted() -> None:
    shares = np.linspace(0, 1, 6)[None]
    pieces = np.array([[k, k + 1] for k in range(5)])
    turning = np.array([0.0, 1.0, 2.0, 2.0, 1.0, 0.0])
    flat = np.array([0.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    jumping = [integrated(shares, pieces, heights).error for heights in (turning, flat)]
    # The lines meet at a height of 1 over the middle interval, which is a fifth of the axis.
    assert jumping[0] ** 2 - jumping[1] ** 2 > 0


class TestPrimitive:
    """Comp is 1 at both points of an interval, or what is said, and W changes otherwise."""

    SHARES = np.array([[0.0, 0.5, 1.0]])
    PIECES = np.array([[0, 1], [1, 2]])
    FLAT = np.zeros(3)

    def test_what_w_gains_besides_is_in_the_error(self) -> None:
        values = np.array([0.0, 0.5, 3.0])  # a change of 2.5 where Comp = 1 accounts for 0.5
        known = Primitive(values, np.ones(3), may_jump=False)
        found = integrated(self.SHARES, self.PIECES, self.FLAT, primitive=known)
        assert found.value == 0.0
        assert found.error == pytest.approx(2.0, rel=0.2)
        assert found.error >= 2.0

    def test_so_it_is_while_a_jump_and_a_steep_place_are_not_told_apart(self) -> None:
        known = Primitive(np.array([0.0, 0.5, 3.0]), np.ones(3), may_jump=True)
        found = integrated(self.SHARES, self.PIECES, self.FLAT, primitive=known)
        assert found.error >= 2.0

    def test_a_jump_of_w_in_a_narrow_place_is_no_error_but_is_counted(self) -> None:
        shares = np.array([[0.0, 0.5, 0.5 + 1e-7, 1.0]])
        pieces, flat = np.array([[0, 1], [1, 2], [2, 3]]), np.zeros(4)
        values = shares[0] + np.array([0.0, 0.0, 2.0, 2.0])
        jumping = Primitive(values, np.ones(4), may_jump=True)
        assert integrated(shares, pieces, flat, primitive=jumping).error < 1e-9
        assert jump_count(shares, pieces, flat, jumping) == 1
        smooth = Primitive(values, np.ones(4), may_jump=False)
        assert integrated(shares, pieces, flat, primitive=smooth).error >= 2.0
        assert jump_count(shares, pieces, flat, smooth) == 0

    def test_where_w_knows_better_the_error_is_what_it_says(self) -> None:
        """Comp 1, 0.5, 0 is a line; W changed by 0.7 in all, not by the 0.5 below the line."""
        heights, values = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.45, 0.7])
        known = Primitive(values, np.ones(3), may_jump=False)
        found = integrated(self.SHARES, self.PIECES, heights, primitive=known)
        assert found.value == pytest.approx(0.5)
        assert found.error == pytest.approx(1.1 * 0.2, rel=1e-6)

    def test_an_unknown_comp_tells_nothing(self) -> None:
        heights = np.array([0.0, 0.5, 1.0])
        known = Primitive(np.array([0.0, 9.0, 0.7]), np.full(3, np.nan), may_jump=False)
        told = integrated(self.SHARES, self.PIECES, heights, primitive=known)
        assert told == integrated(self.SHARES, self.PIECES, heights)


def test_heights_that_overflow_have_an_infinite_error() -> None:
    shares = np.linspace(0, 1, 4)[None]
    pieces = np.array([[k, k + 1] for k in range(3)])
    found = integrated(shares, pieces, np.array([1e308, -1e308, 1e308, -1e308]))
    assert found.error == math.inf
