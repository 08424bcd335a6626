"""What derive does where a formula cannot be had: integers, long numbers, steps, time."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import sympy

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


def test_noise_that_is_nudged_has_the_effects_of_a_run() -> None:
    found = derive(noisy(), nudge="e[1]", at=5)
    assert found.verified
    numbers = run(noisy(), nudge="e[1]", steps=5, seed=7)
    assert found.value()["total"] == pytest.approx(numbers.total[5], rel=1e-12)
    assert found.value()["direct"] == pytest.approx(numbers.direct[5], rel=1e-12)
    spans = derive(noisy(), nudge="2*e[t>=2]", at=5)
    assert spans.value()["op"] == pytest.approx(
        run(noisy(), nudge="2*e[t>=2]", steps=5).op[5], rel=1e-12
    )
    assert derive(noisy(), target="e", at=5).value()["total"] == 0


@pytest.mark.parametrize("rule", ["e[t]**2", "abs(e[t])", "where(e[t] > 0, 1, 0)", "sign(e[t])"])
def test_noise_on_whose_draws_effects_depend_is_refused_where_it_is_nudged(rule: str) -> None:
    model = noisy(bent={"rule": rule}, S={"rule": "S[t-1] + bent[t]", "initial": 0})
    with pytest.raises(QuestionError, match=r"'e' .* a formula follows single values"):
        derive(model, nudge="e[1]", target="S", at=5)


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


# --- data, words of Python, rules that switch for ever -------------------------------------------


def driven(length: int, steps: int = 20) -> Model:
    data = [((37 * i) % 11) / 10 for i in range(length)]
    variables = {
        "d": {"initial": data},
        "x": {"rule": "x[t-1]/2 - k*a[t-1] + d[t]", "initial": 1},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": steps}
    return Model(name="driven", parameters={"k": "1/3"}, variables=variables, question=question)


def test_data_leave_no_trace_in_a_formula_however_many_they_are() -> None:
    short = derive(driven(30))
    assert short.verified
    assert short.conditions[0] == "t >= 0"
    for length in (300, 8760):
        found = derive(driven(length))
        assert found.verified
        assert (found.total, found.direct) == (short.total, short.direct)
        assert found.value(100)["op"] == pytest.approx(run(driven(300, 100)).op[100], rel=1e-9)
        assert "8760" not in found.python()


def test_a_formula_is_compared_no_further_than_the_data_go() -> None:
    found = derive(driven(6), steps=5)
    assert found.verified
    assert found.value(5)["total"] == pytest.approx(run(driven(6), steps=5).total[5])


def loop_named(k: str, g: str) -> Model:
    variables = {
        "x": {"rule": f"{k}*x[t-1] - exp(-{g})*a[t-1]", "initial": 1},
        "a": {"rule": f"{g}*x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": 9}
    parameters = {k: "1/3", g: "1/4"}
    return Model(name="words", parameters=parameters, variables=variables, question=question)


@pytest.mark.parametrize(
    ("k", "g"),
    [
        ("lambda", "if"),
        ("None", "sum"),
        ("op", "comp"),
        ("math", "Fraction"),
        ("range", "len"),
        ("found", "held"),
        ("irrational_1", "irrational_1_"),
        ("class", "class_"),
    ],
)
def test_python_source_runs_whatever_the_parameters_are_called(k: str, g: str) -> None:
    model = loop_named(k, g)
    found = derive(model)
    scope: dict[str, Any] = {}
    exec(compile(found.python(), "source", "exec"), scope)
    truth = run(model)
    assert scope["effects"](9) == pytest.approx((truth.total[9], truth.direct[9]), rel=1e-12)
    assert scope["op"](9) == pytest.approx(truth.op[9], rel=1e-12)
    text = sympy.sympify(found.to_dict()["total"])
    at = {"t": 9, sympy.Symbol(k): sympy.Rational(1, 3), sympy.Symbol(g): sympy.Rational(1, 4)}
    assert complex(text.subs(at).evalf()).real == pytest.approx(truth.total[9], rel=1e-9)


def test_python_source_of_a_program_takes_pythons_words_too() -> None:
    variables = {
        "x": {"rule": "lambda*x[t-1]**2", "initial": 1},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": 3}
    model = Model(
        name="words", parameters={"lambda": "1/3"}, variables=variables, question=question
    )
    scope: dict[str, Any] = {}
    exec(compile(derive(model).python(), "source", "exec"), scope)
    # x3 = lambda^7 x0^8.
    assert scope["effects"](lambda_=0.5)[0] == pytest.approx(8 * 0.5**7)


def test_conditions_and_reports_name_no_stand_ins() -> None:
    variables = {
        "x": {"rule": "exp(-k)*x[t-1] - g*y[t-1]", "initial": 1},
        "y": {"rule": "sin(k)*y[t-1] + x[t-1] + z[t-1]", "initial": 0},
        "z": {"rule": "k*z[t-1] + g*y[t-1]", "initial": 0},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "y", "steps": 9}
    parameters = {"k": "1/3", "g": "1/7"}
    model = Model(name="names", parameters=parameters, variables=variables, question=question)
    found = derive(model)
    assert found.verified
    assert "irrational" not in str(found)
    assert "irrational" not in found.report()
    assert "irrational" not in json.dumps(found.to_dict())
    assert any("sin(k)" in line and "exp(-k)" in line for line in found.conditions[1:])


@pytest.mark.parametrize("k", ["1/10", "sqrt(2)/10"])
def test_a_rule_that_switches_for_ever_gets_a_program_and_no_formula(k: str) -> None:
    variables = {
        "x": {"rule": "where(floor(t/2)*2 == t, 0.5, 0.9)*x[t-1] - k*a[t-1]", "initial": 1},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": 20}
    model = Model(name="ever", parameters={"k": k}, variables=variables, question=question)
    for step in (19, 20):
        found = derive(model, at=step)
        assert found.form == "straight-line program"
        assert found.verified == (k == "1/10")
        assert found.verified or found.digits == 60
        assert any("no closed form was verified" in note for note in found.notes)
        assert found.value(step)["total"] == pytest.approx(run(model).total[step], rel=1e-9)


def test_a_program_with_functions_is_checked_to_sixty_digits() -> None:
    variables = {
        "x": {"rule": "exp(-k*x[t-1]) + log(1 + a[t-1]**2)", "initial": "2/5"},
        "a": {"rule": "tanh(x[t-1])", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": 5}
    model = Model(name="smooth", parameters={"k": 2}, variables=variables, question=question)
    found = derive(model)
    assert str(found).startswith("straight-line program (checked to 60 digits)")
    assert found.to_dict()["verified"] is False
    assert any(note.startswith("equal in 60 digits; no exact comparison") for note in found.notes)
    assert found.value(5)["total"] == pytest.approx(run(model).total[5], rel=1e-12)


def test_a_linear_template_at_irrational_values_is_held_against_the_model() -> None:
    variables = {
        "x": {"rule": "x[t-1] - k*clip(a[t-1], -1, 1)", "initial": 3},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": 60}
    model = Model(
        name="band", parameters={"k": "sqrt(2)/10"}, variables=variables, question=question
    )
    found = derive(model)
    assert found.form == "closed form"
    assert (found.verified, found.digits) == (False, 60)
    assert found.value(60)["total"] == pytest.approx(run(model).total[60], rel=1e-9)


def test_a_program_that_divides_by_zero_is_refused() -> None:
    variables = {
        "x": {"rule": "1/(x[t-1] - 1) - 1", "initial": 1.5},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": 9}
    model = Model(name="pole", variables=variables, question=question)
    assert derive(model, at=1).value(1)["total"] == -4
    with pytest.raises(QuestionError, match="no effect to write down at t = 2: the model divides"):
        derive(model, at=2)


def test_a_path_through_nan_is_refused_and_no_traceback() -> None:
    # The edges from n to m are linear, and so a closed form is tried; q itself has no value.
    rules = {
        "p": ("p[t-1]", -1),
        "q": ("clip(log(p[t-1]), 0, 1) + (a[t-1] + q[t-1])/2", 1),
        "a": ("-q[t-1]", 0),
    }
    variables = {name: {"rule": rule, "initial": start} for name, (rule, start) in rules.items()}
    question = {"nudge": "q[0]", "hold": "a", "target": "q", "steps": 3}
    with pytest.raises(QuestionError, match="leaves the real numbers on its way"):
        derive(Model(name="m", variables=variables, question=question))
