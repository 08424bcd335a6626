"""A tangent followed by numpy, number by number and in machine code is the same, bit for bit."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from causalopt import Model, load
from causalopt.engine.executions import follower_for
from causalopt.engine.follower import Follower, Measured, PlainFollower
from causalopt.engine.jacobians import Products, StepDerivative
from causalopt.engine.linearization import linearize
from causalopt.engine.machine.follow_code import CompiledFollower
from causalopt.engine.signs import counter_signs
from tests.engine.strategies import random_model

MODELS = {
    **{f"random rules {seed}": random_model(seed, 7) for seed in range(4)},
    "stages": load("lorenz").replace(method="rk4"),
    "lags": Model(
        name="lags",
        variables={
            "x": {"rule": "x[t-1]*x[t-5] - 0.3*y[t-3]", "initial": [1, 1, 1, 1, 1]},
            "y": {"rule": "x[t]*y[t-1] + 0.2*y[t-2]", "initial": [1, 1, 1]},
        },
    ),
}
MEASURED = Measured(1, 1e3 * 2.0**-53, 2.0**-7)


def by_numpy(
    step: StepDerivative, slopes: np.ndarray, start: np.ndarray, measured: Measured
) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Return m's shares, the growth of lengths, and after how many steps the error had grown."""
    now, error = start, np.zeros_like(start)
    found, blurred = [], None
    for t, row in enumerate(slopes):
        after, all_ = step.carry(row, np.stack([now, error], axis=1))
        sizes, reads = step.carry(np.abs(row), np.abs(now)[:, np.newaxis])
        got, off = np.abs(all_[measured.target])
        size = reads[measured.target, 0]
        share = got if got > measured.known * size + off else 0.0
        now, error = after.T
        error = error + counter_signs(t * step.size, (1, step.size))[0] * 2.0**-53 * sizes[:, 0]
        length, blur = (np.sqrt(np.cumsum(part * part)[-1]) for part in (now, error))
        found.append((np.nan if size == 0 else share, length))
        if not 0 < length < np.inf:
            break
        if blurred is None and blur > measured.blurred * length:
            blurred = t + 1
        now, error = now / length, error / length
    return *np.array(found).T, blurred


def in_parts(follower: Follower, slopes: np.ndarray, edge: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what a follower says of steps given in two parts."""
    shares, lengths = follower.over(slopes[:edge], slopes[:edge])
    if len(shares) < edge:
        return shares, lengths
    more = follower.over(slopes[edge:], slopes[edge:])
    return np.concatenate([shares, more[0]]), np.concatenate([lengths, more[1]])


def start_of(step: StepDerivative, rng: np.random.Generator) -> np.ndarray:
    start = rng.normal(size=step.size)
    return start / np.linalg.norm(start)


@pytest.mark.parametrize("name", MODELS)
def test_all_have_the_same_numbers(name: str) -> None:
    structure, rng = MODELS[name].template.structure, np.random.default_rng(3)
    step = StepDerivative(structure, np.zeros(len(structure.names), dtype=bool))
    slopes = rng.normal(size=(80, len(linearize(structure).partials) + 2))[:, :-2]  # rows apart
    slopes[rng.random(slopes.shape) < 0.05] = 0.0
    start = start_of(step, rng)
    blurred = set()
    for target, limit in ((0, 2.0**-50), (1, 2.0**-48), (step.width - 1, 2.0**-7)):
        measured = dataclasses.replace(MEASURED, target=target, blurred=limit)
        *expected, at = by_numpy(step, slopes, start, measured)
        for kind in (PlainFollower, CompiledFollower):
            follower = kind(step.products, start, measured)
            np.testing.assert_array_equal(in_parts(follower, slopes, 31), expected)
            assert (follower.done, follower.blurred_from) == (len(expected[0]), at)
        blurred.add(at)
    assert len(blurred) > 1


@pytest.mark.parametrize("slope", [0.0, 1e-200, np.inf, np.nan, 1e200])
@pytest.mark.parametrize("kind", [PlainFollower, CompiledFollower])
def test_the_step_in_which_a_tangent_leaves_the_numbers_is_the_last(
    kind: type[Follower], slope: float
) -> None:
    """Squares of 1e-200 are 0 and of 1e200 infinite: its length is not known either."""
    rules = {f"x{i}": {"rule": f"0.5*x{i}[t-1]", "initial": 1} for i in range(2)}
    step = StepDerivative(
        Model(name="m", variables=rules).template.structure, np.zeros(2, dtype=bool)
    )
    slopes = np.full((50, 2), 0.5)
    slopes[40] = slope
    start = np.array([0.6, 0.8])
    with np.errstate(all="ignore"):
        *expected, _ = by_numpy(step, slopes, start, MEASURED)
    follower = kind(step.products, start, MEASURED)
    shares, lengths = follower.over(slopes, slopes)
    assert (len(shares), follower.done) == (41, 41)
    np.testing.assert_array_equal([shares, lengths], expected)
    np.testing.assert_array_equal(lengths[:40], 0.5)


@pytest.mark.parametrize("kind", [PlainFollower, CompiledFollower])
def test_what_m_gets_is_a_number_rounding_or_nothing(kind: type[Follower]) -> None:
    """Of x = y: x + y, x - y, and 0*x in which there is nothing to round."""
    products = Products(
        np.array([0, 1, 2, 4]), np.arange(4), np.array([3, 4, 3, 4]), np.array([0, 1])
    )
    start = np.full(2, math.sqrt(0.5))
    slopes = np.ones((3, 4))
    slopes[1, 3] = -1.0
    slopes[2, 2:] = 0.0
    follower = kind(products, start, dataclasses.replace(MEASURED, target=2))
    shares, _ = follower.over(slopes, slopes)
    assert shares.tolist() == pytest.approx([math.sqrt(2), 0.0, math.nan], nan_ok=True)
    assert shares[1] == 0.0


@pytest.mark.parametrize("kind", [PlainFollower, CompiledFollower])
def test_sizes_of_products_may_be_others_than_those_of_slopes(kind: type[Follower]) -> None:
    """A slope that is the rest of large products: 1 of 2**40 has an error of 2**-13."""
    products = Products(np.array([0, 1]), np.array([0]), np.array([1]), np.array([0]))
    sizes = np.array([[-(2.0**40)], [-(2.0**40)]])
    follower = kind(products, np.ones(1), dataclasses.replace(MEASURED, target=0, blurred=2.0**-14))
    follower.over(np.ones((1, 1)), sizes[:1])
    assert follower.state.tolist() == [[1.0, counter_signs(0, (1, 1))[0, 0] * 2.0**-13]]
    assert follower.blurred_from == 1
    follower.over(np.ones((1, 1)), sizes[1:])
    assert follower.state[0, 1] == counter_signs(0, (2, 1)).sum() * 2.0**-13
    assert follower.blurred_from == 1


def test_signs_are_those_of_splitmix64_and_fall_either_way() -> None:
    """The first outputs of splitmix64 from seed 0, as its authors print them."""
    first = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC)
    assert counter_signs(0, (2, 2)).ravel().tolist() == [-1.0 if z >> 63 else 1.0 for z in first]
    assert abs(counter_signs(0, (1000, 100)).sum()) < 4 * math.sqrt(100_000)


def test_little_work_is_left_to_python() -> None:
    step = StepDerivative(load("lorenz").template.structure, np.zeros(3, dtype=bool))
    start = np.array([1.0, 0.0, 0.0])
    assert isinstance(follower_for(step.products, start, MEASURED, 10), PlainFollower)
    assert isinstance(follower_for(step.products, start, MEASURED, 100_000), CompiledFollower)
