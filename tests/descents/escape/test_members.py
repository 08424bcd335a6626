"""Four members, one question: they agree on shared ground, and with counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt.descents.escape.by_counting import escape_by_counting
from causalopt.descents.escape.by_diffusion import escape_by_diffusion
from causalopt.descents.escape.by_ensemble import escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.descents.maps.random_map import RandomMap
from causalopt.descents.transfer.grid import Box
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_EDGE, PIT_START, ornstein, pit, swirl, walk

MEMBERS = {
    "operator": lambda chain, question: escape_by_operator(chain, question),
    "ensemble": lambda chain, question: escape_by_ensemble(chain, question, seed=8),
    "exact": lambda chain, question: escape_by_counting(chain, question),
}

# Position beyond 1.1959565 at step N, from a fine operator that agrees with 4e6 walkers.
REFERENCE = {
    0.0125: {100: 0.002033, 1000: 0.02604},
    0.015: {100: 0.03241, 1000: 0.32464},
    0.02: {100: 0.4935, 1000: 0.99945},
}


@pytest.mark.parametrize("T", sorted(REFERENCE))
def test_the_operator_meets_the_reference_values(T):
    within = tuple(REFERENCE[T])
    answer = escape_by_operator(pit(T), Escape((PIT_START,), PIT_EDGE, within))
    assert answer.status == "ok"
    expected = np.array(list(REFERENCE[T].values()))
    assert np.abs(np.array(answer.probability) - expected).max() < 1e-4
    assert max(answer.error) <= 1e-4


@pytest.mark.parametrize("T", [0.012, 0.03, 0.05])
@pytest.mark.parametrize("within", [(8,), (15, 18)])
def test_operator_ensemble_and_counting_agree(T, within):
    question = Escape((PIT_START,), PIT_EDGE, within)
    exact = escape_by_counting(pit(T), question)
    for member in (escape_by_operator, escape_by_ensemble):
        answer = member(pit(T), question)
        apart = np.abs(np.array(answer.probability) - exact.probability)
        assert np.all(apart <= 4 * np.array(answer.error) + 1e-15)


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_every_member_keeps_the_order_of_the_steps(name):
    question = Escape((PIT_START,), PIT_EDGE, (16, 4, 9))
    answer = MEMBERS[name](pit(0.05), question)
    assert answer.method == name
    assert answer.within == (16, 4, 9)
    assert answer.probability[0] > answer.probability[2] > 0
    assert answer.probability[1] == 0


@pytest.mark.parametrize("passage", [False, True])
@pytest.mark.parametrize("T", [0.015, 0.02, 0.05])
def test_operator_and_ensemble_agree_on_position_and_passage(T, passage):
    question = Escape((1.15,), PIT_EDGE, (20, 60), passage=passage)
    operator = escape_by_operator(pit(T), question)
    ensemble = escape_by_ensemble(pit(T), question, walkers=200_000, seed=5)
    apart = np.abs(np.array(operator.probability) - ensemble.probability)
    assert np.all(apart < 4 * np.array(ensemble.error) + operator.error)


def test_passage_is_at_least_position_where_walkers_return():
    position = escape_by_operator(ornstein(), Escape((0.0,), 0.1, (50,)))
    passage = escape_by_operator(ornstein(), Escape((0.0,), 0.1, (50,), passage=True))
    assert passage.probability[0] > position.probability[0] + 0.2


@pytest.mark.parametrize(("T", "within"), [(0.005, 52), (0.005, 60), (0.0055, 54)])
def test_rare_events_lie_within_the_operators_stated_error(T, within):
    question = Escape((PIT_START,), PIT_EDGE, (within,))
    exact = escape_by_counting(pit(T), question, limit=4_000_000)
    answer = escape_by_operator(pit(T), question)
    assert 1e-16 < exact.probability[0] < 2e-11
    assert abs(answer.probability[0] - exact.probability[0]) <= 2 * answer.error[0]
    assert answer.error[0] < 0.02 * answer.probability[0]
    assert escape_by_ensemble(pit(T), question, walkers=1000).probability == (0.0,)


def test_a_rare_event_of_1e_12_has_a_stated_error():
    answer = escape_by_operator(pit(0.005), Escape((PIT_START,), PIT_EDGE, (73,)))
    assert answer.status == "ok"
    assert answer.probability[0] == pytest.approx(1.2e-12, rel=0.2)
    assert answer.error[0] < 0.02 * answer.probability[0]


def test_a_billion_steps_take_repeated_squaring():
    # Between N and 10 N steps survival falls as a power, whatever the rate: checked against it.
    question = Escape((PIT_START,), PIT_EDGE, (10**9, 2 * 10**9), passage=True)
    answer = escape_by_operator(pit(0.007), question)
    first, second = (1 - np.array(answer.probability)).tolist()
    assert 0.1 < first < 0.9
    assert second == pytest.approx(first**2, rel=0.01)


def test_the_operator_keeps_the_tolerance_it_is_asked_for():
    question = Escape((PIT_START,), PIT_EDGE, (1000,))
    answer = escape_by_operator(pit(0.015), question, tolerance=1e-3)
    assert abs(answer.probability[0] - 0.3246398) < 1e-3


@pytest.mark.parametrize("T", [0.01, 0.02, 0.05])
def test_diffusion_and_operator_agree_better_the_smaller_the_steps(T):
    """On the smooth Ornstein-Uhlenbeck chain the model error falls with T."""
    question = Escape((0.5,), 0.0, (round(1 / T),))
    operator = escape_by_operator(ornstein(T, S=2.0), question)
    found = escape_by_diffusion(ornstein(T, S=2.0), question)
    apart = abs(found.probability[0] - operator.probability[0])
    assert apart < 1.2 * np.sqrt(T)


def test_the_diffusion_runs_on_the_pit_and_misses_the_chain():
    question = Escape((PIT_START,), PIT_EDGE, (1000,))
    answer = escape_by_diffusion(pit(0.02), question)
    assert answer.probability[0] == pytest.approx(0.83, abs=0.01)
    assert answer.error[0] < 0.02


def test_ito_is_the_convention_of_the_update_rule():
    # No mean gradient, noise in proportion to W: the conventions differ, and nothing else does.
    # Two incommensurate strides keep the walkers off a common lattice.
    chain = RandomMap(
        tuple((lambda W, share=share: (1 + share) * W) for share in (0.03, -0.03, 0.017, -0.017)),
        (0.25,) * 4,
    )
    question = Escape((1.0,), 1.3, (1000,))
    operator = escape_by_operator(chain, question).probability[0]
    apart = [
        abs(escape_by_diffusion(chain, question, alpha=alpha).probability[0] - operator)
        for alpha in (0.0, 0.5, 1.0)
    ]
    assert apart[0] < 0.05 * apart[1]
    assert apart[1] < apart[2]


def test_the_diffusions_absorbing_level_is_the_reflection_principles():
    question = Escape((0.0,), 10.0, (100,), passage=True)
    answer = escape_by_diffusion(walk(), question)
    assert answer.probability[0] == pytest.approx(0.3173105, abs=2e-4)


def test_a_level_below_the_start_is_passed_downwards():
    down = Escape((0.0,), -9.5, (10,))
    assert down.side == -1
    assert escape_by_operator(walk(), down).probability[0] == pytest.approx(2**-10, rel=1e-12)
    mirrored = escape_by_diffusion(walk(), Escape((0.0,), -10.0, (100,))).probability[0]
    assert mirrored == pytest.approx(0.158655, abs=2e-4)


def test_two_coordinates_are_answered_on_a_plane():
    chain, _, _ = swirl(0.1)
    question = Escape((0.0, 0.0), 0.2, (30,), coordinate=1)
    ensemble = escape_by_ensemble(chain, question, walkers=200_000, seed=3)
    answer = escape_by_operator(chain, question, tolerance=5e-3, relative=0.05)
    assert answer.error[0] < 0.02
    apart = abs(answer.probability[0] - ensemble.probability[0])
    assert apart < answer.error[0] + 4 * ensemble.error[0]


def test_mass_that_leaves_the_grid_is_said_and_counted_in_the_error():
    answer = escape_by_operator(
        walk(), Escape((0.0,), 1.5, (40,)), bounds=Box((-3.0,), (3.0,), closed=False)
    )
    assert answer.status == "leaves_grid"
    assert "of the mass leaves the grid" in answer.note
    exact = escape_by_operator(walk(), Escape((0.0,), 1.5, (40,))).probability[0]
    assert abs(answer.probability[0] - exact) <= answer.error[0]


def test_overflowing_walkers_are_a_status():
    wild = RandomMap((lambda W: W * 1e160, lambda W: W * 1e160), (0.5, 0.5))
    answer = escape_by_ensemble(wild, Escape((1.0,), 2.0, (3,)), walkers=50)
    assert answer.status == "overflow"
    assert "50 of 50 walkers" in answer.note


def test_too_coarse_a_limit_is_unresolved():
    question = Escape((PIT_START,), PIT_EDGE, (100,))
    answer = escape_by_operator(pit(0.02), question, nodes=150, most_nodes=400)
    assert answer.status == "unresolved"
    assert answer.error[0] > 1e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1.0,), 1.0, (5,)), "lies on the level itself"),
        (((1.0,), 2.0, ()), "one or more numbers of steps"),
        (((1.0,), 2.0, (-1,)), "one or more numbers of steps"),
        (((float("nan"),), 2.0, (5,)), "finite numbers"),
        (((1.0,), float("inf"), (5,)), "finite numbers"),
    ],
)
def test_senseless_questions_are_refused(arguments, message):
    with pytest.raises(QuestionError, match=message):
        Escape(*arguments)


def test_a_start_of_too_many_coordinates_is_refused():
    with pytest.raises(QuestionError, match=r"1 coordinates \(W\); a start of 2 came"):
        escape_by_operator(walk(), Escape((0.0, 1.0), 2.0, (3,)))


def test_an_ensemble_of_nobody_is_refused():
    with pytest.raises(QuestionError, match="at least one walker"):
        escape_by_ensemble(walk(), Escape((0.0,), 2.0, (3,)), walkers=0)


@pytest.mark.parametrize("T", [0.006, 0.01, 0.013])
def test_nobody_returns_to_the_pit(T):
    # Beyond the edge both gradients point onwards, so escape can only grow with N.
    answer = escape_by_operator(pit(T), Escape((PIT_START,), PIT_EDGE, (60, 100, 1000, 9000)))
    assert answer.status == "ok"
    assert np.all(np.diff(answer.probability) > 0)
    # Once the start is forgotten escape is a constant rate: survival is a power.
    late = np.log1p(-np.array(answer.probability))
    assert late[3] / late[2] == pytest.approx(9, rel=0.06)
