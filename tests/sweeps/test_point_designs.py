"""Designs: points of low discrepancy in their ranges, beside scipy's and by what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from causalopt import Design, QuestionError, design


@pytest.mark.parametrize("kind", ["sobol", "halton", "latin"])
def test_points_lie_in_their_ranges_and_follow_the_seed(kind: Any) -> None:
    over = {"k": (1e-4, 1.0, "log"), "R[0]": (-5, 45)}
    found = design(over, 256, kind=kind, seed=3).quantities
    assert ((found["k"] >= 1e-4) & (found["k"] <= 1)).all()
    assert ((found["R[0]"] >= -5) & (found["R[0]"] <= 45)).all()
    again = design(over, 256, kind=kind, seed=3).quantities
    assert found["k"].tolist() == again["k"].tolist()
    assert found["k"].tolist() != design(over, 256, kind=kind, seed=4).quantities["k"].tolist()


def test_sobol_points_are_balanced_and_the_first_of_more() -> None:
    """Of 2^k points, one lies in each of 2^k equal stretches of every axis (a (t,m,s)-net)."""
    found = design({"x": (0, 64), "y": (0, 64)}, 64).quantities
    for values in found.values():
        assert sorted(np.floor(values).astype(int).tolist()) == list(range(64))
    quarter = [(int(x >= 32), int(y >= 32)) for x, y in zip(*found.values(), strict=True)]
    assert {quarter.count(one) for one in quarter} == {16}
    assert design({"x": (0, 64), "y": (0, 64)}, 128).quantities["x"][:64].tolist() == (
        found["x"].tolist()
    )


def test_a_mean_over_a_design_converges_faster_than_at_random() -> None:
    """The integral of x*y over the unit square is 1/4."""
    found = design({"x": (0, 1), "y": (0, 1)}, 4096).quantities
    assert abs(float(np.mean(found["x"] * found["y"])) - 0.25) < 2e-4  # at random: some 3e-3


def test_logarithmic_ranges_are_even_in_their_logarithm() -> None:
    values = design({"k": (-1000.0, -0.001, "log")}, 1024).quantities["k"]
    logs = np.sort(np.log10(-values))
    assert np.abs(logs - (np.arange(1024) + 0.5) / 1024 * 6 + 3).max() < 6 / 1024


@pytest.mark.parametrize(
    ("over", "count", "options", "said"),
    [
        ({}, 8, {}, "a design needs ranges"),
        ({"k": (1, 0)}, 8, {}, "with low < high"),
        ({"k": 3}, 8, {}, "with low < high"),
        ({"k": (0, float("inf"))}, 8, {}, "with low < high"),
        ({"k": (0, 1, "log")}, 8, {}, "of one sign"),
        ({"k": (0, 1, "lin")}, 8, {}, "(low, high, 'log')"),
        ({"k": (0, 1)}, 0, {}, "a design has 1 to"),
        ({"k": (0, 1)}, 2.5, {}, "count takes"),
        ({"k": (0, 1)}, 8, {"kind": "sobl"}, "'sobol' or 'halton' or 'latin'"),
        ({"k": (0, 1)}, 8, {"seed": -1}, "the seed of a design"),
    ],
)
def test_bad_designs_are_refused(over: Any, count: Any, options: Any, said: str) -> None:
    with pytest.raises(QuestionError) as refused:
        design(over, count, **options)
    assert said in str(refused.value)


def test_paired_points_have_one_length() -> None:
    assert len(Design({"k": [1, 2], "R[0]": (3, 4)})) == 2
    with pytest.raises(QuestionError, match="2 of 'k', 1 of 'd'"):
        Design({"k": [1, 2], "d": [3]})
    with pytest.raises(QuestionError, match="a design takes points"):
        Design({})
