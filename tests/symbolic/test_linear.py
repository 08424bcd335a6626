"""Closed forms of linear templates against the inverse of the unrolled graph, exactly."""

from __future__ import annotations

import dataclasses
import time
from fractions import Fraction

import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import QQ

from causalopt.symbolic import closed_form
from causalopt.symbolic.closed_form import _whole
from causalopt.symbolic.deadline import OvertimeError
from causalopt.symbolic.degenerate import Condition, coincidences, solve_condition
from causalopt.symbolic.exact import exact_value
from causalopt.symbolic.far_step import effect_after, effect_in_digits
from causalopt.symbolic.linear import T, solve_linear
from causalopt.symbolic.linear_template import Holding, LinearQuestion, LinearTemplate
from causalopt.symbolic.resolvent import Response, Z, coefficient_field
from causalopt.symbolic.roots import Reduced
from tests.symbolic.strategies import K, P, questions, unrolled

THIRD = sympy.Rational(1, 3)
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
ROOM = LinearTemplate(
    ("R", "T"), {(1, 0, 1): sympy.S(1), (0, 1, 1): -K, (0, 0, 1): sympy.S(1)}, (K,)
)
HELD = LinearQuestion(0, 0, Holding((), frozenset({1})))


def value(form, step: int, values: dict[sympy.Symbol, Fraction]) -> Fraction:
    known = dict(values)
    known |= {name: exact_value(e, known) for name, e in form.definitions}
    return exact_value(form.expr, known | {T: Fraction(step)})


@few
@given(questions(), st.sampled_from([(2, 3), (-1, 4), (0, 1), (1, 4), (1, 1), (-2, 1), (1, 2)]))
def test_closed_forms_are_entries_of_the_inverse_of_the_unrolled_graph(asked, at) -> None:
    template, question = asked
    values = {P: sympy.Rational(*at), K: sympy.Rational(at[1], 4)}
    exact = {s: Fraction(v.p, v.q) for s, v in values.items()}
    solution = solve_linear(template, question)
    last = 8
    for hold, effect in ((False, solution.total), (True, solution.direct)):
        expected = unrolled(template.subs(values), question, hold=hold, last=last)
        assert effect.verification.passed, effect.verification.note
        for step in range(effect.form.valid_from, last + 1):
            try:
                found = value(effect.form, step, exact)
            except ZeroDivisionError:
                # Only where a condition that the formula names does not hold.
                named = [c.expr for c in effect.form.conditions]
                assert any(expr is None or expr.subs(values) == 0 for expr in named)
                continue
            assert found == expected[step]


@few
@given(questions())
def test_the_recurrence_and_the_powers_agree_with_the_unrolled_graph(asked) -> None:
    template, question = asked
    values = {P: sympy.Rational(2, 3), K: sympy.Rational(-5, 4)}
    solution = solve_linear(template, question)
    last = 7
    pairs = list(
        zip(
            unrolled(template.subs(values), question, hold=False, last=last),
            unrolled(template.subs(values), question, hold=True, last=last),
            strict=True,
        )
    )
    assert solution.recur(last, values) == pairs
    assert solution.at(last, values) == pairs[-1]


@pytest.mark.parametrize("k", ["1/100", "1/4", "1", "3/2", "-1/2", "0"])
def test_the_thermostat_is_right_on_both_sides_of_the_double_root(k: str) -> None:
    solution = solve_linear(ROOM, HELD)
    u = [Fraction(1), Fraction(1)]
    for _ in range(30):
        u.append(u[-1] - Fraction(k) * u[-2])
    found = [value(solution.total.form, t, {K: Fraction(k)}) for t in range(32)]
    assert found == u


def test_at_a_quarter_comp_is_t_plus_one_over_two_to_the_t() -> None:
    solution = solve_linear(ROOM, HELD)
    special = solution.comp.subs(K, sympy.Rational(1, 4))
    assert sympy.simplify(special - (T + 1) / 2**T) == 0


def test_at_gain_one_the_thermostat_has_period_six() -> None:
    comp = solve_linear(ROOM, HELD).comp.subs(K, 1)
    assert [sympy.simplify(comp.subs(T, t)) for t in range(12)] == [1, 1, 0, -1, -1, 0] * 2


def test_complex_roots_give_a_real_formula() -> None:
    comp = solve_linear(ROOM, HELD).comp.subs(K, sympy.Rational(3, 5))
    assert not comp.has(sympy.I)
    assert comp.has(sympy.sin)


def test_coinciding_roots_of_two_factors_have_their_own_formula() -> None:
    a, b = sympy.symbols("a b")
    chain = LinearTemplate(("x", "y"), {(0, 0, 1): a, (1, 1, 1): b, (1, 0, 1): sympy.S(1)}, (a, b))
    form = solve_linear(chain, LinearQuestion(0, 1, Holding())).total.form
    apart = form.expr.subs({a: 3, b: 2})
    together = form.expr.subs({a: 3, b: 3})
    assert [apart.subs(T, t) for t in range(5)] == [0, 1, 5, 19, 65]
    assert [together.subs(T, t) for t in range(5)] == [0, 1, 6, 27, 108]
    assert not form.conditions


def test_a_root_that_repeats_for_every_parameter_gives_powers_of_t() -> None:
    a = sympy.Symbol("a")
    edges = {(i, i, 1): a for i in range(3)} | {(1, 0, 1): sympy.S(1), (2, 1, 1): sympy.S(1)}
    form = solve_linear(
        LinearTemplate(("x", "y", "z"), edges, (a,)), LinearQuestion(0, 2, Holding())
    ).total.form
    found = [form.expr.subs({a: sympy.Rational(1, 2), T: t}) for t in range(8)]
    expected = [
        sympy.binomial(t, 2) / sympy.Integer(2) ** (t - 2) if t > 1 else 0 for t in range(8)
    ]
    assert found == expected


def test_a_held_set_that_ends_gives_the_closed_form_after_it() -> None:
    holding = Holding((frozenset({1}),) * 11, frozenset())
    solution = solve_linear(ROOM, LinearQuestion(0, 0, holding))
    assert solution.verified
    values = {K: sympy.Rational(1, 100)}
    expected = unrolled(ROOM.subs(values), LinearQuestion(0, 0, holding), hold=True, last=14)
    form = solution.direct.form
    assert form.valid_from == 10
    # The total effect is right from the start, their ratio only where both are.
    assert solution.total.form.valid_from == 0
    assert solution.valid_from == 10
    exact = {K: Fraction(1, 100)}
    assert [value(form, t, exact) for t in range(10, 15)] == expected[10:]


def test_a_far_step_is_reached_by_powers_exactly_and_in_digits() -> None:
    response = solve_linear(ROOM, HELD).total.response.subs({K: sympy.Rational(1, 100)})
    u = [Fraction(1), Fraction(1)]
    for _ in range(999):
        u.append(u[-1] - u[-2] / 100)
    assert effect_after(response, 1000) == sympy.Rational(*u[1000].as_integer_ratio())
    assert float(effect_in_digits(response, 1000)) == pytest.approx(float(u[1000]), rel=1e-15)


def test_five_variables_with_ten_free_parameters_take_under_five_seconds() -> None:
    free = sympy.symbols("p0:10")
    edges = {
        (i, j, 1): sympy.Rational((3 * i + 5 * j) % 7 - 3, 8) for i in range(5) for j in range(5)
    }
    cells = [(0, 0), (0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (1, 1), (2, 0), (3, 1), (4, 4)]
    edges |= {(i, j, 1): p for (i, j), p in zip(cells, free, strict=True)}
    template = LinearTemplate(tuple("abcde"), edges, free)
    # Processor time: a busy machine is no fault of the algebra.
    start = time.process_time()
    solution = solve_linear(template, LinearQuestion(0, 2, Holding((), frozenset({3}))))
    assert time.process_time() - start < 5
    assert solution.verified
    assert solution.total.form.expr.has(sympy.RootSum)


def transform(top: sympy.Expr, bottom: sympy.Expr) -> Response:
    return Response(sympy.Poly(top, Z, domain=QQ), sympy.Poly(bottom, Z, domain=QQ), ())


@pytest.mark.parametrize(
    ("top", "bottom", "effects"),
    [
        (3 * Z, 2 * Z - 1, [Fraction(3, 2), Fraction(3, 4), Fraction(3, 8), Fraction(3, 16)]),
        (Z**2 + Z, Z**2 - Z - 1, [1, 2, 3, 5]),
        (sympy.S(5), Z**2, [0, 0, 5, 0]),
        (sympy.S(5), Z, [0, 5, 0, 0]),
        (sympy.S(5), sympy.S(2), [Fraction(5, 2), 0, 0, 0]),
        (sympy.S.Zero, Z - 1, [0, 0, 0, 0]),
    ],
)
def test_effects_are_the_coefficients_of_the_transform(top, bottom, effects) -> None:
    response = transform(top, bottom)
    assert [Fraction(str(effect_after(response, age))) for age in range(4)] == effects
    found = [effect_in_digits(response, age) for age in range(1, 4)]
    assert [float(x) for x in found] == pytest.approx([float(x) for x in effects[1:]], rel=1e-15)


def test_an_effect_in_which_all_digits_cancel_is_refused() -> None:
    # A root 7/3 that the numerator takes away again: rounded, it drowns the effect.
    pole = Z - sympy.Rational(7, 3)
    response = transform(pole * (5 * Z + sympy.Rational(2, 7)), pole * (3 * Z - 1) * (5 * Z - 1))
    with pytest.raises(ArithmeticError, match="4096 bits do not resolve the effect after 9000"):
        effect_in_digits(response, 9000)


def test_a_condition_is_solved_where_one_rational_value_fails_it() -> None:
    def solved(expr: sympy.Expr | None) -> object:
        return solve_condition(Condition(expr, "differ"), (K, P))

    assert solved(2 * K - P) == (K, P / 2)
    # Not linear in k, but in p; in neither; linear with a coefficient that may itself vanish.
    assert solved(K**2 - 3 * P) == (P, K**2 / 3)
    assert solved(K**2 - P**2 - 1) is None
    assert solved(K * P - 1) is None
    assert solved(None) is None


def factored(*factors: sympy.Expr) -> Reduced:
    field = coefficient_field((K, P))
    polys = tuple((sympy.Poly(f, Z, domain=field), 1) for f in factors)
    return Reduced(sympy.Poly(1, Z, domain=field), polys, 0)


def test_roots_that_two_factors_share_are_a_condition_worked_out_or_in_words() -> None:
    (linear,) = coincidences(factored(Z - K, Z - P))
    assert linear.expr in (K - P, P - K)
    (square,) = coincidences(factored(Z**2 - K, Z - P))
    assert square.expr in (K - P**2, P**2 - K)
    (long,) = coincidences(factored(Z**3 - K, Z**2 - P))
    assert long.expr is None
    assert "share no root" in str(long)
    assert coincidences(factored(Z - 1, Z - 2)) == []


def test_a_far_step_of_a_solution_is_the_recurrences() -> None:
    values = {K: sympy.Rational(1, 5)}
    later = LinearQuestion(0, 0, HELD.holding, start=4)
    solution = solve_linear(ROOM, later)
    assert solution.recur(2, values) == [(0, 0)] * 3
    pairs = solution.recur(30, values)
    assert pairs[:4] == [(0, 0)] * 4
    assert pairs[4:7] == [(1, 1), (1, 1), (Fraction(4, 5), 1)]
    for step in (0, 3, 4, 5, 30):
        assert solution.at(step, values) == pairs[step]


@pytest.mark.parametrize("step", [20_000, 20_001, 40_000])
def test_exact_and_rounded_far_steps_meet(step: int) -> None:
    half = sympy.Rational(1, 2)
    solution = solve_linear(ROOM, HELD)
    total, direct = solution.at(step, {K: half})
    # The roots are (1 +- i)/2 = e^(+-i pi/4)/sqrt 2: u_t = 2^(-t/2) (cos + sin)(t pi / 4).
    turn = {0: 1, 1: 2, 2: 1, 3: 0, 4: -1, 5: -2, 6: -1, 7: 0}[step % 8]
    expected = Fraction(turn) / 2 ** ((step + 1) // 2)
    assert direct == 1
    assert isinstance(total, Fraction) is (step <= 20_000)
    assert abs(Fraction(int(total * 2 ** (step // 2 + 80)), 2 ** (step // 2 + 80)) - expected) <= (
        expected / 2**60
    )


@pytest.mark.parametrize("steps", [2, 4, 8, 9])
def test_a_held_set_that_ends_early_gives_a_form_from_the_nudge_on(steps: int) -> None:
    question = LinearQuestion(0, 0, Holding((frozenset({1}),) * steps, frozenset()))
    form = solve_linear(ROOM, question).direct.form
    assert form.valid_from == 0
    expected = unrolled(ROOM.subs({K: THIRD}), question, hold=True, last=14)
    assert [value(form, t, {K: Fraction(1, 3)}) for t in range(15)] == expected


@pytest.mark.parametrize("first", [1, 12, 16, 20, 30])
def test_a_long_delay_and_late_rules_give_a_form_only_from_where_it_holds(first: int) -> None:
    late = LinearTemplate(("x", "y"), {(0, 0, 1): K, (1, 0, 10): sympy.S.One}, (K,), (1, first))
    question = LinearQuestion(0, 1, Holding())
    effect = solve_linear(late, question).total
    assert effect.verification.passed
    assert effect.form.valid_from <= max(first, 12)
    expected = unrolled(late.subs({K: THIRD}), question, hold=False, last=32)
    for t in range(effect.form.valid_from, 33):
        assert value(effect.form, t, {K: Fraction(1, 3)}) == expected[t]


def test_one_sum_over_roots_that_repeat_is_refused() -> None:
    apart = _whole(factored(Z - K, Z - P))
    assert apart.factors == (
        (sympy.Poly((Z - K) * (Z - P), Z, domain=coefficient_field((K, P))), 1),
    )
    twice = dataclasses.replace(apart, factors=((apart.factors[0][0], 2),))
    with pytest.raises(OvertimeError, match="partial fractions with repeated roots"):
        _whole(twice)


def test_a_degenerate_case_that_cannot_be_solved_for_stays_a_condition() -> None:
    edges = {(0, 0, 1): K, (1, 1, 1): 1 / P, (1, 0, 1): sympy.S.One}
    chain = LinearTemplate(("x", "y"), edges, (K, P))
    form = solve_linear(chain, LinearQuestion(0, 1, Holding())).total.form
    assert K * P - 1 in [condition.expr for condition in form.conditions]


def test_a_degenerate_case_whose_own_form_divides_by_zero_stays_a_condition(monkeypatch) -> None:
    def dividing(*_: object) -> None:
        raise ZeroDivisionError("no form")

    monkeypatch.setattr(closed_form.Inversion, "at", dividing)
    edges = {(0, 0, 1): K, (1, 1, 1): P, (1, 0, 1): sympy.S.One}
    form = solve_linear(LinearTemplate(("x", "y"), edges, (K, P)), LinearQuestion(0, 1, Holding()))
    assert [c.expr for c in form.total.form.conditions] in ([K - P], [P - K])


def test_what_a_degenerate_case_assumes_itself_is_among_the_conditions() -> None:
    a, b, c = symbols = sympy.symbols("a b c")
    edges = {(i, i, 1): root for i, root in enumerate(symbols)}
    edges |= {(1, 0, 1): sympy.S.One, (2, 1, 1): sympy.S.One}
    chain = LinearTemplate(("x", "y", "w"), edges, symbols)
    form = solve_linear(chain, LinearQuestion(0, 2, Holding())).total.form
    # All three roots in one: its powers below the first would divide by 0 at 0.
    assert any(x.expr in (a, b, c) and "not 0" in x.meaning for x in form.conditions)
