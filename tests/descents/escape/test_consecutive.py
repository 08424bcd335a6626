"""Runs on one datapoint: post 1's numbers, from the shipped model."""

from __future__ import annotations

from fractions import Fraction

import pytest

from causalopt import load
from causalopt.descents.escape.consecutive import consecutive_steps
from causalopt.errors import QuestionError, UnknownNameError
from tests.descents.chains import PIT_EDGE, PIT_START


def pit(T):
    return load("sgd_pit").replace(parameters={"T": T})


def test_the_posts_five_steps_and_81_percent():
    found = consecutive_steps(pit(0.05), 0, start=PIT_START, beyond=PIT_EDGE)
    assert (found.steps, found.share) == (5, Fraction(1, 2))
    assert float(found.chance_of_run(100)) == pytest.approx(0.8101096, abs=5e-8)


def test_the_steps_needed_are_inversely_proportional_to_the_temperature():
    counts = [
        T * consecutive_steps(pit(T), 0, start=PIT_START, beyond=PIT_EDGE).steps
        for T in (0.01, 0.001, 0.0001)
    ]
    assert counts == pytest.approx([0.2459] * 3, rel=0.02)


def test_the_second_datapoint_alone_never_leads_out_at_small_temperature():
    found = consecutive_steps(pit(0.005), 1, start=1.01, beyond=PIT_EDGE)
    assert found.steps == -1
    assert found.chance_of_run(100) == 0


def test_an_unknown_datapoint_is_named():
    with pytest.raises(UnknownNameError, match="never picks datapoint 7; known here: 0, 1"):
        consecutive_steps(pit(0.05), 7, start=1.0, beyond=1.2)


@pytest.mark.parametrize("name", ["sgd_swirl", "sgd_well"])
def test_other_models_are_refused(name):
    with pytest.raises(QuestionError, match="one coordinate, one noise variable"):
        consecutive_steps(load(name), 0, start=0.0, beyond=1.0)
