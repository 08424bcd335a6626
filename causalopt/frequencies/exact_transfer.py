"""A transfer function in exact numbers, for claims that floats cannot make.

Whether A removes a disturbance whole is a question of exact zeros. G is the ratio of two
determinants, polynomials in w = 1/z. At w = 1 and -1, frequency 0 and the Nyquist frequency, the
first of their Taylor coefficients that is not 0 tells a zero from a pole, and a pole of both worlds
from either. They are computed without division, so that a singular system is as good as any (Bird,
Information Processing Letters 111, 2011). That G is 0 at all frequencies is found modulo the prime
2^61 - 1, at two places chosen beforehand: by Schwartz and Zippel's lemma another polynomial of
degree 1,000 is 0 at both with a chance of 1e-31.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from fractions import Fraction

from causalopt.frequencies.transfer_system import ExactRow, TransferSystem

MOST_WORK = 400_000  # multiplications of rationals: about a second
_ZERO = Fraction(0)
_PRIME = 2**61 - 1
_PLACES = (1_234_567_890_123_457, 987_654_321_098_765_431)
_TERMS = (2, 4, 8)  # how many Taylor coefficients are tried, one after another
Jet = tuple[Fraction, ...]  # Taylor coefficients, the constant first
Matrix = list[dict[int, Jet]]  # row -> column -> entry; what is not there is 0


@dataclasses.dataclass(frozen=True)
class ExactLimit:
    """What both worlds' transfer functions come to at frequency 0, or at the Nyquist frequency.

    Attributes:
        total: The order of the zero of G_x, negative for a pole, None where it is 0 everywhere.
        direct: That of G_y.
        comp: Comp; None where it is infinite or undefined.
    """

    total: int | None
    direct: int | None
    comp: Fraction | None


class ExactTransfer:
    """G of a system, in rationals.

    Slopes that are not known as rationals are taken as their floats: what is 0 whatever their
    values is 0 still, such as what an integrator takes away; a value is not more exact for it.

    Args:
        system: The system.

    Example:
        >>> from causalopt import load
        >>> from causalopt.frequencies.linear_step import linear_step
        >>> model = load("thermostat")
        >>> step = linear_step(model, "R", model.held_set(), "R")
        >>> ExactTransfer(TransferSystem(step, avoid=True)).order(1)  # an integrator
        (-1, Fraction(-1, 1))
    """

    def __init__(self, system: TransferSystem) -> None:
        self._rows: list[ExactRow] = system.exact_rows() if system.has_path else []
        self._sources, self._sinks = system.sources, system.sinks
        self._share = Fraction(system.sink_vector[self._sinks[0]]) if self._rows else _ZERO
        self._work = len(self._rows) * sum(len(row) + 1 for row in self._rows)

    @functools.cached_property
    def is_zero(self) -> bool:
        """Whether G is 0 at all frequencies."""
        return not self._rows or all(self._modulo(w) == 0 for w in _PLACES)

    def order(self, sign: int) -> tuple[int, Fraction] | None:
        """Return G near w = sign: how often (w - sign) divides it, and what is left there.

        Negative orders are poles. G must not be 0 everywhere.

        Returns:
            None where it would take too long, or a zero or pole is of a high order.
        """
        found = [self._leading(sign, bordered=bordered) for bordered in (True, False)]
        if found[0] is None or found[1] is None:
            return None
        (zeros, above), (poles, below) = found[0], found[1]
        return zeros - poles, above / below

    def _leading(self, sign: int, *, bordered: bool) -> tuple[int, Fraction] | None:
        """Return the first Taylor coefficient of a determinant that is not 0, with its order."""
        for terms in _TERMS:
            if self._work * len(self._rows) * terms**2 / 2 > MOST_WORK:
                return None
            jet = determinant(self._matrix(sign, terms, bordered=bordered), terms)
            for order, value in enumerate(jet):
                if value:
                    return order, value
        return None

    def _matrix(self, sign: int, terms: int, *, bordered: bool) -> Matrix:
        """Return I - sum of C_lag w^lag near w = sign; bordered, its determinant times G."""
        size = len(self._rows)
        found: Matrix = []
        for k, row in enumerate(self._rows):
            line = {k: _constant(Fraction(1), terms)}
            for (parent, lag), slope in row.items():
                before = line.get(parent, _constant(_ZERO, terms))
                power = _power(sign, lag, terms)
                line[parent] = tuple(b - slope * p for b, p in zip(before, power, strict=True))
            if bordered and k in self._sources:
                line[size] = _constant(Fraction(1), terms)
            found.append({column: jet for column, jet in line.items() if any(jet)})
        if bordered:
            found.append({k: _constant(-self._share, terms) for k in self._sinks})
        return found

    def _modulo(self, w: int) -> int | None:
        """Return G at w modulo a prime; None where the system is singular there."""
        size = len(self._rows)
        matrix: list[dict[int, int]] = []
        for k, row in enumerate(self._rows):
            line = {k: 1, size: int(k in self._sources)}
            for (parent, lag), slope in row.items():
                value = slope.numerator * pow(slope.denominator, -1, _PRIME) * pow(w, lag, _PRIME)
                line[parent] = (line.get(parent, 0) - value) % _PRIME
            matrix.append(line)
        for column in range(size):
            pivot = next((k for k in range(column, size) if matrix[k].get(column)), None)
            if pivot is None:
                return None
            matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
            top = matrix[column]
            inverse = pow(top[column], -1, _PRIME)
            for k in range(size):
                factor = matrix[k].get(column, 0) * inverse % _PRIME
                if k != column and factor:
                    for place, value in top.items():
                        matrix[k][place] = (matrix[k].get(place, 0) - factor * value) % _PRIME
        solved = (
            matrix[k].get(size, 0) * pow(matrix[k][k], -1, _PRIME) % _PRIME for k in self._sinks
        )
        return sum(solved) % _PRIME


def exact_limit(total: ExactTransfer, direct: ExactTransfer, sign: int) -> ExactLimit | None:
    """Return Comp at z = 1 (sign 1) or -1, poles that both worlds share cancelled.

    Returns:
        None where an order cannot be had.
    """
    if total.is_zero or direct.is_zero:
        return ExactLimit(
            None if total.is_zero else 0,
            None if direct.is_zero else 0,
            None if direct.is_zero else _ZERO,
        )
    above, below = total.order(sign), direct.order(sign)
    if above is None or below is None:
        return None
    (zeros, x), (others, y) = above, below
    if zeros < others:
        return ExactLimit(zeros, others, None)
    return ExactLimit(zeros, others, x / y if zeros == others else _ZERO)


def determinant(matrix: Matrix, terms: int) -> Jet:
    """Return the determinant of a matrix of Taylor polynomials, without division.

    Example:
        >>> one, two = (Fraction(1), Fraction(0)), (Fraction(2), Fraction(1))
        >>> determinant([{0: two, 1: one}, {0: one, 1: two}], 2)
        (Fraction(3, 1), Fraction(4, 1))
    """
    size = len(matrix)
    zero = _constant(_ZERO, terms)
    current = matrix
    for _ in range(size - 1):
        upper = [{c: jet for c, jet in row.items() if c > k} for k, row in enumerate(current)]
        below = zero
        for k in range(size - 1, -1, -1):
            upper[k][k] = tuple(-v for v in below)
            below = _plus(below, current[k].get(k, zero))
        current = [_row_times(row, matrix, zero) for row in upper]
    found = current[0].get(0, zero)
    return found if size % 2 else tuple(-v for v in found)


def _row_times(row: dict[int, Jet], matrix: Matrix, zero: Jet) -> dict[int, Jet]:
    found: dict[int, Jet] = {}
    for k, factor in row.items():
        if any(factor):
            for column, value in matrix[k].items():
                found[column] = _plus(found.get(column, zero), _times(factor, value))
    return found


def _constant(value: Fraction, terms: int) -> Jet:
    return (value, *([_ZERO] * (terms - 1)))


def _power(sign: int, lag: int, terms: int) -> Jet:
    """Return w^lag near w = sign."""
    return tuple(Fraction(math.comb(lag, k) * sign ** ((lag - k) % 2)) for k in range(terms))


def _plus(a: Jet, b: Jet) -> Jet:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _times(a: Jet, b: Jet) -> Jet:
    return tuple(
        sum((a[i] * b[k - i] for i in range(k + 1) if a[i] and b[k - i]), _ZERO)
        for k in range(len(a))
    )
