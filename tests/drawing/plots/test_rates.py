from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from causalopt import Model, load
from causalopt.effects.exponents.rates import rates


def test_the_plot_shows_the_exponents_and_their_gap():
    found = rates(load("thermostat"), steps=300)
    axes = found.plot().axes[0]
    drawn = {bar.get_label(): bar[0].get_ydata() for bar in axes.containers}
    np.testing.assert_array_equal(drawn["whole system: Lyapunov"], found.lyapunov[:1])
    np.testing.assert_array_equal(drawn["B driven by T: conditional"], found.conditional)
    gap = next(line for line in axes.lines if tuple(line.get_xdata()) == (0.7, 0.7))
    low, high = gap.get_ydata()
    # k = 0.01: the slow root of l^2 - l + k.
    assert high - low == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2), rel=1e-4)


def test_exponents_of_minus_infinity_are_left_out_and_counted():
    found = rates(load("maze"), steps=300)
    assert found.lyapunov[-1] == -math.inf
    axes = found.plot().axes[0]
    assert "left out, being -∞ (rank): 1 of 4 Lyapunov" in axes.get_xlabel()
    assert axes.get_ylim()[0] > -1
    assert len(axes.containers[0][0].get_ydata()) == 3


def test_a_question_that_is_deaf_to_a_direction_says_so_and_shows_no_gap():
    figure = rates(load("maze"), steps=1000).plot()
    title = figure.get_suptitle()
    assert "Op(u; D[0], e_D) grows by 0.356675 ± 0 nats per step" in title
    assert "of a generic n and m: 0 ± 0" in title
    assert "m does not observe D + pos" in title
    assert "Op" not in [text.get_text() for text in figure.axes[0].texts]


def test_without_a_there_is_one_row_of_exponents():
    model = Model(name="half", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
    figure = rates(model, steps=20).plot()
    assert figure.get_suptitle() == "half: Lyapunov exponents"
    assert len(figure.axes[0].containers) == 1


def test_an_exponent_far_below_the_others_stands_at_the_edge_and_does_not_flatten_them():
    found = rates(load("thermostat"), steps=300)
    found = dataclasses.replace(
        found,
        lyapunov=(-0.5, -0.7, -36.7),
        lyapunov_error=(0.0, 0.0, 0.0),
        conditional=(-0.1, -math.inf),
        conditional_error=(0.0, math.nan),
    )
    axes = found.plot().axes[0]
    assert axes.get_ylim()[0] > -1
    assert "-36.7" in {text.get_text() for text in axes.texts}
