"""Quantiles of the normal law, from which normal noise is drawn.

The algorithm and its coefficients are `ndtri` of S. Moshier's Cephes library: rational functions in
the middle and in two ranges of the tails. scipy has the same, and takes a hundred megabytes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from causalopt.engine.contract import Floats

_EDGE = math.exp(-2.0)
_ROOT = 2.50662827463100050242  # of 2 pi
_BLOCK = 1 << 14
_MIDDLE = (
    (-59.9633501014107895267, 98.0010754185999661536, -56.6762857469070293439,
     13.9312609387279679503, -1.23916583867381258016),
    (1.0, 1.95448858338141759834, 4.67627912898881538453, 86.3602421390890590575,
     -225.462687854119370527, 200.260212380060660359, -82.0372256168333339912,
     15.9056225126211695515, -1.18331621121330003142),
)  # fmt: skip
_TAIL = (
    (4.05544892305962419923, 31.5251094599893866154, 57.1628192246421288162,
     44.0805073893200834700, 14.6849561928858024014, 2.18663306850790267539,
     -0.140256079171354495875, -0.0350424626827848203418, -8.57456785154685413611e-4),
    (1.0, 15.7799883256466749731, 45.3907635128879210584, 41.3172038254672030440,
     15.0425385692907503408, 2.50464946208309415979, -0.142182922854787788574,
     -0.0380806407691578277194, -9.33259480895457427372e-4),
)  # fmt: skip
_FAR = (
    (3.23774891776946035970, 6.91522889068984211695, 3.93881025292474443415,
     1.33303460815807542389, 0.201485389549179081538, 0.0123716634817820021358,
     3.01581553508235416007e-4, 2.65806974686737550832e-6, 6.23974539184983293730e-9),
    (1.0, 6.02427039364742014255, 3.67983563856160859403, 1.37702099489081330271,
     0.216236993594496635890, 0.0134204006088543189037, 3.28014464682127739104e-4,
     2.89247864745380683936e-6, 6.79019408009981274425e-9),
)  # fmt: skip


def normal_quantile(probabilities: ArrayLike) -> Floats:
    """Return the numbers below which a standard normal variable lies with given probabilities.

    Args:
        probabilities: Between 0 and 1; 0 and 1 give infinities.

    Returns:
        Quantiles, of the same shape; relative error below 4e-15.

    Example:
        >>> normal_quantile([0.025, 0.5, 0.975]).round(6).tolist()
        [-1.959964, 0.0, 1.959964]
    """
    p = np.asarray(probabilities, dtype=float)
    if p.size <= _BLOCK:
        return _quantile(p)
    found, flat = np.empty(p.size), p.reshape(-1)
    for start in range(0, p.size, _BLOCK):  # what lies between stays in the cache
        found[start : start + _BLOCK] = _quantile(flat[start : start + _BLOCK])
    return found.reshape(p.shape)


def _quantile(p: Floats) -> Floats:
    above = p > 1.0 - _EDGE
    tail = np.where(above, 1.0 - p, p)
    outside = ~(tail > _EDGE)  # also what is not a number
    with np.errstate(all="ignore"):
        quantiles = np.asarray(_middle(p))
        quantiles[outside] = np.where(above, 1.0, -1.0)[outside] * _outer(tail[outside])
    return np.where(tail == 0.0, np.where(above, np.inf, -np.inf), quantiles)


def _middle(p: Floats) -> Floats:
    y = p - 0.5
    square = y * y
    found: Floats = (y + y * (square * _ratio(_MIDDLE, square))) * _ROOT
    return found


def _outer(tail: Floats) -> Floats:
    """Return how far out a tail of some probability begins."""
    x = np.sqrt(-2.0 * np.log(tail))
    z = 1.0 / x
    ratio = _ratio(_TAIL, z)
    if not (x < 8.0).all():
        ratio = np.where(x < 8.0, ratio, _ratio(_FAR, z))
    correction = z * ratio
    found: Floats = x - np.log(x) / x - correction
    return found


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    above, below = (_horner(coefficients, x) for coefficients in polynomials)
    return above / below


def _horner(coefficients: tuple[float, ...], x: Floats) -> Floats:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
