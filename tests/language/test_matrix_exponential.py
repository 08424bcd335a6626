"""One element of a matrix exponential: in floats, in arrays, and in closed form."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.language.exponential_form import EXPM, closed_element
from causalopt.language.matrix_exponential import element, element_of_arrays

MATRICES = st.integers(0, 2**32 - 1)


def true_exponential(matrix: Any) -> Any:
    with mpmath.workdps(400):
        found = mpmath.expm(mpmath.matrix(matrix.tolist()))
        return np.array(found.tolist(), dtype=float)


def in_floats(matrix: Any) -> Any:
    flat = matrix.reshape(-1).tolist()
    return np.array([element(*flat, k) for k in range(len(flat))]).reshape(matrix.shape)


@pytest.mark.parametrize("scale", [1e-8, 0.3, 5.0, 60.0])
@given(st.integers(1, 4), MATRICES)
@settings(max_examples=10, deadline=None)
def test_every_element_is_rounded_once(scale: float, size: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(size, size)) * scale
    expected = true_exponential(matrix)
    np.testing.assert_array_max_ulp(in_floats(matrix), expected, maxulp=1)


def test_small_elements_of_stiff_matrices_keep_their_digits() -> None:
    matrix = np.array([[-700.0, 1.0], [0.0, -0.001]])
    np.testing.assert_array_max_ulp(in_floats(matrix), true_exponential(matrix), maxulp=1)
    assert element(-1e6, 0) == 0.0
    assert element(-1e6, 1e6, 0.0, 0.0, 1) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("gap", [0.0, 1e-300, 1e-12, 1e-7, 1e-3])
def test_nothing_cancels_where_eigenvalues_coincide(gap: float) -> None:
    # exp[a, b] e**a = (e**(b - a) - 1)/(b - a), whose limit is 1.
    found = element(0.0, 1.0, 0.0, gap, 1)
    assert found == pytest.approx(math.expm1(gap) / gap if gap > 1e-20 else 1.0, rel=3e-16)


def test_overflow_and_what_is_no_number_are_told() -> None:
    assert element(800.0, 0) == math.inf
    assert element(1e5, 0) == math.inf
    assert math.isnan(element(math.nan, 0))
    assert math.isnan(element(math.inf, 0))


@pytest.mark.parametrize("count", [5, 300])
def test_arrays_are_the_same_one_by_one(count: int) -> None:
    matrices = np.random.default_rng(count).normal(size=(count, 3, 3)) * 2
    columns = list(matrices.reshape(count, 9).T)
    from scipy.linalg import expm  # not in the core, where the other tests run

    expected = expm(matrices).reshape(count, 9)
    sizes = np.abs(expected).max(axis=1)
    for k in range(9):
        found = element_of_arrays(np, *columns, k)
        assert found.shape == (count,)
        assert np.max(np.abs(found - expected[:, k]) / sizes) < 2e-12
    assert element_of_arrays(np, -0.5, np.zeros(2), 0.0, -0.5, 0) == pytest.approx(math.exp(-0.5))


a, b, w, k = sympy.symbols("a b w k")


@pytest.mark.parametrize(
    ("entries", "place", "expected"),
    [
        ([-a], 0, sympy.exp(-a)),
        ([-a, b, 0, 0], 1, b * (1 - sympy.exp(-a)) / a),
        ([-a, a, 0, -b], 1, a * (sympy.exp(-b) - sympy.exp(-a)) / (a - b)),
        ([-a, b, 0, -a], 1, b * sympy.exp(-a)),
        ([0, w, -w, 0], 1, sympy.sin(w)),
        ([0, w, w, 0], 0, sympy.cosh(w)),
        ([0, 1, 0, 0, 0, 1, 0, 0, 0], 2, sympy.Rational(1, 2)),
        ([sympy.sqrt(k), 1, 0, sympy.sqrt(k)], 1, sympy.exp(sympy.sqrt(k))),
    ],
)
def test_closed_forms_are_the_textbooks(entries: list[Any], place: int, expected: Any) -> None:
    assert sympy.simplify(closed_element(entries, place) - expected) == 0


def test_closed_forms_have_the_values_of_the_exponential() -> None:
    # Blocks of one and two in a chain: every characteristic factor is linear or quadratic.
    entries = sympy.zeros(4, 4)
    entries[:2, :2] = sympy.Matrix([[-a, b], [-k, -w]])
    entries[0, 2], entries[1, 3], entries[2, 3] = a, 1, b
    entries[2, 2], entries[3, 3] = -k, -b
    forms = [closed_element(list(entries), place) for place in range(16)]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        point = {s: sympy.Rational(int(rng.integers(1, 6000)), 2017) for s in (a, b, w, k)}
        matrix = np.array(entries.subs(point).tolist(), dtype=float)
        expected = true_exponential(matrix)
        for place, form in enumerate(forms):
            found = complex(form.subs(point).evalf(30))
            assert found == pytest.approx(expected.flat[place], rel=1e-12, abs=1e-13)


def test_what_has_no_closed_form_says_what_it_is() -> None:
    entries = [-a, b, 0, 0, -a, b, b, 0, -k]
    found = closed_element(entries, 0)
    assert found == EXPM(0, *entries)
    assert closed_element([*entries[:6], 0, 0, -k], 8) == sympy.exp(-k)
