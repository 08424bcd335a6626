from __future__ import annotations

import math
from fractions import Fraction

import pytest

from causalopt.effects.exponents.recurrences import log_largest_root, shortest_recurrence


def recurrence(*roots: Fraction | int) -> list[Fraction]:
    """Return the recurrence whose characteristic polynomial has these roots."""
    polynomial = [Fraction(1)]
    for root in roots:
        longer = zip([*polynomial, Fraction(0)], [Fraction(0), *polynomial], strict=True)
        polynomial = [a - root * b for a, b in longer]
    return [-c for c in polynomial[1:]]


def test_the_shortest_recurrence_of_a_sum_of_powers_has_their_roots() -> None:
    terms = [Fraction(3**n - 2 * (-5) ** n + 7) for n in range(12)]
    assert shortest_recurrence(terms) == recurrence(3, -5, 1)


def test_terms_at_the_start_that_do_not_follow_are_roots_at_zero() -> None:
    terms = [Fraction(x) for x in (4, -1, 8, 16, 32, 64, 128, 256)]
    assert shortest_recurrence(terms) == [2, 0, 0]
    assert log_largest_root([Fraction(2), Fraction(0), Fraction(0)]) == pytest.approx(math.log(2))


@pytest.mark.parametrize("terms", [[0] * 6, [5, 0, 0, 0, 0, 0], [0, 3, 0, 0, 0, 0]])
def test_what_ends_has_no_root(terms: list[int]) -> None:
    found = shortest_recurrence([Fraction(x) for x in terms])
    assert log_largest_root(found) == -math.inf


@pytest.mark.parametrize(
    ("roots", "largest"),
    [
        ((2, 2, 2), math.log(2)),
        ((Fraction(1, 10**400), Fraction(1, 10**410)), -400 * math.log(10)),
        ((10**400, -3), 400 * math.log(10)),
        ((-7, 6), math.log(7)),
    ],
)
def test_the_largest_root_may_be_multiple_and_of_any_size(
    roots: tuple[Fraction, ...], largest: float
) -> None:
    assert log_largest_root(recurrence(*roots)) == pytest.approx(largest, rel=1e-12)


def test_a_pair_of_complex_roots_has_their_size() -> None:
    """z^2 - 1.4 z + 0.5."""
    found = log_largest_root([Fraction(7, 5), Fraction(-1, 2)])
    assert found == pytest.approx(-math.log(2) / 2, rel=1e-12)


def test_roots_that_floats_cannot_tell_apart_have_no_known_size() -> None:
    near = Fraction(1, 10**18)
    assert log_largest_root(recurrence(1, 1 + near, 1 - near)) is None
