"""A transfer function as exact polynomials in 1/z, for claims that floats cannot make.

Whether A removes a disturbance whole is a question of exact zeros. The determinant of the system
and its product with G are polynomials in w = 1/z; they are found by rational elimination at as many
whole numbers w as they have coefficients, and by interpolation. At w = 1 and -1, frequency 0 and
the Nyquist frequency, their orders tell a zero from a pole, and a pole of both worlds from either.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from fractions import Fraction

from causalopt.frequencies.transfer_system import ExactRow, TransferSystem

MOST_WORK = 400_000  # multiplications of rationals: about a second
_ZERO, _ONE = Fraction(0), Fraction(1)
Coefficients = tuple[Fraction, ...]


@dataclasses.dataclass(frozen=True)
class ExactTransfer:
    """G = numerator / denominator, polynomials in w = 1/z, the constant first.

    Attributes:
        numerator: Its coefficients; none where G is 0 at all frequencies.
        denominator: Likewise.
    """

    numerator: Coefficients
    denominator: Coefficients

    @property
    def is_zero(self) -> bool:
        """Whether G is 0 at all frequencies."""
        return not self.numerator

    def order(self, sign: int) -> tuple[int, Fraction]:
        """Return G near z = sign: how often (w - sign) divides it, and what is left there.

        Negative orders are poles. G must not be 0 everywhere.
        """
        zeros, above = _deflated(self.numerator, sign)
        poles, below = _deflated(self.denominator, sign)
        return zeros - poles, above / below


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


def exact_limit(total: ExactTransfer, direct: ExactTransfer, sign: int) -> ExactLimit:
    """Return Comp at z = 1 (sign 1) or -1, poles that both worlds share cancelled."""
    if total.is_zero or direct.is_zero:
        orders = [None if one.is_zero else one.order(sign)[0] for one in (total, direct)]
        return ExactLimit(orders[0], orders[1], None if direct.is_zero else _ZERO)
    (above, x), (below, y) = total.order(sign), direct.order(sign)
    if above < below:
        return ExactLimit(above, below, None)
    return ExactLimit(above, below, x / y if above == below else _ZERO)


def exact_transfer(system: TransferSystem) -> ExactTransfer | None:
    """Return G as polynomials; None where they take too long.

    Slopes that are not known as rationals are taken as their floats: what is 0 whatever their
    values is 0 still, such as what an integrator takes away; a value is not more exact for it.

    Example:
        >>> from causalopt import load
        >>> from causalopt.frequencies.linear_step import linear_step
        >>> model = load("thermostat")
        >>> step = linear_step(model, "R", model.held_set(), "R")
        >>> exact_transfer(TransferSystem(step, avoid=True)).denominator
        (Fraction(1, 1), Fraction(-1, 1))
    """
    rows = system.exact_rows()
    if not system.has_path:
        return ExactTransfer((), (_ONE,))
    degree = sum(max((lag for _, lag in row), default=0) for row in rows)
    if (degree + 1) * max(system.size, 3) ** 3 > MOST_WORK:
        return None
    source = [_ONE if k in system.sources else _ZERO for k in range(system.size)]
    sink = [Fraction(str(v)) if v == 1 else Fraction(v) for v in system.sink_vector.tolist()]
    points: list[Fraction] = []
    values: tuple[list[Fraction], list[Fraction]] = ([], [])
    for w in _points():
        determinant, product = _at(rows, source, sink, w)
        if determinant:
            points.append(w)
            values[0].append(product)
            values[1].append(determinant)
        if len(points) > degree:
            break
    above, below = (_interpolated(points, found) for found in values)
    return ExactTransfer(above, below)


def _points() -> itertools.chain[Fraction]:
    """Yield 2, -2, 3, -3, ...: away from 0, 1 and -1, where systems are often singular."""
    return itertools.chain.from_iterable((Fraction(k), Fraction(-k)) for k in itertools.count(2))


def _at(
    rows: list[ExactRow], source: list[Fraction], sink: list[Fraction], w: Fraction
) -> tuple[Fraction, Fraction]:
    """Return the determinant of I - sum C_lag w^lag, and its product with G."""
    matrix: list[dict[int, Fraction]] = []
    for k, row in enumerate(rows):
        line = {k: _ONE}
        for (parent, lag), slope in row.items():
            line[parent] = line.get(parent, _ZERO) - slope * w**lag
        matrix.append({column: v for column, v in line.items() if v})
    right = list(source)
    determinant = _ONE
    left = list(range(len(rows)))  # rows without a pivot
    pivots: list[tuple[int, int]] = []
    for column in range(len(rows)):
        able = [k for k in left if column in matrix[k]]
        if not able:
            return _ZERO, _ZERO
        pivot = min(able, key=lambda k: len(matrix[k]))
        # The sign of the permutation: pivot stands at its place among the rows left.
        determinant *= matrix[pivot][column] * (-1) ** left.index(pivot)
        left.remove(pivot)
        pivots.append((pivot, column))
        for k in able:
            if k != pivot:
                factor = matrix[k][column] / matrix[pivot][column]
                _subtract(matrix[k], matrix[pivot], factor)
                right[k] -= factor * right[pivot]
    solution = [_ZERO] * len(rows)
    for row_place, column in reversed(pivots):
        line = matrix[row_place]
        known = sum((v * solution[c] for c, v in line.items() if c > column), _ZERO)
        solution[column] = (right[row_place] - known) / line[column]
    gain = sum((c * x for c, x in zip(sink, solution, strict=True)), _ZERO)
    return determinant, gain * determinant


def _subtract(line: dict[int, Fraction], other: dict[int, Fraction], factor: Fraction) -> None:
    for column, value in other.items():
        left = line.get(column, _ZERO) - factor * value
        if left:
            line[column] = left
        else:
            line.pop(column, None)


def _interpolated(points: list[Fraction], values: list[Fraction]) -> Coefficients:
    """Return the polynomial through some points, by Newton's divided differences."""
    slopes = list(values)
    for order in range(1, len(points)):
        for k in range(len(points) - 1, order - 1, -1):
            slopes[k] = (slopes[k] - slopes[k - 1]) / (points[k] - points[k - order])
    found = [_ZERO]
    for point, slope in zip(reversed(points), reversed(slopes), strict=True):
        shifted = [_ZERO, *found]
        found = [a - point * b for a, b in zip(shifted, [*found, _ZERO], strict=True)]
        found[0] += slope
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def _deflated(coefficients: Coefficients, sign: int) -> tuple[int, Fraction]:
    """Return how often (w - sign) divides a polynomial, and the quotient's value at sign."""
    order, current = 0, list(coefficients)
    while True:
        value = functools.reduce(lambda total, c: total * sign + c, reversed(current), _ZERO)
        if value:
            return order, value
        order += 1
        quotient: list[Fraction] = []
        carried = _ZERO
        for c in reversed(current[1:]):
            carried = carried * sign + c
            quotient.append(carried)
        current = quotient[::-1]
