from __future__ import annotations

import concurrent.futures
import gc
import weakref
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.language import term as module
from causalopt.language.parse import parse
from causalopt.language.scope import Scope
from causalopt.language.term import (
    ARGUMENTS,
    CHOICES,
    COMPARISONS,
    GAPS,
    REFERENCES,
    Term,
    const,
    decimal,
    leaves,
    postorder,
    ref,
)
from tests.strategies import expressions

SCOPE = Scope(
    variables=frozenset("x"),
    names={"y": Term.of("param", payload="y"), "pi": Term.of("pi")},
    bare=True,
)


@given(expressions)
def test_what_a_term_holds_is_what_a_walk_finds(text: str) -> None:
    root = parse(text, SCOPE)
    ops = {term.op for term in postorder(root)}
    expected = REFERENCES * ("ref" in ops) + ARGUMENTS * ("argument" in ops)
    expected += CHOICES * bool(ops & {"where", "min", "max"})
    expected += GAPS * bool(ops & (COMPARISONS | {"min", "max", "abs", "sign", "floor", "ceil"}))
    assert root.holds == expected


def recursive_order(root: Term) -> list[Term]:
    found: dict[Term, None] = {}

    def visit(term: Term) -> None:
        for arg in term.args:
            visit(arg)
        found.setdefault(term)

    visit(root)
    return list(found)


@given(expressions)
def test_postorder_is_the_recursive_one_and_leaves_are_its_leaves(text: str) -> None:
    root = parse(text, SCOPE)
    assert list(postorder(root)) == recursive_order(root)
    assert leaves(root) == [term for term in recursive_order(root) if term.is_leaf]


def test_terms_that_differ_in_place_count_or_payload_are_different() -> None:
    a, b = ref("a", 0), ref("b", 0)
    different = [
        Term.of("sub", a, b),
        Term.of("sub", b, a),
        Term.of("add", a, b),
        Term.of("neg", a),
        Term.of("ipow", a, payload=2),
        Term.of("ipow", a, payload=3),
        Term.of("where", a, a, b),
        Term.of("where", a, b, b),
        ref("a", 1),
        const(Fraction(1, 2)),
        const(Fraction(2, 1)),
    ]
    assert len(set(different)) == len(different)
    assert Term.of("where", a, a, b) is Term.of("where", a, a, b)
    assert const(Fraction(2, 4)) is const(Fraction(1, 2))


def test_the_table_forgets_terms_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEWEST", 64)
    monkeypatch.setattr(Term, "_table", {})
    monkeypatch.setattr(Term, "_most", 64)
    kept = [Term.of("neg", ref("kept", k)) for k in range(50)]
    gone = weakref.ref(Term.of("exp", ref("gone", 0)))
    for k in range(10_000):
        Term.of("mul", ref("passing", k), const(k))
    gc.collect()
    assert gone() is None
    # 50 references and their negatives live; the dead are at most as many again, or the fewest.
    assert len(Term._table) <= 2 * 2 * (100 + 3)
    assert all(Term.of("neg", ref("kept", k)) is term for k, term in enumerate(kept))


def test_threads_that_make_equal_terms_get_one() -> None:
    def make(_: int) -> list[Term]:
        return [Term.of("add", ref("threads", k), const(k)) for k in range(2000)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(make, range(8))
    assert all(term is same for other in others for term, same in zip(first, other, strict=True))


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers()))
def test_a_decimal_is_the_number_as_it_is_written(value: float) -> None:
    assert decimal(value).payload == Fraction(repr(value))
