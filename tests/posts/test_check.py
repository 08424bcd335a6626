from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.errors import QuestionError
from causalopt.posts.check import Check, last_digit, near, plain


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_number_agrees_with_its_own_rounding(value: float, digits: int) -> None:
    printed = f"{value:.{digits}f}"
    assert near(float(printed), value, last_digit(printed))


@given(st.floats(-1e6, 1e6), st.integers(0, 6), st.floats(1.01, 100))
def test_a_number_further_off_than_its_digits_differs(
    value: float, digits: int, times: float
) -> None:
    printed = f"{value:.{digits}f}"
    away = float(printed) + times * 2 * last_digit(printed)
    assert not near(float(printed), away, last_digit(printed))


def test_infinities_agree_with_themselves_only() -> None:
    assert near(math.inf, math.inf, 0.1)
    assert not near(math.inf, -math.inf, 0.1)
    assert not near(1.0, math.inf, 0.1)


def test_nothing_agrees_with_not_a_number() -> None:
    assert not near(1.0, math.nan, 0.5)


def test_a_tolerance_is_not_negative() -> None:
    with pytest.raises(QuestionError, match="a tolerance is zero or positive; -1 came"):
        near(1, 1, -1)


@pytest.mark.parametrize("text", ["", "1e5", "two", "1.2.3"])
def test_digits_are_read_from_plain_numbers_only(text: str) -> None:
    with pytest.raises(QuestionError, match="no plain decimal number"):
        last_digit(text)


def test_a_difference_must_say_why() -> None:
    with pytest.raises(QuestionError, match="'part9/x/y' differs from its source: say why"):
        Check("part9/x/y", "Part 9", 1.0, 2.0, agrees=False)


@given(st.floats() | st.text() | st.none())
def test_a_check_is_strict_json_whatever_was_found(value: float | str | None) -> None:
    check = Check("a/b/c", "A", value, value, agrees=True)
    row = json.loads(json.dumps(check.to_dict(), allow_nan=False))
    assert list(row) == ["id", "source", "claimed", "computed", "agrees", "note"]
    if isinstance(value, float) and math.isinf(value):
        assert row["computed"] == ("inf" if value > 0 else "-inf")
    elif isinstance(value, float) and math.isnan(value):
        assert row["computed"] is None
    else:
        assert row["computed"] == value


def test_a_verdict_is_told_by_sign_and_word() -> None:
    good = Check("a", "s", 1.0, 1.0, agrees=True)
    bad = Check("a", "s", 1.0, 2.0, agrees=False, note="slip")
    assert (good.symbol, good.word) != (bad.symbol, bad.word)
    assert plain(0.5) == 0.5
