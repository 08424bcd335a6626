"""What a measure is over seeds: means and quantiles beside scipy, and what is no number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import causalopt
from causalopt.effects.ensembles.seed_lists import seed_numbers, seeds_text
from causalopt.effects.ensembles.seed_summary import summarise

INF = math.inf


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, np.newaxis]


def test_mean_and_interval_are_student_s() -> None:
    values = np.random.default_rng(1).normal(size=(30, 4)) * [1, 2, 3, 1e-9] + [0, 5, -2, 1]
    found = summarise(values, np.ones(values.shape, dtype=bool), level=0.9)
    own = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert found.mean == pytest.approx(values.mean(axis=0))
    assert found.mean_low == pytest.approx(own.low, rel=1e-9)
    assert found.mean_high == pytest.approx(own.high, rel=1e-9)
    assert found.deviation == pytest.approx(values.std(axis=0, ddof=1))
    assert found.median == pytest.approx(np.median(values, axis=0))
    assert (found.decided == 30).all()
    assert not found.is_constant.any()


def test_an_infinity_makes_the_mean_infinite_and_is_the_largest_in_quantiles() -> None:
    values = column(*range(19), INF)
    found = summarise(values, np.ones((20, 1), dtype=bool), probabilities=(0.5, 0.95, 0.99))
    assert found.mean[0] == found.mean_low[0] == found.mean_high[0] == INF
    assert found.quantiles[:, 0].tolist() == [9.5, INF, INF]
    assert found.decided[0] == 20
    low = summarise(-values, np.ones((20, 1), dtype=bool))
    assert low.mean[0] == -INF
    assert low.median[0] == -9.5
    both = summarise(column(INF, -INF, 1.0), np.ones((3, 1), dtype=bool))
    assert np.isnan(both.mean[0])
    assert both.median[0] == 1.0


def test_undecided_seeds_are_counted_and_widen_the_ends_of_quantiles() -> None:
    """Whatever the undecided are, the interval of all seeds lies within."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(60, 1))
    known = np.ones((60, 1), dtype=bool)
    known[:6] = False
    found = summarise(values, known)
    assert found.decided[0] == 54
    assert found.mean[0] == pytest.approx(values[6:].mean())
    assert found.median[0] == pytest.approx(np.median(values[6:]))
    for guess in (-1e9, 0.0, 1e9, rng.normal(size=6)):
        whole = values.copy()
        whole[:6, 0] = guess
        own = summarise(whole, np.ones((60, 1), dtype=bool))
        assert (found.quantiles_low <= own.quantiles_low).all()
        assert (found.quantiles_high >= own.quantiles_high).all()
    assert found.quantiles_low[2, 0] > -INF
    assert found.quantiles_high[2, 0] < INF


def test_few_seeds_bound_no_tail() -> None:
    found = summarise(column(*range(10)), np.ones((10, 1), dtype=bool))
    assert found.quantiles_low[0, 0] == -INF
    assert found.quantiles_high[4, 0] == INF
    assert found.quantiles_low[2, 0] == 1.0
    assert found.quantiles_high[2, 0] == 8.0


def test_equal_values_have_intervals_of_width_0_exactly() -> None:
    """The mean of a hundred 0.1 is not 0.1 in floats."""
    found = summarise(column(*[0.1] * 100), np.ones((100, 1), dtype=bool))
    assert found.is_constant[0]
    assert found.mean[0] == 0.1
    for part in (found.mean_low, found.mean_high, found.quantiles_low[0], found.quantiles_high[4]):
        assert part[0] == 0.1
    infinite = summarise(column(INF, INF), np.ones((2, 1), dtype=bool))
    assert infinite.is_constant[0]
    assert infinite.median[0] == INF


def test_of_no_decided_seed_nothing_is_said() -> None:
    found = summarise(column(1.0, 2.0), np.zeros((2, 1), dtype=bool))
    assert found.decided[0] == 0
    for part in (found.mean, found.mean_low, found.quantiles[2], found.quantiles_low[2]):
        assert np.isnan(part).all()
    one = summarise(column(1.0, np.nan), np.ones((2, 1), dtype=bool))
    assert one.decided[0] == 1
    assert one.mean[0] == 1.0
    assert np.isnan(one.mean_low[0])


@pytest.mark.parametrize(
    ("seeds", "seed", "says"),
    [
        (0, 0, "takes 2 seeds or more, found 0"),
        (1, 0, "takes 2 seeds or more, found 1"),
        (-5, 0, "takes 2 seeds or more, found -5"),
        (10**9, 0, "at most 1,000,000 seeds, found 1000000000"),
        ([], 0, "takes 2 seeds or more, found 0"),
        ([4, 9, 4], 0, "the seed 4 is listed twice"),
        ([1, -1], 0, "a seed is an integer from 0 to 2\\^64 - 1, found -1"),
        ([1, 1.5], 0, "a seed is an integer from 0 to 2\\^64 - 1, found 1.5"),
        ([1, 2], 3, "seed is the first of a number of seeds"),
        (3, 2**64 - 2, "a seed is an integer from 0 to 2\\^64 - 1, found 18446744073709551616"),
        (True, 0, "seeds is a number of seeds such as 100"),
        ("many", 0, "seeds is a number of seeds such as 100"),
        (2.0, 0, "seeds is a number of seeds such as 100"),
    ],
)
def test_seeds_that_are_none_are_refused(seeds: object, seed: int, says: str) -> None:
    with pytest.raises(causalopt.QuestionError, match=says):
        seed_numbers(seeds, seed)  # type: ignore[arg-type]


def test_seeds_are_a_count_from_the_first_or_a_list() -> None:
    assert seed_numbers(3, 10) == (10, 11, 12)
    assert seed_numbers(np.array([7, 3])) == (7, 3)  # type: ignore[arg-type]
    assert seeds_text(tuple(range(20, 40))) == "20..39"
    assert seeds_text(tuple(range(0, 40, 2))) == "0, 2, 4, ..., 38"
