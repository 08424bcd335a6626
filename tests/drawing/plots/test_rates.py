from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from causalopt import load
from causalopt.effects.rates import rates


def test_the_plot_shows_the_exponents_and_their_gap():
    found = rates(load("thermostat"), steps=300)
    axes = found.plot().axes[0]
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
    np.testing.assert_array_equal(drawn["whole system: Lyapunov"], [found.lyapunov[0], np.nan])
    np.testing.assert_array_equal(drawn["B driven by T: conditional"], found.conditional)
    gap = next(
        line
        for line in axes.lines
        if len(set(line.get_xdata())) == 1
        and len(line.get_xdata()) == 2
        and line.get_marker() == "_"
    )
    low, high = gap.get_ydata()
    # k = 0.01: the slow root of l^2 - l + k.
    assert high - low == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2), rel=1e-4)


def test_an_exponent_of_minus_infinity_is_marked_not_dropped():
    found = rates(load("thermostat"), steps=300)
    bottomless = dataclasses.replace(found, lyapunov=(found.lyapunov[0], -math.inf))
    assert "-∞" in [text.get_text() for text in bottomless.plot().axes[0].texts]


def test_an_exponent_far_below_the_others_stands_at_the_edge_and_does_not_flatten_them():
    model = load("thermostat")
    found = dataclasses.replace(
        rates(model, steps=300), lyapunov=(-0.5, -0.7, -36.7), conditional=(-0.1, -math.inf)
    )
    axes = found.plot().axes[0]
    assert axes.get_ylim()[0] > -1
    assert {"-36.7", "-∞"} <= {text.get_text() for text in axes.texts}
