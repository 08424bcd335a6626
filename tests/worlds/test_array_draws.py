"""Noises of arrays are drawn many steps at a time, and are the streams' numbers all the same."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from causalopt import Model, run
from causalopt.worlds.streams import uniforms


def noisy(law: str, size: int) -> Model:
    return Model(
        name="noisy",
        sizes={"dim": size},
        variables={
            "first": {"shape": ["dim"], "noise": "uniform"},
            "z": {"shape": ["dim"], "noise": law},
            "x": {"shape": ["dim"], "rule": "x[t-1]/2 + z[t] + first[t]", "initial": 0},
        },
        partition={"A": ["z"]},
        question={"nudge": "x[0]", "target": "x"},
    )


@pytest.mark.parametrize("size", [1, 3, 9000])
@pytest.mark.parametrize("steps", [1, 7])
def test_an_element_is_a_walker_and_a_noise_a_site(size: int, steps: int) -> None:
    drawn = run(noisy("uniform", size), steps=steps, seed=11).W
    for site, name in enumerate(["first", "z"]):
        for t in range(steps + 1):
            numbers = uniforms(11, np.arange(size, dtype=np.uint64), t, site)
            np.testing.assert_array_equal(drawn[name][t], numbers)


def test_they_do_not_depend_on_where_a_run_ends() -> None:
    short, long = (run(noisy("uniform", 3), steps=steps).W["z"] for steps in (5, 12_000))
    np.testing.assert_array_equal(short, long[:6])
    numbers = uniforms(0, np.arange(3, dtype=np.uint64), 11_999, 1)
    np.testing.assert_array_equal(long[11_999], numbers)


def test_a_normal_law_is_the_quantile_of_a_uniform_one() -> None:
    drawn = run(noisy("normal(1, 2)", 4), steps=20, seed=3).W["z"]
    for t in (0, 1, 20):
        numbers = uniforms(3, np.arange(4, dtype=np.uint64), t, 1)
        expected = [NormalDist(1, 2).inv_cdf(float(u)) for u in numbers]
        np.testing.assert_allclose(drawn[t], expected, rtol=1e-9)
