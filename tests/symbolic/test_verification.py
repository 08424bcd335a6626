"""The exact checks refuse lies: wrong formulas, ranges, branches, templates and programs.

Formulas are typed by hand from the textbook (geometric series, Lagrange interpolation), so that the
checks are told the truth and lies about it by somebody other than `solve_linear`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sympy

from causalopt import Model, QuestionError, load
from causalopt.effects.asked import ask
from causalopt.symbolic import derive as choice
from causalopt.symbolic import program_checks as checks
from causalopt.symbolic import static_paths
from causalopt.symbolic.closed_form import ClosedForm, Inversion
from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.derive import derive
from causalopt.symbolic.fixed_points import Rest
from causalopt.symbolic.linear import T, solve_linear
from causalopt.symbolic.linear_template import Holding, LinearQuestion, LinearTemplate
from causalopt.symbolic.paths import follow
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.straight_line import StraightLine, write_program
from causalopt.symbolic.verification import Verification, verify

A, B, K = sympy.symbols("a b k")
ONE = sympy.S.One
DECAY = LinearTemplate(("x",), {(0, 0, 1): A}, (A,))
ITSELF = LinearQuestion(0, 0, Holding())
# y(t) = sum of a^i b^(t-1-i) = (a^t - b^t) / (a - b), at a = b its limit t a^(t-1).
CHAIN = LinearTemplate(("x", "y"), {(0, 0, 1): A, (1, 1, 1): B, (1, 0, 1): ONE}, (A, B))
ALONG = LinearQuestion(0, 1, Holding())
TOGETHER, APART = T * A ** (T - 1), (A**T - B**T) / (A - B)
ROOM = LinearTemplate(("R", "T"), {(1, 0, 1): ONE, (0, 1, 1): -K, (0, 0, 1): ONE}, (K,))
HELD = LinearQuestion(0, 0, Holding((), frozenset({1})))


def checked(
    expr: Any,
    template: LinearTemplate = DECAY,
    question: LinearQuestion = ITSELF,
    *,
    first: int = 0,
    hold: bool = False,
    **more: Any,
) -> Verification:
    form = ClosedForm(sympy.sympify(expr), first, **more)
    return verify(form, template, question, T, hold=hold, deadline=Deadline.after(60))


def chain(together: sympy.Expr, apart: sympy.Expr) -> sympy.Expr:
    return sympy.Piecewise((together, sympy.Eq(A, B)), (apart, True))


def assert_refused(found: Verification, word: str = "differs") -> None:
    assert not found.passed
    assert word in found.note


def test_true_formulas_are_accepted_with_their_number_of_comparisons() -> None:
    # Six points, two of them beyond 1; the steps 0..3, twice the order and two more, and a far one.
    assert checked(A**T) == Verification(True, 6 * 5)
    # One more point, on a = b; the steps 0..5 and a far one.
    assert checked(chain(TOGETHER, APART), CHAIN, ALONG) == Verification(True, 7 * 7)
    gap = sympy.sqrt(1 - 4 * K)
    radicals = (((1 + gap) / 2) ** (T + 1) - ((1 - gap) / 2) ** (T + 1)) / gap
    assert checked(radicals, ROOM, HELD).passed
    assert checked(1, ROOM, HELD, hold=True).passed


@pytest.mark.parametrize(
    "lie",
    [
        2 * A**T,
        -(A**T),
        (-A) ** T,
        (2 * A) ** T,
        A ** (T + 1),
        A ** (T - 1),
        A**T + sympy.Rational(1, 10**30),
        sympy.S.Zero,
    ],
    ids=["coefficient", "sign", "sign of root", "root", "late", "early", "tiny", "zero"],
)
def test_a_wrong_geometric_series_is_refused(lie: sympy.Expr) -> None:
    assert_refused(checked(lie))


@pytest.mark.parametrize(
    "apart",
    [
        2 * APART,
        -APART,
        (A**T + B**T) / (A - B),
        (A**T - (B / 2) ** T) / (A - B),
        (A**T - B**T) / (A + B),
        APART.subs(T, T + 1),
        APART.subs(T, T - 1),
        TOGETHER,
    ],
)
def test_a_wrong_generic_branch_is_refused(apart: sympy.Expr) -> None:
    assert_refused(checked(chain(TOGETHER, apart), CHAIN, ALONG))


@pytest.mark.parametrize("together", [2 * TOGETHER, -TOGETHER, T * A**T, A**T, sympy.S.Zero])
def test_a_wrong_degenerate_branch_is_refused(together: sympy.Expr) -> None:
    assert_refused(checked(chain(together, APART), CHAIN, ALONG))


def test_a_degenerate_branch_that_divides_by_zero_is_refused() -> None:
    undefined = A**T / (A - B) - B**T / (A - B)
    assert_refused(checked(chain(undefined, APART), CHAIN, ALONG), "undefined at")


def test_a_degenerate_formula_with_the_wrong_condition_is_refused() -> None:
    lie = sympy.Piecewise((TOGETHER, sympy.Eq(A, 2 * B)), (APART, True))
    assert_refused(checked(lie, CHAIN, ALONG))


@pytest.mark.parametrize("step", [*range(6), 30])
def test_a_formula_that_is_wrong_at_one_compared_step_is_refused(step: int) -> None:
    bump = sympy.Piecewise((1, sympy.Eq(T, step)), (0, True))
    assert_refused(checked(chain(TOGETHER, APART) + bump, CHAIN, ALONG), f"t = {step}")


@pytest.mark.parametrize("count", range(1, 7))
def test_a_formula_that_is_right_at_the_first_steps_alone_is_refused(count: int) -> None:
    vanishing = sympy.Mul(*(T - s for s in range(count)))
    lie = chain(TOGETHER, APART) + vanishing
    found = checked(lie, CHAIN, ALONG)
    assert_refused(found, f"t = {count if count < 6 else 30}")
    assert found.comparisons == count


@pytest.mark.parametrize("where", [A > 0, A < 0, A < -1, -sympy.Rational(1, 2) < A])
def test_a_formula_that_is_wrong_on_one_side_is_refused(where: sympy.Basic) -> None:
    assert_refused(checked(sympy.Piecewise((A**T + T, where), (A**T, True))))


@pytest.mark.parametrize("where", [1 - 4 * K < 0, 1 - 4 * K > 0])
def test_a_formula_that_is_wrong_for_complex_or_for_real_roots_is_refused(where) -> None:
    gap = sympy.sqrt(1 - 4 * K)
    radicals = (((1 + gap) / 2) ** (T + 1) - ((1 - gap) / 2) ** (T + 1)) / gap
    lie = sympy.Piecewise((radicals + T, where), (radicals, True))
    assert_refused(checked(lie, ROOM, HELD))


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_formula_that_claims_steps_before_it_holds_is_refused(first: int) -> None:
    # The initial values of y stand up to step 2: no nudge of x moves them.
    late = dataclasses.replace(CHAIN, edges={(0, 0, 1): A, (1, 0, 1): ONE}, starts=(1, 3))
    assert checked(A ** (T - 1), late, ALONG, first=3).passed
    assert_refused(checked(A ** (T - 1), late, ALONG, first=first), f"t = {first}")


def test_a_formula_counted_from_another_nudge_is_refused() -> None:
    later = LinearQuestion(0, 0, Holding(), start=3)
    assert checked(A ** (T - 3), question=later, first=3).passed
    assert_refused(checked(A**T, question=later, first=3))


def test_total_and_direct_are_not_taken_for_each_other() -> None:
    assert_refused(checked(1, ROOM, HELD, hold=False))
    lie = solve_linear(ROOM, HELD).total.form.expr
    assert_refused(checked(lie, ROOM, HELD, hold=True))


def test_a_held_set_that_ends_later_than_said_is_refused() -> None:
    # R stays 1 while T is held; T is free again at step 3 and acts on R at step 4.
    ending = LinearQuestion(0, 0, Holding((frozenset({1}),) * 3, frozenset()))
    number = ROOM.subs({K: sympy.Rational(1, 2)})
    u = [ONE, ONE, ONE, ONE]
    for t in range(4, 40):
        u.append(u[t - 1] - u[t - 2] / 2)
    truth = sympy.Piecewise(*((v, sympy.Eq(T, t)) for t, v in enumerate(u)))
    assert checked(truth, number, ending, hold=True).passed
    longer = LinearQuestion(0, 0, Holding((frozenset({1}),) * 4, frozenset()))
    assert_refused(checked(truth, number, longer, hold=True), "t = 4")


def test_a_wrong_definition_of_a_named_coefficient_is_refused() -> None:
    c = sympy.Symbol("c")
    assert checked(c**T, definitions=((c, A),)).passed
    assert_refused(checked(c**T, definitions=((c, -A),)))


def test_a_template_without_parameters_is_compared_too() -> None:
    half = DECAY.subs({A: sympy.Rational(1, 2)})
    assert checked(2**-T, half) == Verification(True, 5)
    assert_refused(checked(3**-T, half))


def test_a_formula_that_no_exact_number_meets_is_not_verified() -> None:
    assert_refused(checked(sympy.exp(T * sympy.log(A))), "not comparable")
    assert_refused(checked(A**T * sympy.sqrt(2)), "not comparable")


def test_a_formula_that_divides_by_zero_everywhere_is_not_verified() -> None:
    c = sympy.Symbol("c")
    found = checked(A**T + 1 / c, definitions=((c, sympy.S.Zero),))
    assert found == Verification(False, 0)


def test_a_comparison_that_runs_out_of_time_is_not_verified() -> None:
    form = ClosedForm(A**T, 0)
    found = verify(form, DECAY, ITSELF, T, hold=False, deadline=Deadline.after(-1))
    assert_refused(found, "did not end in time")


# --- programs ------------------------------------------------------------------------------------

QUESTION = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": 9}
SQUARE = Model(
    name="square",
    parameters={"r": "7/5", "s": "1/3"},
    variables={
        "x": {"rule": "r*x[t-1]*(1 - x[t-1]) - s*a[t-1]", "initial": "1/5"},
        "a": {"rule": "x[t-1]**2", "initial": "1/10"},
    },
    question=QUESTION,
)


def asked(model: Model, steps: int = 9) -> Reading:
    return Reading(model, ask(model, steps=steps))


def program_of(reading: Reading) -> StraightLine:
    step = reading.asked.steps
    return write_program(reading, follow(reading, step), step)


def falsehoods(program: StraightLine) -> Iterator[StraightLine]:
    """Every program with one line's operation, sign or number changed."""
    for place, (name, expr) in enumerate(program.lines):
        swapped = {sympy.Add: sympy.Mul, sympy.Mul: sympy.Add}.get(expr.func)
        changes = [-expr, expr + 1, 2 * expr]
        changes += [] if swapped is None else [swapped(*expr.args)]
        for change in changes:
            if change != expr:
                lines = (*program.lines[:place], (name, change), *program.lines[place + 1 :])
                yield dataclasses.replace(program, lines=lines)


@pytest.mark.parametrize("branches", [False, True])
@pytest.mark.parametrize("steps", [3, 9])
def test_the_right_program_is_accepted_and_every_wrong_line_refused(
    steps: int, branches: bool
) -> None:
    reading = asked(SQUARE, steps)
    program = program_of(reading)
    assert checks.check_program(reading, program, branches=branches).passed
    lies = list(falsehoods(program))
    assert len(lies) > 3 * len(program.lines)
    # Every lie at 3 steps; a fair share at 9, where a program has some fifty lines.
    for lie in lies[:: 1 if steps == 3 else 7]:
        found = checks.check_program(reading, lie, branches=branches)
        assert_refused(found, f"differs from the recurrence at t = {steps}")


@pytest.mark.parametrize("branches", [False, True])
def test_swapped_and_late_effects_are_refused(branches: bool) -> None:
    reading = asked(SQUARE)
    program = program_of(reading)
    later = program_of(asked(SQUARE, 10))
    for lie in (
        dataclasses.replace(program, total=program.direct, direct=program.total),
        dataclasses.replace(program, direct=program.total),
        dataclasses.replace(program, total=program.direct),
        dataclasses.replace(later, step=9),
    ):
        assert_refused(checks.check_program(reading, lie, branches=branches), "at t = 9")


def test_a_program_that_is_right_at_the_models_own_parameters_alone_is_refused() -> None:
    reading = asked(SQUARE)
    program = program_of(reading)
    r, s = sympy.symbols("r s")
    lies = [
        dataclasses.replace(program, total=program.total * (1 + (3 * s - 1) * r)),
        dataclasses.replace(program, direct=program.direct + 5 * r - 7),
    ]
    for lie in lies:
        assert checks.check_program(reading, lie, branches=True).passed
        assert_refused(checks.check_program(reading, lie, branches=False), "modulo")


@pytest.mark.parametrize("wrong", range(7))
def test_a_writer_that_lies_at_an_early_step_is_refused(monkeypatch, wrong: int) -> None:
    reading = asked(SQUARE)
    program = program_of(reading)

    def lying(reading: Reading, path: Any, step: int) -> StraightLine:
        found = write_program(reading, path, step)
        return dataclasses.replace(found, total=found.total + 1) if step == wrong else found

    monkeypatch.setattr(checks, "write_program", lying)
    found = checks.check_program(reading, program, branches=False)
    assert_refused(found, f"at t = {wrong}")


def test_a_program_for_the_other_branch_is_refused() -> None:
    rule = "where(x[t-1] < 1, 3*x[t-1] - a[t-1], x[t-1]**2/4)"
    variables = {"x": {"rule": rule, "initial": "1/5"}, "a": {"rule": "x[t-1]", "initial": 0}}
    model = Model(name="bent", variables=variables, question=QUESTION)
    reading = asked(model)
    path = follow(reading, 9)
    assert len(path.spans) > 2
    assert checks.check_program(reading, write_program(reading, path, 9), branches=True).passed
    for place in range(1, len(path.spans)):
        spans = [*path.spans]
        spans[place] = (spans[place][0], spans[place - 1][1])
        wrong = write_program(reading, dataclasses.replace(path, spans=tuple(spans)), 9)
        assert_refused(checks.check_program(reading, wrong, branches=True))


def test_programs_at_irrational_parameters_are_checked_in_digits() -> None:
    model = SQUARE.replace(parameters={"r": "sqrt(2)"})
    reading = asked(model)
    for branches in (False, True):
        found = checks.check_program(reading, program_of(reading), branches=branches)
        assert_refused(found, "no exact comparison is possible: r = sqrt(2) is irrational")
        assert (found.digits, found.comparisons) == (60, 1 if branches else 3)
        lie = dataclasses.replace(program_of(reading), total=program_of(reading).direct)
        found = checks.check_program(reading, lie, branches=branches)
        assert found.digits == 0
        assert_refused(found, "differs from the recurrence at t = 9, in digits")


# --- templates -----------------------------------------------------------------------------------

LOOP = Model(
    name="loop",
    parameters={"k": "1/5"},
    variables={
        "x": {"rule": "x[t-1] - k*a[t-1]", "initial": 1},
        "a": {"rule": "x[t-1]/2", "initial": 1},
    },
    question=QUESTION,
)


def test_a_template_that_is_not_the_models_is_refused() -> None:
    reading = asked(LOOP)
    found = derive(LOOP).solution
    assert found is not None
    assert checks.check_template(reading, found, 8) == Verification(True, 9)
    template, question = found.template, found.question
    (x, a) = (0, 1)
    edges = dict(template.edges)
    lies = [
        {**edges, (x, x, 1): sympy.Rational(99, 100)},
        {**edges, (x, a, 1): sympy.Symbol("k")},
        {**edges, (a, x, 1): -edges[a, x, 1]},
        {**edges, (x, x, 2): sympy.Rational(1, 7)},
        {edge: c for edge, c in edges.items() if edge != (x, a, 1)},
    ]
    wrong = [dataclasses.replace(template, edges=lie) for lie in lies]
    wrong.append(dataclasses.replace(template, starts=(1, 3)))
    wrong.append(dataclasses.replace(template, early=({(x, x, 1): ONE},) * 3))
    solutions = [dataclasses.replace(found, template=lie) for lie in wrong]
    questions = [
        dataclasses.replace(question, start=1),
        dataclasses.replace(question, target=a),
        dataclasses.replace(question, holding=Holding()),
        dataclasses.replace(question, holding=Holding((frozenset({a}),) * 2, frozenset())),
    ]
    solutions += [dataclasses.replace(found, question=lie) for lie in questions]
    for lie in solutions:
        assert_refused(checks.check_template(reading, lie, 8), "the template differs")


def test_a_template_that_differs_at_the_last_step_alone_is_refused() -> None:
    found = derive(LOOP).solution
    assert found is not None
    early = (found.template.edges,) * 8
    late = {edge: 2 * c for edge, c in found.template.edges.items()}
    lie = dataclasses.replace(
        found, template=dataclasses.replace(found.template, edges=late, early=early)
    )
    assert checks.check_template(asked(LOOP), lie, 7).passed
    assert_refused(checks.check_template(asked(LOOP), lie, 8), "at t = 8")


def test_a_template_at_irrational_parameters_is_not_called_verified() -> None:
    model = LOOP.replace(parameters={"k": "sqrt(2)"})
    found = derive(LOOP).solution
    assert found is not None
    assert_refused(checks.check_template(asked(model), found, 8), "no exact comparison")


# --- through derive ------------------------------------------------------------------------------


def assert_not_called_verified(found: Any, word: str) -> None:
    assert not found.verified
    assert any(word in note for note in found.notes)
    assert found.to_dict()["verified"] is False
    assert "NOT verified" in str(found)
    assert "**Not verified.**" in found.report()


def assert_program_instead(found: Any, word: str) -> None:
    assert found.form == "straight-line program"
    assert found.verified
    assert found.solution is None
    assert any("no closed form was verified" in note and word in note for note in found.notes)


def inverted(change: Callable[[ClosedForm], ClosedForm], only: str) -> Callable[..., ClosedForm]:
    true = Inversion.form

    def lying(inversion: Inversion) -> ClosedForm:
        form = true(inversion)
        is_direct = inversion.names._tag.startswith("direct")
        return change(form) if is_direct == (only == "direct") else form

    return lying


@pytest.mark.parametrize("only", ["total", "direct"])
@pytest.mark.parametrize(
    "change",
    [
        lambda form: dataclasses.replace(form, expr=-form.expr),
        lambda form: dataclasses.replace(form, expr=form.expr.subs(T, T + 1) + T),
        lambda form: dataclasses.replace(form, expr=form.expr + T * (T - 1) * (T - 2) * (T - 3)),
    ],
    ids=["sign", "offset", "late"],
)
def test_derive_does_not_call_a_wrong_closed_form_verified(monkeypatch, only, change) -> None:
    assert derive(LOOP).verified
    monkeypatch.setattr(Inversion, "form", inverted(change, only))
    assert_program_instead(derive(LOOP, at=9), "differs at")


def test_derive_does_not_call_the_closed_form_of_another_template_verified(monkeypatch) -> None:
    true = choice.linear_template

    def lying(names: Any, edges: Any, *rest: Any) -> Any:
        return true(names, {edge: 2 * c for edge, c in edges.items()}, *rest)

    monkeypatch.setattr(choice, "linear_template", lying)
    assert_program_instead(derive(LOOP), "the template differs from the model")


def test_derive_does_not_call_a_linearisation_away_from_rest_verified(monkeypatch) -> None:
    true = choice.starts_at_rest
    variables = {
        "x": {"rule": "r*x[t-1]*(1 - x[t-1])", "initial": "1 - 1/r"},
        "a": {"rule": "x[t-1]", "initial": "1 - 1/r"},
    }
    model = Model(name="rest", parameters={"r": 3}, variables=variables, question=QUESTION)
    assert derive(model, at=9).verified

    def lying(reading: Reading) -> Rest | None:
        rest = true(reading)
        assert rest is not None
        return dataclasses.replace(rest, edges={e: c + 1 for e, c in rest.edges.items()})

    monkeypatch.setattr(choice, "starts_at_rest", lying)
    assert_program_instead(derive(model, at=9), "the template differs from the model")


def test_derive_does_not_call_a_path_with_the_wrong_last_branch_verified(monkeypatch) -> None:
    model = load("thermostat_saturating")
    true = choice.follow
    assert derive(model).verified

    def lying(reading: Reading, last: int) -> Any:
        path = true(reading, last)
        (first, _), wrong = path.spans[-1], path.spans[-2][1]
        return dataclasses.replace(path, spans=(*path.spans[:-1], (first, wrong)))

    monkeypatch.setattr(choice, "follow", lying)
    assert_not_called_verified(derive(model), "the template differs from the model")


def lying_program(reading: Reading, path: Any, step: int) -> StraightLine:
    found = write_program(reading, path, step)
    return dataclasses.replace(found, direct=found.direct + 1)


def test_derive_does_not_call_a_wrong_program_verified(monkeypatch) -> None:
    assert derive(SQUARE, at=9).verified
    monkeypatch.setattr(choice, "write_program", lying_program)
    found = derive(SQUARE, at=9)
    assert found.form == "recurrence"
    assert_not_called_verified(found, "differs from the recurrence at t = 9")


STATIC = Model(
    name="static",
    parameters={"w": "3/2"},
    variables={"n": {"rule": "2"}, "a": {"rule": "w*n**2"}, "m": {"rule": "a*n + n"}},
    partition={"A": ["a"]},
    question={"nudge": "n", "hold": "A", "target": "m"},
)


def test_derive_does_not_show_wrong_static_sums(monkeypatch) -> None:
    assert derive(STATIC).verified
    with monkeypatch.context() as patch:
        patch.setattr(static_paths, "write_program", lying_program)
        with pytest.raises(QuestionError, match="no formula was verified: differs from the"):
            derive(STATIC)


@pytest.mark.parametrize(
    "change",
    [
        lambda paths: paths[1:],
        lambda paths: [dataclasses.replace(p, through=False) for p in paths],
        lambda paths: [*paths, paths[-1]],
        lambda paths: [dataclasses.replace(p, edges=(*p.edges, sympy.S(2))) for p in paths],
    ],
    ids=["left out", "not through A", "twice", "factor"],
)
def test_derive_does_not_list_paths_that_do_not_add_up(monkeypatch, change) -> None:
    true = static_paths._paths

    def lying(*arguments: Any) -> Any:
        paths = list(true(*arguments))
        assert len(paths) == 2
        return change(paths)

    monkeypatch.setattr(static_paths, "_paths", lying)
    found = derive(STATIC)
    assert found.verified
    assert found.paths == ()
    assert any("no list of paths, whose sums were not verified" in note for note in found.notes)


def test_a_program_whose_comparison_does_not_end_is_not_called_verified(monkeypatch) -> None:
    def late(*_: Any, **__: Any) -> Verification:
        raise OvertimeError("too long")

    monkeypatch.setattr(choice, "check_program", late)
    assert_not_called_verified(derive(SQUARE, at=9), "did not end in time")


def test_the_recurrence_is_given_and_not_called_verified_where_no_program_is_had(
    monkeypatch,
) -> None:
    def late(*_: Any) -> StraightLine:
        raise OvertimeError("too long")

    monkeypatch.setattr(choice, "write_program", late)
    found = derive(SQUARE, at=2)
    assert found.form == "recurrence"
    assert not found.verified
    # x1 = r x0 (1 - x0) - s a0; dx1/dx0 = r (1 - 2 x0); dx2/dx0 = r (1 - 2 x1) dx1/dx0 - s 2 x0.
    x0, a0, r, s = 0.2, 0.1, 1.4, 1 / 3
    x1 = r * x0 * (1 - x0) - s * a0
    direct = r * (1 - 2 * x1) * r * (1 - 2 * x0)
    value = found.value(2)
    assert value["direct"] == pytest.approx(direct, rel=1e-12)
    assert value["total"] == pytest.approx(direct - s * 2 * x0, rel=1e-12)
    assert value["op"] == pytest.approx(-math.log((direct - s * 2 * x0) / direct), rel=1e-12)


def test_a_formula_that_divides_by_zero_for_every_parameter_is_no_closed_form(monkeypatch) -> None:
    def dividing(*_: Any, **__: Any) -> ClosedForm:
        raise ZeroDivisionError("a double root")

    monkeypatch.setattr(Inversion, "form", dividing)
    with pytest.raises(OvertimeError, match="the generic formula divides by 0: a double root"):
        solve_linear(ROOM, HELD)
    found = derive(LOOP, at=9)
    assert found.form == "straight-line program"
    assert found.verified


def test_a_formula_that_is_undefined_at_one_step_and_wrong_after_it_is_refused() -> None:
    assert_refused(checked(A**T + T * (T - 1) * (T - 2) / (T - 3)), "undefined at")


@pytest.mark.parametrize("far", [A > 1, A < -1], ids=["above 1", "below -1"])
def test_a_formula_that_is_wrong_outside_the_unit_circle_is_refused(far) -> None:
    assert_refused(checked(sympy.Piecewise((A**T + T, far), (A**T, True))), "differs at")


def test_a_program_that_lost_a_parameter_is_refused() -> None:
    reading = asked(SQUARE)
    program = program_of(reading)
    lines = tuple((n, e.subs(sympy.Symbol("r"), sympy.Rational(7, 5))) for n, e in program.lines)
    lie = dataclasses.replace(program, lines=lines)
    assert_refused(checks.check_program(reading, lie, branches=False), "modulo")
