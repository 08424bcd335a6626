"""The panels that figures share."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from causalopt.drawing.palette import AMPLIFIES, COMPRESSES, LIGHT
from causalopt.drawing.plots.of_landscape import plot_op_map
from causalopt.posts.charts import Map, bar_figure, map_figure


def test_every_figure_of_op_has_the_same_colours_for_its_sign() -> None:
    axis, op = np.array([0.0, 1.0]), np.array([[-1.0, 1.0], [1.0, np.inf]])
    drawn = (
        plot_op_map(axis, axis, op),
        map_figure([Map(axis, axis, op, "x", "y", "t")], label=""),
    )
    for figure in drawn:
        mesh = figure.axes[0].collections[0]
        shades = mesh.get_cmap()
        assert [to_hex(shades(end)) for end in (0.0, 1.0)] == [
            LIGHT.op_stops[0],
            LIGHT.op_stops[-1],
        ]
        low, high = mesh.get_clim()
        assert low == -high
    bars = bar_figure({"up": 1.0, "down": -1.0}, name="Op").axes[0].patches
    assert [bar.get_facecolor()[:3] for bar in bars] == [to_rgb(AMPLIFIES), to_rgb(COMPRESSES)]


def test_the_two_signs_are_told_apart_in_every_form_of_colour_blindness() -> None:
    """By brightness or by blue against yellow, of which one is left to every reader."""
    (r1, g1, b1), (r2, g2, b2) = to_rgb(AMPLIFIES), to_rgb(COMPRESSES)
    bright = abs(0.2126 * (r1 - r2) + 0.7152 * (g1 - g2) + 0.0722 * (b1 - b2))
    blue = abs((b1 - (r1 + g1) / 2) - (b2 - (r2 + g2) / 2))
    assert bright > 0.15
    assert blue > 0.3
