from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest

from causalopt import Model, load, run
from causalopt.drawing.plots.of_run import plot_run


def lines(axes) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}


def test_plot_of_a_finite_nudge_draws_the_three_worlds_and_their_differences():
    result = run(load("thermostat"), steps=30, delta=0.5)
    worlds, differences, op, comp, _ = plot_run(result).axes
    drawn = lines(worlds)
    np.testing.assert_array_equal(drawn["W: baseline"], result.W["R"])
    np.testing.assert_array_equal(drawn["X: R[0] nudged"], result.X["R"])
    np.testing.assert_array_equal(drawn["Y: and T from W"], result.Y["R"])
    drawn = lines(differences)
    np.testing.assert_array_equal(drawn["x - w: all paths"], result.X["R"] - result.W["R"])
    np.testing.assert_allclose(drawn["y - w: paths that avoid A"], 0.5, rtol=1e-13)
    np.testing.assert_array_equal(op.lines[0].get_ydata(), result.op)
    np.testing.assert_array_equal(comp.lines[0].get_ydata(), result.comp)


def test_plot_in_the_limit_draws_slopes_whose_ratio_is_comp():
    result = run(load("thermostat"), steps=30)
    drawn = lines(plot_run(result).axes[1])
    ratio = drawn["(x - w)/δ: all paths"] / drawn["(y - w)/δ: paths that avoid A"]
    np.testing.assert_allclose(ratio, result.comp, rtol=1e-13)


def test_plot_marks_infinite_op_where_comp_is_zero():
    # k = 1: Comp runs through 1, 1, 0, -1, -1, 0 (Part 3's closed form).
    result = run(load("thermostat").replace(parameters={"k": 1}), steps=11)
    op = plot_run(result).axes[2]
    marks = next(line for line in op.lines if line.get_label() == "+∞")
    np.testing.assert_array_equal(marks.get_xdata(), [2, 5, 8, 11])


def test_plot_shows_every_status_with_its_count():
    result = run(load("thermostat").replace(parameters={"k": 1}), steps=11)
    legend = plot_run(result).axes[4].get_legend()
    shown = {text.get_text() for text in legend.get_texts()}
    names, counts = np.unique(result.status, return_counts=True)
    assert shown == {f"{name} ({count})" for name, count in zip(names, counts, strict=True)}
    assert len(shown) == 2


def test_plot_says_when_op_is_undefined_throughout():
    model = Model(name="apart", variables={"a": {"initial": 1}, "b": {"initial": 2}, "c": "2*a"})
    figure = run(model, nudge="b", hold="a", target="c").plot()
    assert "undefined throughout" in [text.get_text() for text in figure.axes[2].texts]


@pytest.mark.parametrize("delta", [None, 1e-6])
def test_plot_of_a_chaotic_run_draws_without_a_warning(delta):
    figure = run(load("lorenz"), steps=3000, delta=delta).plot()
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    assert figure.axes[3].get_yscale() == "symlog"


def test_plot_is_the_same_to_the_byte_each_time():
    def png() -> bytes:
        stream = io.BytesIO()
        run(load("thermostat"), steps=20).plot().savefig(stream, format="png")
        return stream.getvalue()

    assert png() == png()


def test_plot_leaves_pyplot_alone():
    code = (
        "import sys; from causalopt import load, run; run(load('thermostat'), steps=5).plot();"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_logarithmic_axis_has_no_decades_without_data():
    wrong = load("thermostat").replace(parameters={"k": -0.05})
    _, differences, _, comp, _ = plot_run(run(wrong, steps=400)).axes
    for axes in (differences, comp):
        assert axes.get_yscale() == "symlog"
        assert axes.get_ylim()[0] > -1  # all of them are positive, from 1 on
