"""The picture of a refinement: its points, its triangles, and every status is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from causalopt import QuestionError, load, refine
from causalopt.drawing.palette import STATUS_HATCHES, colours
from tests.refinement.known_cases import of_rule, perfect_band

ROOM = {"R[0]": (5.03, 45.07)}


def polygons(axes: Any) -> list[PolyCollection]:
    return [each for each in axes.collections if isinstance(each, PolyCollection)]


def test_a_line_goes_through_all_points_in_their_order() -> None:
    found = refine(load("thermostat_saturating"), ROOM, points=150, steps=100, level=2.0)
    op, comp, strip = found.plot().axes
    x = np.sort(found.axes["R[0]"])
    for axes, values in ((op, found.op), (comp, found.comp)):
        line = next(line for line in axes.lines if line.get_markersize() == 2.5)
        assert line.get_xdata().tolist() == x.tolist()
        assert line.get_ydata().tolist() == values[np.argsort(found.axes["R[0]"])].tolist()
    assert any(line.get_linestyle() == "--" and set(line.get_ydata()) == {2.0} for line in op.lines)
    assert strip.get_ylabel() == "status"
    assert strip.get_xlabel() == "R[0]"


def test_a_map_has_every_triangle_in_the_colour_of_its_mean_with_0_in_the_middle() -> None:
    found = refine(load("thermostat"), {"k": (0.001, 1.5), "d": (20, 30)}, points=60, steps=9)
    axes, bar = found.plot().axes
    (triangles,) = polygons(axes)
    assert len(triangles.get_paths()) == len(found.simplices)
    norm = bar._colorbar.norm
    assert norm(0.0) == pytest.approx(0.5)
    means = found.op[found.simplices].mean(axis=1)
    shown = bar._colorbar.cmap(norm(means))
    assert triangles.get_facecolors() == pytest.approx(shown, abs=1 / 255)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("d", "k")
    assert (axes.get_xlim(), axes.get_ylim()) == ((20, 30), (0.001, 1.5))
    (points,) = axes.lines
    assert points.get_xdata().tolist() == found.axes["d"].tolist()


def test_an_infinite_op_has_the_colour_of_the_end_and_the_hatch_of_its_status() -> None:
    over = {"reach": (5.0, 15.0), "R[0]": (5.0, 45.0)}
    figure = refine(perfect_band(), over, points=150).plot()
    axes, bar = figure.axes
    plain, *hatched = polygons(axes)
    assert STATUS_HATCHES["perfect"] in {each.get_hatch() for each in hatched}
    end = bar._colorbar.cmap(1.0)
    assert (np.abs(plain.get_facecolors() - end) < 1 / 255).all(axis=1).sum() > 5
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any(text.startswith("perfect, Op is +∞ (") for text in texts)


def test_a_part_without_numbers_has_the_colour_of_its_status() -> None:
    model = of_rule("sqrt(R[t-1] - 10)/c", parameters="{c: 1}")
    found = refine(model, {"c": (1.0, 2.0), "R[0]": (5.0, 45.0)}, points=100)
    plain, *_ = polygons(found.plot().axes[0])
    status = found.status[found.simplices]
    nowhere = (status == "nonfinite").all(axis=1)
    assert nowhere.any()
    fill = to_rgba(colours().statuses["nonfinite"])
    assert plain.get_facecolors()[nowhere] == pytest.approx(np.array([fill] * nowhere.sum()))


def test_three_axes_are_slices_across_the_first_with_the_nearest_point_in_each_cell() -> None:
    over = {"k": (0.0, 0.6), "d": (20.0, 30.0), "R[0]": (10.0, 30.0)}
    found = refine(load("thermostat"), over, points=120, steps=6)
    *slices, _ = found.plot(measure="comp").axes
    assert [axes.get_title() for axes in slices] == ["k=0.1", "k=0.3", "k=0.5"]
    mesh = slices[1].collections[0].get_array()
    assert (slices[1].get_xlabel(), slices[1].get_ylabel()) == ("R[0]", "d")
    place = np.array([0.5, (10 + 0.5) / 64, (40 + 0.5) / 64])
    nearest = np.argmin(((found.shares - place[:, None]) ** 2).sum(axis=0))
    assert mesh.reshape(64, 64)[10, 40] == found.comp[nearest]


def test_a_measure_that_is_none_is_refused() -> None:
    found = refine(load("thermostat"), {"k": (0.1, 0.2)}, points=20, steps=5)
    with pytest.raises(QuestionError, match="measure is one of op, comp"):
        found.plot(measure="power")  # type: ignore[arg-type]
    assert found.plot(measure="w").axes[0].get_ylabel() == "R in W"
