"""Figures of divisions, their stability, verdicts and errors: what they show is what was found."""

from __future__ import annotations

import math

import pytest

from causalopt import Model, detect_optimizer, divide, division_stability, load
from causalopt.drawing.plots.of_division import plot_division, plot_stability
from causalopt.drawing.plots.of_verdict import plot_false_positives, plot_verdict
from causalopt.optimizers.false_positives import FalsePositives, case_of
from causalopt.optimizers.known_systems import known_systems, linear_network, two_thermostats


def texts(axes) -> str:
    return "\n".join(text.get_text() for text in axes.texts)


def test_the_hull_joins_the_winners_and_names_them() -> None:
    found = divide(two_thermostats())
    axes = plot_division(found).axes[0]
    hull = next(line for line in axes.lines if line.get_label() == "hull: winners")
    assert hull.get_xdata().tolist() == [0, 1, 2]
    assert hull.get_ydata().tolist() == [point.op for point in found.path.corners]
    assert "{T1, T2}" in texts(axes)
    assert f"up to {found.path.breakpoints[1]:.3g} nats" in texts(axes)
    dots = axes.collections[0].get_offsets()
    assert len(dots) == 7
    assert "2 sets lie below" in axes.get_xlabel()


def test_every_name_lies_within_the_figure() -> None:
    for found in (divide(load("pid_loop"), price="edge"), divide(two_thermostats())):
        figure = plot_division(found)
        figure.draw_without_rendering()
        box = figure.bbox
        for text in figure.axes[0].texts:
            edge = text.get_window_extent()
            assert box.x0 <= edge.x0 < edge.x1 <= box.x1
            assert box.y0 <= edge.y0 < edge.y1 <= box.y1


def test_a_perfect_set_stands_at_the_upper_edge() -> None:
    question = {"nudge": "x3[0]", "target": "x3", "steps": 9, "delta": 1}
    axes = plot_division(divide(load("hamming_code"), **question)).axes[0]
    assert "Op is infinite" in texts(axes)
    assert "63 have no certain Op" in axes.get_xlabel()


def test_bounds_are_drawn_where_not_all_was_tried() -> None:
    model = linear_network(1, size=7)
    axes = plot_division(divide(model, nudge="x0[0]", target="x1", steps=9, most=5)).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "no set exceeds" in labels


def test_nothing_to_divide() -> None:
    model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
    question = {"nudge": "x[0]", "target": "x", "steps": 9}
    assert "no A" in texts(plot_division(divide(model, **question)).axes[0])
    plot_stability(division_stability(model, starts=3, **question)).draw_without_rendering()
    plot_verdict(detect_optimizer(model, starts=3, **question)).draw_without_rendering()


def test_bars_are_the_frequencies() -> None:
    within = {"R": (5.0, 45.0)}
    found = division_stability(load("thermostat_saturating"), starts=20, within=within)
    first, second = plot_stability(found).axes
    names = [label.get_text() for label in first.get_yticklabels()]
    shares = dict(zip(names, (bar.get_width() for bar in first.patches), strict=True))
    assert set(shares) == {"none", "{T}"}
    assert shares["{T}"] == found.members["T"].share == second.patches[0].get_width()
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_verdict_s_levels_stand_beside_its_bars() -> None:
    found = detect_optimizer(load("pid_loop"), starts=3)
    axes = plot_verdict(found).axes[0]
    levels = axes.lines[0].get_xdata()
    best = sorted(found.scores, key=lambda s: -(s.op - s.level))[:12]
    assert list(levels) == [score.level for score in best]
    assert axes.patches[0].get_width() == pytest.approx(found.op)
    assert axes.get_yticklabels()[0].get_text() == "{error}  3/3"


def test_what_is_wrong_is_written_beside_it() -> None:
    systems = {s.name: s for s in known_systems()}
    names = ["thermostat", "free decay", "delay line", "spring with friction"]
    found = FalsePositives(tuple(case_of(systems[name]) for name in names), ())
    axes = plot_false_positives(found).axes[0]
    assert texts(axes).split("\n") == ["−∞", "false positive"]
    widths = [bar.get_width() for bar in axes.patches if not math.isnan(bar.get_width())]
    thermostat = found.cases[0].verdict
    assert widths[0] == pytest.approx(thermostat.op - thermostat.level)
    assert len(widths) == 3
