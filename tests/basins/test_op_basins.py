"""Regions above a level: how many, their measure between bounds, and what is on neither side."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest

from causalopt import Model, OpBasins, QuestionError, UnknownNameError, load, op_basins, sweep
from causalopt.basins.cell_refinement import MIXED, CellTree
from causalopt.basins.cell_shares import regions_of
from causalopt.basins.linked_cells import linked, touching
from causalopt.basins.point_classes import ABOVE, CLASSES
from causalopt.errors import SizeError
from tests.basins.shapes import ball, disk, interval, splitting, two_lobes

BOX = {"x[0]": (-1.13, 1.31), "y[0]": (-1.21, 1.17), "z[0]": (-1.09, 1.27)}


def box(*names: str) -> dict[str, tuple[float, float]]:
    return {name: BOX[name] for name in names}


@pytest.mark.parametrize("level", [0.0, 0.7, 1.5])
@pytest.mark.parametrize(
    ("model", "axes", "unit"), [(interval, 1, 2.0), (disk, 2, math.pi), (ball, 3, 4 * math.pi / 3)]
)
def test_length_area_and_volume_lie_between_the_bounds(
    model: object, axes: int, unit: float, level: float
) -> None:
    found = op_basins(model(), box(*list(BOX)[:axes]), level=level)
    exact = unit * math.exp(-level / 2) ** axes
    assert found.low <= exact <= found.high
    (region,) = found.regions
    assert region.low <= exact <= region.high
    assert not region.joins
    assert found.joined == 1
    assert region.measure == pytest.approx(exact, rel=(1e-6, 2e-4, 4e-3)[axes - 1])
    assert found.measure == pytest.approx(region.measure)
    for low, high in region.extent.values():
        assert max(-low, high) <= math.exp(-level / 2)


def test_the_estimate_is_far_nearer_than_the_bounds_and_they_halve_with_the_cells() -> None:
    widths = []
    for depth in range(5):
        found = op_basins(disk(), box("x[0]", "y[0]"), level=0.3, counts=16, depth=depth)
        widths.append(found.high - found.low)
        # Interpolated between corners; half of the mixed cells would be off by their unevenness.
        assert abs(found.measure - math.pi * math.exp(-0.3)) < widths[-1] / 500
    # The mixed cells are as many as the border is long.
    ratios = [a / b for a, b in itertools.pairwise(widths)]
    assert ratios == pytest.approx([2, 2, 2, 2], rel=0.15)


def test_the_thermostat_s_region_is_that_of_a_program_of_its_own() -> None:
    """Part 4's thermostat, R and dR/dR[0] on a fine grid, by numpy; Y's disturbance stays 1."""
    room = np.linspace(4, 45.3, 400_001)
    start, dt = np.copy(room), 0.02
    therm, slope, before = np.zeros_like(room), np.ones_like(room), np.zeros_like(room)
    for _ in range(500):
        inside = np.abs(therm) < 1
        heat = np.clip(therm, -1, 1)
        therm, room, slope, before = (
            room - 25, room - dt * heat, slope - dt * inside * before, slope,
        )  # fmt: skip
    above = start[-np.log(np.abs(slope)) > 5]
    found = op_basins(load("thermostat_saturating"), {"R[0]": (4, 45.3)}, level=5)
    (region,) = found.regions
    assert region.measure == pytest.approx(len(above) * 41.3 / 400_000, abs=2e-3)
    assert region.low <= np.ptp(above) <= region.high
    assert region.extent["R[0]"] == pytest.approx((above[0], above[-1]), abs=3e-3)


def test_the_regions_parts_add_up_to_the_whole() -> None:
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    found = op_basins(load("lorenz"), over, level=-3, steps=100)
    assert len(found.regions) > 10
    mixed_alone = (found.nearest == 0) & (found.labels == 0)
    assert found.low == pytest.approx(sum(region.low for region in found.regions))
    assert sum(region.measure for region in found.regions) <= found.measure
    share = found.tree.shares[mixed_alone & (found.tree.classes == MIXED)].sum()
    assert sum(region.measure for region in found.regions) >= found.measure - 2000 * share


def test_two_lobes_are_two_regions_until_the_level_joins_them() -> None:
    over = {"x[0]": (-1.61, 1.57), "y[0]": (-1.47, 1.53)}
    apart = op_basins(two_lobes(), over, level=-math.log(0.5))
    assert len(apart.regions) == apart.joined == 2
    assert apart.regions[0].measure == pytest.approx(apart.regions[1].measure, rel=1e-3)
    right, left = sorted(apart.regions, key=lambda region: -region.extent["x[0]"][0])
    assert right.extent["x[0]"][0] > 0 > left.extent["x[0]"][1]
    assert len(op_basins(two_lobes(), over, level=-math.log(1.1)).regions) == 1


def test_at_the_level_of_the_saddle_one_region_may_be_two() -> None:
    over = {"x[0]": (-1.61, 1.57), "y[0]": (-1.47, 1.53)}
    found = op_basins(two_lobes(), over, level=1e-6, depth=2)
    assert len(found.regions) > found.joined == 1
    assert all(region.joins for region in found.regions[:2])
    assert f"1 to {len(found.regions)} regions" in repr(found)


def test_without_depth_every_corner_has_the_op_of_a_sweep() -> None:
    model, over = load("lorenz"), {"a[0]": (-5.0, 5.0), "b[0]": (-4.0, 6.0)}
    found = op_basins(model, over, level=-2, steps=60, counts=(8, 6), depth=0, audit=0)
    grid = {"a[0]": np.linspace(-5, 5, 9), "b[0]": np.linspace(-4, 6, 7)}
    told = sweep(model, grid, steps=60)
    np.testing.assert_allclose(found.tree.op, told.op, rtol=1e-6)
    np.testing.assert_array_equal(found.tree.corners == ABOVE, told.op > -2)
    assert found.tree.asked == 63
    assert found.op_range[1] == pytest.approx(told.op.max(), rel=1e-12)
    at = (found.op_max_at["a[0]"], found.op_max_at["b[0]"])
    k, j = np.unravel_index(told.op.argmax(), told.op.shape)
    assert at == pytest.approx((grid["a[0]"][k], grid["b[0]"][j]), rel=1e-14)


def test_refinement_asks_a_border_and_not_the_rest() -> None:
    fine = op_basins(disk(), box("x[0]", "y[0]"), counts=128, depth=0, audit=0)
    coarse = op_basins(disk(), box("x[0]", "y[0]"), counts=16, depth=3, audit=0)
    assert coarse.tree.shape == fine.tree.shape
    assert coarse.tree.asked < fine.tree.asked / 3
    np.testing.assert_array_equal(coarse.region, fine.region)
    assert (coarse.low, coarse.high) == pytest.approx((fine.low, fine.high))
    assert coarse.measure == pytest.approx(fine.measure)


def test_leaves_cover_the_box_and_the_mixed_ones_are_the_finest() -> None:
    tree = op_basins(disk(), box("x[0]", "y[0]"), counts=16, depth=3, audit=0).tree
    assert tree.shares.sum() == pytest.approx(1)
    np.testing.assert_array_equal(
        np.bincount(tree.cells.ravel()), (tree.shares * tree.cells.size).round()
    )
    assert set(tree.levels[tree.classes == MIXED].tolist()) == {3}


def test_what_hides_in_a_cell_is_bounded_by_points_at_random() -> None:
    """Op > 8 in a disk of radius exp(-4), less than a coarse cell: no corner sees it."""
    over = {"x[0]": (-1.0, 1.1), "y[0]": (-1.0, 1.1)}
    blind = op_basins(disk(), over, level=8.0, counts=4, depth=0, audit=300)
    assert blind.regions == ()
    hidden = math.pi * math.exp(-8)
    assert hidden < blind.missed == pytest.approx((1 - 0.05 ** (1 / 300)) * 2.1**2)
    assert math.isnan(op_basins(disk(), over, level=8.0, counts=4, depth=0, audit=0).missed)
    # Where the audit finds something the bound is wider.
    seen = op_basins(disk(), over, level=2.0, counts=1, depth=0, audit=300)
    assert seen.regions == ()
    assert seen.missed > math.pi * math.exp(-2)


def test_points_that_diverge_are_on_neither_side() -> None:
    """x -> x^2 grows beyond all bounds for |x| > 1, where Op would be said of nothing."""
    model = Model(
        name="square",
        variables={
            "u": {"rule": "0.1*x[t-1]", "initial": 0},
            "x": {"rule": "x[t-1]**2 - u[t]*0", "initial": 0.5},
        },
        partition={"A": ["u"], "B": ["x"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x", "steps": 40},
    )
    found = op_basins(model, {"x[0]": (0.3, 1.7)}, level=-1.0, estimate=False)
    assert found.classes["diverged"] == pytest.approx(0.7, abs=1e-3)
    assert found.high <= 0.7 + 1e-3
    assert "diverged" in repr(found)


def test_an_unresolved_box_has_no_region_and_says_so() -> None:
    """After 54 steps the solver's Op of 37.4 nats is a cancellation below the digits of floats."""
    found = op_basins(load("solver"), {"d[0]": (1.0, 2.0)}, level=30.0, steps=54, counts=4, depth=0)
    assert found.regions == ()
    assert found.classes == {"unresolved": 1.0}
    assert (found.low, found.high) == (0.0, 0.0)
    assert "Op is known at no point" in repr(found)


def test_a_kink_is_on_neither_side_though_both_sides_are_above() -> None:
    """At R[0] = 20 and 22.5 W stands on the band's edge at some step."""
    found = op_basins(load("thermostat_saturating"), {"R[0]": (18.75, 23.75)}, level=4.0, counts=8)
    assert (found.tree.corners[found.tree.corners >= 0] == 2).any()
    assert len(found.regions) > found.joined == 1


def test_perfect_compression_is_above_every_level() -> None:
    found = op_basins(interval(), {"x[0]": (-1.0, 1.0)}, level=300.0, counts=2, depth=0, audit=0)
    assert found.tree.corners.tolist() == [0, 1, 0]
    assert found.op_range[1] == math.inf
    assert found.specks == 1
    assert found.regions == ()
    assert "some corners do" in repr(found)


def test_a_level_that_no_point_reaches_is_an_empty_answer_with_the_largest_op() -> None:
    found = op_basins(load("thermostat"), {"R[0]": (5, 45)}, level=50.0, steps=1000)
    assert (found.regions, found.measure, found.high) == ((), 0.0, 0.0)
    text = repr(found)
    assert "no point that was asked lies above" in text
    assert "10.1432" in text  # thermostat: Op(1000) = 10.14316586
    assert found.to_dict()["op_max"] == pytest.approx(10.14316586, abs=1e-8)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_threads_changes_nothing(workers: int) -> None:
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    found = op_basins(load("lorenz"), over, level=-3, steps=100, depth=2, workers=workers)
    again = op_basins(load("lorenz"), over, level=-3, steps=100, depth=2, workers=2)
    np.testing.assert_array_equal(found.tree.op, again.tree.op)
    assert found.to_dict() == again.to_dict()


def test_lorenz_symmetry_makes_pairs_of_equal_regions() -> None:
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    found = op_basins(load("lorenz"), over, level=-3, steps=100)
    first, second = found.regions[:2]
    assert first.measure == pytest.approx(second.measure, rel=1e-9)
    assert first.extent["a[0]"] == pytest.approx([-end for end in second.extent["a[0]"][::-1]])


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"over": {}}, QuestionError, "basins need an axis"),
        ({"over": {"rho": (1, 2)}}, QuestionError, "'rho' is a parameter.*such as a\\[0\\]"),
        ({"over": {"q[0]": (1, 2)}}, UnknownNameError, "unknown"),
        ({"over": {"a[3]": (1, 2)}}, QuestionError, "follows its rule"),
        ({"over": {"a[0]": (2, 1)}}, QuestionError, "the lower one first"),
        ({"over": {"a[0]": (1, math.inf)}}, QuestionError, "finite"),
        ({"over": {"a[0]": 3}}, QuestionError, "takes a range"),
        ({"over": {"a[0]": (0, 1), "a": (0, 1)}}, QuestionError, "needs one step"),
        (
            {"over": {"a[0]": (0, 1), "b[0]": (0, 1), "c[0]": (0, 1), "a": (0, 1)}},
            QuestionError,
            "at most 3 axes.*op_share",
        ),
        ({"hold": "b"}, QuestionError, "the nudge is made in B"),
        ({"level": math.nan}, QuestionError, "finite number of nats"),
        ({"counts": 0}, QuestionError, "at least 1 cell"),
        ({"counts": (4, 4)}, QuestionError, "one for each of 1 axes"),
        ({"depth": -1}, QuestionError, "between 0 and 20"),
        ({"depth": 20, "counts": 4096}, SizeError, "smaller count"),
        ({"audit": -1}, QuestionError, "audit"),
        ({"workers": 0}, QuestionError, "workers"),
        ({"at": -1}, QuestionError, "between 0"),
    ],
)
def test_wrong_questions_are_told(arguments: dict, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        op_basins(load("lorenz"), **{"over": {"a[0]": (0, 1)}, "steps": 20} | arguments)


def test_models_with_arrays_are_to_be_written_out() -> None:
    with pytest.raises(QuestionError, match=r"causalopt\.expand"):
        op_basins(load("lorenz96"), {"x[0]": (0, 1)})


def test_the_dataset_holds_cells_corners_and_regions() -> None:
    found = op_basins(disk(), box("x[0]", "y[0]"), depth=1)
    data = found.dataset
    assert dict(data.sizes) == {"x_0": 64, "y_0": 64, "x_0_edge": 65, "y_0_edge": 65, "label": 1}
    assert float(data.x_0[0]) == pytest.approx(-1.13 + 2.44 / 128)
    assert int((data.region == 1).sum()) == round(found.low / found.box.volume * 64**2)
    assert data.attrs["level"] == "0.0"
    codes = found.tree.classes[found.tree.cells]
    assert [CLASSES[code] for code in codes.ravel()] == data["class"].values.ravel().tolist()


def test_components_are_those_of_networkx() -> None:
    import networkx as nx

    rng = np.random.default_rng(3)
    for count, edges in ((50, 20), (200, 180), (1000, 700)):
        pairs = rng.integers(0, count, (2, edges))
        graph = nx.Graph([*zip(*pairs.tolist(), strict=True)])
        graph.add_nodes_from(range(count))
        roots = linked(count, (pairs[0], pairs[1]))
        for part in nx.connected_components(graph):
            assert set(roots[list(part)].tolist()) == {min(part)}


def test_a_long_chain_is_one_component() -> None:
    order = np.random.default_rng(0).permutation(20_000)
    assert set(linked(20_000, (order[:-1], order[1:])).tolist()) == {0}


def test_cells_touch_across_faces_and_not_across_corners() -> None:
    cells = np.array([[0, 0, 1], [2, 2, 1], [2, 2, 3]], dtype=np.int32)
    pairs = set(zip(*(side.tolist() for side in touching(cells)), strict=True))
    assert pairs == {(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)}


def test_regions_are_those_of_scipy_s_labels() -> None:
    from scipy import ndimage

    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    found: OpBasins = op_basins(load("lorenz"), over, level=-3, steps=100, audit=0)
    inside = (found.tree.classes == ABOVE)[found.tree.cells]
    labels, count = ndimage.label(inside)
    assert count == len(found.regions)
    sizes = np.sort(ndimage.sum_labels(inside, labels, np.arange(1, count + 1)))[::-1]
    cell = found.box.volume / inside.size
    assert [region.low for region in found.regions] == pytest.approx((sizes * cell).tolist())


def test_a_gap_thinner_than_a_cell_is_told_by_the_bounds() -> None:
    """Op > 0 for x^2 in (p - 1, p + 1): for p = 1 + 1e-6 two intervals, 2e-3 apart."""
    found = op_basins(splitting(1 + 1e-6), {"x[0]": (-1.61, 1.57)}, counts=16, depth=2)
    exact = 2 * (math.sqrt(2 + 1e-6) - 1e-3)
    assert found.low <= exact <= found.high
    found = op_basins(splitting(1 + 1e-6), {"x[0]": (-1.61, 1.57)}, counts=2048, depth=3)
    assert len(found.regions) == 2
    assert found.low <= exact <= found.high


def test_what_cancels_but_for_rounding_lies_on_its_level() -> None:
    """By hand: 0.1 u + 0.2 u - 0.3 u is 0, so that Op is 0 everywhere."""
    model = Model(
        name="cancel",
        variables={
            "x": {"rule": "x[t-1]", "initial": 0},
            "u": {"rule": "sin(x[t-1])", "initial": 0},
            "a": "0.1*u[t]",
            "b": "0.2*u[t]",
            "m": {"rule": "x[t-1] + a[t] + b[t] - 0.3*u[t]", "initial": 0},
        },
        partition={"A": ["u"]},
        question={"nudge": "x[0]", "hold": "A", "target": "m", "steps": 1},
    )
    found = op_basins(model, {"x[0]": (-1, 1)})
    assert (found.measure, found.high, len(found.regions)) == (0.0, 0.0, 0)
    assert "no point that was asked lies above" in repr(found)
    assert op_basins(model, {"x[0]": (-1, 1)}, level=-1e-9).low == 2.0


def test_what_only_the_audit_meets_is_no_corner() -> None:
    found = op_basins(load("thermostat_saturating"), {"R[0]": (4, 45)}, level=5, counts=1, depth=0)
    assert (found.measure, found.high) == (0.0, 0.0)
    assert "no whole cell lies above, only points inside cells that were left uncut" in repr(found)


@pytest.mark.slow
def test_a_plane_of_a_million_starts_over_2000_steps_takes_half_a_minute_at_most() -> None:
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    begin = time.process_time()
    found = op_basins(load("lorenz"), over, level=-40, steps=2000, counts=1000, depth=0)
    assert found.tree.asked == 1_002_001
    assert time.process_time() - begin < 30


def test_a_mixed_cell_between_two_regions_counts_to_the_larger_one() -> None:
    """Region 2 above, below it two mixed cells, region 1 in the last row, larger by a cell."""
    rows = np.array([[0, 0, 9], [1, 1, 9], [2, 2, 2]], dtype=np.int32)
    cells = np.where(rows == 9, 3, rows).astype(np.int32)
    classes = np.array([ABOVE, MIXED, ABOVE, 0], dtype=np.int8)
    tree = CellTree(
        corners=np.zeros((4, 4), np.int8),
        op=np.zeros((4, 4), np.float32),
        cells=cells,
        classes=classes,
        levels=np.array([1, 1, 0, 0], np.int8),
        depth=1,
        asked=0,
    )
    closed, opened, near = regions_of(tree, classes == MIXED)
    assert closed.tolist() == [2, 0, 1, 0]
    assert near.tolist() == [2, 1, 1, 0]
    assert opened.tolist() == [1, 1, 1, 0]
