"""The picture of a sweep: what is drawn is what was found, and every status is seen."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from causalopt import load
from causalopt.cli import main
from causalopt.drawing.palette import LIGHT, STATUS_HATCHES, contrast
from causalopt.drawing.plots.axis_scales import cell_edges, edges_on, is_logarithmic
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.errors import QuestionError
from causalopt.sweeps.sweeping import sweep

# Two steps of the thermostat by hand: R[2] = R[1] - k T[1] and T[1] = R[0] - d, so that dR[2]/dR[0]
# is 1 - k, and 1 with T held.
KS = np.array([0.25, 0.5, 1.0, 2.0, 4.0])


@functools.cache
def by_hand() -> Sweep:
    return sweep(load("thermostat"), {"k": KS, "d": [20.0, 25.0, 30.0]}, steps=2)


@functools.cache
def cube() -> Sweep:
    grid = {"k": KS, "d": [20.0, 25.0, 30.0], "R[0]": np.linspace(5, 45, 4)}
    return sweep(load("thermostat"), grid, steps=2)


def mesh_of(axes: Axes) -> np.ndarray:
    return np.ma.filled(axes.collections[0].get_array().astype(float), np.nan)


def patches(axes: Axes) -> dict[str, list[PathPatch]]:
    found: dict[str, list[PathPatch]] = {}
    for patch in axes.patches:
        found.setdefault(str(patch.get_label()), []).append(patch)
    return found


def covered(several: list[PathPatch], x: Any, y: Any) -> np.ndarray:
    """Return which points lie in a hatched patch, axes (y, x)."""
    points = [(a, b) for b in y for a in x]
    inside = [patch.get_path().contains_points(points) for patch in several]
    return np.any(inside, axis=0).reshape(len(y), len(x))


def keys(legend: Any) -> list[str]:
    return [text.get_text() for text in legend.get_texts()]


def test_one_axis_is_drawn_as_lines_with_kinks_told_apart() -> None:
    found = sweep(load("thermostat_saturating"), {"R[0]": np.linspace(15, 35, 81)})
    op, comp, status = found.plot().axes
    sound = found.status == "ok"
    line = next(line for line in op.lines if line.get_linestyle() == "-")
    np.testing.assert_array_equal(line.get_ydata(), np.where(sound, found.op, np.nan))
    assert status.get_xlabel() == "R[0]"
    names = set(keys(status.get_legend()))
    assert names == {f"ok ({sound.sum()})", f"kink ({(~sound).sum()})"}
    lone = [line for line in comp.lines if line.get_marker() == "." and len(line.get_xdata())]
    np.testing.assert_array_equal(lone[0].get_xdata(), found.axes["R[0]"][~sound])


def test_an_infinite_op_over_one_axis_stands_at_the_edge() -> None:
    found = sweep(load("thermostat"), {"k": KS}, steps=2)
    op = found.plot(panels="op").axes[0]
    (line,) = (line for line in op.lines if line.get_label() == "+∞")
    assert line.get_xdata().tolist() == [1.0]
    solid = next(line for line in op.lines if line.get_linestyle() == "-")
    expected = [-math.log(0.75), math.log(2), math.nan, 0.0, -math.log(3)]
    np.testing.assert_allclose(solid.get_ydata(), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("measure", "expected", "label"),
    [
        ("op", [-math.log(0.75), math.log(2), math.nan, 0.0, -math.log(3)], "Op [nats]"),
        ("comp", [0.75, 0.5, 0.0, -1.0, -3.0], "Comp"),
        ("total", [0.75, 0.5, 0.0, -1.0, -3.0], "total effect"),
        ("direct", [1.0, 1.0, 1.0, 1.0, 1.0], "direct effect"),
        # R[2] = R[0] - k T[0] - k T[1], T[0] = 10, T[1] = R[0] - d = 10.
        ("w", (35 - 20 * KS).tolist(), "R in W"),
    ],
)
def test_each_measure_is_drawn_as_a_line_and_as_a_map(
    measure: Any, expected: list[float], label: str
) -> None:
    line = sweep(load("thermostat"), {"k": KS}, steps=2).plot(measure=measure).axes[0]
    assert line.get_ylabel() == label
    drawn = next(artist for artist in line.lines if len(artist.get_xdata()) == len(KS))
    np.testing.assert_allclose(drawn.get_ydata(), expected, atol=1e-14)
    axes, bar, *_ = by_hand().plot(measure=measure).axes
    assert bar.get_ylabel().startswith(label)
    middle = mesh_of(axes)[:, 1]
    np.testing.assert_allclose(middle, expected, atol=1e-14)


def test_op_has_0_in_the_middle_of_its_colours_and_comp_1() -> None:
    for measure, middle in (("op", 0.0), ("comp", 1.0)):
        mesh = by_hand().plot(measure=measure).axes[0].collections[0]
        assert mesh.norm(middle) == pytest.approx(0.5)
    op, comp = (by_hand().plot(measure=m).axes[0].collections[0] for m in ("op", "comp"))
    # What amplifies has one colour: Op = -log 3, where Comp is -3, and Comp = 1.9.
    assert to_hex(op.get_cmap()(0.0)) == to_hex(comp.get_cmap()(1.0)) == LIGHT.op_stops[0]


def test_an_infinite_op_has_the_colour_of_the_end_and_is_hatched_and_named() -> None:
    figure = by_hand().plot()
    axes = figure.axes[0]
    assert np.isnan(mesh_of(axes)[2]).all()  # k = 1
    (perfect,) = patches(axes)["perfect"]
    assert to_hex(perfect.get_facecolor()) == LIGHT.op_stops[-1]
    assert perfect.get_hatch() == STATUS_HATCHES["perfect"]
    where = covered([perfect], [20.0, 25.0, 30.0], KS)
    assert where.tolist() == [[k == 1.0] * 3 for k in KS]
    assert keys(figure.legends[0]) == ["perfect, Op is +∞ (3)"]


def test_two_axes_are_a_map_the_first_goes_up() -> None:
    grid = {"p": np.linspace(0.2, 2, 7), "R[0]": np.linspace(5, 45, 11)}
    found = sweep(load("thermostat_saturating"), grid, steps=200)
    axes = found.plot().axes[0]
    np.testing.assert_array_equal(mesh_of(axes), found.op)
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("p", "R[0]")
    edges = axes.collections[0].get_coordinates()
    np.testing.assert_allclose(edges[0, :, 0], np.linspace(3, 47, 12))
    np.testing.assert_allclose(edges[:, 0, 1], np.linspace(0.05, 2.15, 8))


def test_hatches_lie_where_the_statuses_are_and_the_legend_counts_them() -> None:
    grid = {"k": np.linspace(-50, 4, 12), "R[0]": np.linspace(5, 45, 5)}
    found = sweep(load("thermostat"), grid, steps=1000)
    figure = found.plot()
    shown = patches(figure.axes[0])
    names = set(np.unique(found.status).tolist()) - {"ok"}
    assert names
    assert set(shown) == names
    for name in names:
        where = covered(shown[name], grid["R[0]"], grid["k"])
        np.testing.assert_array_equal(where, found.status == name)
        assert {patch.get_hatch() or "" for patch in shown[name]} == {STATUS_HATCHES[name]}
    counted = {key.split(" (")[0].split(",")[0]: key for key in keys(figure.legends[0])}
    assert set(counted) == names
    for name, key in counted.items():
        assert key.endswith(f"({np.count_nonzero(found.status == name)})")


def test_kinks_have_their_colour_of_op_below_the_hatch() -> None:
    grid = {"p": np.linspace(0.2, 2, 7), "R[0]": np.linspace(15, 35, 21)}
    found = sweep(load("thermostat_saturating"), grid, steps=200)
    kinks = found.status == "kink"
    assert kinks.any()
    axes = found.plot().axes[0]
    assert np.isfinite(mesh_of(axes)[kinks]).all()
    several = patches(axes)["kink"]
    assert {patch.get_facecolor()[3] for patch in several} == {0}
    np.testing.assert_array_equal(covered(several, grid["R[0]"], grid["p"]), kinks)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_hatch_is_seen_on_the_colour_below_it(theme: Any) -> None:
    grid = {"p": np.linspace(0.2, 2, 7), "R[0]": np.linspace(15, 35, 21)}
    found = sweep(load("thermostat_saturating"), grid, steps=200)
    axes = found.plot(theme=theme).axes[0]
    mesh, (y, x) = axes.collections[0], np.nonzero(found.status == "kink")
    several = patches(axes)["kink"]
    for row, column in zip(y, x, strict=True):
        place = (grid["R[0]"][column], grid["p"][row])
        (hatch,) = (p for p in several if p.get_path().contains_point(place))
        ground = to_hex(mesh.get_cmap()(mesh.norm(found.op[row, column])))
        assert contrast(to_hex(hatch.get_edgecolor()), ground) >= 3


def test_three_axes_are_slices_with_one_scale() -> None:
    found = cube()
    figure = found.plot()
    slices = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in slices] == [f"k={k:g}" for k in KS]
    norms = {id(axes.collections[0].norm) for axes in slices}
    assert len(norms) == 1
    for axes, op in zip(slices, found.op, strict=True):
        np.testing.assert_array_equal(mesh_of(axes), np.where(np.isfinite(op), op, np.nan))
        assert (axes.get_ylabel(), axes.get_xlabel()) == ("d", "R[0]")
    assert set(patches(slices[2])) == {"perfect"}  # k = 1
    assert set(patches(slices[1])) == set()
    assert keys(figure.legends[0]) == ["perfect, Op is +∞ (12)"]
    bars = [axes for axes in figure.axes if not axes.get_title()]
    assert [bar.get_ylabel() for bar in bars] == ["Op [nats]\nabove 0 A compresses"]


def test_slices_are_chosen_by_name_and_drawn_into_axes_of_one_s_own() -> None:
    from matplotlib.figure import Figure

    found = cube()
    first, second = Figure().subplots(1, 2)
    found.plot(ax=[first, second], panels=["k=4", "k=0.25"], measure="total")
    np.testing.assert_allclose(mesh_of(first), -3.0)
    np.testing.assert_allclose(mesh_of(second), 0.75)
    with pytest.raises(QuestionError, match=r"no panel 'k=3': this plot has 'k=0\.25', 'k=0\.5'"):
        found.plot(panels="k=3")


def test_of_many_slices_nine_are_shown_and_the_title_says_so() -> None:
    grid = {"k": np.linspace(0, 1, 17), "d": [20, 25], "R[0]": [5.0, 45.0]}
    figure = sweep(load("thermostat"), grid, steps=2).plot()
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [f"k={k:g}" for k in np.linspace(0, 1, 9)]
    assert figure.get_suptitle().endswith("9 of 17 slices")


def test_four_axes_have_a_slice_for_each_pair_of_the_first_two() -> None:
    grid = {"k": [0.25, 4.0], "T[0]": [10, 11], "d": [20, 25], "R[0]": [5.0, 45.0]}
    figure = sweep(load("thermostat"), grid, steps=2).plot(measure="comp")
    slices = {axes.get_title(): mesh_of(axes) for axes in figure.axes if axes.get_title()}
    assert list(slices) == ["k=0.25, T[0]=10", "k=0.25, T[0]=11", "k=4, T[0]=10", "k=4, T[0]=11"]
    np.testing.assert_allclose(slices["k=4, T[0]=11"], -3.0)


def test_an_axis_is_logarithmic_where_its_points_are() -> None:
    found = sweep(load("thermostat"), {"k": np.geomspace(1e-4, 1, 25)}, steps=20)
    assert {axes.get_xscale() for axes in found.plot().axes} == {"log"}
    axes = by_hand().plot().axes[0]
    assert (axes.get_yscale(), axes.get_xscale()) == ("log", "linear")
    edges = axes.collections[0].get_coordinates()[:, 0, 1]
    np.testing.assert_allclose(edges, 2.0 ** np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]))


@pytest.mark.parametrize(
    ("points", "is_log"),
    [
        (np.geomspace(1e-4, 1, 50), True),
        ([1, 2, 5, 10, 20, 50], True),
        ([1, 2, 4], True),
        ([100, 10, 1], True),
        (np.linspace(1e-4, 1, 50), False),
        ([1, 2, 3], False),
        ([1, 10], False),
        ([0, 1, 10, 100], False),
        ([-1, -10, -100], False),
        ([1, 2, 3, 1000], False),
        ([1, 100, 10], False),
    ],
)
def test_logarithmic_points_are_told_by_their_values(points: Any, *, is_log: bool) -> None:
    assert is_logarithmic(np.asarray(points, dtype=float)) is is_log


def test_cells_end_halfway() -> None:
    assert cell_edges(np.array([2.0])).tolist() == [1.5, 2.5]
    np.testing.assert_allclose(edges_on(np.array([1.0, 4.0, 16.0])), [0.5, 2.0, 8.0, 32.0])


def test_an_unknown_measure_is_refused_with_the_list() -> None:
    with pytest.raises(QuestionError, match="measure is one of op, comp, total, direct, w; 'x'"):
        by_hand().plot(measure="x")


class TestTheCommand:
    WORDS = ("sweep", "thermostat", "--grid", "k=0.1:1:4", "--steps", "9")

    @pytest.mark.parametrize("grids", [0, 1, 2])
    @pytest.mark.parametrize("ending", ["png", "svg"])
    def test_draws_lines_maps_and_slices(
        self, tmp_path: Any, capsys: Any, grids: int, ending: str
    ) -> None:
        file = tmp_path / f"x.{ending}"
        more = ("--grid", "d=20:30:2", "--grid", "R[0]=5:45:3")[: 2 * grids]
        assert main([*self.WORDS, *more, "--plot", str(file), "--theme", "dark"]) == 0
        start = {"png": b"\x89PNG", "svg": b"<?xml"}[ending]
        assert file.read_bytes().startswith(start)
        if ending == "svg":
            assert "#16191d" in file.read_text()
        capsys.readouterr()

    def test_refuses_what_says_how_a_plot_looks_without_one(self, capsys: Any) -> None:
        for option, value in (("--theme", "dark"), ("--show", "comp")):
            assert main([*self.WORDS, option, value]) == 2
            assert f"{option} says" in capsys.readouterr().err

    def test_refuses_another_ending_before_it_sweeps(self, tmp_path: Any, capsys: Any) -> None:
        assert main([*self.WORDS, "--plot", str(tmp_path / "x.gif")]) == 2
        assert "must end in .png or .pdf or .svg" in capsys.readouterr().err
