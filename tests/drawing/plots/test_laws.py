"""Figures of laws, of the point-state limit and of Part 2's parallelograms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import causalopt
from causalopt.drawing.plots.of_epsilon import plot_epsilon
from causalopt.drawing.plots.of_law import plot_laws, plot_strength
from causalopt.drawing.plots.parallelograms import plot_parallelograms
from causalopt.entropy.declared import finite_model, strength
from causalopt.entropy.epsilon import epsilon_family, point_limit
from causalopt.errors import QuestionError
from causalopt.laws.law_table import law_table
from causalopt.laws.planar import AffinePiece, uniform_box

SMART = finite_model(causalopt.load("thermostat_smart"))
WARM = ("low", "warm")


def test_part_2_laws_are_printed_as_in_the_post() -> None:
    found = strength(SMART, at=1, initial="uniform")
    text = law_table(found.P_next_decoupled, rows="thermostat", columns="room")
    assert [line.split() for line in text.splitlines()] == [
        ["hot", "warm", "cold"],
        ["high", "0", "0", "7/27"],
        ["low", "2/27", "1/3", "2/27"],
        ["off", "7/27", "0", "0"],
    ]


def test_every_cell_is_written_in_its_panel() -> None:
    found = strength(SMART, at=1, initial="uniform")
    figure = plot_strength(found, rows="thermostat", columns="room")
    assert len(figure.axes) == 4
    written = [text.get_text() for text in figure.axes[3].texts]
    assert written == ["0", "0", "7/27", "2/27", "1/3", "2/27", "7/27", "0", "0"]
    assert "2.0944" in figure.axes[3].get_title()
    assert figure.axes[0].images[0].get_array().shape == (3, 3)


def test_no_laws_make_no_figure() -> None:
    with pytest.raises(QuestionError, match="at least one law"):
        plot_laws({}, rows="a", columns="b")


def test_part_2_log_log_figure_holds_the_family_and_its_limit() -> None:
    family = epsilon_family(SMART, WARM, [Fraction(1, 10**k) for k in range(1, 11)])
    axes = plot_epsilon(family, limit=point_limit(SMART, WARM)).axes[0]
    points, line = axes.get_lines()
    np.testing.assert_allclose(points.get_xdata(), [p.S_before for p in family])
    np.testing.assert_allclose(points.get_ydata(), [p.strength.adjusted for p in family])
    np.testing.assert_allclose(line.get_ydata(), 0.5 * np.asarray(line.get_xdata()))
    slope = np.polyfit(np.log(points.get_xdata()[5:]), np.log(points.get_ydata()[5:]), 1)[0]
    assert slope == pytest.approx(1.0, abs=1e-4)


def test_a_family_without_gain_is_refused() -> None:
    dumb = finite_model(causalopt.load("thermostat_dumb"))
    family = epsilon_family(dumb, ("off", "warm"), [Fraction(1, 10)])
    with pytest.raises(QuestionError, match="nothing to draw"):
        plot_epsilon(family)


def test_part_2_parallelograms_are_drawn_corner_by_corner() -> None:
    k, half = 0.3, 0.05
    turn = AffinePiece(np.array([[1.0, -k], [1.0, 0.0]]), np.zeros(2))
    figure = plot_parallelograms(uniform_box((9.95, 9.95), (10.05, 10.05)), turn, A=1)
    assert [axes.get_title().split("\n")[0] for axes in figure.axes] == [
        "t - 1",
        "t",
        "t + 1",
        "t, decorrelated",
        "t + 1, decorrelated",
    ]
    corners = figure.axes[1].patches[0].get_xy()[:4]
    offsets = np.sort(np.unique(np.round(corners[:, 0] - 10 * (1 - k), 9)))
    np.testing.assert_allclose(
        offsets, [-half * (1 + k), -half * (1 - k), half * (1 - k), half * (1 + k)], atol=1e-9
    )
    assert np.asarray(figure.axes[4].images[0].get_array()).max() > 0
