"""One question, whatever answers it."""

from __future__ import annotations

import pytest

from causalopt import Model, Node, QuestionError, load, run, sweep
from causalopt.effects.asked import Asked, ask, ask_at


def test_answers_are_their_question() -> None:
    model = load("thermostat")
    asked = ask(model, hold="T[t<=3]", steps=9)
    answers = (
        run(model, hold="T[t<=3]", steps=9),
        sweep(model, {"k": [0.1]}, hold="T[t<=3]", steps=9),
    )
    for answer in answers:
        assert isinstance(answer, Asked)
        assert answer.op_name == asked.op_name == "Op(T[t<=3]; R[0], R)"
        assert (answer.nudge, answer.hold, answer.steps) == (asked.nudge, asked.hold, 9)


def test_a_finite_answer_comes_from_the_baseline_that_was_asked_for() -> None:
    from causalopt import Set

    given = [Set("R[2]", 40.0)]
    for delta in (None, 0.5):
        found = run(load("thermostat"), given=given, steps=5, delta=delta)
        assert found.given == tuple(given)
        assert found.W["R"][2] == 40.0
        assert found.total[1] != 0  # n = R[0] reaches R[1], and what was set ends it
        assert found.op[0] == 0


def test_changed_parameters_are_part_of_the_question() -> None:
    asked = ask(load("thermostat"), parameters={"k": 0.25}, initial={"R": 30}, steps=2)
    assert asked.model.parameters["k"] == 0.25
    assert asked.model.variables["R"].initial == 30


def test_the_measured_step_is_the_last() -> None:
    model = load("thermostat")
    assert ask_at(model, 4, steps=None).steps == ask_at(model, 4, steps=9).steps == 4
    with pytest.raises(QuestionError, match="between 0 and the last step 9, found 10"):
        ask_at(model, 10, steps=9)
    with pytest.raises(QuestionError, match="after the measured step 2"):
        ask_at(model, 2, steps=9, nudge="R[3]")


def test_a_nudge_is_refused_in_one_wording_wherever_it_is_made() -> None:
    model = load("thermostat")
    with pytest.raises(
        QuestionError, match=r"node T\[1\] is in the held set: the nudge is made in B"
    ):
        model.check_nudge(Node("T", 1), model.selection("T"), None)
    with pytest.raises(QuestionError, match=r"node R\[7\] lies after the last step 5: give more"):
        model.check_nudge(Node("R", 7), (), 5)
    static = Model(name="m", variables={"z": {"initial": 1}, "y": "z"})
    with pytest.raises(QuestionError, match="node z is in the held set"):
        static.check_nudge(Node("z"), static.selection("z"), None)
