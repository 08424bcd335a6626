"""Plans: the numbers of a point are those of `run`, whatever the chunk, the axes' order or kind."""

from __future__ import annotations

import itertools
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from causalopt import Design, Model, QuestionError, UnknownNameError, load, run, sweep
from causalopt.effects.sweeps import lane_doubts, point_blocks
from causalopt.effects.sweeps.axes import Spaced
from causalopt.sweeps.coarse_preview import coarse_places
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.sweep_plan import SweepPlan, plan_sweep
from tests.strategies import templates

SATURATING = load("thermostat_saturating")
LORENZ = load("lorenz")


def whole(plan: SweepPlan, tasks: Any = None) -> dict[str, NDArray[Any]]:
    """Return all of a plan's arrays, its tasks in some order."""
    found: dict[str, NDArray[Any]] = {}
    for task in range(plan.task_count) if tasks is None else tasks:
        for name, values in plan.evaluate(task).items():
            room = found.setdefault(name, np.full(plan.shape, -7, dtype=values.dtype))
            room[plan.task_slices(task)] = values
    return found


def assert_same(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes(), name


@given(templates(), st.integers(1, 40), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_chunks_and_their_order_decide_no_number(model: Model, chunk: int, random: Any) -> None:
    start = f"{next(iter(model.variables))}[0]"
    grid = {"hold": ["A", ""], start: np.linspace(-1, 2, 9), "seed": [0, 5]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_blocks, "BLOCK", 3)  # of few points, so that chunks have edges
        patch.setattr(lane_doubts, "BUDGET", 4000)
        one = plan_sweep(model, grid, OpMeasure(steps=6))
        cut = plan_sweep(model, grid, OpMeasure(steps=6), chunk=chunk)
        tasks = list(range(cut.task_count))
        random.shuffle(tasks)
        assert_same(whole(one), whole(pickle.loads(pickle.dumps(cut)), tasks))


def test_a_grid_of_words_asks_what_run_asks() -> None:
    grid: dict[str, Any] = {
        "hold": ["a", "b", "a, c", ""],
        "rho": [10.0, 28.0],
        "nudge": ["a[0]", "b[0]", "c[3]"],
        "target": ["b", "c"],
    }
    found = sweep(LORENZ, grid, at=40)
    places = itertools.product(*(enumerate(values) for values in grid.values()))
    asked = 0
    for point in places:
        at = tuple(k for k, _ in point)
        hold, rho, nudge, target = (value for _, value in point)
        own = {part.strip() for part in hold.split(",")}
        if nudge[0] in own:
            assert found.status[at] == "held"
            assert np.isnan(found.op[at])
            continue
        alone = run(
            LORENZ,
            nudge=nudge,
            hold=[part for part in own if part],
            target=target,
            parameters={"rho": rho},
            steps=40,
        )
        assert found.op[at] == alone.op[-1] or np.isnan(found.op[at])
        assert found.total[at] == alone.total[-1]
        assert found.status[at] == alone.status[-1]
        assert found.value[at] == alone.W[target][-1]
        asked += 1
    assert asked == 4 * 2 * 3 * 2 - 2 * 2 * 4  # a, b, and of "a, c" both a and c, are in A


def test_seeds_are_draws_and_points_without_numbers_are_asked_alone() -> None:
    model = Model(
        name="noisy",
        variables={
            "e": {"noise": "normal(0,1)"},
            "x": {"rule": "0.5*x[t-1] + sin(x[t-1])*e[t]", "initial": 1},
        },
        question={"nudge": "x[0]", "hold": "", "target": "x", "steps": 8},
    )
    found = sweep(model, {"seed": [3, 1, 4]})
    for k, seed in enumerate([3, 1, 4]):
        alone = run(model, seed=seed)
        assert found.total[k] == alone.total[-1]
        assert found.value[k] == alone.W["x"][-1]


def test_paired_points_are_those_of_their_own_sweeps() -> None:
    points = {"R[0]": [10.0, 26.0, 40.0], "d": [20.0, 24.0, 25.0]}
    found = sweep(SATURATING, Design(points), at=60)
    for k, (start, room) in enumerate(zip(*points.values(), strict=True)):
        alone = sweep(SATURATING, {"R[0]": [start], "d": [room]}, at=60)
        assert found.op[k] == alone.op[0, 0]
        assert found.status[k] == alone.status[0, 0]


def test_long_grids_are_planned_without_being_held() -> None:
    """A plan of 10^12 points, of which one task in the middle is read."""
    grid = {"R[0]": Spaced(5, 45, 10**6), "d": Spaced(20, 30, 10**6)}
    plan = plan_sweep(SATURATING, grid, OpMeasure(at=50), chunk=10**6)
    assert plan.count == 10**12
    assert plan.task_count == 10**6
    assert len(pickle.dumps(plan)) < 20_000
    slices = plan.task_slices(123_456)
    assert slices[0] == slice(123_456, 123_457)
    points = plan.points(np.array([123_456_000_789], dtype=np.int64))
    assert points["R[0]"][0] == 5 + 40 * 123_456 / 999_999
    assert points["d"][0] == 20 + 10 * 789 / 999_999


def test_an_identity_has_all_that_decides_numbers() -> None:
    def identity(model: Model = SATURATING, **question: Any) -> str:
        asked = {"at": 50} | question
        grid = {"R[0]": [1.0, 2.0]}
        return json.dumps(plan_sweep(model, grid, OpMeasure(**asked)).identity, sort_keys=True)

    plain = identity()
    assert plain == identity()
    assert plain == identity(nudge="R[0]", hold="T", target="R")  # what the model's question says
    others: list[dict[str, Any]] = [
        {"at": 51},
        {"delta": 0.1},
        {"seed": 1},
        {"target": "T"},
        {"hold": "T[t<=3]"},
        {"estimate": False},
        {"model": SATURATING.replace(parameters={"d": 24})},
    ]
    assert len({plain, *(identity(**one) for one in others)}) == 1 + len(others)


def test_the_power_axis_is_the_nudged_node_alone() -> None:
    def names(grid: Any, **question: Any) -> list[str]:
        plan = plan_sweep(SATURATING, grid, OpMeasure(at=20, **question))
        return [one.name for one in plan.variables]

    assert "comp_above" in names({"R[0]": [1.0, 2.0]})
    assert "comp_above" not in names({"d": [1.0, 2.0]})
    assert "comp_above" not in names({"R[0]": [1.0, 2.0], "d": [1.0]})
    assert "comp_above" not in names({"R[0]": [1.0, 2.0]}, nudge="R[1]")


@pytest.mark.parametrize(
    ("grid", "question", "said"),
    [
        ({"zz": [1.0]}, {}, "unknown axis 'zz'"),
        ({"R[0]": [1.0], "hold": ["T", "Q"]}, {}, "Q"),
        ({"hold": ["T"]}, {"hold": "T"}, "'hold' is swept and given too"),
        ({"hold": ["R", "R[0]"]}, {}, "every n is in every A"),
        ({"R[0]": [1.0]}, {"at": 7, "steps": 3}, "at must lie between 0 and the last step"),
        ({"R[0]": [1.0]}, {"delta": 0.0}, "delta must be a finite number"),
        ({"R[5]": [1.0]}, {}, "is a node that follows its rule"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_work(
    grid: Any, question: dict[str, Any], said: str
) -> None:
    with pytest.raises((QuestionError, UnknownNameError)) as refused:
        plan_sweep(SATURATING, grid, OpMeasure(**question))
    assert said in str(refused.value)


def test_more_points_than_can_be_counted_are_refused() -> None:
    grid = {name: Spaced(1, 2, 2**22) for name in ("R[0]", "T[0]", "d")}
    with pytest.raises(QuestionError, match="2\\^62 at most"):
        plan_sweep(SATURATING, grid, OpMeasure(at=5))
    with pytest.raises(QuestionError, match="chunk is how many points"):
        plan_sweep(SATURATING, {"d": [1.0]}, OpMeasure(at=5), chunk=0)


def test_doubts_are_judged_once_for_the_grid() -> None:
    """Chaos: W's rounding moves effects, so that twins are run and some points are unresolved."""
    grid = {"a[0]": np.linspace(-15, 15, 41)}
    one = sweep(LORENZ, grid, nudge="b[0]", hold="a", target="b", at=2900)
    assert 0 < one.left_out < 41
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_blocks, "BLOCK", 7)
        patch.setattr(lane_doubts, "BUDGET", 40_000)
        whole_grid = sweep(LORENZ, grid, nudge="b[0]", hold="a", target="b", at=2900)
        question = {"nudge": "b[0]", "hold": "a", "target": "b", "at": 2900}
        plan = plan_sweep(LORENZ, grid, OpMeasure(**question), chunk=7)  # type: ignore[arg-type]
        cut = whole(plan)
    assert plan.task_count == 6
    assert 0 < whole_grid.undecided == cut["undecided"].sum()
    assert cut["op"].tobytes() == whole_grid.op.tobytes()
    assert cut["status"].tobytes() == whole_grid.codes.tobytes()


def test_points_that_take_seconds_are_tasks_of_their_own() -> None:
    """Chunks of whole blocks are for Op alone: 40 points of another measure are as many tasks."""
    from causalopt.sweeps.measures.rates_measure import RatesMeasure

    grid = {"rho": np.linspace(1, 28, 40), "sigma": [9.0, 10.0]}
    plan = plan_sweep(LORENZ, grid, RatesMeasure(steps=50), chunk=1)
    assert (plan.chunk, plan.task_count) == ((1, 1), 80)
    assert plan_sweep(LORENZ, grid, RatesMeasure(steps=50), chunk=5).chunk == (2, 2)
    assert plan_sweep(LORENZ, grid, RatesMeasure(steps=10**7)).task_count == 80
    assert plan_sweep(LORENZ, grid, OpMeasure(at=5), chunk=1).chunk == (40, 2)


def test_kinks_are_settled_alike_in_chunks() -> None:
    """A lattice of starts that meets the thermostat's edges to within rounding."""
    grid = {"R[0]": Spaced(5, 45, 401)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_blocks, "BLOCK", 20)
        patch.setattr(lane_doubts, "BUDGET", 20_000)
        one = sweep(SATURATING, grid, at=500)
        cut = whole(plan_sweep(SATURATING, grid, OpMeasure(at=500), chunk=60))
    assert one.undecided == cut["undecided"].sum() > 0
    assert cut["status"].tobytes() == one.codes.tobytes()
    assert cut["comp_above"].tobytes() == one.slopes.tobytes()
    assert one.power == pytest.approx(19.9608, abs=1e-4)


def test_kinks_are_settled_alike_where_words_stand_between_numbers() -> None:
    """Lanes of one A are every other point of a chunk: blocks count points, and not lanes."""
    grid = {"R[0]": Spaced(5, 45, 201), "hold": ["T", "T[t<=400]"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_blocks, "BLOCK", 16)
        patch.setattr(lane_doubts, "BUDGET", 12_000)
        one = whole(plan_sweep(SATURATING, grid, OpMeasure(at=500)))
        cut = whole(plan_sweep(SATURATING, grid, OpMeasure(at=500), chunk=48))
    assert one["undecided"].sum() > 0
    assert_same(one, cut)


def test_a_longer_axis_than_floats_can_count_is_planned() -> None:
    """Beyond 2^53 a float has no place of its own for each value: 10^16 - 1 is none."""
    for count in (10**16, 2**62):
        plan = plan_sweep(SATURATING, {"R[0]": Spaced(5, 45, count)}, OpMeasure(at=5), chunk=4096)
        (places,) = coarse_places(plan)
        assert places[[0, -1]].tolist() == [0, count - 1]
        assert plan.points(places[-1:])["R[0]"].tolist() == [45.0]
