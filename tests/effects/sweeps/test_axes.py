"""Grids: evenly spaced axes."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.integrate
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from causalopt.effects.sweeps.axes import axis_values, smallest_step, spaced, spread, trapezoid
from causalopt.errors import QuestionError

FINITE = st.floats(-1e300, 1e300)


@given(FINITE, FINITE, st.integers(2, 300))
def test_an_axis_has_the_values_of_the_formula_to_the_bit(low: float, high: float, n: int) -> None:
    expected = [low + (high - low) * k / (n - 1) for k in range(n - 1)] + [high]
    assert spaced(low, high, n).tobytes() == np.array(expected).tobytes()


@given(FINITE, FINITE)
def test_an_axis_of_one_point_is_its_lower_end(low: float, high: float) -> None:
    assert spaced(low, high, 1).tobytes() == np.array([low]).tobytes()


def test_a_swept_negative_zero_is_the_zero_of_a_model() -> None:
    assert not np.signbit(axis_values("h", [-0.0, 1.0])).any()


REFUSED: dict[str, Any] = {
    "the axis 'k' takes numbers in their order, found a list: write [0.1, 0.2]": ["warm"],
    "the axis 'k' takes numbers in their order, found '0:1:3': write numpy.linspace(0, 1, 11), or "
    "a list": "0:1:3",
    "the axis 'k' takes numbers in their order, found {0.5}: a set has no order, give a list": {
        0.5
    },
    "the axis 'k' takes one or more values in a row, found 3.0: write [3.0] for one": 3.0,
    "the axis 'k' has no values: write [0.1, 0.2]": None,
    "the axis 'k' takes one or more values in a row, found an array of shape (0,)": [],
    "the axis 'k' takes one or more values in a row, found an array of shape (1, 1)": [[1.0]],
    "the axis 'k' takes finite numbers, found nan": [1.0, None],
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_axis_is_refused_with_what_to_write(message: str) -> None:
    with pytest.raises(QuestionError) as caught:
        axis_values("k", REFUSED[message])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "values",
    [
        (1, 3),
        range(1, 4, 2),
        iter([1, 3]),
        (x for x in (1, 3)),
        map(float, ["1", "3"]),
        {1: "a", 3: "b"}.keys(),
        [Fraction(1), Decimal(3)],
        pd.Series([1, 3], index=[7, 9]),
        pd.Index([1, 3]),
        xr.DataArray([1, 3]),
        np.array([1, 3], dtype=np.uint8),
    ],
    ids=lambda values: type(values).__name__,
)
def test_numbers_in_a_row_are_an_axis_whatever_holds_them(values: Any) -> None:
    assert axis_values("k", values).tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([1.0, 2.5, 3.0], 0.5),
        ([3.0, 1.0, 2.5], 0.5),
        ([1.0, 1.0, 2.0], 1.0),
        ([4.0, 0.0, 4.25, 0.0], 0.25),
        ([2.0, 2.0], 1.0),
        ([2.0], 1.0),
        ([0.0, 30.0], 30.0),
    ],
)
def test_the_smallest_step_is_that_between_two_values_that_differ(
    values: list[float], step: float
) -> None:
    assert smallest_step(np.array(values)) == step


@pytest.mark.parametrize("count", [2, 1 << 16, (1 << 16) + 1, (1 << 16) + 2, 200_001])
def test_a_trapezoid_in_stretches_is_the_whole_one(count: int) -> None:
    along = np.linspace(0, 2, count) ** 1.5
    heights = np.sin(3 * along)
    assert trapezoid(1.0, heights, along) == pytest.approx(
        scipy.integrate.trapezoid(1.0 - heights, along), rel=1e-12
    )


def test_the_last_axis_runs_fastest() -> None:
    axes = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0, 5.0])}
    found = spread(axes)
    assert list(zip(found["a"], found["b"], strict=True)) == list(
        itertools.product([1.0, 2.0], [3.0, 4.0, 5.0])
    )
