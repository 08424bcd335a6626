"""A transfer function by one reduction to Hessenberg form, for systems of many equations.

Q' F Q is upper Hessenberg but for rounding, once for all frequencies; z I less it is then solved by
elimination with pivoting among two rows, in the square of the number of states (Laub, IEEE
Transactions on Automatic Control 26, 1981). All frequencies go through it side by side. The error
is that of the residual in the state space itself, weighed by the solution of the transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from causalopt.engine.contract import Bools, Floats
from causalopt.frequencies.state_space import realisation
from causalopt.frequencies.transfer_system import Complexes, Gains, TransferSystem, powers_of

MANY = 48  # equations from which it takes less time than an elimination at each frequency
_EPS = 2.0**-52
_CHUNK = 4_000_000  # numbers of matrices that are made at once


class HessenbergForm:
    """A system's state space, reduced.

    Args:
        system: The system.
    """

    def __init__(self, system: TransferSystem) -> None:
        self._f, self._b, self._c, self._d = realisation(system)
        self.size = len(self._f)
        reduced: tuple[Any, Any] = scipy.linalg.hessenberg(self._f, calc_q=True)
        self._h, self._q = reduced

    def gains(self, omega: Floats) -> Gains:
        """Return G(e^(i omega)) with bounds of its rounding errors, as `TransferSystem.gains`."""
        value = np.zeros(len(omega), dtype=complex)
        error = np.zeros(len(omega))
        length = max(1, _CHUNK // max(self.size, 1) ** 2)
        for start in range(0, len(omega), length):
            part = slice(start, start + length)
            value[part], error[part] = self._at(powers_of(omega[part], -1))
        return Gains(value, error)

    def _at(self, z: Complexes) -> tuple[Complexes, Floats]:
        with np.errstate(all="ignore"):
            x, a = solve_both(self._h, z, self._q.T @ self._b, self._q.T @ self._c)
            state, weight = self._q @ x, np.abs(self._q @ a)
            size = np.abs(state)
            residual = np.abs(self._b[:, None] - (z * state - self._f @ state))
            gamma = (2 * self.size + 8) * _EPS
            spread = gamma * (size + np.abs(self._f) @ size + np.abs(self._b)[:, None])
            error = (weight * (residual + spread)).sum(axis=0)
            error += gamma * (np.abs(self._c) @ size + abs(self._d))
            value: Complexes = self._d + self._c @ state
        error[np.isnan(error)] = np.inf
        return value, 2.0 * error


def solve_both(h: Floats, z: Complexes, b: Floats, c: Floats) -> tuple[Complexes, Complexes]:
    """Return x and a with (z - h) x = b and its transpose's a = c, shape [state, frequency]."""
    size, count = len(h), len(z)
    u = np.repeat(-h[:, :, None].astype(complex), count, axis=2)
    u[np.arange(size), np.arange(size)] += z
    x = np.repeat(b[:, None].astype(complex), count, axis=1)
    factors = np.zeros((size, count), dtype=complex)
    swaps: Bools = np.zeros((size, count), dtype=bool)
    for k in range(size - 1):
        swap = np.abs(u[k + 1, k]) > np.abs(u[k, k])
        for rows in (u[k : k + 2, k:], x[k : k + 2]):
            upper, lower = np.where(swap, rows[1], rows[0]), np.where(swap, rows[0], rows[1])
            if rows.ndim == 3:
                factors[k] = lower[0] / upper[0]
            rows[0], rows[1] = upper, lower - factors[k] * upper
        swaps[k] = swap
    for k in range(size - 1, -1, -1):
        x[k] = (x[k] - (u[k, k + 1 :] * x[k + 1 :]).sum(axis=0)) / u[k, k]
    a = np.repeat(c[:, None].astype(complex), count, axis=1)
    for k in range(size):
        a[k] /= u[k, k]
        a[k + 1 :] -= u[k, k + 1 :] * a[k]
    for k in range(size - 2, -1, -1):
        above = a[k] - factors[k] * a[k + 1]
        a[k], a[k + 1] = np.where(swaps[k], a[k + 1], above), np.where(swaps[k], above, a[k + 1])
    return x, a
