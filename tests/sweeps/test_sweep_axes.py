"""Axes of a sweep: what each kind takes and refuses, and what their identity tells apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import Design, QuestionError
from causalopt.effects.sweeps.axes import Spaced
from causalopt.model.selectors import Node
from causalopt.sweeps.grid_points import GridPoints
from causalopt.sweeps.sweep_axes import swept_axes

finite = st.floats(-1e6, 1e6)


@given(finite, finite, st.integers(1, 50))
def test_spaced_values_are_those_of_linspace(low: float, high: float, count: int) -> None:
    values = Spaced(low, high, count)
    wanted = np.linspace(low, high, count)
    scale = max(abs(low), abs(high), 1e-300)
    assert np.abs(values[:] - wanted).max() <= 4e-16 * scale
    assert values[:][0] == low
    assert values[:][-1] == (high if count > 1 else low)
    for k in range(count):  # one by one as all at once, to the last bit
        assert values[np.array([k])][0] == values[:][k]
        assert values[k : k + 1][0] == values[:][k]


@given(st.data())
def test_points_by_their_numbers_are_those_of_the_grid(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    grid: dict[str, Any] = {f"p{k}": np.arange(size) * 1.5 for k, size in enumerate(sizes)}
    places = data.draw(st.sets(st.integers(0, int(np.prod(sizes)) - 1), min_size=1))
    points = GridPoints(swept_axes(grid), np.array(sorted(places), dtype=np.int64))
    whole = np.meshgrid(*grid.values(), indexing="ij")
    for name, values in zip(grid, whole, strict=True):
        assert points[name].tolist() == values.ravel()[sorted(places)].tolist()


def test_words_seeds_and_designs() -> None:
    axes = swept_axes(
        {
            "hold": ["T", ("T", "R[t<=3]"), []],
            "nudge": [Node("R", 0), "T[0]", ["R[0]", "T[1]"]],
            "seed": range(3),
            "any": Design({"k": [0.1, 0.2], "R[0]": [5, 6]}),
        }
    )
    hold, nudge, seed, design = axes
    assert hold.quantities["hold"][:].tolist() == ["T", "T, R[t<=3]", ""]
    assert nudge.quantities["nudge"][:].tolist() == ["R[0]", "T[0]", "R[0], T[1]"]
    assert seed.quantities["seed"][:].dtype == np.int64
    assert [axis.label for axis in axes] == ["hold", "nudge", "seed", "any"]
    assert design.labels == {"k": "k", "R[0]": "R_0"}
    assert [len(axis) for axis in axes] == [3, 3, 3, 2]


def test_labels_are_names_that_no_array_has() -> None:
    axes = swept_axes({"total": [1.0, 2.0], "R[0]": [1.0], "R_0": [3.0], "done": [1.0]})
    assert len({axis.label for axis in axes} | {"total", "done"}) == 6


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({}, "a sweep needs an axis"),
        ({"k": []}, "the axis 'k'"),
        ({"k": [1.0, float("nan")]}, "the axis 'k' takes finite numbers"),
        ({"hold": "T"}, "the axis 'hold' takes a list of texts"),
        ({"hold": []}, "the axis 'hold' takes a list of texts"),
        ({"hold": ["T", " T "]}, "the axis 'hold' has 'T' twice"),
        ({"target": [3]}, "the axis 'target' takes texts, found 3"),
        ({"seed": [0, 1.5]}, "whole numbers from 0 on, found 1.5"),
        ({"seed": [-1]}, "whole numbers from 0 on, found -1"),
        ({"seed": [2, 2]}, "each once"),
        ({"k": [1.0], "p": Design({"k": [1.0]})}, "'k' is swept by two axes"),
        ({"k": Spaced(0.0, float("inf"), 3)}, "the axis 'k' takes finite numbers"),
    ],
)
def test_bad_axes_are_refused(grid: Any, said: str) -> None:
    with pytest.raises(QuestionError) as refused:
        swept_axes(grid)
    assert said in str(refused.value)


def test_identities_differ_where_values_do() -> None:
    def identity(**grid: Any) -> Any:
        return [axis.identity for axis in swept_axes(grid)]

    assert identity(k=[1.0, 2.0]) == identity(k=np.array([1, 2]))
    assert identity(k=[1.0, 2.0, 3.0]) != identity(k=[1.0, 2.0 + 2**-50, 3.0])
    assert identity(k=Spaced(0.0, 1.0, 5)) != identity(k=Spaced(0.0, 1.0, 6))
    assert identity(hold=["T", "R"]) != identity(hold=["R", "T"])
    assert identity(p=Design({"k": [1.0], "d": [2.0]})) != identity(
        p=Design({"k": [2.0], "d": [1.0]})
    )
