"""Monte Carlo: the same walkers whatever the blocks, workers, lanes and kernels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from causalopt import Model, load, run
from causalopt.descents.chain import chain_of
from causalopt.descents.maps.random_map import RandomMap
from causalopt.descents.walkers import compiled_walk
from causalopt.descents.walkers.ensemble import apply_picks, run_ensemble
from causalopt.descents.walkers.first_passage import first_passage
from causalopt.engine.machine import native
from causalopt.errors import QuestionError
from causalopt.worlds.streams import Picks
from tests.descents.chains import PIT_EDGE, PIT_START, pit, walk


def by_hand(chain, start, steps, seed):
    """Follow walkers one by one, with no blocks and no compaction."""
    picks = Picks(chain.probabilities, seed=seed)
    picks.start(np.arange(start.shape[1], dtype=np.uint64))
    states = start.copy()
    for step in range(steps):
        chosen = picks.at(step)
        for lane in range(start.shape[1]):
            states[:, lane] = chain.maps[chosen[lane]](states[:, lane : lane + 1])[:, 0]
    return states


def test_walkers_are_those_followed_by_hand():
    start = np.full((1, 40), PIT_START)
    run = run_ensemble(pit(0.02), start, [150], seed=3, block=7)
    assert np.array_equal(run.states[0], by_hand(pit(0.02), start, 150, 3))


@pytest.mark.parametrize(("block", "workers"), [(61, 1), (97, 1), (128, 2), (5000, 3)])
def test_blocks_and_workers_change_no_bit(block, workers):
    start = np.full((1, 500), PIT_START)
    whole = run_ensemble(pit(0.03), start, [0, 50, 400], seed=11)
    split = run_ensemble(pit(0.03), start, [400, 0, 50], seed=11, block=block, workers=workers)
    assert split.steps == (0, 50, 400)
    assert np.array_equal(whole.states, split.states)


def test_resting_walkers_change_no_bit():
    # At T = 0.3 all walkers reach the fixed point 2 to the last bit and drop out of the loop.
    start = np.linspace(1.5, 2.5, 64)[np.newaxis]
    run = run_ensemble(pit(0.3), start, [600], seed=1)
    assert np.array_equal(run.states[0], by_hand(pit(0.3), start, 600, 1))


def test_first_passage_is_the_first_position_beyond():
    start = np.full((1, 300), PIT_START)
    steps = first_passage(pit(0.02), start, lambda W: W[0] > PIT_EDGE, limit=80, seed=4, block=33)
    positions = run_ensemble(pit(0.02), start, range(81), seed=4).states[:, 0]
    beyond = positions > PIT_EDGE
    expected = np.where(beyond.any(axis=0), beyond.argmax(axis=0), -1)
    assert np.array_equal(steps, expected)


@pytest.mark.parametrize("limit", [0, 1, 16, 85])
def test_first_passage_in_machine_code_is_that_of_its_positions(limit):
    chain = chain_of(load("sgd_pit")).step
    start = np.full((1, 300), PIT_START)
    start[0, 7] = PIT_EDGE + 0.1
    steps = first_passage(
        chain, start, lambda W: W[0] > PIT_EDGE, limit=limit, seed=4, block=130, compiled=True
    )
    positions = run_ensemble(chain, start, range(limit + 1), seed=4, compiled=True).states[:, 0]
    beyond = positions > PIT_EDGE
    assert np.array_equal(steps, np.where(beyond.any(axis=0), beyond.argmax(axis=0), -1))


def test_first_passage_of_linear_walkers_is_the_same_in_machine_code():
    # No exp in it: every bit agrees, and so does every step, resting walkers included.
    model = Model(
        name="drift",
        variables={
            "a": {"noise": {-1: "1/4", 0: "1/4", 1: "1/2"}},
            "x": {"rule": "where(x[t-1] <= -3, x[t-1], x[t-1] + a[t-1]/4)", "initial": 0},
            "y": {"rule": "y[t-1]/2 + x[t-1]", "initial": 0},
        },
    )
    chain, start = chain_of(model).step, np.zeros((2, 500))
    start[0, ::3] = -2
    numpy, machine = (
        first_passage(
            chain, start, lambda p: p[0] + p[1] > 6, limit=300, seed=8, block=90, compiled=flag
        )
        for flag in (False, True)
    )
    assert np.array_equal(numpy, machine)
    assert len(np.unique(machine)) > 20
    assert (machine == -1).any()


def test_another_kernel_of_the_same_signature_may_be_plugged_in():
    calls = []

    def counting(states, picks):
        calls.append(states.shape[1])
        return apply_picks(walk())(states, picks)

    start = np.zeros((1, 10))
    run = run_ensemble(walk(), start, [20], seed=0, advance=counting)
    assert np.array_equal(run.states, run_ensemble(walk(), start, [20], seed=0).states)
    assert len(calls) == 20


def test_overflow_is_counted_and_not_raised():
    blow_up = RandomMap((lambda W: W * 1e200, lambda W: W * 1e200), (0.5, 0.5))
    assert run_ensemble(blow_up, np.ones((1, 8)), [4], seed=0).overflowed == 8


def test_an_ensemble_without_walkers_is_refused():
    with pytest.raises(QuestionError, match="at least one walker"):
        run_ensemble(walk(), np.zeros((1, 0)), [3], seed=0)


def test_machine_code_moves_walkers_as_numpy_does():
    # Linear gradients need no exp, so every bit must agree.
    chain = chain_of(load("sgd_linear")).step
    start = np.linspace(-1, 4, 333)[np.newaxis]
    numpy, machine = (
        run_ensemble(chain, start, [1, 33, 70, 300], seed=6, compiled=flag)
        for flag in (False, True)
    )
    assert np.array_equal(numpy.states, machine.states)


@pytest.mark.parametrize("seed", [0, 5, 2**63, 2**64 - 1])
@pytest.mark.parametrize(
    "law",
    [
        {0: "1/2", 1: "1/2"},
        {0: "1/8", 1: "3/8", 2: "1/2"},
        {0: "3/4", 1: "1/4"},
        {0: "5/32", 1: "20/32", 2: "7/32"},
        {0: "1/256", 3: "127/256", 4: "1/2"},
    ],
    ids=["one bit", "three bits", "two bits", "five bits", "eight bits"],
)
def test_machine_code_draws_from_the_same_streams(law, seed):
    # Words of 64, 32, 21, 12 and 8 picks; the state tells which picks came, in which order.
    model = Model(
        name="digits",
        variables={"a": {"noise": law}, "x": {"rule": "x[t-1]/8 + a[t-1]", "initial": 0}},
    )
    chain = chain_of(model).step
    start = np.zeros((1, 101))
    numpy, machine = (
        run_ensemble(chain, start, [1, 7, 64, 65, 150, 401], seed=seed, compiled=flag, block=70)
        for flag in (False, True)
    )
    assert np.array_equal(numpy.states, machine.states)
    assert len(np.unique(machine.states[-1])) > 1


def test_resting_walkers_change_no_bit_of_machine_code():
    model = Model(
        name="halving",
        variables={
            "a": {"noise": {0: "1/2", 1: "1/2"}},
            "x": {
                "rule": "where(x[t-1] < 1, x[t-1]*(a[t-1] + 1)/4, x[t-1] + a[t-1])",
                "initial": 0,
            },
        },
    )
    start = np.tile([0.5, 1.5, 0.25, 0.75], (1, 50))
    runs = [
        run_ensemble(chain_of(model).step, start, [3000], seed=9, compiled=flag).states[0, 0]
        for flag in (False, True)
    ]
    assert np.array_equal(runs[0], runs[1])
    assert np.mean(runs[1] == 0) == 0.75


def test_a_walker_beyond_all_numbers_goes_on_by_its_rules():
    model = Model(
        name="rebound",
        variables={
            "a": {"noise": {0: "1/2", 1: "1/2"}},
            "x": {"rule": "where(x[t-1] > 1e300, -1, x[t-1]*1e160 + a[t-1])", "initial": 1},
        },
    )
    chain, start = chain_of(model).step, np.ones((1, 40))
    for flag in (False, True):
        run = run_ensemble(chain, start, range(65), seed=2, compiled=flag)
        assert np.isinf(run.states[2]).all()
        assert (run.states[3] == -1).all()
        assert run.overflowed == 40


def test_machine_code_agrees_to_rounding_on_the_pit():
    chain = chain_of(load("sgd_pit")).step
    start = np.full((1, 100), PIT_START)
    numpy, machine = (
        run_ensemble(chain, start, [25], seed=2, compiled=flag).states for flag in (False, True)
    )
    # Rounding grows at most fourfold a step in the pit (T l'' = 4), and mostly much less.
    assert np.median(np.abs(numpy - machine)) < 1e-9
    assert np.mean(np.abs(numpy - machine) < 1e-6) > 0.9


@pytest.mark.parametrize("missing", ["avx512", "avx"], ids=["four lanes", "two lanes"])
def test_narrower_registers_move_walkers_the_same(monkeypatch, missing):
    chain, start = chain_of(load("sgd_pit")).step, np.full((1, 70), PIT_START)
    wide = run_ensemble(chain, start, [40, 200], seed=3, compiled=True)
    host = native.processor()
    features = ",".join(f for f in host.features.split(",") if not f.startswith(f"+{missing}"))
    monkeypatch.setattr(native, "processor", lambda: dataclasses.replace(host, features=features))
    compiled_walk._code.cache_clear()
    try:
        narrow = run_ensemble(chain, start, [40, 200], seed=3, compiled=True)
    finally:
        compiled_walk._code.cache_clear()
    assert np.array_equal(wide.states, narrow.states)


def test_machine_code_serves_two_coordinates_and_four_outcomes():
    chain = chain_of(load("sgd_swirl")).step
    start = np.random.default_rng(1).normal(size=(2, 100))
    numpy, machine = (
        run_ensemble(chain, start, [40], seed=2, compiled=flag).states for flag in (False, True)
    )
    assert machine == pytest.approx(numpy, abs=1e-12)


@pytest.mark.parametrize(("block", "workers"), [(48, 1), (100, 2)])
def test_blocks_and_workers_change_no_bit_of_machine_code(block, workers):
    chain = chain_of(load("sgd_pit")).step
    start = np.full((1, 301), PIT_START)
    whole = run_ensemble(chain, start, [500], seed=1, compiled=True)
    split = run_ensemble(chain, start, [500], seed=1, compiled=True, block=block, workers=workers)
    assert np.array_equal(whole.states, split.states)


def test_a_walker_of_the_ensemble_is_the_run_of_its_seed():
    model = load("sgd_pit")
    walker = run_ensemble(
        chain_of(model).step, np.full((1, 3), PIT_START), range(41), seed=12
    ).states[:, 0, 0]
    assert run(model, steps=40, seed=12).W["W"][:20] == pytest.approx(walker[:20], abs=1e-9)


def test_a_chain_without_terms_has_no_machine_code():
    with pytest.raises(QuestionError, match="leave out compiled=True"):
        run_ensemble(walk(), np.zeros((1, 4)), [3], seed=0, compiled=True)


def test_several_noises_draw_on_their_own_sites_as_a_run_does():
    model = Model(
        name="two",
        variables={
            "a": {"noise": {0: "1/4", 1: "3/4"}},
            "b": {"noise": {0: "1/3", 1: "1/3", 5: "1/3"}},
            "x": {"rule": "x[t-1]/2 + a[t-1] + 10*b[t-1]", "initial": 0},
        },
    )
    found = run_ensemble(chain_of(model).step, np.zeros((1, 2)), range(61), seed=4)
    expected = run(model, nudge="x[0]", hold="a", target="x", steps=60, seed=4).W["x"]
    assert np.array_equal(found.states[:, 0, 0], expected)
