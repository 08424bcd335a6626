"""Pictures of the datasets of sweeps: axes of every kind, panels for lists, and what is missing."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import causalopt
from causalopt.drawing.palette import LIGHT, contrast, palette
from causalopt.drawing.plots.of_sweep import plot_swept
from causalopt.drawing.plots.swept_data import strides, swept_data
from causalopt.errors import QuestionError
from tests.drawing.plots.swept_datasets import (
    HELD,
    KS,
    NUDGED,
    RS,
    WORDS,
    dataset,
    escapes,
    half_line,
    half_map,
    held_lines,
    held_maps,
    op_of,
    scattered,
    seeded_line,
    table,
    words,
)
from tests.drawing.plots.test_every_plot import texts_of, ticks_beyond


def mesh_of(axes: Axes) -> np.ndarray:
    return np.ma.filled(axes.collections[0].get_array().astype(float), np.nan)


def keys(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def clashes(figure: Figure) -> list[tuple[str, str]]:
    """Return the pairs of texts that lie on each other by more than a pixel."""
    figure.draw_without_rendering()
    figure.draw_without_rendering()
    hidden = {id(text) for axes in figure.axes for text in ticks_beyond(axes)}
    seen = [text for text in texts_of(figure) if id(text) not in hidden]
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in seen]
    return [
        (one, other)
        for (one, box), (other, beside) in itertools.combinations(boxes, 2)
        if box.overlaps(beside)
    ]


EVERY: dict[str, Any] = {
    "half_map": half_map,
    "half_line": half_line,
    "held_lines": held_lines,
    "held_nudged_lines": lambda: held_lines(NUDGED[:4]),
    "six_by_six": held_maps,
    "two_by_three": lambda: held_maps(2, 3),
    "seeded_line": seeded_line,
    "seeded_lines": lambda: seeded_line(held=True),
    "table": table,
    "words": words,
    "points_1": lambda: scattered(1),
    "points_2": lambda: scattered(2),
    "points_3": lambda: scattered(3),
    "escapes": escapes,
}


@pytest.mark.parametrize("name", EVERY)
def test_no_text_lies_on_another_and_all_is_on_a_page(name: str) -> None:
    figure = plot_swept(EVERY[name]())
    assert clashes(figure) == []
    wide, high = figure.get_size_inches()
    assert wide == 6.5
    assert high <= 9.0
    assert min(text.get_fontsize() for text in texts_of(figure)) >= 7


def test_what_is_missing_is_plain_ground_and_named_and_never_a_number() -> None:
    figure = plot_swept(half_map())
    axes = figure.axes[0]
    mesh = mesh_of(axes)
    assert np.isnan(mesh[5:]).all()
    np.testing.assert_allclose(mesh[:4], np.broadcast_to(op_of(KS)[:4, None], (4, 11)))
    (ground,) = (p for p in axes.patches if p.get_label() == "missing")
    assert to_hex(ground.get_facecolor()) == LIGHT.missing
    assert not ground.get_hatch()
    inside = [ground.get_path().contains_point((25.0, k)) for k in KS]
    assert inside == [False] * 5 + [True] * 4
    assert keys(figure) == ["perfect, Op is +∞ (11)", "kink (3)", "missing (44)"]
    assert (axes.get_yscale(), axes.get_xscale()) == ("log", "linear")


def test_a_number_at_a_point_that_is_not_marked_done_is_not_drawn() -> None:
    given = half_map()
    given["op"].values[7] = 99.0
    assert np.isnan(mesh_of(plot_swept(given).axes[0])[7]).all()


@pytest.mark.parametrize("kind", ["numbers", "decoded", "words"])
def test_a_status_is_read_as_numbers_as_decoded_ones_and_as_words(
    tmp_path: Path, kind: str
) -> None:
    given = half_map()
    expected = mesh_of(plot_swept(given).axes[0])
    if kind == "decoded":  # as xarray opens a store whose status has a fill value
        given["status"].attrs["_FillValue"] = np.int8(-1)
        given.to_zarr(tmp_path / "store.zarr", consolidated=False)
        given = xarray.open_zarr(tmp_path / "store.zarr", consolidated=False, chunks=None)
        assert given["status"].dtype.kind == "f"
    elif kind == "words":
        table = np.array([*WORDS, "missing"], dtype=object)
        given["status"] = (given["status"].dims, table[given["status"].values])
    figure = plot_swept(given)
    np.testing.assert_array_equal(mesh_of(figure.axes[0]), expected)
    assert keys(figure)[-1] == "missing (44)"


def test_a_line_has_a_gap_on_plain_ground_where_points_are_missing() -> None:
    figure = plot_swept(half_line())
    op, comp, status = figure.axes
    (line,) = (line for line in op.lines if line.get_linestyle() == "-")
    assert np.isnan(line.get_ydata()).nonzero()[0].tolist() == [4, 5, 6, 10]
    (ground,) = (patch for patch in op.patches if patch.get_gid() == "missing")
    assert (ground.get_x(), ground.get_x() + ground.get_width()) == (19.0, 31.0)
    assert to_hex(ground.get_facecolor()) == LIGHT.missing
    assert comp.get_ylabel() == "Comp"
    named = [text.get_text() for text in status.get_legend().get_texts()]
    assert named == ["ok (7)", "kink (1)", "missing (3)"]


def test_a_list_of_held_sets_is_a_panel_each_on_one_scale() -> None:
    figure = plot_swept(held_lines())
    assert titles(figure) == [f"A = {{{held}}}" for held in HELD]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    for place in (0, 1, 3):
        lines = figure.axes[place].lines
        (line,) = (line for line in lines if line.get_linestyle() == "-")
        np.testing.assert_allclose(line.get_ydata(), (place + 1) * np.log(KS))
    assert [axes.get_ylabel() for axes in figure.axes] == ["Op [nats]", "", ""] * 2
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "", "k", "k", "k"]


def test_a_strip_at_the_foot_of_a_panel_has_its_statuses_and_the_legend_counts_them() -> None:
    figure = plot_swept(held_lines())
    strips = [{c.get_gid() for c in axes.collections if c.get_gid()} for axes in figure.axes]
    assert strips == [set(), set(), {"refused"}, set(), set(), set()]
    assert keys(figure) == ["refused (9)"]
    (text,) = (text.get_text() for text in figure.axes[2].texts)
    assert text == "undefined throughout"


def test_two_lists_are_rows_and_columns_with_their_values_at_the_edges() -> None:
    figure = plot_swept(held_maps())
    panels = figure.axes[:36]
    assert [axes.get_title() for axes in panels[:6]] == [f"n = {one}" for one in NUDGED]
    assert {axes.get_title() for axes in panels[6:]} == {""}
    beside = [[text.get_text() for text in axes.texts] for axes in panels[5::6]]
    assert beside == [[f"A = {{{held}}}"] for held in HELD]
    for place, axes in enumerate(panels[:30]):
        row, column = divmod(place, 6)
        expected = (row + column) * np.log(KS)[:, None] + np.zeros(11)
        np.testing.assert_allclose(mesh_of(axes), expected, atol=1e-14)
    assert len({id(axes.collections[0].norm) for axes in panels}) == 1
    assert panels[0].collections[0].norm(0.0) == pytest.approx(0.5)
    assert keys(figure) == ["missing (594)"]
    lefts = [axes.get_position().x0 for axes in panels]
    assert np.allclose(np.reshape(lefts, (6, 6)), lefts[:6])


def test_panels_of_lists_are_asked_for_by_name_and_say_what_they_are() -> None:
    given = held_maps(2, 3)
    figure = plot_swept(given, panels=["hold=T, nudge=T[0]"])
    assert figure.axes[0].get_title() == "A = {T}, n = T[0]"
    with pytest.raises(QuestionError, match=r"no panel 'x': this plot has 'hold=T, nudge=R\[0\]'"):
        plot_swept(given, panels="x")
    axes = Figure().subplots()
    plot_swept(given, panels="hold=T, nudge=R[1]", ax=axes)
    np.testing.assert_allclose(mesh_of(axes), 2 * np.log(KS)[:, None] + np.zeros(11))


def test_of_more_than_six_by_six_panels_those_evenly_spread_are_shown() -> None:
    held = [f"v{k}" for k in range(13)]
    values = np.zeros((13, 7, 4)) + np.arange(13)[:, None, None]
    given = dataset({"hold": held, "nudge": [f"w{k}" for k in range(7)], "k": KS[:4]},
                    {"op": values})  # fmt: skip
    figure = plot_swept(given)
    assert len(figure.axes) == 36
    assert figure.get_suptitle().endswith("36 of 91 panels")
    beside = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert beside == [f"A = {{v{k}}}" for k in (0, 2, 5, 7, 10, 12)]


def test_seeds_are_faint_lines_with_the_median_of_those_that_have_a_number() -> None:
    figure = plot_swept(seeded_line())
    op, status = figure.axes
    pale = [line for line in op.lines if line.get_alpha() is not None]
    assert len(pale) == 5
    for seed, line in enumerate(pale):
        expected = RS / 45 + seed
        expected[-1] = np.nan
        expected[0] = np.nan if seed > 2 else expected[0]
        np.testing.assert_allclose(line.get_ydata(), expected)
    (median,) = (line for line in op.lines if line.get_label() == "median of 5 seeds")
    expected = RS / 45 + 2.0
    expected[0], expected[-1] = 5 / 45 + 1.0, np.nan
    np.testing.assert_allclose(median.get_ydata(), expected)
    named = [text.get_text() for text in status.get_legend().get_texts()]
    assert named == ["ok (87.3 %)", "diverged (3.64 %)", "missing (9.09 %)"]


def test_seeds_and_held_sets_are_lines_in_a_panel_each() -> None:
    figure = plot_swept(seeded_line(held=True))
    for sign, axes in zip((1, -1), figure.axes, strict=True):
        (median,) = (line for line in axes.lines if line.get_label() == "median of 5 seeds")
        np.testing.assert_allclose(median.get_ydata()[1:-1], sign * (RS / 45 + 2.0)[1:-1])
    assert keys(figure) == ["one seed", "median of 5 seeds", "diverged (4)", "missing (10)"]
    for axes in figure.axes:  # two of five seeds diverge at the first point
        (strip,) = (c for c in axes.collections if c.get_gid() == "diverged")
        (span,) = (path.get_extents() for path in strip.get_paths())
        assert (span.x0, span.x1) == (3.0, 7.0)


def test_seeds_over_a_map_are_panels() -> None:
    values = np.arange(3.0)[:, None, None] + np.zeros((3, 9, 11))
    figure = plot_swept(dataset({"seed": [4, 5, 9], "k": KS, "R[0]": RS}, {"op": values}))
    assert titles(figure)[:3] == ["seed 4", "seed 5", "seed 9"]
    assert [np.unique(mesh_of(axes)).tolist() for axes in figure.axes[:3]] == [[0], [1], [2]]


def test_two_lists_alone_are_a_table_read_from_the_top() -> None:
    figure = plot_swept(table())
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert low > high
    assert [text.get_text() for text in axes.get_yticklabels()] == list(HELD[:3])
    assert [text.get_text() for text in axes.get_xticklabels()] == list(NUDGED[:3])
    written = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert written[0, 0] == "-4"
    assert written[1, 2] == "3"
    assert (1, 1) not in written
    assert keys(figure) == ["held, Op is -∞ (1)", "missing (1)"]


def test_one_list_alone_is_a_row_each_with_its_status() -> None:
    axes = plot_swept(words()).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata().tolist() for line in dots] == [[1], [], [3], [4], [5], [6]]
    assert [text.get_text() for text in axes.texts] == ["perfect, +∞"]
    assert [text.get_text() for text in axes.get_yticklabels()] == list(HELD)


def test_points_of_a_design_are_scattered_over_two_quantities() -> None:
    given = scattered(2)
    figure = plot_swept(given)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("k", "R[0]")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    drawn = {c.get_gid(): c for c in axes.collections if c.get_gid()}
    places = {name: np.asarray(c.get_offsets()) for name, c in drawn.items()}
    for name, part in (("missing", slice(0, 16)), ("perfect", slice(16, 20)),
                       ("kink", slice(20, 24)), ("ok", slice(24, 64))):  # fmt: skip
        expected = np.stack([given["k"].values[part], given["R_0"].values[part]], axis=1)
        np.testing.assert_allclose(places[name], expected)
    np.testing.assert_allclose(drawn["ok"].get_array(), given["op"].values[24:])
    assert to_hex(drawn["perfect"].get_facecolor()[0]) == LIGHT.op_stops[-1]
    assert keys(figure) == ["perfect (4)", "kink (4)", "missing (16)"]


def test_points_over_one_quantity_are_dots_and_over_three_a_panel_each() -> None:
    (axes,) = plot_swept(scattered(1)).axes
    given = scattered(3)
    figure = plot_swept(given)
    assert [axes.get_xlabel() for axes in figure.axes] == ["k", "R[0]", "d"]
    sound = given["status"].values == 0
    for one, label in ((axes, "k"), (figure.axes[0], "k"), (figure.axes[2], "d")):
        dots = next(line for line in one.lines if len(line.get_xdata()) == 64)
        order = np.argsort(given[label].values) if label in given.coords else None
        expected = np.where(sound, given["op"].values, np.nan)[order]
        solid = [line for line in one.lines if to_hex(line.get_color()) == LIGHT.blue]
        np.testing.assert_allclose(solid[0].get_ydata(), expected)
        assert dots.get_linestyle() == "None"
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def test_any_measure_is_drawn_with_its_words_and_units() -> None:
    figure = plot_swept(escapes())
    axes, bar, *_ = figure.axes
    assert bar.get_ylabel() == "probability of escape"
    assert type(axes.collections[0].norm).__name__ == "LogNorm"
    other = plot_swept(escapes(), measure="error")
    np.testing.assert_allclose(mesh_of(other.axes[0])[:, 0], 10.0 ** -np.linspace(2, 7, 9))
    with pytest.raises(QuestionError, match="measure is one of error, probability; 'op' came"):
        plot_swept(escapes(), measure="op")
    given = dataset({"k": KS}, {"op_rate": (op_of(KS), {"units": "nat/time", "long_name": "rate"})})
    assert plot_swept(given).axes[0].get_ylabel() == "rate [nat/time]"


def test_a_long_name_of_a_measure_is_no_longer_than_its_panels_are_high() -> None:
    told = {"units": "nats per time unit", "long_name": "Op per unit of time of the lesser part"}
    op = np.zeros((3, 9)) + KS
    figure = plot_swept(dataset({"hold": HELD[:3], "k": KS}, {"op_rate": (op, told)}))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert "\n" in axes.get_ylabel()
    assert axes.yaxis.label.get_window_extent().height <= axes.bbox.height
    assert clashes(figure) == []


def test_an_axis_that_is_no_order_is_drawn_in_order() -> None:
    shuffled = np.array([3, 0, 2, 1])
    ks = KS[:4][shuffled]
    op = np.log(ks)[:, None] + RS
    axes = plot_swept(dataset({"k": ks, "R[0]": RS}, {"op": op})).axes[0]
    np.testing.assert_allclose(mesh_of(axes), np.log(KS[:4])[:, None] + RS)
    line = plot_swept(dataset({"k": ks}, {"op": np.log(ks)})).axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), KS[:4])
    np.testing.assert_allclose(line.get_ydata(), np.log(KS[:4]))


def test_a_sweep_in_memory_and_its_dataset_have_the_same_picture() -> None:
    grid = {"k": [0.25, 0.5, 1.0, 2.0], "d": [20.0, 25.0, 30.0]}
    found = causalopt.sweep(causalopt.load("thermostat"), grid, steps=2)
    for measure in (None, "comp", "w"):
        one, other = found.plot(measure=measure), plot_swept(found.dataset, measure=measure)
        np.testing.assert_array_equal(mesh_of(one.axes[0]), mesh_of(other.axes[0]))
        assert one.axes[1].get_ylabel() == other.axes[1].get_ylabel()
        assert keys(one) == keys(other)


def test_a_large_map_in_memory_is_thinned_too_and_a_line_is_not() -> None:
    ks, ds = np.linspace(0.1, 0.9, 2001), [20.0, 25.0]
    model = causalopt.load("thermostat")
    figure = causalopt.sweep(model, {"k": ks, "d": ds}, steps=2).plot()
    np.testing.assert_allclose(mesh_of(figure.axes[0])[:, 0], op_of(ks[::3]), rtol=1e-9)
    assert figure.get_suptitle().endswith("drawn: every 3rd of the 2,001 values of k")
    line = causalopt.sweep(model, {"k": ks}, steps=2).plot(panels="op").axes[0].lines[0]
    assert len(line.get_xdata()) == 2001


def test_what_is_no_sweep_is_refused() -> None:
    with pytest.raises(QuestionError, match=r"has the variable 'status' .* this one has x"):
        plot_swept(xarray.Dataset({"x": ("t", [1.0])}))
    given = dataset({"k": KS}, {"op": op_of(KS)})
    del given["status"].attrs["flag_meanings"]
    with pytest.raises(QuestionError, match="'status' need the attribute flag_meanings"):
        plot_swept(given)


@pytest.mark.parametrize(
    ("sizes", "kinds"),
    [
        ([100, 100], ["numbers", "numbers"]),
        ([10_000, 10_000], ["numbers", "numbers"]),
        ([6, 6, 5000, 5000], ["words", "words", "numbers", "numbers"]),
        ([100_000_000], ["numbers"]),
        ([1000, 1000, 1000], ["numbers", "numbers", "numbers"]),
        ([200, 1_000_000], ["seeds", "numbers"]),
    ],
)
def test_no_more_is_read_than_a_picture_shows(sizes: list[int], kinds: Any) -> None:
    every = strides(sizes, kinds, 4_000_000)
    kept = [-(-size // k) for size, k in zip(sizes, every, strict=True)]
    assert np.prod(kept) <= 4_000_000
    for k, kind, size, left in zip(every, kinds, sizes, kept, strict=True):
        assert k == 1 if kind in ("words", "seeds") else left >= min(size, 100)
    if np.prod(sizes) <= 10_000:
        assert every == [1] * len(sizes)


def test_of_a_large_store_so_many_values_are_read_and_the_title_says_so(tmp_path: Path) -> None:
    size, store = 4000, tmp_path / "large.zarr"
    x = np.linspace(0, 1, size)
    codes = np.zeros((size, size), dtype=np.int8)
    codes[3000:] = -1
    given = dataset({"k": x, "R[0]": x}, {"op": x[:, None] - x}, codes)
    given = given.chunk({"k": 50, "R_0": size})
    given.to_zarr(store, consolidated=False)
    del given, codes
    opened = xarray.open_zarr(store, consolidated=False, chunks=None)
    tracemalloc.start()
    swept_data(opened).values("op")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48e6  # the numbers alone are 128 MB
    figure = plot_swept(opened)
    every = "every 4th of the 4,000 values of"
    assert figure.get_suptitle().endswith(f"drawn: {every} k, {every} R[0]")
    expected = np.where(np.arange(0, size, 4)[:, None] < 3000, x[::4, None] - x[::4], np.nan)
    np.testing.assert_allclose(mesh_of(figure.axes[0]), expected)
    assert keys(figure) == ["missing (25 %)"]
    assert swept_data(opened).remark == f"drawn: {every} k, {every} R[0]"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ground_where_nothing_was_computed_is_told_from_values_near_0(theme: str) -> None:
    shades = palette(theme)
    for stops in (shades.op_stops, shades.signed_stops):
        assert contrast(shades.missing, stops[len(stops) // 2]) >= 1.4
    assert contrast(shades.missing, shades.paper) >= 1.5
    assert shades.missing not in shades.statuses.values()
