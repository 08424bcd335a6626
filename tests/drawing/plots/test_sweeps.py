from __future__ import annotations

import io

import numpy as np
import pytest

from causalopt import load
from causalopt.effects.sweeps.sweep import sweep
from causalopt.errors import QuestionError


def test_one_axis_is_drawn_as_lines_with_kinks_told_apart():
    found = sweep(load("thermostat_saturating"), {"R[0]": np.linspace(15, 35, 81)})
    op, comp, status = found.plot().axes
    sound = found.status == "ok"
    line = next(line for line in op.lines if line.get_linestyle() == "-")
    np.testing.assert_array_equal(line.get_ydata(), np.where(sound, found.op, np.nan))
    assert status.get_xlabel() == "R[0]"
    names = {text.get_text() for text in status.get_legend().get_texts()}
    assert names == {f"ok ({sound.sum()})", f"kink ({(~sound).sum()})"}
    lone = [line for line in comp.lines if line.get_marker() == "." and len(line.get_xdata())]
    np.testing.assert_array_equal(lone[0].get_xdata(), found.axes["R[0]"][~sound])


def test_two_axes_are_drawn_as_a_map_with_zero_in_the_middle():
    grid = {"p": np.linspace(0.2, 2, 7), "R[0]": np.linspace(5, 45, 11)}
    found = sweep(load("thermostat_saturating"), grid, steps=200)
    axes = found.plot().axes[0]
    mesh = axes.collections[0]
    np.testing.assert_array_equal(np.ma.getdata(mesh.get_array()), found.op)
    assert mesh.norm(0.0) == pytest.approx(0.5)
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("p", "R[0]")


def test_a_map_of_a_diverging_system_names_its_statuses():
    grid = {"k": np.linspace(-50, 4, 12), "R[0]": np.linspace(5, 45, 5)}
    found = sweep(load("thermostat"), grid, steps=1000)
    figure = found.plot()
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    shown = {text.get_text().split(" (")[0] for text in figure.legends[0].get_texts()}
    assert shown == set(np.unique(found.status)) - {"ok"}
    assert shown


def test_three_axes_are_refused():
    grid = {"k": [0.1, 0.2], "d": [20, 25], "R[0]": [30, 35]}
    found = sweep(load("thermostat"), grid, steps=10)
    with pytest.raises(QuestionError, match=r"has room for one or two axes.*\(k, d, R\[0\]\)"):
        found.plot()
