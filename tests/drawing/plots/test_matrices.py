"""The pictures of matrices of Op and of sensitivities, against the closed form of two steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from causalopt import load, op_matrix, sensitivity
from causalopt.drawing.palette import LIGHT


def test_a_matrix_has_a_cell_for_each_pair_with_its_number() -> None:
    """R[2] = R[1] - k T[1], T[1] = R[0] - d: by R[0] 1 - k, by T[0] -k, which T held takes away."""
    model = load("thermostat").replace(parameters={"k": 0.25})
    found = op_matrix(model, sources=["R[0]", "R[1]"], targets=["R[1]", "R[2]", "R[3]"], hold="T")
    axes, bar = found.plot().axes[:2]
    assert bar.get_ylabel() == "Op [nats]"
    drawn = np.ma.filled(axes.collections[0].get_array().astype(float), np.nan)
    assert drawn.shape == (2, 3)
    assert drawn[0, 0] == pytest.approx(0, abs=1e-12)
    assert drawn[0, 1] == pytest.approx(-math.log(0.75))
    # R[3] = R[2] - k T[2], T[2] = R[1] - d: by R[0] 1 - 2k.
    assert drawn[0, 2] == pytest.approx(-math.log(0.5))
    assert drawn[1, 1] == pytest.approx(0, abs=1e-12)
    assert drawn[1, 2] == pytest.approx(-math.log(0.75))
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[1, 0] == f"{-math.log(0.75):.3g}"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["R[1]", "R[2]", "R[3]"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["R[0]", "R[1]"]
    assert axes.yaxis_inverted()


def test_a_pair_without_influence_is_hatched_and_counted() -> None:
    found = op_matrix(load("thermostat"), sources=["R[2]"], targets=["R[1]", "R[4]"])
    figure = found.plot()
    (patch,) = (p for p in figure.axes[0].patches if p.get_label() == "no_influence")
    assert patch.get_path().contains_points([(0, 0), (1, 0)]).tolist() == [True, False]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no_influence (1)"]


def test_sensitivities_are_bars_the_strongest_first_in_the_colour_of_their_sign() -> None:
    """Op of two steps is -log(1 - k): k dOp/dk is k / (1 - k), and k dComp/dk is -k."""
    model = load("thermostat").replace(parameters={"k": 0.25})
    found = sensitivity(model, steps=2, among=["k"])
    (axes,) = found.plot().axes
    (bar,) = axes.patches
    assert bar.get_width() == pytest.approx(0.25 / 0.75, rel=1e-6)
    assert to_hex(bar.get_facecolor()) == LIGHT.compresses
    assert [label.get_text() for label in axes.get_yticklabels()] == ["k = 0.25"]
    (bar,) = found.plot(panels="comp").axes[0].patches
    assert bar.get_width() == pytest.approx(-0.25, rel=1e-6)
    assert to_hex(bar.get_facecolor()) == LIGHT.compresses  # less Comp is more compression
