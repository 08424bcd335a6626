"""Linear recurrences of exact sequences: the shortest one, and how fast its solutions grow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

_ACCURATE = 1e-6  # of a root: an error beyond it, and its size is not known


def shortest_recurrence(terms: Sequence[Fraction]) -> list[Fraction]:
    """Return c with terms[n] = c[0] terms[n - 1] + c[1] terms[n - 2] + ..., by Berlekamp-Massey.

    It holds from its own length on; that many terms twice fix it (Massey 1969). Last coefficients
    of 0 stand for terms at the start that do not follow it.

    Example:
        >>> shortest_recurrence([Fraction(x) for x in (1, 1, 2, 3, 5, 8)])
        [Fraction(1, 1), Fraction(1, 1)]
    """
    now, before = [Fraction(1)], [Fraction(1)]
    length, gap, last = 0, 1, Fraction(1)
    for n, term in enumerate(terms):
        off = term + sum(c * terms[n - i] for i, c in enumerate(now) if 0 < i <= n)
        if not off:
            gap += 1
            continue
        shifted = [Fraction(0)] * gap + [off / last * c for c in before]
        size = max(len(now), len(shifted))
        padded = [[*x, *[Fraction(0)] * (size - len(x))] for x in (now, shifted)]
        new = [a - b for a, b in zip(*padded, strict=True)]
        if 2 * length <= n:
            length, before, last, gap = n + 1 - length, now, off, 1
        else:
            gap += 1
        now = new
    found = [-c for c in now[1:]]
    return (found + [Fraction(0)] * length)[:length]


def log_largest_root(recurrence: Sequence[Fraction]) -> float | None:
    """Return the growth per step of a recurrence's solutions, the logarithm of its largest root.

    It is -inf where all roots are 0, and None where rounding leaves it unknown.

    Example:
        >>> round(log_largest_root([Fraction(5), Fraction(-6)]), 12) == round(math.log(3), 12)
        True
    """
    whole = _trimmed([Fraction(1), *(-c for c in recurrence)])
    if len(whole) == 1:
        return -math.inf
    simple = _divided(whole, _common(whole, _slope(whole)))[0]
    # Of the substitution z -> 2^shift z all coefficients are 1 at most.
    shift = max(math.ceil(_log2(c) / k) for k, c in enumerate(simple) if k and c)
    scaled = [float(c / Fraction(2) ** (shift * k)) for k, c in enumerate(simple)]
    root = max(np.roots(scaled), key=abs)
    degree = len(scaled) - 1
    sizes = np.polyval(np.abs(scaled), abs(root))
    left = abs(np.polyval(scaled, root)) + 4 * degree * 2.0**-53 * sizes
    steep = abs(np.polyval(np.polyder(scaled), root))
    if not degree * left <= _ACCURATE * steep * abs(root):
        return None
    return math.log(abs(root)) + shift * math.log(2)


def _log2(value: Fraction) -> int:
    """Return the logarithm's next whole number or the one after it."""
    return value.numerator.bit_length() - value.denominator.bit_length() + 1


def _trimmed(polynomial: list[Fraction]) -> list[Fraction]:
    """Leave out roots at 0: coefficients stand with that of the highest power first."""
    end = max(k for k, c in enumerate(polynomial) if c)
    return polynomial[: end + 1]


def _slope(polynomial: list[Fraction]) -> list[Fraction]:
    degree = len(polynomial) - 1
    return [c * (degree - k) for k, c in enumerate(polynomial[:-1])]


def _divided(whole: list[Fraction], part: list[Fraction]) -> tuple[list[Fraction], list[Fraction]]:
    """Return a quotient and the rest without its zeros in front."""
    rest, quotient = list(whole), []
    while len(rest) >= len(part):
        factor = rest[0] / part[0]
        quotient.append(factor)
        rest = [c - factor * (part[k] if k < len(part) else 0) for k, c in enumerate(rest)][1:]
    first = next((k for k, c in enumerate(rest) if c), len(rest))
    return quotient, rest[first:]


def _common(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    """Return the greatest common divisor, its first coefficient 1."""
    while b:
        a, b = b, _divided(a, b)[1]
    return [c / a[0] for c in a]
