"""Results of escape and entropy draw themselves."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import load
from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.evolution import Evolution
from causalopt.descents.escape.steps_to_escape import EscapeTimes
from causalopt.entropy.declared import strength
from causalopt.errors import QuestionError


def test_an_answer_draws_its_probabilities_with_their_errors_and_its_status():
    found = Answer("ensemble", (1000, 100), (0.9, 0.2), (0.03, 0.04), status="overflow")
    figure = found.plot()
    (axes,) = figure.axes
    (container,) = axes.containers
    line, _, (bars,) = container
    np.testing.assert_array_equal(line.get_xdata(), [100, 1000])
    np.testing.assert_array_equal(line.get_ydata(), [0.2, 0.9])
    heights = [segment[1][1] - segment[0][1] for segment in bars.get_segments()]
    np.testing.assert_allclose(heights, [0.08, 0.06])
    assert figure.get_suptitle() == "Escape by ensemble (overflow)"


def test_a_law_over_time_draws_one_density_a_time_each_of_area_one():
    nodes = np.linspace(-1, 1, 201)
    mass = np.exp(-((nodes[None, :] / np.array([[0.1], [0.2]])) ** 2))
    mass /= mass.sum(axis=1, keepdims=True)
    found = Evolution(np.array([0, 5]), nodes, mass, np.zeros(2), np.ones(2), 0.0)
    drawn = [line for line in found.plot().axes[0].lines if len(line.get_xdata()) == 201]
    assert len(drawn) == 2
    for line in drawn:
        assert np.trapezoid(line.get_ydata(), nodes) == pytest.approx(1, abs=1e-6)


def test_an_ensemble_over_time_draws_its_moments():
    none = np.zeros(0)
    found = Evolution(np.array([0, 5]), none, none, np.array([1, 2]), np.array([3, 4]), 0.0)
    left, right = found.plot().axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [1, 2])
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [3, 4])


def test_escape_times_draw_themselves():
    values = np.array([2.0, 3.0])
    found = EscapeTimes(values, values * 10, values / 10, 1 / values, values, ("ok", "ok"))
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in found.plot().axes[0].lines]
    assert any(
        np.allclose(line, [20, 30]) or np.allclose(line, np.log([20, 30]))
        for line in drawn
        if len(line) == 2
    )


def test_a_strength_draws_its_four_laws_a_down_the_side():
    found = strength(load("thermostat_smart"), at=1, initial="uniform")
    panels = [axes for axes in found.plot().axes if axes.get_title().startswith("P")]
    # Part 2's entropies, derived as exact rationals.
    assert [axes.get_title() for axes in panels] == [
        "P at t = 1\nS = 2.1972 bit",
        "P' at t = 1\nS = 3.0205 bit",
        "P at t = 2\nS = 0.9864 bit",
        "P' at t = 2\nS = 2.0944 bit",
    ]
    assert panels[0].get_ylabel() == "thermostat"
    assert panels[0].get_xlabel() == "room"


def test_a_strength_over_one_side_asks_for_rows_and_columns():
    found = strength(load("thermostat_smart"), at=1, initial="uniform", targets=["room"])
    with pytest.raises(QuestionError, match="say rows and columns"):
        found.plot()
