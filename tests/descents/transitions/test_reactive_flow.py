"""Transition path theory on small chains: against enumeration, closed forms and its own laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse

from causalopt.descents.transitions.committors import (
    long_run_law,
    reaching,
    restarted,
    solve_committors,
)
from causalopt.descents.transitions.reactive_flow import reactive_flow
from causalopt.descents.transitions.sparse_solver import SparseSolver
from causalopt.errors import QuestionError

SIZE = 9


def labels_of(size: int, origin: list[int], destination: list[int]) -> np.ndarray:
    labels = np.zeros(size, dtype=np.int8)
    labels[origin], labels[destination] = 1, 2
    return labels


def dense_law(matrix: np.ndarray) -> np.ndarray:
    """The stationary law by least squares on its defining equations."""
    size = len(matrix)
    rows = np.vstack([matrix.T - np.eye(size), np.ones(size)])
    return np.linalg.lstsq(rows, np.append(np.zeros(size), 1.0), rcond=None)[0]


@st.composite
def chains(draw: st.DrawFn, size: int = SIZE) -> np.ndarray:
    """Markov matrices, neither symmetric nor reversible, some entries 0."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = rng.random((size, size)) ** 3 * (rng.random((size, size)) < 0.6)
    weights += np.roll(np.eye(size), 1, axis=1) * 0.1  # a ring: all states lead to each other
    return weights / weights.sum(axis=1, keepdims=True)


def solved(matrix: np.ndarray, labels: np.ndarray, *, direct: bool = True):
    law = long_run_law(sparse.csr_array(matrix), direct=direct)
    found = solve_committors(sparse.csr_array(matrix), labels, law, direct=direct)
    return found, reactive_flow(sparse.csr_array(matrix), labels, found)


LABELS = labels_of(SIZE, [0, 4], [2, 7])


@given(matrix=chains())
def test_the_long_run_law_is_the_stationary_one(matrix):
    assert long_run_law(sparse.csr_array(matrix)) == pytest.approx(dense_law(matrix), abs=1e-10)


@given(matrix=chains(), direct=st.booleans())
def test_the_forward_committor_is_harmonic_between_the_sets(matrix, direct):
    found, _ = solved(matrix, LABELS, direct=direct)
    q = found.forward
    assert q[LABELS == 1] == pytest.approx(0, abs=0)
    assert q[LABELS == 2] == pytest.approx(1, abs=0)
    assert (matrix @ q)[LABELS == 0] == pytest.approx(q[LABELS == 0], abs=1e-10)


@given(matrix=chains())
def test_the_backward_committor_is_harmonic_for_the_reversed_chain(matrix):
    found, _ = solved(matrix, LABELS)
    law = dense_law(matrix)
    backwards = law[np.newaxis, :] * matrix.T / law[:, np.newaxis]  # P~_ij = pi_j P_ji / pi_i
    q = found.backward
    assert q[LABELS == 1] == pytest.approx(1)
    assert q[LABELS == 2] == pytest.approx(0)
    assert (backwards @ q)[LABELS == 0] == pytest.approx(q[LABELS == 0], abs=1e-9)


@given(matrix=chains())
def test_the_current_is_as_defined_and_free_of_sources_between_the_sets(matrix):
    found, flow = solved(matrix, LABELS)
    law, size = dense_law(matrix), len(matrix)
    by_hand = np.array(
        [
            [law[i] * found.backward[i] * matrix[i, j] * found.forward[j] for j in range(size)]
            for i in range(size)
        ]
    )
    assert flow.current.toarray() == pytest.approx(by_hand, abs=1e-12)
    assert flow.divergence()[LABELS == 0] == pytest.approx(0, abs=1e-12)
    assert flow.divergence()[LABELS == 1].sum() == pytest.approx(flow.flux)
    assert -flow.divergence()[LABELS == 2].sum() == pytest.approx(flow.flux)
    net = by_hand - by_hand.T
    assert flow.effective().toarray() == pytest.approx(np.maximum(net, 0), abs=1e-12)


@given(matrix=chains(), inside=st.lists(st.booleans(), min_size=SIZE, max_size=SIZE))
def test_the_flux_is_the_same_through_every_surface(matrix, inside):
    _, flow = solved(matrix, LABELS)
    states = (np.array(inside) | (LABELS == 1)) & (LABELS != 2)
    assert flow.through(states) == pytest.approx(flow.flux, abs=1e-12)
    assert flow.arriving == pytest.approx(flow.flux, abs=1e-12)


@given(matrix=chains())
def test_looking_back_is_not_looking_ahead_unless_the_chain_is_reversible(matrix):
    law = dense_law(matrix)
    flows = law[:, np.newaxis] * matrix
    reversible = (flows + flows.T) / 2 / law[:, np.newaxis]  # same law, detailed balance
    found, _ = solved(reversible, LABELS)
    assert found.backward == pytest.approx(1 - found.forward, abs=1e-9)
    found, _ = solved(matrix, LABELS)
    assume(np.abs(flows - flows.T).max() > 1e-3)
    turned = law[np.newaxis, :] * matrix.T / law[:, np.newaxis]
    swapped, _ = solved(turned, labels_of(SIZE, [2, 7], [0, 4]))
    # Of the reversed chain from the destination to the origin, ahead is back.
    assert swapped.forward == pytest.approx(found.backward, abs=1e-9)


def test_a_ring_that_turns_one_way_tells_ahead_from_back():
    # 0 -> 1 -> 2 -> 3 -> 0 with a pause: q+ is 1 ahead of the destination, q- 1 after the origin.
    ring = 0.5 * np.eye(4) + 0.5 * np.roll(np.eye(4), 1, axis=1)
    found, flow = solved(ring, labels_of(4, [0], [2]))
    assert found.forward.tolist() == [0, 1, 1, 0]
    assert found.backward.tolist() == [1, 1, 0, 0]
    assert flow.current.toarray()[0, 1] == pytest.approx(1 / 8)
    assert flow.current.toarray()[1, 2] == pytest.approx(1 / 8)
    assert (flow.flux, flow.share) == pytest.approx((1 / 8, 1 / 2))
    assert flow.mean_passage == pytest.approx(4)  # two moves of mean length 2


@given(up=st.floats(0.05, 0.95), length=st.integers(3, 30))
def test_the_gamblers_ruin(up, length):
    assume(abs(up - 0.5) > 1e-3)
    walk = np.diag(np.full(length, up), 1) + np.diag(np.full(length, 1 - up), -1)
    walk[0, 0], walk[-1, -1] = 1 - up, up
    labels = labels_of(length + 1, [0], [length])
    found, _ = solved(walk, labels)
    r = (1 - up) / up
    exact = (1 - r ** np.arange(length + 1)) / (1 - r**length)
    assert found.forward == pytest.approx(exact, rel=1e-7, abs=1e-12)
    # A birth and death chain is reversible, however strong its drift; but where its law has no
    # digits left q- has none.
    seen = found.law > 1e-9 * found.law.max()
    assert found.backward[seen] == pytest.approx((1 - exact)[seen], abs=1e-5)


@given(there=st.floats(0.01, 0.99), back=st.floats(0.01, 0.99))
def test_two_states_pass_at_the_rate_of_the_one_step(there, back):
    matrix = np.array([[1 - there, there], [back, 1 - back]])
    _, flow = solved(matrix, labels_of(2, [0], [1]))
    assert flow.flux == pytest.approx(there * back / (there + back))
    assert flow.share == pytest.approx(back / (there + back))
    assert flow.mean_passage == pytest.approx(1 / there)


def test_walkers_that_begin_anew_pass_in_the_mean_time_of_first_passage():
    rng = np.random.default_rng(8)
    matrix = rng.random((7, 7)) ** 2
    matrix[6] = np.eye(7)[6]  # absorbing: no way back
    matrix /= matrix.sum(axis=1, keepdims=True)
    start = np.array([0.25, 0.75, 0, 0, 0, 0, 0])
    labels = labels_of(7, [0, 1], [6])
    again, law = restarted(sparse.csr_array(matrix), labels, start)
    assert again.toarray()[6] == pytest.approx(start)
    assert law == pytest.approx(dense_law(again.toarray()), abs=1e-12)
    flow = reactive_flow(again, labels, solve_committors(again, labels, law))
    exact = np.linalg.solve(np.eye(6) - matrix[:6, :6], np.ones(6))
    assert flow.mean_passage == pytest.approx(start[:6] @ exact)
    assert flow.through(labels != 2) == pytest.approx(flow.flux)


def test_walkers_that_never_arrive_are_refused():
    matrix = sparse.csr_array(np.array([[0, 0.5, 0.5], [0, 1, 0], [0, 0, 1.0]]))
    with pytest.raises(QuestionError, match="never arrive"):
        restarted(matrix, labels_of(3, [0], [2]), np.array([1.0, 0, 0]))


def test_a_trap_beyond_the_destination_keeps_nobody_who_begins_anew():
    matrix = sparse.csr_array(np.array([[0.5, 0.5, 0], [0, 0, 1.0], [0, 0, 1.0]]))
    _, law = restarted(matrix, labels_of(3, [0], [1]), np.array([1.0, 0, 0]))
    assert law == pytest.approx([2 / 3, 1 / 3, 0])


def test_two_closed_sets_have_no_common_long_run():
    with pytest.raises(QuestionError, match="2 closed sets"):
        long_run_law(sparse.csr_array(np.eye(2)))


def test_transient_states_hold_nobody():
    matrix = np.array([[0.5, 0.25, 0.25], [0, 0.5, 0.5], [0, 0.25, 0.75]])
    assert long_run_law(sparse.csr_array(matrix)) == pytest.approx([0, 1 / 3, 2 / 3])


def test_a_state_from_which_neither_set_is_reached_never_arrives():
    matrix = np.array([[0, 0.4, 0.3, 0.3], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    labels = labels_of(4, [1], [2])
    found = solve_committors(sparse.csr_array(matrix), labels, np.full(4, 0.25))
    assert found.forward.tolist() == [0.3, 0, 1, 0]


def test_ways_are_followed_from_targets_backwards():
    line = sparse.csr_array(np.array([[0, 1, 0], [0, 0, 1], [0, 0, 1.0]]))
    assert reaching(line, np.array([False, True, False])).tolist() == [True, True, False]
    stopped = reaching(
        line.T.tocsr(), np.array([True, False, False]), stop=np.array([False, True, False])
    )
    assert stopped.tolist() == [True, True, False]


@given(matrix=chains(), transposed=st.booleans())
def test_both_solvers_solve(matrix, transposed):
    inner, right = matrix[1:, 1:], np.arange(1.0, SIZE)
    whole = np.eye(SIZE - 1) - (inner.T if transposed else inner)
    for direct in (True, False):
        solver = SparseSolver(sparse.csr_array(inner), direct=direct)
        found = solver.solve(right, transposed=transposed)
        assert whole @ found == pytest.approx(right, rel=1e-8)


def test_what_does_not_settle_is_factorised():
    # A walk on 5000 places forgets too slowly for some hundred products.
    size = 5_000
    half = np.full(size - 1, 0.5)
    walk = sparse.diags_array([half, half], offsets=[1, -1], shape=(size, size)).tocsr()
    solver = SparseSolver(walk)
    assert not solver.direct
    found = solver.solve(np.ones(size))
    assert solver.direct
    x = np.arange(1, size + 1)
    assert found == pytest.approx(x * (size + 1 - x), rel=1e-6)  # mean time to either end
