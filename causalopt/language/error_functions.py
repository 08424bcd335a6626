"""The error function and the normal distribution function on arrays of numpy or of jax.

numpy has neither. Near 0 the quotient is fdlibm's (Sun Microsystems, 1993: s_erf.c). Further out
the quotients are those of W. J. Cody, "Rational Chebyshev approximations for the error function",
Mathematics of Computation 23 (1969), with the coefficients of his CALERF (netlib, specfun), and so
is the way to exp(-x**2/2) without the rounding of x**2. Compiled code takes the same coefficients
from here.

Every branch is computed for every element, so arguments are first held where a branch is finite;
nothing is written in place, as jax asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Ratio: TypeAlias = tuple[Sequence[float], Sequence[float]]

# Coefficients from the highest power down, numerator and denominator.
# erf(z) = z + z * NEAR(z**2) for z up to NEAR_END.
NEAR: Ratio = (
    (
        -2.37630166566501626084e-05,
        -5.77027029648944159157e-03,
        -2.84817495755985104766e-02,
        -3.25042107247001499370e-01,
        1.28379167095512558561e-01,
    ),
    (
        -3.96022827877536812320e-06,
        1.32494738004321644526e-04,
        5.08130628187576562776e-03,
        6.50222499887672944485e-02,
        3.97917223959155352819e-01,
        1.0,
    ),
)
# exp(z**2) * erfc(z) = MIDDLE(z) for z from 0.46875 to FAR_START, and to 1e-12 until 6.
MIDDLE: Ratio = (
    (
        2.15311535474403846343e-8,
        5.64188496988670089180e-1,
        8.88314979438837594118e0,
        6.61191906371416294775e1,
        2.98635138197400131132e2,
        8.81952221241769090411e2,
        1.71204761263407058314e3,
        2.05107837782607146532e3,
        1.23033935479799725272e3,
    ),
    (
        1.0,
        1.57449261107098347253e1,
        1.17693950891312499305e2,
        5.37181101862009857509e2,
        1.62138957456669018874e3,
        3.29079923573345962678e3,
        4.36261909014324715820e3,
        3.43936767414372163696e3,
        1.23033935480374942043e3,
    ),
)
# exp(z**2) * erfc(z) = (1/sqrt(pi) - v * FAR(v)) / z with v = 1/z**2, beyond FAR_START.
FAR: Ratio = (
    (
        1.63153871373020978498e-2,
        3.05326634961232344035e-1,
        3.60344899949804439429e-1,
        1.25781726111229246204e-1,
        1.60837851487422766278e-2,
        6.58749161529837803157e-4,
    ),
    (
        1.0,
        2.56852019228982242072e0,
        1.87295284992346725209e0,
        5.27905102951428412248e-1,
        6.05183413124413191178e-2,
        2.33520497626869185443e-3,
    ),
)
NEAR_END = 0.84375  # of erf
CENTRE_END = 0.67448975  # of ndtr, the quartile: beyond it 1/2 - erf/2 would cancel
FAR_START = 4.0
ERF_END = 6.0  # erf is 1.0 from here on
NDTR_END = 40.0  # ndtr(-x) is 0.0 from here on
SQRT_HALF = 0.70710678118654752440
PER_SQRT_PI = 0.56418958354775628695
GRID = 16.0  # squares of multiples of 1/16 are exact


def erf(np: Any, x: Any) -> Any:
    """Return the error function, elementwise, to 1.5 units in the last place.

    Args:
        np: numpy, or a module with its functions (jax.numpy).
        x: Numbers, of any shape; an infinity gives 1 or -1, NaN stays.
    """
    size = np.abs(x)
    z = np.minimum(size, 1.0)
    near = z + z * _quotient(NEAR, z * z)
    z = np.minimum(size, ERF_END)
    beyond = 1.0 - np.exp(-z * z) * _quotient(MIDDLE, z)
    return np.copysign(np.where(size < NEAR_END, near, beyond), x)


def ndtr(np: Any, x: Any) -> Any:
    """Return the normal distribution function, elementwise, to 8 units in the last place.

    The area under the standard normal density from -inf to x, down to the least floats.

    Args:
        np: numpy, or a module with its functions (jax.numpy).
        x: Numbers, of any shape; an infinity gives 1 or 0, NaN stays.
    """
    size = np.abs(x)
    z = np.minimum(size, 1.0) * SQRT_HALF
    half = 0.5 * (z + z * _quotient(NEAR, z * z))
    size_held = np.minimum(size, NDTR_END)
    whole = np.floor(size_held * GRID) / GRID
    rest = (size_held - whole) * (size_held + whole)
    density = np.exp(-0.5 * whole * whole) * np.exp(-0.5 * rest)
    z = size_held * SQRT_HALF
    tail = 0.5 * density * np.where(z < FAR_START, _quotient(MIDDLE, z), _far(np, z))
    side = np.where(x > 0, 1.0 - tail, tail)
    return np.where(size < CENTRE_END, 0.5 + np.copysign(half, x), side)


def _far(np: Any, z: Any) -> Any:
    z = np.maximum(z, FAR_START)
    v = 1.0 / (z * z)
    return (PER_SQRT_PI - v * _quotient(FAR, v)) / z


def _quotient(ratio: Ratio, z: Any) -> Any:
    return _polynomial(ratio[0], z) / _polynomial(ratio[1], z)


def _polynomial(coefficients: Sequence[float], z: Any) -> Any:
    result: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        result = result * z + coefficient
    return result
