"""One element of the exponential of a small matrix: what coefficients of exact steps are made of.

The operation `expm` takes the elements of a square matrix, row by row; its payload is the place of
the element that is wanted. A matrix of floats is exponentiated in integers of some hundred bits, by
the Taylor series, scaled and squared where the norm is large (Moler and Van Loan, SIAM Review 45,
2003, methods 1 and 3), and rounded once: there are no eigenvalues by whose differences to divide,
and nothing cancels where they coincide. Many matrices at once go the same way in floats.
"""

from __future__ import annotations

import functools
import math
from typing import Any

_SMALL = 10  # the scaled matrix is below 2**-10, so that some twenty terms do
_MANY = 64  # different matrices from which on floats do
_DIRECT = 32  # the norm up to which a row's own series is the shorter way
_WIDE = 366  # the norm from which the most bits are taken
_BITS, _MOST_BITS = 200, 1300
_TALL = 1100  # bits before the point: e**709 is the largest float
Rows = tuple[tuple[int, ...], ...]


def element(*arguments: Any) -> float:
    """Return one element of exp(M), rounded once; NaN or inf where it is no finite number.

    Args:
        arguments: M's elements in floats, row by row, and the place of the one wanted among them.

    Example:
        >>> element(-0.5, 0)
        0.6065306597126334
    """
    *entries, place = arguments
    row, column = divmod(place, math.isqrt(len(entries)))
    found: float = _row(tuple(float(entry) for entry in entries), row)[column]
    return found


def element_of_arrays(np: Any, *arguments: Any) -> Any:
    """Return one element of exp(M) for each of many matrices.

    Args:
        np: numpy.
        arguments: M's elements, numbers or arrays, and the place of the one wanted among them.
    """
    *entries, place = arguments
    joined = np.broadcast_arrays(*entries)
    stacked = np.stack([np.asarray(e, dtype=float).reshape(-1) for e in joined], axis=-1)
    rows, back = np.unique(stacked, axis=0, return_inverse=True)
    if len(rows) <= _MANY:
        found = np.array([element(*row, place) for row in rows.tolist()])
    else:
        size = math.isqrt(rows.shape[1])
        found = _many(rows.tobytes(), size).reshape(len(rows), -1)[:, place]
    return found[back.reshape(-1)].reshape(joined[0].shape)


@functools.lru_cache(maxsize=1024)
def _row(entries: tuple[float, ...], row: int) -> tuple[float, ...]:
    """Return one row of exp(M)."""
    if not all(map(math.isfinite, entries)):
        return (math.nan,) * len(entries)
    size = math.isqrt(len(entries))
    norm = max(sum(abs(e) for e in entries[i : i + size]) for i in range(0, size**2, size))
    # Elements as small as e**-norm keep all their digits.
    bits = _BITS + int(3 * norm) if norm < _WIDE else _MOST_BITS
    if norm <= _DIRECT:
        matrix = _fixed_rows(entries, size, bits)
        start = tuple(int(i == row) << bits for i in range(size))
        found = _series((start,), matrix, bits)[0]
    else:
        halvings = math.frexp(norm)[1] + _SMALL
        found = _squared(_fixed_rows(entries, size, bits), halvings, bits + halvings, row)
    return tuple(_rounded(e, bits if norm <= _DIRECT else bits + halvings) for e in found)


def _rounded(value: int, bits: int) -> float:
    try:
        return value / (1 << bits)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _fixed_rows(entries: tuple[float, ...], size: int, bits: int) -> Rows:
    fixed = [(n << bits) // d for n, d in (e.as_integer_ratio() for e in entries)]
    return tuple(tuple(fixed[i : i + size]) for i in range(0, size**2, size))


def _squared(matrix: Rows, halvings: int, bits: int, row: int) -> tuple[int, ...]:
    """Return a row of exp(M) by squaring exp(M / 2**halvings).

    Args:
        matrix: M in units of 2**(halvings - bits), which is M / 2**halvings in units of 2**-bits.
        halvings: How often it is squared.
        bits: Bits after the point.
        row: The row.
    """
    size = len(matrix)
    power: Rows = tuple(tuple(int(i == j) << bits for j in range(size)) for i in range(size))
    power = _series(power, matrix, bits)
    for _ in range(halvings):
        power = _product(power, power, bits)
        if max(abs(e).bit_length() for line in power for e in line) > bits + _TALL:
            return (1 << (bits + 2 * _TALL),) * size
    return power[row]


def _series(start: Rows, matrix: Rows, bits: int) -> Rows:
    """Return rows times exp of a matrix by its Taylor series; all in units of 2**-bits."""
    total, term, number = start, start, 0
    while any(e for row in term for e in row):
        number += 1
        term = _product(term, matrix, bits, number)
        total = tuple(
            tuple(a + b for a, b in zip(one, other, strict=True))
            for one, other in zip(total, term, strict=True)
        )
    return total


def _product(left: Rows, right: Rows, bits: int, divisor: int = 1) -> Rows:
    columns = [[(k, row[j]) for k, row in enumerate(right) if row[j]] for j in range(len(right))]
    scale = divisor << bits
    return tuple(
        tuple(_towards_zero(sum(row[k] * e for k, e in column), scale) for column in columns)
        for row in left
    )


def _towards_zero(numerator: int, denominator: int) -> int:
    # A floor would leave -1 of a term for ever.
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)


@functools.lru_cache(maxsize=4)
def _many(matrices: bytes, size: int) -> Any:
    """Return exp of many matrices; its elements are asked for one by one."""
    import numpy as np

    return _in_floats(np, np.frombuffer(matrices).reshape(-1, size, size))


def _in_floats(np: Any, matrices: Any) -> Any:
    """Return exp of many matrices, shape [matrix, row, column]."""
    norms = np.abs(matrices).sum(axis=2).max(axis=1)
    halvings = np.where(np.isfinite(norms), np.frexp(norms)[1] + 2, 0).clip(0)
    scaled = np.ldexp(matrices, -halvings[:, None, None])
    term = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)
    total = term
    for number in range(1, 15):  # (1/4)**14 / 14! is below half an ulp of 1
        term = term @ scaled / number
        total = total + term
    for left in range(int(halvings.max(initial=0))):
        total = np.where((halvings > left)[:, None, None], total @ total, total)
    return total
