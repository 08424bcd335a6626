"""Polygons, their projections, and uniform laws moved by piecewise-affine maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from causalopt.errors import QuestionError
from causalopt.laws.planar import (
    AffinePiece,
    PlanarLaw,
    centred,
    moved,
    rectangles,
    step,
    uniform_box,
)
from causalopt.laws.polygons import affine, area, box, clip, difference, half_planes, intersection
from causalopt.laws.ramps import Ramps, projection
from causalopt.worlds.replacement import replace

UNIT = uniform_box((0.0, 0.0), (1.0, 1.0))
seeds = st.integers(0, 2**32 - 1)


def random_polygon(rng: np.random.Generator) -> np.ndarray:
    """A convex polygon: points on an ellipse in angular order, moved about."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    return affine(points, rng.normal(size=(2, 2)) + 2 * np.eye(2), rng.normal(size=2))


def random_map(rng: np.random.Generator) -> AffinePiece:
    return AffinePiece(rng.normal(size=(2, 2)) + 2 * np.eye(2), rng.normal(size=2))


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_a_line_cuts_an_area_in_two(seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygon = random_polygon(rng)
    normal, offset = tuple(rng.normal(size=2)), rng.normal()
    opposite = (-normal[0], -normal[1]), -offset
    parts = area(clip(polygon, (normal, offset))) + area(clip(polygon, opposite))
    assert parts == pytest.approx(area(polygon), rel=1e-9)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_difference_and_overlap_make_up_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = random_polygon(rng), random_polygon(rng)
    shared = area(intersection(first, second))
    assert shared == pytest.approx(area(intersection(second, first)), abs=1e-9)
    outside = difference(first, second)
    assert sum(area(p) for p in outside) + shared == pytest.approx(area(first), rel=1e-9)
    for piece in outside:
        assert area(intersection(piece, second)) < 1e-9


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_affine_maps_scale_areas_by_their_determinant(seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygon, piece = random_polygon(rng), random_map(rng)
    image = affine(polygon, piece.matrix, piece.shift)
    assert area(image) == pytest.approx(area(polygon) * piece.stretch, rel=1e-9)


def test_a_polygon_is_the_meeting_of_its_half_planes() -> None:
    square = box((0.0, 0.0), (1.0, 1.0))
    inside = np.array([0.5, 0.25])
    assert all(np.dot(normal, inside) < offset for normal, offset in half_planes(square))


@given(seeds, st.integers(0, 1))
@settings(max_examples=30, deadline=None)
def test_projections_are_the_exact_marginals(seed: int, axis: int) -> None:
    """Mass and mean of the marginal against the polygon's own, cut by cut."""
    rng = np.random.default_rng(seed)
    polygon = random_polygon(rng)
    marginal = projection([(polygon, 1.0 / area(polygon))], axis)
    assert marginal.mass == pytest.approx(1.0, rel=1e-9)
    cut = float(rng.uniform(polygon[:, axis].min(), polygon[:, axis].max()))
    normal = (1.0, 0.0) if axis == 0 else (0.0, 1.0)
    below = area(clip(polygon, (normal, cut))) / area(polygon)
    inner = marginal.knots[(marginal.knots > marginal.knots[0]) & (marginal.knots < cut)]
    quad, _ = integrate.quad(
        lambda x: float(marginal.density(np.array([x]))[0]),
        marginal.knots[0],
        cut,
        points=inner if len(inner) else None,
    )
    assert quad == pytest.approx(below, abs=1e-7)


@pytest.mark.parametrize(
    ("left", "right"), [(1.0, 1.0), (0.0, 2.0), (0.9, 1.1), (0.999, 1.001), (0.99, 1.01)]
)
def test_ramp_entropies_agree_with_quadrature(left: float, right: float) -> None:
    ramp = Ramps(np.array([0.0, 1.0]), np.array([left]), np.array([right]))

    def term(x: float) -> float:
        p = left + x * (right - left)
        return -p * math.log(p) if p else 0.0

    expected, _ = integrate.quad(term, 0.0, 1.0, epsabs=1e-13)
    assert ramp.entropy() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1.0, 0.3), (5.0, 0.01)])
def test_the_sum_of_two_uniforms_has_its_textbook_entropy(a: float, b: float) -> None:
    """Widths a >= b: h = ln a + b / (2 a)."""
    law = step(
        uniform_box((0.0, 0.0), (a, b)),
        [AffinePiece(np.array([[1.0, 1.0], [0.0, 1.0]]), np.zeros(2))],
    )
    assert law.marginal(0).entropy() == pytest.approx(math.log(a) + b / (2 * a), abs=1e-12)


def test_part_2_parallelogram_lies_between_its_lines() -> None:
    """R - 10 (1 - k) = +-(eps/2)(1 - k) and +-(eps/2)(1 + k) at the corners."""
    k, eps = 0.3, 0.1
    turn = AffinePiece(np.array([[1.0, -k], [1.0, 0.0]]), np.zeros(2))
    square = uniform_box((10 - eps / 2,) * 2, (10 + eps / 2,) * 2)
    ((corners, density),) = step(square, [turn]).pieces
    offsets = np.sort(corners[:, 0] - 10 * (1 - k))
    half = eps / 2
    expected = [-half * (1 + k), -half * (1 - k), half * (1 - k), half * (1 + k)]
    np.testing.assert_allclose(offsets, expected, atol=1e-12)
    assert density == pytest.approx(1 / (k * eps * eps), rel=1e-9)


def doubling() -> list[AffinePiece]:
    """The baker's doubling without its fold in y: x -> 2x mod 1, uniform stays uniform."""
    stretch = np.diag([2.0, 1.0])
    return [
        AffinePiece(stretch, np.zeros(2), (((1.0, 0.0), 0.5),)),
        AffinePiece(stretch, np.array([-1.0, 0.0]), (((-1.0, 0.0), -0.5),)),
    ]


def test_images_that_fall_over_each_other_add_up() -> None:
    law = step(UNIT, doubling())
    assert law.entropy() == pytest.approx(0.0, abs=1e-12)
    assert sum(area(p) for p, _ in law.pieces) == pytest.approx(1.0)


def test_partly_overlapping_images_have_the_histogram_worked_out_by_hand() -> None:
    """x -> x below 1/2, x - 1/4 above: density 1, 2, 1 on quarters of [0, 3/4]."""
    pieces = [
        AffinePiece(np.eye(2), np.zeros(2), (((1.0, 0.0), 0.5),)),
        AffinePiece(np.eye(2), np.array([-0.25, 0.0]), (((-1.0, 0.0), -0.5),)),
    ]
    law = step(UNIT, pieces)
    assert law.entropy() == pytest.approx(-0.25 * 2 * math.log(2), abs=1e-12)
    flat = replace(law, [0], law)
    assert rectangles(flat).entropy() == pytest.approx(law.entropy(), abs=1e-12)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_mass_and_entropy_move_as_they_must(seed: int) -> None:
    rng = np.random.default_rng(seed)
    piece = random_map(rng)
    law = step(UNIT, [piece])
    assert law.entropy() == pytest.approx(math.log(piece.stretch), abs=1e-9)
    again = replace(law, [1], law)
    assert again.entropy() >= law.entropy() - 1e-9
    assert moved(again, piece).entropy() == pytest.approx(
        again.entropy() + math.log(piece.stretch), abs=1e-9
    )
    assert centred(law).entropy() == pytest.approx(law.entropy(), abs=1e-9)


def test_product_densities_integrate_to_one() -> None:
    turn = AffinePiece(np.array([[1.0, -0.3], [1.0, 0.0]]), np.zeros(2))
    law = step(UNIT, [turn])
    product = moved(replace(law, [1], law), turn)
    low, high = -1.0, 2.0
    grid = np.linspace(low, high, 901)
    points = np.stack(np.meshgrid(grid, grid), axis=-1)
    mass = product.density(points).sum() * (grid[1] - grid[0]) ** 2
    assert mass == pytest.approx(1.0, abs=0.01)


def test_what_cannot_be_moved_exactly_is_refused() -> None:
    flat = AffinePiece(np.array([[1.0, 0.0], [0.0, 0.0]]), np.zeros(2))
    with pytest.raises(QuestionError, match="flattens the plane"):
        step(UNIT, [flat])
    with pytest.raises(QuestionError, match="integrate to 1"):
        PlanarLaw(((box((0.0, 0.0), (1.0, 1.0)), 2.0),))
    sheared = step(UNIT, [AffinePiece(np.array([[1.0, 1.0], [0.0, 1.0]]), np.zeros(2))])
    with pytest.raises(QuestionError, match="sloping density"):
        rectangles(replace(sheared, [0], sheared))
    with pytest.raises(QuestionError, match="integrate to 1"):
        step(UNIT, doubling()[:1])


@pytest.mark.parametrize("height", [0.9995, 1.0005, 1 - 2e-9])
def test_densities_that_integrate_to_nearly_one_are_refused(height: float) -> None:
    with pytest.raises(QuestionError, match=r"integrate to 1; these to (0\.99|1\.00)"):
        PlanarLaw(((box((0.0, 0.0), (1.0, 1.0)), height),))
