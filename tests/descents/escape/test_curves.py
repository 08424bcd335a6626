"""Escape against T, and the diffusion's own error measured against the chain."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import load
from causalopt.descents.chain import chain_of
from causalopt.descents.escape.by_counting import escape_by_counting
from causalopt.descents.escape.by_diffusion import escape_by_diffusion
from causalopt.descents.escape.by_ensemble import escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.curves import escape_curve
from causalopt.descents.escape.escape import Escape
from causalopt.descents.escape.members import escape
from causalopt.errors import QuestionError, UnknownNameError
from tests.descents.chains import PIT_EDGE, PIT_START, ornstein, pit

QUESTION = {"start": PIT_START, "beyond": PIT_EDGE, "within": 50}


def test_a_curve_is_one_answer_a_temperature():
    curve = escape_curve(load("sgd_pit"), {"T": [0.015, 0.02, 0.03]}, **QUESTION)
    chances = [answer.probability[0] for answer in curve.answers]
    assert chances == sorted(chances)
    single = escape(load("sgd_pit"), parameters={"T": 0.02}, **QUESTION)
    assert single == curve.answers[1]
    assert curve.to_dict()["probability"] == [[chance] for chance in chances]


@pytest.mark.parametrize(
    ("method", "member"),
    [
        ("operator", escape_by_operator),
        ("ensemble", escape_by_ensemble),
        ("diffusion", escape_by_diffusion),
        ("exact", escape_by_counting),
    ],
)
def test_every_method_answers_for_a_model_what_it_answers_for_its_chain(method, member):
    found = escape(load("sgd_pit"), start=1.0, beyond=1.19, within=[0, 9], method=method)
    question = Escape((1.0,), 1.19, (0, 9))
    assert found == member(chain_of(load("sgd_pit")).step, question)
    assert found.method == method


def gap(chain, question):
    """Return the diffusion's answer, the operator's, and what their own errors leave open."""
    diffused, exact = escape_by_diffusion(chain, question), escape_by_operator(chain, question)
    return diffused.probability[0], exact.probability[0], diffused.error[0] + exact.error[0]


def test_the_diffusion_overstates_rare_escapes_and_understates_quick_ones():
    question = Escape((PIT_START,), PIT_EDGE, (100,))
    rare, quick = gap(pit(0.008), question), gap(pit(0.02), question)
    assert all(abs(diffused - exact) > 20 * open_ for diffused, exact, open_ in (rare, quick))
    # A Gaussian step has no largest size, so the diffusion climbs where no run of picks can.
    assert rare[0] > 100 * rare[1]
    assert quick[0] - quick[1] < -0.3


def test_on_a_smooth_chain_the_difference_falls_with_the_temperature():
    # Time 1 in units of 1/T, noise falling as sqrt(T): a fixed number of standard deviations.
    differences = []
    for T in (0.2, 0.05, 0.0125):
        question = Escape((0.0,), float(np.sqrt(T)), (round(1 / T),))
        diffused, exact, _ = gap(ornstein(T, S=2.0), question)
        differences.append(abs(diffused - exact))
    assert differences[2] < differences[0] / 2


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({"T": []}, QuestionError, "at least one value of T"),
        ({"T": [0.02, 0.0]}, QuestionError, "the learning rate T is positive"),
        ({}, QuestionError, "over one parameter"),
        ({"T": [1], "S": [1]}, QuestionError, "over one parameter"),
        ({"Q": [1]}, UnknownNameError, "unknown parameter 'Q'"),
    ],
)
def test_a_curve_that_cannot_be_asked_is_refused(grid, error, message):
    with pytest.raises(error, match=message):
        escape_curve(load("sgd_pit"), grid, **QUESTION)
