"""Figures of ranked sets show the numbers, say statuses and hide nothing."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, find_optimizers, load, optimizer_matrix, optimizers_over_draws
from tests.optimizers.systems import PID

QUESTION = {"nudge": "room[0]", "target": "room", "steps": 30}


def texts(axes) -> list[str]:
    return [text.get_text().strip() for text in axes.texts]


def test_bars_are_as_long_as_op_and_bear_the_groups_names() -> None:
    found = find_optimizers(PID, **QUESTION, size=2)
    (axes,) = found.plot().axes
    assert [bar.get_width() for bar in axes.patches] == [group.op for group in found.groups]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == "{error}, {pid}, {heater} are one conduit"
    assert texts(axes) == [f"{group.op:.4g}" for group in found.groups]
    low, high = axes.get_xlim()
    assert low <= min(g.op for g in found.groups)
    assert high >= max(g.op for g in found.groups)


def test_infinite_and_undefined_op_are_told_in_words() -> None:
    variables = {
        "n": {"initial": 1},
        "a": "n",
        "b": "-n",
        "c": "2*n",
        "m": "a + b + c",
        "z": "a + b",
    }
    model = Model(name="statuses", variables=variables)
    (axes,) = find_optimizers(model, nudge="n", target="m", among="a, b, c").plot().axes
    assert "-∞ only_path" in texts(axes)
    (axes,) = find_optimizers(model, nudge="n", target="z", among="a, b, c", size=2).plot().axes
    assert "+∞ perfect" in texts(axes)
    assert "undefined: no_influence" in texts(axes)


def test_more_groups_than_fit_are_counted() -> None:
    found = find_optimizers(load("lorenz"), steps=60, windows=5, size=2)
    (axes,) = found.plot().axes
    assert f"{len(found.groups) - 24} more groups are not shown" in axes.get_xlabel()


def test_lines_against_time_are_op_and_the_ribbon_has_the_best() -> None:
    found = find_optimizers(load("lorenz"), steps=200).over_time()
    upper, lower = found.plot().axes
    lines = {line.get_label(): line for line in upper.lines}
    for k, hold in enumerate(found.sets):
        drawn = lines["{" + ", ".join(hold) + "}"].get_ydata()
        np.testing.assert_array_equal(drawn, found.op[:, k])
    colour = {line.get_color() for name, line in lines.items() if name == "{c}"}
    assert len(colour) == 1
    assert len(lower.collections) == len(found.reigns)
    assert "{c}" in texts(lower)


def test_steps_without_a_best_set_are_pale_and_hatched() -> None:
    late = Model(
        name="late",
        variables={
            "n": {"rule": "0.5*n[t-1]", "initial": 1},
            "a": {"rule": "n[t-1]", "initial": 0},
            "m": {"rule": "a[t-1] + 0.1*n[t-2]", "initial": [0, 0]},
        },
    )
    found = find_optimizers(late, nudge="n[0]", target="m", steps=6).over_time()
    lower = found.plot().axes[1]
    assert lower.collections[0].get_hatch() == ".."
    assert lower.collections[1].get_hatch() is None


def test_draws_are_marks_and_their_means_have_intervals() -> None:
    found = optimizers_over_draws(PID, **QUESTION, spread={"room": 2.0}, draws=5, size=1)
    (axes,) = found.plot().axes
    marks = [line.get_xdata() for line in axes.lines if line.get_marker() == "|"]
    sizes = [len(values) for values in marks if len(values) == 5]
    assert len(sizes) >= len(found.sets)
    assert f"first in {found.first[0]}/5" in axes.get_yticklabels()[0].get_text()


def test_a_matrix_has_the_best_set_in_every_cell() -> None:
    found = optimizer_matrix(load("lorenz"), sources=["b[0]", "c[9]"], targets=["b[5]", "c[40]"])
    axes = found.plot().axes[0]
    cells = texts(axes)
    assert cells[2] == "-"  # c[9] lies after b[5]
    assert cells[0].splitlines()[0] == found.best[0][0]
    assert cells[0].splitlines()[1] == f"{found.op[0, 0]:.3g}"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["b[5]", "c[40]"]


@pytest.mark.parametrize("kind", ["unresolved", "kink"])
def test_what_is_doubtful_is_hatched(kind: str) -> None:
    bends = {"n": {"initial": 0}, "a": "max(n, 0)", "m": "a + n"}
    cancels = {
        "n": {"initial": 1},
        "u": "5*sin(0.1*n)",
        "a": "n",
        "m": "a + u/5 - sin(0.1*n)",  # beside a what rounding leaves of 0
    }
    model = Model(name="doubt", variables={"kink": bends, "unresolved": cancels}[kind])
    found = find_optimizers(model, nudge="n", target="m", candidates=["a"])
    assert found[0].status == kind
    (axes,) = found.plot().axes
    assert axes.patches[0].get_hatch()
    assert kind in texts(axes)[0]
