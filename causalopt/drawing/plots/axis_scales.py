"""Whether the points of an axis are logarithmically spaced, and where their cells end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.ticker import NullLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats

_EVEN = (
    3.0  # ratio of the widest to the narrowest gap up to which logarithms count as evenly spaced
)
_FEW = 6  # points of an axis that are all marked
_MORE = 1.5  # how many times more even the logarithms must be than the points themselves


def is_logarithmic(x: Floats) -> bool:
    """Whether points are spaced by ratios rather than by differences.

    They are three or more, all positive and in order, and the gaps between their logarithms differ
    less than those between themselves.

    Example:
        >>> [is_logarithmic(np.array(x)) for x in ([1e-4, 1e-2, 1.0], [1.0, 2.0, 5.0, 10.0])]
        [True, True]
        >>> [is_logarithmic(np.array(x)) for x in ([1.0, 2.0, 3.0], [1.0, 10.0])]
        [False, False]
    """
    x = np.asarray(x, dtype=float)
    if len(x) < 3 or not np.isfinite(x).all() or not (x > 0).all():
        return False
    plain, logs = np.diff(x), np.diff(np.log(x))
    if not ((plain > 0).all() or (plain < 0).all()):
        return False
    plain, logs = np.abs(plain), np.abs(logs)
    uneven, uneven_logs = plain.max() / plain.min(), logs.max() / logs.min()
    return bool(uneven_logs <= _EVEN and uneven > _MORE * uneven_logs)


def is_spread_by_ratios(x: Floats) -> bool:
    """Whether scattered points, such as those of a design, lie evenly in their logarithms.

    They are positive and reach over a factor of ten or more, and their median is nearer to the
    middle of the range's logarithms than to that of the range.

    Example:
        >>> shares = np.linspace(0, 1, 50) ** 1.1
        >>> is_spread_by_ratios(0.01 * 1e4**shares), is_spread_by_ratios(0.01 + 99.99 * shares)
        (True, False)
    """
    x = np.asarray(x, dtype=float)
    if not len(x) or not np.isfinite(x).all() or not (x > 0).all() or x.max() < 10 * x.min():
        return False
    ends = np.array([x.min(), x.max()])
    aside = (np.median(x) - ends[0]) / np.ptp(ends) - 0.5
    logs = (np.median(np.log(x)) - np.log(ends[0])) / np.ptp(np.log(ends)) - 0.5
    return bool(abs(logs) < abs(aside))


def take_scale(axes: Axes, points: Floats, *, along: Literal["x", "y"] = "x") -> None:
    """Take the scale that points have along an axis, and mark the points where they are few."""
    axis = axes.xaxis if along == "x" else axes.yaxis
    if is_logarithmic(points):
        scale: dict[str, Any] = {f"{along}scale": "log"}
        axes.set(**scale)
    if len(points) <= _FEW:
        axis.set_ticks(points, [f"{point:.4g}" for point in points])
        axis.set_minor_locator(NullLocator())


def edges_on(x: Floats) -> Floats:
    """Return the n + 1 edges of cells round n points, halfway between them on the axis's scale.

    Example:
        >>> edges_on(np.array([1.0, 10.0, 100.0, 1000.0])).round(2).tolist()
        [0.32, 3.16, 31.62, 316.23, 3162.28]
    """
    if is_logarithmic(x):
        found: Floats = np.exp(cell_edges(np.log(x)))
        return found
    return cell_edges(np.asarray(x, dtype=float))


def cell_edges(x: Floats) -> Floats:
    """Return the n + 1 edges of the cells round n points: halfway between neighbours.

    Example:
        >>> cell_edges(np.array([0.0, 1.0, 3.0])).tolist()
        [-0.5, 0.5, 2.0, 4.0]
    """
    if len(x) < 2:
        return np.concatenate((x - 0.5, x + 0.5))
    middles = (x[1:] + x[:-1]) / 2
    return np.concatenate(([2 * x[0] - middles[0]], middles, [2 * x[-1] - middles[-1]]))
