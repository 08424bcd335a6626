"""Plane sections: their points, what is marked on them, and where a run crosses them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from causalopt import QuestionError
from causalopt.studies.plane_sections import (
    cell_middles,
    marked_points,
    orbit_crossings,
    own_coordinates,
    section_model,
)
from tests.studies.study_texts import PLANE, study


def test_points_are_middles_of_cells_and_exact_opposites() -> None:
    points = cell_middles(-7.0, 7.0, 30)
    np.testing.assert_array_equal(points, -points[::-1])
    np.testing.assert_allclose(np.diff(points), 14 / 30, rtol=1e-12)
    np.testing.assert_allclose(cell_middles(5, 45, 40)[[0, -1]], [5.5, 44.5])


def test_a_coordinate_of_its_own_moves_all_starts_that_use_it(tmp_path: Path) -> None:
    found = study(tmp_path, PLANE.replace("{a: s, b: s}", '{a: s, b: "2*s + 1"}'))
    model = section_model(found)
    assert own_coordinates(found, model) == []  # it is a parameter now
    assert "s" in model.parameters
    from causalopt import world

    place = world(model, steps=0, parameters={"s": 3})
    assert (place["a"][0], place["b"][0], place["c"][0]) == (3, 7, 1)


def test_equilibria_are_marked_where_the_flow_rests(tmp_path: Path) -> None:
    text = PLANE + (
        'points:\n  C+: {a: "sqrt(beta*(rho - 1))", b: "sqrt(beta*(rho - 1))", c: "rho - 1"}\n'
    )
    found = study(tmp_path, text)
    x, y = marked_points(found, section_model(found).replace(parameters={"rho": 25}))["C+"]
    assert (x, y) == pytest.approx((8.0, 24.0))  # 8/3 * 24 = 64
    a, b, c = x, x, y
    np.testing.assert_allclose([10 * (b - a), a * (25 - c) - b, a * b - 8 / 3 * c], 0, atol=1e-12)


def test_crossings_of_a_circle_lie_where_it_meets_the_plane(tmp_path: Path) -> None:
    (tmp_path / "circle.yaml").write_text(
        'name: circle\nvariables:\n  x: {flow: "-y", initial: 2}\n  y: {flow: x, initial: 0}\n'
        '  z: {flow: "0", initial: 5}\ndt: 0.01\nmethod: rk4\npartition: {A: [y]}\n'
    )
    text = (
        'name: round\ntitle: Round\nmodel: circle.yaml\naxes: {"x[0]": [-3, 3], "z[0]": [0, 9]}\n'
        'at: [2]\nquestions: [{hold: y, nudge: "x[0]", target: x}]\n'
        'orbit: {crosses: "y[t] - 1", skip: 100, steps: 2000}\n'
    )
    found = study(tmp_path, text)
    crossings = orbit_crossings(found, section_model(found))
    # y = 2 sin t is 1 at t = 5 pi/6, 13 pi/6, ... between 1 and 20, where x = 2 cos t.
    np.testing.assert_allclose(crossings[:, 0], 3 * [-np.sqrt(3), np.sqrt(3)], atol=1e-4)
    np.testing.assert_array_equal(crossings[:, 1], 5)
    without = study(tmp_path, text.partition("orbit")[0])
    assert orbit_crossings(without, section_model(without)).shape == (0, 2)


def test_an_orbit_over_a_parameter_is_refused(tmp_path: Path) -> None:
    text = PLANE.replace("{s: [-20, 20]", "{sigma: [9, 11]").replace("{a: s, b: s}", "{}")
    found = study(tmp_path, text + 'orbit: {crosses: "a[t]"}\n')
    with pytest.raises(QuestionError, match="an axis here is a parameter"):
        orbit_crossings(found, section_model(found))
