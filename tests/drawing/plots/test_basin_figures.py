"""Figures of basins: what stands where, and that all of it can be drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from causalopt import (
    Model,
    attraction_along,
    attraction_basins,
    basin_contingency,
    basins_along,
    load,
    op_basins,
    rate_curve,
)
from tests.basins.shapes import ball, disk, interval, splitting, two_lobes

PLANE = {"x[0]": (-1.61, 1.57), "y[0]": (-1.47, 1.53)}


def drawn(figure: Figure) -> Figure:
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    return figure


def texts(axes: object) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_regions_of_a_plane_are_outlined_and_numbered() -> None:
    found = op_basins(two_lobes(), PLANE, level=0.7, depth=2)
    figure = drawn(found.plot())
    axes, bar = figure.axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("x[0]", "y[0]")
    assert bar.get_ylabel() == "Op [nats]"
    assert sorted(texts(axes)) == ["1", "2"]
    for text in axes.texts:
        y, x = text.get_position()
        k = int((x - PLANE["x[0]"][0]) / 3.18 * found.tree.shape[0])
        j = int((y - PLANE["y[0]"][0]) / 3.0 * found.tree.shape[1])
        assert found.region[k, j] == int(text.get_text())
    mesh = axes.collections[0]
    assert mesh.norm(0.0) == pytest.approx(0.5)


def test_of_one_axis_regions_are_spans_below_their_number() -> None:
    found = op_basins(splitting(2.0), {"x[0]": (-1.97, 1.83)})
    (axes,) = drawn(found.plot()).axes
    assert sorted(texts(axes)) == ["1", "2"]
    line = axes.lines[0]
    assert len(line.get_xdata()) == found.asked_points
    assert {span.get_x() for span in axes.patches} == {
        region.extent["x[0]"][0] for region in found.regions
    }


def test_of_three_axes_the_middle_slice_is_drawn() -> None:
    over = {"x[0]": (-1.1, 1.3), "y[0]": (-1.2, 1.1), "z[0]": (-1.0, 1.2)}
    found = op_basins(ball(), over, counts=8, depth=1)
    axes = drawn(found.plot()).axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("y[0]", "z[0]")


def test_classes_of_their_own_are_in_the_legend() -> None:
    model = Model(
        name="square",
        variables={
            "u": {"rule": "x[t-1]*y[t-1]/8", "initial": 0},
            "y": {"rule": "y[t-1]", "initial": 0.5},
            "x": {"rule": "x[t-1]**2 + u[t]", "initial": 0.5},
        },
        partition={"A": ["u"], "B": ["x", "y"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x", "steps": 14},
    )
    found = op_basins(
        model, {"x[0]": (0.3, 1.9), "y[0]": (0.1, 1.1)}, counts=16, depth=1, estimate=False
    )
    axes = drawn(found.plot()).axes[0]
    assert "diverged" in {text.get_text() for text in axes.get_legend().get_texts()}


def test_attractors_are_marked_where_they_lie() -> None:
    model = load("lorenz").replace(parameters={"rho": 10}, method="rk4", dt=0.02)
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    attraction = attraction_basins(model, over, counts=16, depth=1)
    (axes,) = drawn(attraction.plot()).axes
    places = sorted([*line.get_xdata(), *line.get_ydata()] for line in axes.lines)
    root = np.sqrt(8 / 3 * 9)
    np.testing.assert_allclose(places, [[-root, -root], [root, root]], atol=1e-6)
    crossed = basin_contingency(op_basins(model, over, steps=40, depth=1), attraction, points=16)
    figure = drawn(crossed.plot())
    assert [axes.get_title() for axes in figure.axes[:3]] == [
        "Op(a; b[0], b[40]) > 0",
        "basins of attraction",
        "compressed ...",
    ]
    bars = figure.axes[2].patches
    assert sum(bar.get_width() for bar in bars) == pytest.approx(2.0)


def test_escape_is_black_and_named() -> None:
    model = Model(name="square", variables={"x": {"rule": "x[t-1]**2", "initial": 0.5}})
    axes = drawn(attraction_basins(model, {"x[0]": (-1.7, 2.2)}, depth=1).plot()).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "1: fixed point",
        "escapes",
    ]


def test_tracks_are_lines_with_their_events() -> None:
    found = basins_along(splitting(), {"p": [0.5, 0.9, 1.1, 2.0]}, {"x[0]": (-1.97, 1.83)})
    (axes,) = drawn(found.plot()).axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["1", "2", "splits"]
    mark = axes.lines[-1]
    assert mark.get_xdata().tolist() == [1.0]
    attraction = attraction_along(load("lorenz"), {"rho": [0.5, 5]}, {"a[0]": (-9, 9)}, depth=0)
    assert drawn(attraction.plot()).axes[0].get_xlabel() == "rho"


def test_a_rate_stands_below_the_orbit() -> None:
    found = rate_curve(load("thermostat"), {"k": [0.01, 0.1, 1.0]}, steps=900, transient=99)
    above, below = drawn(found.plot()).axes
    assert above.get_ylabel() == "R in W in the long run"
    assert below.get_ylabel() == "Op rate [nat per step]"
    assert "perfect" in {text.get_text() for text in below.get_legend().get_texts()}
    np.testing.assert_array_equal(below.lines[0].get_ydata(), found.rate)


def test_an_empty_answer_is_drawn_too() -> None:
    for model, over in ((interval(), {"x[0]": (-1, 1)}), (disk(), PLANE)):
        found = op_basins(model, over, level=300.0, counts=7, depth=0)
        assert len(found.regions) == 0
        figure = drawn(found.plot())
        assert figure.axes
        assert not [text for axes in figure.axes for text in axes.texts if text.get_text() == "1"]
