"""Comp and Op of vectors: what total and direct Jacobians have in common, as numbers.

X is the total Jacobian of m by n and Y the direct one, q x p. The rms Op, -ln(|X| / |Y|) with
Frobenius norms, is always defined and is the scalar's for scalars; op_total compares volumes, modes
are the eigenvalues of X Y^-1. See `docs/arrays.md` for what each is invariant under.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from causalopt.engine.arrays.array_plan import Values

_WORST = 1e13  # a condition beyond which a volume or an inverse has no digits


@dataclasses.dataclass(frozen=True, eq=False)
class VectorEffect:
    """Total and direct derivatives of m by n, at one step.

    A derivative is mantissa * 2**exponent.

    Attributes:
        total: Over all paths, mantissas, shape [q, p].
        direct: Over the paths that avoid A, likewise.
        exponents: Of total and direct.
    """

    total: Values
    direct: Values
    exponents: tuple[int, int]

    @property
    def _shift(self) -> float:
        """Log of what direct's unit is in total's."""
        return (self.exponents[1] - self.exponents[0]) * math.log(2.0)

    @property
    def op(self) -> float:
        """The rms Op in nats: -ln of the ratio of Frobenius norms."""
        return _log(_norm(self.direct)) - _log(_norm(self.total)) + self._shift

    @property
    def alignment(self) -> float:
        """The cosine between total and direct: 1 or -1 is the sign of a scalar's Comp."""
        size = float(np.linalg.norm(self.total) * np.linalg.norm(self.direct))
        return float(np.sum(self.total * self.direct)) / size if size else math.nan

    @functools.cached_property
    def _singular(self) -> tuple[Values, Values]:
        return _singular_values(self.total), _singular_values(self.direct)

    @property
    def op_total(self) -> float:
        """Log of the direct volume over the total one, in nats; NaN where it is not resolved.

        For square Jacobians it is -ln |det X / det Y|, and the difference of m's entropies under
        Gaussian nudges.
        """
        if not all(np.isfinite(s).all() for s in self._singular):
            return math.nan
        if any(s[-1] * _WORST <= s[0] for s in self._singular):
            return math.nan
        x, y = (float(np.sum(np.log(s))) for s in self._singular)
        return y - x + len(self._singular[0]) * self._shift

    @property
    def modes(self) -> Values:
        """Op of each eigenvalue of X Y^-1, in nats, ascending; NaN where Y is not inverted.

        Defined for n and m of one size; invariant under changes of n and of m's coordinates alike.
        """
        rows, columns = self.total.shape
        singular = self._singular[1]
        if rows != columns or not np.isfinite(self.total).all():
            return np.full(min(rows, columns), math.nan)
        if not np.isfinite(singular).all() or singular[-1] * _WORST <= singular[0]:
            return np.full(rows, math.nan)
        values = np.linalg.eigvals(np.linalg.solve(self.direct.T, self.total.T).T)
        with np.errstate(divide="ignore"):
            return np.sort(-np.log(np.abs(values)) + self._shift)

    @property
    def gains(self) -> Values:
        """Op of each singular value of X Y^-1, in nats, ascending: they need a metric on m."""
        rows, columns = self.total.shape
        singular = self._singular[1]
        if rows != columns or not np.isfinite(self.total).all():
            return np.full(min(rows, columns), math.nan)
        if not np.isfinite(singular).all() or singular[-1] * _WORST <= singular[0]:
            return np.full(rows, math.nan)
        ratio = np.linalg.solve(self.direct.T, self.total.T).T
        with np.errstate(divide="ignore"):
            return np.sort(-np.log(np.linalg.svd(ratio, compute_uv=False)) + self._shift)

    def along(self, direction: Values) -> float:
        """Return Op in nats for a nudge along one direction of n, shape [p]."""
        x, y = self.total @ direction, self.direct @ direction
        return _log(_norm(y)) - _log(_norm(x)) + self._shift

    def measured_along(self, direction: Values) -> float:
        """Return Op in nats for one direction of m, shape [q]: a nudge in all directions of n."""
        x, y = direction @ self.total, direction @ self.direct
        return _log(_norm(y)) - _log(_norm(x)) + self._shift


def _singular_values(values: Values) -> Values:
    if not np.isfinite(values).all():
        return np.full(min(values.shape), math.nan)
    return np.linalg.svd(values, compute_uv=False)


def _norm(values: Values) -> float:
    return float(np.linalg.norm(values))


def _log(size: float) -> float:
    value = float(size)
    return math.log(value) if value > 0 else -math.inf if value == 0 else math.nan


def norms(rows: Values) -> Values:
    """Return the Euclidean norm of each row, shape [row]; tiny ones do not vanish in squares."""
    if rows.shape[1] == 1:
        return np.abs(rows[:, 0])
    with np.errstate(all="ignore"):
        top = np.max(np.abs(rows), axis=1)
        scale = np.where((top > 0) & np.isfinite(top), top, 1.0)
        found: Values = scale * np.sqrt(np.sum((rows / scale[:, None]) ** 2, axis=1))
    return found


def probe_error(total: Values, direct: Values) -> float:
    """Return the standard error of an rms Op that random probes gave, in nats, by the jackknife.

    Args:
        total: The derivatives along each probe, shape [probe, q].
        direct: Likewise.
    """
    x, y = np.sum(total**2, axis=1), np.sum(direct**2, axis=1)
    count = len(x)
    if count < 2:
        return math.nan
    with np.errstate(all="ignore"):
        left = 0.5 * np.log((y.sum() - y) / (x.sum() - x))
        return float(np.sqrt((count - 1) / count * np.sum((left - left.mean()) ** 2)))
