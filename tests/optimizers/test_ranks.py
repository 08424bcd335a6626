"""Ranks against time, over draws and for many n and m are those of single questions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

from causalopt import (
    Model,
    QuestionError,
    find_optimizers,
    load,
    optimizer_matrix,
    optimizers_over_draws,
    run,
)
from tests.optimizers.systems import PID, linear_dag

NOISY = Model(
    name="noisy",
    variables={
        "e": {"noise": "normal(0,1)"},
        "x": {"rule": "0.9*x[t-1] - 0.1*a[t-1] - 0.05*b[t-1]", "initial": 1},
        "a": {"rule": "x[t-1]*(1 + 0.3*e[t])", "initial": 0},
        "b": {"rule": "tanh(x[t-1])", "initial": 0},
    },
)


def test_op_against_time_is_that_of_runs_and_the_best_is_the_largest() -> None:
    model = load("lorenz")
    found = find_optimizers(model, nudge="b[2]", target="b", steps=200).over_time()
    assert found.t.tolist() == list(range(2, 201))
    table = []
    for k, hold in enumerate(found.sets):
        own = run(model, nudge="b[2]", hold=list(hold), target="b", steps=200)
        np.testing.assert_allclose(found.op[:, k], own.op[2:], rtol=1e-9, atol=1e-9)
        assert (found.status[:, k] == own.status[2:]).all()
        table.append(own.op[2:])
    best = np.max(table, axis=0)
    mine = found.op[np.arange(len(found.t)), found.best]
    np.testing.assert_allclose(mine, best, atol=1e-9)
    reigns = found.reigns
    assert reigns[0].first == 2
    assert all(a.last + 1 == b.first for a, b in itertools.pairwise(reigns))
    assert all(a.hold != b.hold for a, b in itertools.pairwise(reigns))


def test_where_no_op_is_known_there_is_no_best() -> None:
    found = find_optimizers(PID, nudge="room[0]", target="record", steps=5, size=1)
    late = Model(
        name="late",
        variables={
            "n": {"rule": "0.5*n[t-1]", "initial": 1},
            "a": {"rule": "n[t-1]", "initial": 0},
            "m": {"rule": "a[t-1] + 0.1*n[t-2]", "initial": [0, 0]},
        },
    )
    found = find_optimizers(late, nudge="n[0]", target="m", steps=6).over_time()
    assert found.best.tolist() == [-1, -1, 0, 0, 0, 0, 0]
    assert found.reigns[0].hold == ()
    assert found.reigns[0].status == "no_influence"
    assert found.to_dict()["reigns"][1]["hold"] == ["a"]


def test_every_and_count_thin_out_and_the_last_step_is_told() -> None:
    found = find_optimizers(load("lorenz"), steps=100).over_time(every=30, count=1)
    assert found.t.tolist() == [10, 40, 70, 100]
    assert found.sets == (("c",), ("a",))  # the best, and single parts
    with pytest.raises(QuestionError, match="every must be at least 1"):
        find_optimizers(load("lorenz"), steps=10).over_time(every=0)
    with pytest.raises(QuestionError, match="has no time"):
        find_optimizers(linear_dag(1, 5), nudge="x0", target="x4").over_time()


def test_draws_are_runs_with_their_seeds_and_the_interval_is_students() -> None:
    found = optimizers_over_draws(NOISY, nudge="x[0]", target="x", steps=15, draws=6, seed=3)
    for k, hold in enumerate(found.sets):
        ops = [
            run(NOISY, nudge="x[0]", hold=list(hold), target="x", steps=15, seed=3 + d).op[-1]
            for d in range(6)
        ]
        np.testing.assert_allclose(found.op[:, k], ops, rtol=1e-10)
        wide = scipy.stats.t.ppf(0.975, 5) * scipy.stats.sem(ops)
        ends = np.mean(ops) - wide, np.mean(ops) + wide
        assert found.mean[k] == pytest.approx(np.mean(ops))
        assert (found.low[k], found.high[k]) == pytest.approx(ends, rel=1e-6)
    assert (np.diff(found.mean) <= 0).all()
    assert found.first.sum() >= 6
    winners = found.op.argmax(axis=1)
    assert [int((winners == k).sum()) for k in range(len(found.sets))] == found.first.tolist()


def test_starts_move_by_normal_numbers_of_the_spread() -> None:
    model = load("lorenz")
    found = optimizers_over_draws(
        model, nudge="b[0]", target="b", steps=30, draws=40, spread={"a": 0.5, "c": 0}, size=1
    )
    assert len(np.unique(found.op[:, 0])) == 40
    still = optimizers_over_draws(
        model, nudge="b[0]", target="b", steps=30, draws=3, spread={"a": 1e-12}, size=1
    )
    whole = find_optimizers(model, nudge="b[0]", target="b", steps=30, size=1)
    assert still.op[0, 0] == pytest.approx(whole[0].op, abs=1e-9)
    again = optimizers_over_draws(
        model, nudge="b[0]", target="b", steps=30, draws=40, spread={"a": 0.5}, size=1
    )
    assert (again.op == found.op).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing in 'lorenz' is random"),
        ({"spread": {"a": 0.0}}, "nothing in 'lorenz' is random"),
        ({"spread": {"a": -1.0}}, "must be a number from 0 up"),
        ({"spread": {"a": 1.0}, "draws": 1}, "at least 2 draws"),
    ],
)
def test_nothing_random_is_refused(options: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        optimizers_over_draws(load("lorenz"), steps=5, **options)


def test_a_matrix_has_the_best_of_every_pair() -> None:
    model = load("lorenz")
    sources, targets = ["a[0]", "b[3]", "c[0]"], ["b[20]", "c[9]", "b[3]", "a[0]"]
    found = optimizer_matrix(model, sources=sources, targets=targets, size=2)
    for i, n in enumerate(sources):
        for k, m in enumerate(targets):
            name, step = m[0], int(m[2:-1])
            if int(n[2:-1]) > step or n == m:
                assert found.best[i][k] == ""
                assert np.isnan(found.op[i, k])
                continue
            own = find_optimizers(model, nudge=n, target=name, steps=step, size=2)
            assert found.best[i][k] == str(own[0])
            assert np.array_equal(found.op[i, k], own[0].op, equal_nan=True)
            assert found.status[i][k] == own[0].status
    assert found.dataset.op.dims == ("source", "target")


def test_a_matrix_leaves_out_sets_that_hold_n_or_m() -> None:
    model = linear_dag(4, 6)
    found = optimizer_matrix(
        model, sources=["x0", "x1"], targets=["x4", "x5"], among=["x1", "x4", "x2"], size=1
    )
    holds = [[{c.hold[0] for c in f} for f in row] for row in found.found]
    assert holds == [[{"x1", "x2"}, {"x1", "x4", "x2"}], [{"x2"}, {"x4", "x2"}]]
    with pytest.raises(QuestionError, match="at least one source"):
        optimizer_matrix(model, sources=[], targets=["x5"])
