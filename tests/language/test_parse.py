from __future__ import annotations

import contextlib
import time
from fractions import Fraction

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from causalopt.errors import ExpressionError
from causalopt.language.parse import parse
from causalopt.language.scope import CLOCK, Function, Scope
from causalopt.language.term import Term, const, evaluate, ref
from causalopt.language.text import to_text
from tests.strategies import expressions


def names(*words: str) -> dict[str, Term]:
    return {word: Term.of("param", payload=word) for word in words}


TEMPLATE = Scope(variables=frozenset("RT"), names={**CLOCK, **names("k", "d")})


def test_a_rule_becomes_its_terms() -> None:
    product = Term.of("mul", Term.of("param", payload="k"), ref("T", 1))
    assert parse("R[t-1] - k*T[t-1]", TEMPLATE) is Term.of("sub", ref("R", 1), product)


@pytest.mark.parametrize(
    "text", ["0.30000000000000004", "5.2709523754914001", "1_0.25e-3", "0.1000000000000000000001"]
)
def test_a_decimal_is_exactly_what_is_written(text: str) -> None:
    scope = Scope(names=names("é"))
    term = parse(f"é*{text}", scope)
    assert term.args[1] is const(Fraction(text))


def test_a_decimal_too_small_for_a_float_is_0_and_costs_nothing() -> None:
    assert parse("1e-999999999", TEMPLATE) is const(0)


@pytest.mark.parametrize(
    "word", ["E", "I", "S", "N", "Q", "beta", "gamma", "zeta", "lambda", "in", "None", "O", "class"]
)
def test_every_word_is_the_users(word: str) -> None:
    scope = Scope(names=names(word))
    assert parse(f"2*{word}", scope) is Term.of("mul", const(2), scope.names[word])


def test_keywords_with_and_without_underscores_are_different_names() -> None:
    words = ["lambda", "lambda_", "lambda__", "_lambda", "in_"]
    scope = Scope(names=names(*words), variables=frozenset({"is"}), bare=True)
    for word in words:
        assert parse(word, scope) is scope.names[word]
    # Python reads other letters for these as the same name.
    assert (
        parse("\U0001d425\U0001d41a\U0001d426\U0001d41b\U0001d41d\U0001d41a", scope)
        is (scope.names["lambda"])
    )
    assert parse("is", scope) is ref("is", 0)


@pytest.mark.parametrize("word", ["E", "I", "lambda", "__import__", "oo", "None"])
def test_an_undeclared_word_is_an_error_never_a_symbol(word: str) -> None:
    with pytest.raises(ExpressionError, match="unknown name"):
        parse(word, Scope())


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("k*rr", "unknown name 'rr'", 2),
        ("R[t-1] + R", r"write R\[t-1\] or R\[t\]", 9),
        ("R[t+1]", "future", 2),
        ("Q[t-1]", "unknown variable 'Q'", 0),
        ("k[t-1]", "not a variable", 0),
        ("k^2", r"write \*\* for a power", 0),
        ("k // 2", r"floor\(a/b\)", 0),
        ("k if k > 0 else 1", r"where\(k > 0, k, 1\)", 0),
        ("exp(k", "never closed", 3),
        ("exp(k, k)", "takes 1 argument, found 2", 0),
        ("expp(k)", "did you mean 'exp'", 0),
        ("k(2)", "not a function", 0),
        ("k > 0", "expected a number, found a condition", 0),
        ("where(k, 1, 2)", "expected a condition", 6),
        ("k.real", "attributes", 0),
        ("[k]", "a list is not part of the language", 0),
        ("'k'", "expected a number", 0),
        ("1e400", "larger than a float", 0),
        (f"2 + 0.{'1' * 1000}", "1002 characters, the limit is 1000", 4),
        ("", "empty", 0),
        ("k = 2", "equal is compared with ==", 2),
        ("  k + rr", "unknown name 'rr'", 6),
        ("é*k + rr", "unknown name 'é'", 0),
        ("diff(g, k)", "not declared under 'functions:'", 5),
        ("exp(*k)", "plain arguments", 0),
        ("k*for + k*if + rr", "unknown name 'for'", 2),
        ("in*(lambda + rr", "never closed", 3),
        ("R[t-1]*k + in", "unknown name 'in'", 11),
    ],
)
def test_an_error_says_where_and_what_to_do(text: str, message: str, offset: int) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse(text, TEMPLATE)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "-" * 6000 + "k",
        "+".join(["k"] * 60_000),
        "(" * 3000 + "k" + ")" * 3000,
        "9" * 5000,
        "sin(" * 180 + "k" + ")" * 180,
        "2**100000",
        "k**" * 400 + "k",
        "0x" + "f" * 40_000,
    ],
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ExpressionError):
        parse(text, TEMPLATE)
    assert time.process_time() - start < 5


def test_a_long_sum_is_answered() -> None:
    text = "+".join(["k"] * 900)
    assert evaluate(parse(text, TEMPLATE), lambda _: 1.0) == 900


@given(expressions)
def test_text_of_a_term_reads_back_as_the_term(text: str) -> None:
    scope = Scope(names={**CLOCK, **names("x", "y")})
    term = parse(text, scope)
    values = {"x": 0.7, "y": -1.3}

    def value(read: Term) -> str:
        return repr(evaluate(read, lambda leaf: values[str(leaf.payload)]))

    assert value(parse(to_text(term), scope)) == value(term)


@given(expressions)
def test_arithmetic_is_pythons_own(text: str) -> None:
    import math

    def where(condition: bool, a: float, b: float) -> float:
        return a if condition else b

    environment = {name: getattr(math, name) for name in dir(math) if name[0] != "_"}
    environment |= {"x": 0.7, "y": -1.3, "where": where, "abs": abs, "min": min, "max": max}
    try:
        expected = eval(text, environment)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        reject()
    assume(not isinstance(expected, complex))
    term = parse(text, Scope(names={**CLOCK, **names("x", "y")}))
    found = evaluate(term, lambda leaf: {"x": 0.7, "y": -1.3}[str(leaf.payload)])
    assert found == pytest.approx(expected, rel=1e-13, abs=1e-300)


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert isinstance(parse(text, TEMPLATE), Term)


def test_a_declared_function_is_inlined_and_differentiated() -> None:
    x = Term.of("argument", payload="x")
    cube = Function("f", ("x",), Term.of("ipow", x, payload=3))
    scope = Scope(variables=frozenset("R"), functions={"f": cube})
    assert parse("f(R[t-1])", scope) is Term.of("ipow", ref("R", 1), payload=3)
    slope = parse("diff(f, R[t-1])", scope)
    assert evaluate(slope, lambda _: 2.0) == 12
