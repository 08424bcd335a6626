"""Grids: evenly spaced axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.effects.axes import axis_values, spaced
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


def test_an_axis_of_words_is_refused_by_name() -> None:
    with pytest.raises(QuestionError, match="the axis 'k' takes numbers"):
        axis_values("k", ["warm"])
