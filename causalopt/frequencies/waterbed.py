"""Bode's integral: the mean of Op over all frequencies, by quadrature and from poles and zeros.

For Comp = c z^k prod(z - zero) / prod(z - pole) Jensen's formula gives the mean of ln |Comp| as
ln |c| + sum of ln |zero| - sum of ln |pole| over those outside the unit circle. For a stable loop
with a delay (c = 1) it is the sum over the unstable poles of the open loop (Sung & Hara,
International Journal of Control 48, 1988): what A removes at some frequencies it adds at others.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.frequencies.state_space import PolesZeros
from causalopt.frequencies.transfer_system import Complexes

_HALF = 3.4  # the quadrature's variable runs from -_HALF to _HALF
_STEP = 0.05


@dataclasses.dataclass(frozen=True)
class Waterbed:
    """The mean of Op over frequencies from 0 to the Nyquist frequency, in nats.

    Attributes:
        mean_op: By quadrature.
        error: What it differs by from half as many points.
        by_roots: By Jensen's formula, from the poles and zeros of both transfer functions.
        removed: The integral of Op over the frequencies where A removes, divided by pi.
        added: The same where A adds; removed + added = mean_op.
    """

    mean_op: float
    error: float
    by_roots: float
    removed: float
    added: float


def waterbed(
    comp: Callable[[Floats], Complexes], total: PolesZeros, direct: PolesZeros, breaks: Floats
) -> Waterbed:
    """Return the integral.

    Args:
        comp: Comp as a function of frequency.
        total: Poles and zeros of G_x.
        direct: Those of G_y.
        breaks: Frequencies between 0 and pi at which the integrand may bend.
    """
    ends = np.unique(np.concatenate([[0.0], breaks[(breaks > 0) & (breaks < math.pi)], [math.pi]]))
    ends = ends[np.concatenate([[True], np.diff(ends) > 1e-9])]
    ends[-1] = math.pi
    nodes, weights = _double_exponential(ends)
    with np.errstate(all="ignore"):
        op = -np.log(np.abs(comp(nodes.ravel()))).reshape(nodes.shape)
    op = np.where(np.isfinite(op), op, 0.0)  # at a zero or pole itself, of no measure
    fine = float((weights * op).sum()) / math.pi
    coarse = 2 * float((weights[:, ::2] * op[:, ::2]).sum()) / math.pi
    removed = float((weights * np.maximum(op, 0.0)).sum()) / math.pi
    return Waterbed(fine, abs(fine - coarse), _by_roots(total, direct), removed, fine - removed)


def _by_roots(total: PolesZeros, direct: PolesZeros) -> float:
    if total.delay is None or direct.delay is None:
        return math.nan
    x, y = (
        math.log(abs(one.lead)) + _outside(one.zeros) - _outside(one.poles)
        for one in (total, direct)
    )
    return y - x


def _outside(roots: Complexes) -> float:
    sizes = np.abs(roots)
    return float(np.log(sizes[sizes > 1]).sum())


def _double_exponential(ends: Floats) -> tuple[Floats, Floats]:
    """Return nodes and weights of tanh-sinh quadrature, shape [interval, node].

    It takes logarithms of 0 at the ends of its intervals (Takahasi & Mori 1974).
    """
    t = np.arange(-_HALF, _HALF + _STEP / 2, _STEP)
    inner = math.pi / 2 * np.sinh(t)
    # The distance from the nearer end, which 1 - tanh would lose by cancellation.
    near = 1 / (1 + np.exp(2 * np.abs(inner)))
    slope = math.pi / 2 * np.cosh(t) / np.cosh(inner) ** 2 / 2
    low, high = ends[:-1, None], ends[1:, None]
    nodes = np.where(t < 0, low + (high - low) * near, high - (high - low) * near)
    return nodes, (high - low) * slope * _STEP
