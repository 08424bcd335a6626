"""Escape against T, and the diffusion's own error measured against the chain."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.curves import diffusion_error, escape_curve
from causalopt.descents.escape.escape import Escape
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_EDGE, PIT_START, ornstein, pit


def test_a_curve_is_one_answer_a_temperature():
    question = Escape((PIT_START,), PIT_EDGE, (50,))
    found = escape_curve(escape_by_operator, pit, [0.015, 0.02, 0.03], question)
    chances = [answer.probability[0] for answer in found]
    assert chances == sorted(chances)
    assert chances[1] == escape_by_operator(pit(0.02), question).probability[0]


def test_the_diffusion_overstates_rare_escapes_and_understates_quick_ones():
    found = diffusion_error(pit, [0.008, 0.02], Escape((PIT_START,), PIT_EDGE, (100,)))
    difference = found.difference[:, 0]
    assert np.all(np.abs(difference) > 20 * found.resolution[:, 0])
    # A Gaussian step has no largest size, so the diffusion climbs where no run of picks can.
    assert found.diffusion[0, 0] > 100 * found.operator[0, 0]
    assert difference[1] < -0.3


def test_on_a_smooth_chain_the_difference_falls_with_the_temperature():
    # Time 1 in units of 1/T, noise falling as sqrt(T): a fixed number of standard deviations.
    differences = []
    for T in (0.2, 0.05, 0.0125):
        question = Escape((0.0,), float(np.sqrt(T)), (round(1 / T),))
        found = diffusion_error(lambda at: ornstein(at, S=2.0), [T], question)
        differences.append(abs(found.difference[0, 0]))
    assert differences[2] < differences[0] / 2


@pytest.mark.parametrize("temperatures", [[], [0.02, 0.0], [-1.0]])
def test_temperatures_are_positive(temperatures):
    with pytest.raises(QuestionError, match="T is positive at every point"):
        escape_curve(escape_by_operator, pit, temperatures, Escape((1.0,), 1.2, (5,)))
