"""The picture of rates: spectra as bars, and the growth with its fitted lines."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from causalopt import Model, load
from causalopt.cli import main
from causalopt.effects.exponents.growth_course import growth_course
from causalopt.effects.exponents.rates import rates


def bars(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """Return label -> place and height of each bar."""
    return {
        str(container.get_label()): [
            (bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in container
        ]
        for container in axes.containers
        if hasattr(container, "patches") and not str(container.get_label()).startswith("_")
    }


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_plot_shows_the_exponents_and_their_gap() -> None:
    found = rates(load("thermostat"), steps=300)
    axes = found.plot().axes[0]
    drawn = bars(axes)
    (whole,) = drawn["whole system: Lyapunov"]
    (driven,) = drawn["B driven by T: conditional"]
    assert (whole[1], driven[1]) == (found.lyapunov[0], found.conditional[0])
    assert whole[0] < 1 < driven[0]  # beside each other at rank 1
    gap = next(line for line in axes.lines if tuple(line.get_xdata()) == (0.5, 0.5))
    low, high = gap.get_ydata()
    # k = 0.01: the slow root of l^2 - l + k.
    assert high - low == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2), rel=1e-4)


def test_bars_have_the_standard_errors() -> None:
    found = rates(load("lorenz"), steps=2000)
    axes = found.plot(panels="exponents").axes[0]
    (first, _) = (c for c in axes.containers if getattr(c, "errorbar", None) is not None)
    (lines,) = first.errorbar.lines[2]
    sizes = [segment[1][1] - segment[0][1] for segment in lines.get_segments()]
    np.testing.assert_allclose(sizes, 2 * np.array(found.lyapunov_error), rtol=1e-9)


def test_conditional_bars_are_hatched_so_that_colour_is_not_all() -> None:
    axes = rates(load("lorenz"), steps=200).plot().axes[0]
    hatches = {
        container.get_label(): {bar.get_hatch() or "" for bar in container}
        for container in axes.containers
        if not str(container.get_label()).startswith("_")
    }
    assert hatches["whole system: Lyapunov"] == {""}
    assert hatches["B driven by a: conditional"] == {"///"}


def test_exponents_of_minus_infinity_reach_to_the_edge_and_are_counted() -> None:
    found = rates(load("maze"), steps=300)
    assert found.lyapunov[-1] == -math.inf
    axes = found.plot().axes[0]
    assert "-∞: 1 of 4 Lyapunov" in axes.get_xlabel()
    floor = axes.get_ylim()[0]
    assert floor > -1
    assert len(bars(axes)["whole system: Lyapunov"]) == 3
    cut = [bar for bar in axes.patches if bar.get_height() == pytest.approx(floor)]
    assert [round(bar.get_x() + bar.get_width() / 2, 2) for bar in cut] == [3.81]
    assert texts(axes).count("-∞") == 1


def test_a_question_that_is_deaf_to_a_direction_says_so_and_shows_no_gap() -> None:
    figure = rates(load("maze"), steps=1000).plot()
    title = figure.get_suptitle()
    assert "Op(u; D[0], e_D) grows by 0.356675 ± 0 nats per step" in title
    assert "of a generic n and m: 0 ± 0" in title
    assert "m does not observe D + pos" in title
    assert "Op" not in texts(figure.axes[0])


def test_without_a_there_is_one_row_of_exponents() -> None:
    model = Model(name="half", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
    figure = rates(model, steps=20).plot()
    assert figure.get_suptitle() == "half: Lyapunov exponents"
    assert list(bars(figure.axes[0])) == ["whole system: Lyapunov"]
    # Half each step: log|x| falls by log 2.
    (course, fitted) = figure.axes[1].lines
    np.testing.assert_allclose(course.get_ydata(), -math.log(2) * np.arange(21), atol=1e-12)
    np.testing.assert_allclose(fitted.get_ydata(), [0, -20 * math.log(2)], atol=1e-12)


def test_an_exponent_far_below_the_others_is_cut_off_and_does_not_flatten_them() -> None:
    found = rates(load("thermostat"), steps=300)
    found = dataclasses.replace(
        found,
        lyapunov=(-0.5, -0.7, -36.7),
        lyapunov_error=(0.0, 0.0, 0.0),
        conditional=(-0.1, -math.inf),
        conditional_error=(0.0, math.nan),
    )
    axes = found.plot().axes[0]
    assert axes.get_ylim()[0] > -1
    assert {"-36.7", "-∞"} <= set(texts(axes))


def test_what_is_not_known_is_a_question_mark() -> None:
    found = rates(load("thermostat"), steps=300)
    found = dataclasses.replace(found, lyapunov=(-0.5, math.nan), lyapunov_error=(0.0, math.nan))
    assert "?" in texts(found.plot().axes[0])


class TestGrowth:
    def test_is_that_of_the_thermostat_s_modes(self) -> None:
        """The total effect on R satisfies x[t] = x[t-1] - k x[t-2], the direct one is constant."""
        found = rates(load("thermostat"), steps=300, transient=30)
        axes = found.plot(panels="growth").axes[0]
        total, fitted, direct, flat = axes.lines
        x = [1.0, 1.0]
        for _ in range(330):
            x.append(x[-1] - 0.01 * x[-2])
        by_hand = np.log(np.array(x[30:331]) / x[30])
        np.testing.assert_allclose(total.get_xdata(), np.arange(301))
        np.testing.assert_allclose(total.get_ydata(), by_hand, atol=1e-8)
        np.testing.assert_allclose(direct.get_ydata(), 0, atol=1e-12)
        rate, start = np.polyfit(np.arange(301), by_hand, 1)
        np.testing.assert_allclose(fitted.get_ydata(), [start, start + 300 * rate], atol=1e-8)
        np.testing.assert_allclose(flat.get_ydata(), 0, atol=1e-12)

    def test_has_the_least_squares_line_of_every_step_also_where_points_are_thinned(self) -> None:
        steps = np.random.default_rng(3).normal(0.1, 1.0, 5000)
        course = growth_course(steps, -steps, 0.5)
        whole = np.concatenate(([0.0], np.cumsum(steps)))
        time = 0.5 * np.arange(5001)
        rate, start = np.polyfit(time, whole, 1)
        assert course.total.slope == pytest.approx(rate)
        assert course.total.start == pytest.approx(start)
        assert course.direct is not None
        assert course.direct.slope == pytest.approx(-rate)
        assert 500 < len(course.time) <= 600
        places = (course.time / 0.5).round().astype(int)
        np.testing.assert_allclose(course.total.logs, whole[places])
        assert course.time[-1] == 2500

    def test_is_labelled_with_the_slopes_whose_difference_is_the_rate(self) -> None:
        found = rates(load("lorenz"), steps=2000)
        assert found.growth is not None
        assert found.growth.direct is not None
        difference = found.growth.direct.slope - found.growth.total.slope
        assert difference == pytest.approx(found.op_rate, rel=1e-9)
        labels = [t.get_text() for t in found.plot().axes[1].get_legend().get_texts()]
        assert labels[0].startswith(f"log|total|: {found.growth.total.slope:.6g} ± ")
        assert labels[1].startswith(f"log|direct|: {found.growth.direct.slope:.6g} ± ")

    def test_that_ends_at_0_says_so(self) -> None:
        perfect = load("thermostat").replace(parameters={"k": 1})
        found = rates(perfect, steps=60)
        axes = found.plot(panels="growth").axes[0]
        assert axes.get_legend() is not None

    def test_is_not_in_the_json(self) -> None:
        assert "growth" not in rates(load("thermostat"), steps=99).to_dict()


def test_the_command_draws(tmp_path: Any, capsys: Any) -> None:
    file = tmp_path / "r.svg"
    assert main(["rates", "thermostat", "--steps", "99", "--plot", str(file)]) == 0
    assert "accumulated growth" in file.read_text()
    assert main(["rates", "thermostat", "--steps", "99", "--theme", "dark"]) == 2
    assert "--theme says how --plot looks" in capsys.readouterr().err
