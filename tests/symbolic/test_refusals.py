"""What derive does where a formula cannot be had: integers, long numbers, steps, time."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from causalopt import Model, QuestionError, load, run
from causalopt.cli import main
from causalopt.symbolic.derive import derive


def counter(**whole: Any) -> Model:
    variables = {
        "n": {"rule": "clip(n[t-1] + floor(x[t-1]/10), 0, 4)", "initial": 3, **whole},
        "x": {"rule": "x[t-1] - 0.1*n[t-1]", "initial": 35},
    }
    question = {"nudge": "x[0]", "hold": "A", "target": "x", "steps": 20}
    return Model(name="counter", variables=variables, partition={"A": "n"}, question=question)


def chain(length: int) -> Model:
    variables = {"v0": {"rule": "1.5"}}
    variables |= {f"v{i}": {"rule": f"v{i - 1}*1.0001"} for i in range(1, length)}
    variables["m"] = {"rule": f"v{length - 1} + v0"}
    question = {"nudge": "v0", "hold": "A", "target": "m"}
    return Model(name="chain", variables=variables, partition={"A": "v10"}, question=question)


@pytest.mark.parametrize("whole", [{"kind": "integer"}, {"domain": "0..4"}])
def test_run_and_derive_refuse_whole_numbers_in_the_same_words(whole) -> None:
    model = counter(**whole)
    with pytest.raises(
        QuestionError, match="'n' takes whole numbers and stands between"
    ) as formula:
        derive(model)
    with pytest.raises(QuestionError, match="it has no derivative") as tangent:
        run(model)
    assert formula.value.message == tangent.value.message


def test_derive_passes_by_whole_numbers_that_lead_nowhere() -> None:
    variables = {
        "x": {"rule": "x[t-1]/2", "initial": 8},
        "n": {"rule": "floor(x[t])", "kind": "integer"},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    model = Model(name="aside", variables=variables, partition={"A": "a"})
    assert derive(model, nudge="x[0]", target="x", at=3).value()["total"] == 1 / 8


def test_a_product_of_thousands_of_numbers_stays_a_program() -> None:
    found = derive(chain(1200), time_limit=300)  # what is asked here is not how long it takes
    assert found.needs_program
    assert found.verified
    assert "too many digits" in str(found)
    total = 1.0001**1199 + 1
    assert found.value(0)["comp"] == pytest.approx(total, rel=1e-12)
    assert found.value(0)["op"] == pytest.approx(-math.log(total), rel=1e-12)
    assert json.loads(json.dumps(found.to_dict()))["verified"]


def test_a_static_model_has_its_value_in_json(capsys, tmp_path) -> None:
    rules = "{v: {rule: '2'}, a: {rule: '3*v'}, m: {rule: 'a + v'}}"
    file = tmp_path / "static.yaml"
    file.write_text(f"name: static\nvariables: {rules}\npartition: {{A: [a]}}\n")
    words = ["derive", str(file), "--nudge", "v", "--target", "m", "--at", "0", "--json"]
    assert main(words) == 0
    value = json.loads(capsys.readouterr().out)["value"]
    assert value == {"total": 4.0, "direct": 1.0, "comp": 4.0, "op": pytest.approx(-math.log(4))}


def test_static_sums_end_with_the_time_limit() -> None:
    with pytest.raises(QuestionError, match="--time-limit"):
        derive(chain(1200), time_limit=0.1)


def test_a_program_is_for_the_questions_steps() -> None:
    variables = {
        "x": {"rule": "x[t-1] - x[t-1]**2/50", "initial": 0.9},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "A", "target": "x", "steps": 25}
    model = Model(name="square", variables=variables, partition={"A": "a"}, question=question)
    for asked, step in ((derive(model), 25), (derive(model, steps=7), 7), (derive(model, at=3), 3)):
        assert asked.program is not None
        assert asked.program.step == step
        assert f"t = {step}" in asked.conditions


def test_shipped_questions_are_answered_at_their_own_step() -> None:
    model = load("sgd_pit")
    assert model.question.steps == 200
    with pytest.raises(QuestionError, match="drawn afresh"):
        derive(model)
    found = derive(load("thermostat_saturating"))
    assert found.reading.asked.steps == 500


NOISY = {
    "R": {"rule": "R[t-1] - T[t-1]/4 + e[t]", "initial": 1},
    "T": {"rule": "R[t-1]", "initial": 1},
    "e": {"noise": "normal(0,1)"},
}


def noisy(**more: Any) -> Model:
    question = {"nudge": "R[0]", "hold": "T", "target": "R", "steps": 10}
    return Model(name="noisy", variables={**NOISY, **more}, question=question)


@pytest.mark.parametrize("place", [{"nudge": "e[1]"}, {"target": "e"}])
def test_noise_that_is_asked_about_is_refused(place) -> None:
    assert derive(noisy(), at=5).form == "closed form"
    with pytest.raises(QuestionError, match=r"'e' .* a formula follows single values"):
        derive(noisy(), **place)


def test_a_table_beside_the_question_is_refused_too() -> None:
    coin = {"noise": {"heads": "1/2", "tails": "1/2"}}
    rows = [["heads", "up"], ["tails", "down"]]
    echo = {"domain": ["up", "down"], "parents": ["coin[t]"], "table": rows}
    assert derive(noisy(coin=coin)).verified
    with pytest.raises(QuestionError, match=r"'echo' .* a formula follows single values"):
        derive(noisy(coin=coin, echo=echo))


def test_noise_that_the_effects_depend_on_is_refused() -> None:
    crooked = {"rule": "R[t-1] - T[t-1]**2/4 + e[t]", "initial": 1}
    with pytest.raises(QuestionError, match=r"'e' .*, and the effects depend on its value"):
        derive(noisy(R=crooked))


@pytest.mark.parametrize("at", [-1, 2.5])
def test_a_step_that_is_no_whole_number_from_zero_up_is_refused(at) -> None:
    with pytest.raises(QuestionError, match=f"a whole number from 0 up, found {at}"):
        derive(noisy(), at=at)


def test_a_step_of_a_model_without_time_is_refused() -> None:
    with pytest.raises(QuestionError, match="this model has no time"):
        derive(chain(12), at=1)
    assert derive(chain(12), at=0).form == "path sums"


def test_a_question_without_steps_reaches_the_nudged_node() -> None:
    rules = {**NOISY, "R": {"rule": "R[t-1] - T[t-1]/4", "initial": 1}}
    model = Model(name="late", variables=rules)
    found = derive(model, nudge="R[30]", hold="T", target="R")
    assert found.reading.asked.steps == 30
    assert found.value()["total"] == 1
    assert derive(model, nudge="R[3]", hold="T", target="R").reading.asked.steps == 20
