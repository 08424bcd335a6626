"""Shares and integrals without cells: lattices, their errors, and the exact binomial interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from causalopt import Model, QuestionError, load, op_basins, op_share, optimization_amount, sweep
from causalopt.basins.binomial_bounds import binomial_interval, upper_bound
from causalopt.basins.shifted_lattices import baked, generating_vector, shifted_lattice
from tests.basins.shapes import ball, disk, interval, shaped

DISK = {"x[0]": (-1.13, 1.31), "y[0]": (-1.21, 1.17)}
BALL = DISK | {"z[0]": (-1.09, 1.27)}


@pytest.mark.parametrize(("hits", "count"), [(0, 7), (1, 7), (7, 7), (40, 1000), (500, 1000)])
def test_the_binomial_interval_is_clopper_and_pearson_s(hits: int, count: int) -> None:
    exact = stats.binomtest(hits, count).proportion_ci(0.95, method="exact")
    assert binomial_interval(hits, count) == pytest.approx((exact.low, exact.high), abs=1e-12)
    one = stats.binomtest(hits, count, alternative="less").proportion_ci(0.95, method="exact")
    assert upper_bound(hits, count) == pytest.approx(one.high, abs=1e-12)


@pytest.mark.parametrize("axes", [1, 2, 5])
def test_a_lattice_is_a_group_whose_projections_are_even(axes: int) -> None:
    points = shifted_lattice(64, axes, np.random.default_rng(1))
    for row in points:
        assert np.diff(np.sort(row)) == pytest.approx(np.full(63, 1 / 64))
    plain = {tuple(p) for p in (np.outer(np.array(generating_vector(64, axes)), range(64)) % 64).T}
    first, second = list(plain)[3], list(plain)[11]
    assert tuple((a + b) % 64 for a, b in zip(first, second, strict=True)) in plain


def test_a_lattice_integrates_what_is_smooth_far_better_than_points_at_random() -> None:
    """The mean of prod(1 + (x - 1/2)) is 1; baked, the error falls nearly as n^-2."""
    rng = np.random.default_rng(2)
    errors = {}
    for count in (64, 1024):
        found = [
            np.prod(0.5 + baked(shifted_lattice(count, 3, rng)), axis=0).mean() for _ in range(16)
        ]
        errors[count] = math.sqrt(np.mean((np.array(found) - 1) ** 2))
    assert errors[1024] < errors[64] / 64
    at_random = math.sqrt(((1 + 1 / 12) ** 3 - 1) / 1024)
    assert errors[1024] < at_random / 100


def test_shifts_at_random_leave_the_mean_unbiased() -> None:
    rng = np.random.default_rng(3)
    means = [shifted_lattice(8, 2, rng).mean(axis=1) for _ in range(4000)]
    assert np.mean(means, axis=0) == pytest.approx([0.5, 0.5], abs=4 / math.sqrt(12 * 64 * 4000))


@pytest.mark.parametrize("design", ["lattice", "random"])
def test_intervals_of_shares_cover_as_often_as_they_say(design: str) -> None:
    exact = math.pi * math.exp(-0.5) / (2.44 * 2.38)
    covered, widths = 0, []
    for seed in range(40):
        found = op_share(
            disk(),
            DISK,
            level=0.5,
            design=design,
            points=128,
            replicas=8,
            seed=seed,
            workers=1,
            estimate=False,
        )
        mean, low, high = found.shares["above"]
        covered += low <= exact <= high
        widths.append(high - low)
        assert sum(share for share, _, _ in found.shares.values()) == pytest.approx(1)
        assert mean == found.share
    # 95 % of 40: 33 or fewer have a chance of 1 in 900.
    assert covered >= 34
    assert np.mean(widths) < (0.02 if design == "lattice" else 0.07)


def test_a_share_is_that_of_the_cells() -> None:
    cells = op_basins(disk(), DISK, level=0.5)
    found = op_share(disk(), DISK, level=0.5)
    assert found.shares["above"][1] < cells.measure / cells.box.volume < found.shares["above"][2]


def test_replicas_that_agree_still_have_an_interval() -> None:
    found = op_share(load("thermostat"), {"R[0]": (0, 50)}, level=1.0, points=64, replicas=4)
    exact = stats.binomtest(64, 64).proportion_ci(0.95, method="exact")
    assert found.shares["above"] == pytest.approx((1.0, exact.low, 1.0))


def test_a_share_takes_more_axes_than_cells_do() -> None:
    """The ball of four dimensions has the volume pi^2 r^4 / 2."""
    model = shaped("x[t-1] - x[t-1]**3/3 - x[t-1]*(y[t-1]**2 + z[t-1]**2 + w[t-1]**2)", *"xyzw")
    over = {f"{name}[0]": (-1.0, 1.0) for name in "xyzw"}
    share, low, high = op_share(model, over, points=2048).shares["above"]
    assert low < math.pi**2 / 2 / 16 < high
    assert high - low < 0.01
    assert share == pytest.approx(math.pi**2 / 32, abs=0.005)


def test_unresolved_points_are_a_share_of_their_own() -> None:
    found = op_share(load("solver"), {"d[0]": (1, 2)}, level=30, steps=54, points=16, replicas=2)
    assert found.shares["unresolved"][0] == 1.0
    assert found.share == 0.0


@pytest.mark.parametrize("rule", ["lattice", "trapezoid"])
def test_the_amount_of_part_4_is_twice_p_times_t_minus_dt(rule: str) -> None:
    model = load("thermostat_saturating")
    found = optimization_amount(model, {"R[0]": (5, 45)}, rule=rule)
    assert found.value == pytest.approx(2 * (10 - 0.02), abs=found.error)
    assert found.error < 2e-3
    # T[0] moves R[1] alike on both sides of the band: the amount is the same for each of them.
    wide = optimization_amount(model, {"R[0]": (5, 45), "T[0]": (-1.03, 0.98)}, rule=rule)
    assert wide.value == pytest.approx(2.01 * 2 * (10 - 0.02), abs=wide.error)
    assert found.mean == pytest.approx(found.value / 40)


def test_the_trapezoid_rule_is_the_power_of_a_sweep() -> None:
    model = load("thermostat_saturating")
    found = optimization_amount(model, {"R[0]": (4.7, 45.3)}, rule="trapezoid", counts=400)
    told = sweep(model, {"R[0]": np.linspace(4.7, 45.3, 401)})
    assert found.value == pytest.approx(told.power, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "over", "exact"),
    [
        # 1 - Comp = 1 - x^2, 1 - x^2 - y^2, 1 - x^2 - y^2 - z^2 over [0, 1]^n
        (interval, "x", 2 / 3),
        (disk, "xy", 1 / 3),
        (ball, "xyz", 0.0),
    ],
)
@pytest.mark.parametrize("rule", ["lattice", "trapezoid"])
def test_polynomials_are_integrated_within_the_error(
    model: object, over: str, exact: float, rule: str
) -> None:
    found = optimization_amount(model(), {f"{name}[0]": (0.0, 1.0) for name in over}, rule=rule)
    assert abs(found.value - exact) <= 1.5 * found.error + 1e-12
    assert found.error < (2e-5 if rule == "lattice" else 2e-3)


def test_the_trapezoid_s_error_is_three_times_the_true_one_where_smooth() -> None:
    found = optimization_amount(disk(), {"x[0]": (0, 1), "y[0]": (0, 1)}, rule="trapezoid")
    assert found.error == pytest.approx(3 * abs(found.value - 1 / 3), rel=1e-6)
    assert len(found.estimates) == 3


def test_intervals_of_amounts_cover_as_often_as_they_say() -> None:
    model = load("thermostat_saturating")
    covered = 0
    for seed in range(40):
        found = optimization_amount(
            model, {"R[0]": (5, 45)}, counts=64, replicas=8, seed=seed, workers=1
        )
        covered += abs(found.value - 2 * 9.98) <= found.error
    assert covered >= 34


def test_points_without_a_comp_are_left_out_and_counted() -> None:
    """x -> x^2 + x/4 is repelled by 3/4, from where it escapes; inside, Comp is as good as 0."""
    model = Model(
        name="square",
        variables={
            "u": {"rule": "0.25*x[t-1]", "initial": 0},
            "x": {"rule": "x[t-1]**2 + 0.5*x[t-1] - u[t]", "initial": 0.5},
        },
        partition={"A": ["u"], "B": ["x"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x", "steps": 60},
    )
    found = optimization_amount(model, {"x[0]": (0.25, 1.25)}, counts=256, estimate=False)
    assert found.left_out == pytest.approx(0.5, abs=0.01)
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert "left out" in repr(found)
    assert found.to_dict()["left_out"] == found.left_out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "simpson"}, "rule is one of"),
        ({"counts": 100}, "power of two"),
        ({"replicas": 1}, "two or more replicas"),
        ({"rule": "trapezoid", "counts": 6}, "multiple of four"),
        ({"over": {"k": (0, 1)}}, "is a parameter"),
        ({"hold": "R"}, "the nudge is made in B"),
    ],
)
def test_wrong_rules_are_told(arguments: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        optimization_amount(load("thermostat"), **{"over": {"R[0]": (0, 1)}} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"design": "sobol"}, "design is one of"),
        ({"points": 100}, "power of two"),
        ({"replicas": 1}, "two or more replicas"),
        ({"level": math.inf}, "finite number"),
    ],
)
def test_wrong_designs_are_told(arguments: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        op_share(load("thermostat"), {"R[0]": (0, 1)}, **arguments)


def test_data_sets_hold_what_is_printed() -> None:
    share = op_share(disk(), DISK, level=0.5, points=64, replicas=4)
    data = share.dataset
    assert float(data.share.sel({"class": "above"})) == share.share
    assert data.counted.sizes == {"class": 6, "replica": 4}
    amount = optimization_amount(disk(), DISK, counts=64, replicas=4)
    assert float(amount.dataset.power) == amount.value
    assert amount.dataset.attrs["rule"] == "lattice"
