"""The operator's error bounds the truth, with little chance or none; and limits have names."""

from __future__ import annotations

import json

import numpy as np
import pytest

from causalopt.cli import main
from causalopt.descents.escape.by_counting import escape_by_counting
from causalopt.descents.escape.by_ensemble import escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.descents.maps.random_map import RandomMap
from causalopt.errors import QuestionError


def hunt(state: np.ndarray) -> np.ndarray:
    """One Euler step of Lotka and Volterra's predators and prey."""
    prey, predators = state
    return np.stack(
        [prey + 0.01 * prey * (1 - predators), predators + 0.01 * predators * (prey - 1)]
    )


def shaken(size: float) -> RandomMap:
    up, down = (lambda s, d=d: hunt(s) + np.array([[d], [0.0]]) for d in (size, -size))
    return RandomMap((up, down), (0.5, 0.5), 2, ("prey", "predators"))


def end(steps: int) -> bool:
    state = np.array([[1.5], [1.0]])
    for _ in range(steps):
        state = hunt(state)
    return bool(state[0, 0] < 1.2)


def test_a_chain_without_chance_is_followed_exactly() -> None:
    chain = RandomMap((hunt,), (1.0,), 2, ("prey", "predators"))
    within = (100, 333, 1000, 5000)
    answer = escape_by_operator(chain, Escape((1.5, 1.0), 1.2, within))
    assert answer.probability == tuple(float(end(steps)) for steps in within)
    assert answer.error == (0.0,) * 4
    assert answer.status == "ok"


def test_a_passage_without_chance_stays_passed() -> None:
    turn = RandomMap((lambda w: -w,), (1.0,))
    at = escape_by_operator(turn, Escape((-1.0,), 0.5, (0, 1, 2, 5001)))
    by = escape_by_operator(turn, Escape((-1.0,), 0.5, (0, 1, 2, 5001), passage=True))
    assert at.probability == (0.0, 1.0, 0.0, 1.0)
    assert by.probability == (0.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("size", [1e-6, 1e-4])
def test_the_error_bounds_the_truth_where_noise_is_smaller_than_a_cell(size: float) -> None:
    question = Escape((1.5, 1.0), 1.2, (100, 1000))
    answer = escape_by_operator(shaken(size), question, most_nodes=200)
    walked = escape_by_ensemble(shaken(size), question, walkers=4000, seed=5)
    # The walkers keep 0.5 away from the level by their last step: their shares are certain.
    assert set(walked.probability) == {1.0}
    assert np.all(1 - np.array(answer.probability) <= np.array(answer.error))
    assert answer.status != "ok" or answer.error[1] < 1e-2


def test_walkers_contradict_grids_that_agree_on_a_wrong_answer() -> None:
    # A slow drift: a linear grid of 0.1 spreads it far more than its own noise of 1e-9 does.
    drift = RandomMap((lambda w: w + 1e-3 + 1e-9, lambda w: w + 1e-3 - 1e-9), (0.5, 0.5))
    question = Escape((0.0,), 4.9, (5000,))
    answer = escape_by_operator(drift, question, nodes=16, most_nodes=128)
    assert 1 - answer.probability[0] <= answer.error[0]


def test_at_no_steps_nobody_is_beyond(capsys) -> None:
    words = ["escape", "sgd_pit", "--start", "0", "--beyond", "1", "--within", "0,1", "--json"]
    assert main([*words, "--method", "exact"]) == 0
    assert json.loads(capsys.readouterr().out)["probability"] == [0.0, 0.0]
    walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
    assert escape_by_counting(walk, Escape((0.0,), 0.5, (0, 1))).probability == (0.0, 0.5)


@pytest.mark.parametrize(
    ("method", "words", "message"),
    [
        ("ensemble", ["--walkers", "10000000000000"], "at most 100,000,000 walkers"),
        ("operator", ["--walkers", "0"], "at least one walker; 0 came"),
        ("operator", ["--seed", "-1"], "a seed is an integer"),
        ("exact", ["--within", "1000000000"], "at most 1,000,000 steps"),
        ("ensemble", ["--within", "1000000000"], "at most 100,000,000 steps"),
        ("ensemble", ["--within", "90000000", "--walkers", "90000000"], "fewer walkers"),
        ("operator", ["--within", "9" * 30], "from 0 to 1e15"),
    ],
)
def test_limits_have_names(capsys, method, words, message) -> None:
    start = ["escape", "sgd_pit", "--start", "0", "--beyond", "1", "--json"]
    within = [] if "--within" in words else ["--within", "5"]
    assert main([*start, *within, "--method", method, *words]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]


def test_entropy_names_its_longest_run(capsys) -> None:
    assert main(["entropy", "thermostat_dumb", "--at", "9" * 20, "--json"]) == 2
    assert "at most 1,000,000" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_an_ensemble_of_nobody_is_refused() -> None:
    walk = RandomMap((lambda w: w,), (1.0,))
    with pytest.raises(QuestionError, match="at least one walker"):
        escape_by_ensemble(walk, Escape((0.0,), 1.0, (1,)), walkers=0)
