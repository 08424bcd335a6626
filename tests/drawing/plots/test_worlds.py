from __future__ import annotations

import numpy as np
import pytest

from causalopt import Nudge, Replace, load, world
from causalopt.drawing.plots.of_world import plot_worlds
from causalopt.errors import QuestionError


def test_each_row_draws_one_variable_in_every_world():
    model = load("lorenz")
    w = world(model, steps=50)
    x = world(model, Nudge("b[0]", 0.5), steps=50, name="X")
    y = world(model, Nudge("b[0]", 0.5), Replace("a", w), steps=50, name="Y")
    rows = w.plot(x, y).axes
    assert [axes.get_ylabel() for axes in rows] == ["a", "b", "c"]
    for axes, name in zip(rows, "abc", strict=True):
        for line, drawn in zip(axes.lines, (w, x, y), strict=True):
            assert line.get_label() == drawn.name
            np.testing.assert_array_equal(line.get_ydata(), drawn[name])
            np.testing.assert_allclose(line.get_xdata(), np.arange(51) * 0.01)


def test_worlds_are_told_apart_without_colour():
    model = load("thermostat")
    worlds = [world(model, Nudge("R[0]", i), steps=9, name=f"w{i}") for i in range(4)]
    looks = {(a.get_linestyle(), a.get_marker()) for a in plot_worlds(*worlds).axes[0].lines}
    assert len(looks) == 4


def test_worlds_of_several_models_are_refused():
    one, other = world(load("lorenz"), steps=3), world(load("thermostat"), steps=3)
    with pytest.raises(QuestionError, match="worlds of several models"):
        plot_worlds(one, other)


def test_no_world_is_refused():
    with pytest.raises(QuestionError, match="which worlds are drawn"):
        plot_worlds()
