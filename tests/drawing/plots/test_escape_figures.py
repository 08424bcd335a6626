"""Figures of descent and escape: the right curves on the right axes."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import load
from causalopt.descents.chain import chain_of
from causalopt.descents.diffusions.plane_diffusion import plane_diffusion, plane_stationary
from causalopt.descents.escape.by_ensemble import escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.descents.escape.evolution import evolve_by_ensemble, evolve_by_operator
from causalopt.descents.escape.steps_to_escape import fit_log_line, steps_to_escape
from causalopt.descents.landscape import landscape
from causalopt.drawing.plots.of_descent import descent
from causalopt.drawing.plots.of_escape import (
    plot_current,
    plot_densities,
    plot_escape_curves,
    plot_moments,
    plot_steps_to_escape,
)
from causalopt.drawing.plots.of_landscape import plot_landscape, plot_losses, plot_op_map
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_EDGE, PIT_START, linear, pit


def written(figure):
    """Draw it for real: warnings are errors here."""
    figure.canvas.draw()
    return figure


def test_the_landscape_figure_draws_the_terms():
    points = np.linspace(0.5, 2.5, 51)
    found = landscape(load("sgd_pit"))
    figure = written(plot_landscape(found, points))
    drawn = figure.axes[1].lines[-1].get_ydata()
    assert drawn == pytest.approx(found.evaluate(found.covariance[0][0], points[np.newaxis]))


def test_a_plane_has_no_landscape_line():
    with pytest.raises(QuestionError, match="over one parameter"):
        plot_landscape(landscape(load("sgd_swirl")), np.linspace(0, 1, 5))


def test_losses_are_labelled():
    points = np.linspace(0, 3, 20)
    figure = written(plot_losses(points, {"L": points, "l_0": points**2}))
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["L", "l_0"]


def test_the_op_map_marks_infinities_without_failing():
    op = np.array([[0.0, 1.0], [np.inf, -2.0]])
    figure = written(plot_op_map(np.array([0.0, 1.0]), np.array([0.1, 0.2]), op))
    assert figure.axes[0].get_ylabel() == "T"


def test_escape_curves_have_one_line_a_member_and_number_of_steps():
    temperatures = np.array([0.015, 0.02])
    question = Escape((PIT_START,), PIT_EDGE, (20, 40))
    answers = {
        "operator": [escape_by_operator(pit(T), question) for T in temperatures],
        "ensemble": [escape_by_ensemble(pit(T), question, walkers=500) for T in temperatures],
    }
    figure = written(plot_escape_curves(temperatures, answers))
    assert len(figure.axes[0].containers) == 4
    line = figure.axes[0].containers[1].lines[0]
    assert line.get_ydata() == pytest.approx([a.probability[1] for a in answers["operator"]])


def test_steps_to_escape_are_drawn_with_fit_and_theory():
    times = steps_to_escape(pit, [0.015, 0.02, 0.025], start=PIT_START, beyond=PIT_EDGE, nodes=300)
    line = fit_log_line(times.temperatures, times.mean)
    figure = written(plot_steps_to_escape(times, line))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(labels) == 3
    assert figure.axes[0].get_yscale() == "log"


def test_laws_and_moments_are_drawn_over_time():
    points, times = np.linspace(0.9, 1.1, 20), np.array([0, 2, 4])
    operator = evolve_by_operator(linear(), points, times, nodes=100)
    ensemble = evolve_by_ensemble(linear(), points, times, copies=5)
    moments = written(plot_moments({"operator": operator, "ensemble": ensemble}))
    assert moments.axes[0].lines[0].get_ydata() == pytest.approx(operator.mean)
    laws = written(plot_densities(operator))
    assert len(laws.axes[0].get_legend().get_texts()) == 3


def test_the_current_is_drawn_as_arrows():
    axis = np.linspace(-1.5, 1.5, 25)
    plane = plane_diffusion(chain_of(load("sgd_swirl")).step, (axis, axis))
    mass = plane_stationary(plane)
    figure = plot_current((axis, axis), mass.reshape(plane.shape), plane.current(mass))
    assert written(figure).axes[0].get_xlabel() == "u"


def test_a_law_that_is_a_comb_is_drawn_as_a_distribution_function():
    comb, smooth = (
        written(descent(load(name), show="laws", steps=60)).axes[0]
        for name in ("sgd_pit", "sgd_spread")
    )
    assert (comb.get_ylabel(), smooth.get_ylabel()) == ("P(below W)", "probability density")
    for line in comb.lines[:-1]:
        heights = line.get_ydata()
        assert np.all(np.diff(heights) >= 0)
        assert heights[-1] == pytest.approx(1)


def test_no_arrow_of_a_current_is_longer_than_two_spots():
    axis = np.linspace(-1.5, 1.5, 61)
    plane = plane_diffusion(chain_of(load("sgd_swirl")).step, (axis, axis))
    mass = plane_stationary(plane)
    figure = written(plot_current((axis, axis), mass.reshape(plane.shape), plane.current(mass)))
    (arrows,) = (part for part in figure.axes[0].collections if hasattr(part, "U"))
    lengths = np.hypot(arrows.U, arrows.V)[~arrows.Umask] / arrows.scale
    spot = np.diff(np.unique(arrows.X)).min()
    assert lengths.max() == pytest.approx(2 * spot)
    assert figure.axes[0].get_title().startswith("the longest arrow is ")


def test_a_learning_rate_that_compresses_perfectly_does_not_set_the_scale_of_op():
    op = np.array([[0.5, 1.0, 1.5], [np.inf, 700.0, np.inf], [0.5, 1.0, 1.5]])
    figure = written(plot_op_map(np.arange(3.0), np.arange(3.0), op))
    mesh = figure.axes[0].collections[0]
    assert not np.ma.getmaskarray(mesh.get_array()).any()
    assert mesh.norm(1.0) - mesh.norm(0.0) > 0.05
    assert "∞" in figure.axes[1].get_ylabel()


def test_the_quasi_potential_says_that_it_is_shifted():
    times = steps_to_escape(pit, [0.02, 0.025], start=PIT_START, beyond=PIT_EDGE)
    legend = plot_steps_to_escape(times).axes[0].get_legend()
    assert any("shifted to meet the first point" in text.get_text() for text in legend.get_texts())
