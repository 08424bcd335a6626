"""The figure of currents over time: bands, exchanges and statuses read back from it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import to_hex

from causalopt import Model, currents, draw, load
from causalopt.drawing.palette import BLUE, RED
from causalopt.drawing.plots.of_currents import columns_of, plot_currents
from tests.influence.test_currents import LAGGED, path_sums

LORENZ = {"nudge": "b[0]", "target": "c"}


def axes_by_label(figure):
    return {axes.get_ylabel().split("\n")[0]: axes for axes in figure.axes}


def spans(axes, x):
    """Return from where to where every filled band reaches at x."""
    found = []
    for band in axes.collections:
        if not isinstance(band, PolyCollection) or band.get_hatch():
            continue
        (path,) = band.get_paths()
        # The step-wise outline crosses x once below and once above.
        ys = [
            p[1]
            for p, q in itertools.pairwise(path.vertices)
            if min(p[0], q[0]) <= x <= max(p[0], q[0]) and p[0] != q[0]
        ]
        found.append((min(ys), max(ys)))
    return found


def heights(axes, x):
    """Return the height of every filled band at x, signed by the side of 0 it lies on."""
    return [(high - low) * (1 if low + high > 0 else -1) for low, high in spans(axes, x)]


def heights_everywhere(axes):
    """Return the heights of all bands at every place where one begins or ends."""
    edges = np.unique(np.concatenate([b.get_paths()[0].vertices[:, 0] for b in axes.collections]))
    middles = (edges[1:] + edges[:-1]) / 2
    return [h for x in middles for h in heights(axes, x) if h]


class TestBands:
    def test_are_as_thick_as_the_sums_over_paths(self):
        found = currents(load("lorenz"), **LORENZ, steps=7)
        sums = path_sums(found, load("lorenz"), 7)
        total = sums["c", 7]
        bands = axes_by_label(plot_currents(found))["current, of the total effect"]
        for t in range(8):
            shares = [sums.get((name, t), 0.0) / total for name in "abc"]
            drawn = heights(bands, t * 0.01)
            assert sorted(h for h in drawn if abs(h) > 1e-9) == pytest.approx(
                sorted(s for s in shares if abs(s) > 1e-9), abs=1e-9
            )

    def test_sum_to_the_total_over_every_cut(self):
        found = currents(LAGGED, nudge="u[0]", target="w", steps=12)
        bands = axes_by_label(plot_currents(found))["current, of the total effect"]
        for t in range(13):
            assert sum(heights(bands, t)) == pytest.approx(1.0)

    def test_lie_on_one_another_from_0_up_and_down(self):
        bands = axes_by_label(plot_currents(currents(load("maze"))))["current, of the total effect"]
        for t in range(6):
            for sign in (1, -1):
                own = sorted(
                    (min(sign * low, sign * high), max(sign * low, sign * high))
                    for low, high in spans(bands, t)
                    if sign * (low + high) > 0 and high - low > 1e-12
                )
                ends = [0.0, *(end for _, end in own)]
                assert [start for start, _ in own] == pytest.approx(ends[:-1], abs=1e-12)
        assert sum(1 for low, high in spans(bands, 3) if high - low > 1e-9 and low < 0) == 2

    def test_are_red_above_and_blue_below(self):
        bands = axes_by_label(plot_currents(currents(load("maze"))))["current, of the total effect"]
        colours = {to_hex(band.get_facecolor()[0]) for band in bands.collections}
        assert RED in colours  # D, the first of the bands

        def leans(colour):
            red, _, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
            return "red" if red > blue else "blue"

        for band in bands.collections:
            ys = band.get_paths()[0].vertices[:, 1]
            side = "red" if ys.max() > 0 else "blue"
            assert leans(to_hex(band.get_facecolor()[0])) == side
        assert BLUE not in colours  # D is never below 0

    def test_strong_currents_are_parts_of_all_that_flows(self):
        found = currents(load("lorenz"), **LORENZ, steps=300)
        by_label = axes_by_label(plot_currents(found))
        bands, gross = by_label["part of what flows"], by_label["all that flows,"]
        assert sum(map(abs, heights(bands, 1.5))) == pytest.approx(1.0)
        (line,) = gross.patches
        drawn = line.get_data().values
        np.testing.assert_allclose(drawn, np.abs(found.share).sum(axis=1), rtol=1e-9)
        assert gross.get_yscale() == "log"

    def test_many_variables_share_a_band(self):
        names = [f"v{i}" for i in range(12)]
        variables = {"n": {"rule": "n[t-1]/2", "initial": 1}}
        variables |= {v: {"rule": f"n[t-1]*{i + 1}", "initial": 0} for i, v in enumerate(names)}
        variables["m"] = {"rule": " + ".join(f"{v}[t-1]" for v in names), "initial": 0}
        figure = plot_currents(
            currents(Model(name="m", variables=variables), nudge="n[0]", target="m", steps=6)
        )
        bands = axes_by_label(figure)["current, of the total effect"]
        labels = [text.get_text() for text in bands.get_legend().get_texts()]
        assert labels[-1] == "7 others"
        assert len(labels) == 8
        assert sum(heights(bands, 4)) == pytest.approx(1.0)


class TestColumns:
    @pytest.mark.parametrize("length", [5, 699, 700, 2999, 3001, 100_000])
    def test_every_step_has_one_and_the_largest_is_kept(self, length):
        columns = columns_of(3, 3 + length, 0.5)
        assert columns.count.sum() == length + 1
        assert columns.first[0] == 3
        assert (np.diff(columns.first) == columns.count[:-1]).all()
        assert (np.diff(columns.edges) > 0).all()
        values = np.random.default_rng(length).normal(size=(length + 1, 2))
        kept = columns.largest(values)
        for c in (0, len(kept) // 3, len(kept) - 1):
            own = values[columns.first[c] - 3 :][: columns.count[c]]
            expected = own[np.abs(own).argmax(axis=0), [0, 1]]
            np.testing.assert_array_equal(kept[c], expected)

    def test_both_ends_of_a_long_run_are_seen_step_by_step(self):
        columns = columns_of(0, 1_000_000, 1.0)
        assert (columns.count[:5] == 1).all()
        assert (columns.count[-5:] == 1).all()
        assert len(columns.first) <= 241

    @pytest.mark.parametrize("at", [1234, 4377, 9990])
    def test_a_peak_of_one_step_is_drawn(self, at):
        """One step's detour by y carries nine tenths, and no more flows there than elsewhere."""
        model = Model(
            name="m",
            variables={
                "x": {"rule": f"x[t-1] + where(t == {at + 1}, y[t-1], 0)", "initial": 1},
                "y": {"rule": f"where(t == {at}, 9*x[t-1], 0) - y[t-1]*0", "initial": 0},
            },
        )
        found = currents(model, nudge="x[0]", target="x", steps=10_000)
        by_label = axes_by_label(plot_currents(found))
        bands = by_label["current, of the total effect"]
        # By hand: 9 of the 10 of the total effect go through y there.
        by_size = sorted(heights_everywhere(bands))
        assert by_size[0] == pytest.approx(0.1)
        assert pytest.approx(0.9) in by_size
        mesh = next(c for c in by_label["from variable"].collections if isinstance(c, QuadMesh))
        assert mesh.get_array().max() == pytest.approx(0.9)


def test_exchanges_are_the_edges_between_variables():
    found = currents(load("lorenz"), **LORENZ, steps=7)
    axes = axes_by_label(plot_currents(found))["from variable"]
    rows = [text.get_text() for text in axes.get_yticklabels()]
    assert rows == ["b → a", "a → b", "c → b", "a → c", "b → c"]
    mesh = next(c for c in axes.collections if isinstance(c, QuadMesh))
    place = found.edges.edges.index(("b", "c", 1))
    np.testing.assert_allclose(mesh.get_array()[4], found.edge_share[:, place])


def test_doubted_stretches_are_hatched_and_counted():
    found = currents(load("thermostat_saturating"), steps=500)
    by_label = axes_by_label(plot_currents(found))
    bands, status = by_label["current, of the total effect"], by_label["status"]
    assert {band.get_hatch() for band in bands.collections} == {None, "||"}
    kinks = int((found.status == "kink").any(axis=1).sum())
    assert f"kink ({kinks})" in [text.get_text() for text in status.get_legend().get_texts()]


def test_doubt_is_hatched_to_the_end_of_the_last_bar():
    # At x = 0 every way through u is on a branch: x[0..4] lead to one, x[5] to m[6] alone.
    model = Model(
        name="bent",
        variables={
            "x": {"rule": "x[t-1]", "initial": 0},
            "u": {"rule": "max(x[t-1], 0)", "initial": 0},
            "m": {"rule": "m[t-1] + x[t-1] - u[t-1]/2", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "m", "steps": 6},
    )
    bands = axes_by_label(plot_currents(currents(model)))["current, of the total effect"]
    hatched = [band for band in bands.collections if band.get_hatch()]
    ends = [np.concatenate([p.vertices[:, 0] for p in band.get_paths()]) for band in hatched]
    assert [(x.min(), x.max()) for x in ends] == [(-0.5, 4.5), (0.5, 5.5), (1.5, 6.5)]


def test_without_a_total_effect_colours_are_signs():
    # By hand: 1 and -1 meet in m.
    model = Model(
        name="cancel",
        variables={
            "x": {"rule": "x[t-1]", "initial": 1},
            "u": {"rule": "x[t-1]", "initial": 0},
            "v": {"rule": "x[t-1]", "initial": 0},
            "m": {"rule": "u[t-1] - v[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "m", "steps": 2},
    )
    found = currents(model)
    bands = axes_by_label(plot_currents(found))["current, of the largest current"]
    assert bands.get_legend().get_title().get_text() == "red positive, blue negative"
    for folded in (False, True):
        svg = draw(found, folded=folded).svg()
        assert "with the total effect" not in svg
        assert ">positive<" in svg
        assert ">negative<" in svg


def test_the_largest_paths_stand_below():
    figure = plot_currents(currents(load("thermostat"), steps=20), panels="paths")
    text = figure.axes[0].texts[0].get_text()
    assert "R[0..20]\n  product 1, share" in text
    assert text.count("product -0.01") == 7


def test_a_model_without_time_has_bars():
    """By hand: 5 goes straight, 4 back through the answer."""
    figure = plot_currents(currents(load("amortized_conjugate")))
    bars = figure.axes[0].patches
    assert sorted(bar.get_width() for bar in bars) == pytest.approx([-4, 1, 1])


def test_a_million_steps_are_drawn(tmp_path):
    found = currents(load("thermostat"), steps=1_000_000)
    figure = plot_currents(found)
    figure.savefig(tmp_path / "long.png")
    bands = axes_by_label(figure)["current, of the total effect"]
    # In the slower mode R carries 1 + s and T -s, s = k/(1 - 2 x)... of x = (1 + sqrt(.96))/2.
    x = (1 + np.sqrt(0.96)) / 2
    share = (0.01 / x) / (x + 0.01 / x - 0.02 / x)
    assert sorted(heights(bands, 0.5)) == pytest.approx(sorted([-share, 1 + share]), rel=1e-6)
