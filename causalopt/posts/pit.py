"""The posts' well and pit, by full batches and one datapoint at a time."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.landscape import landscape
from causalopt.descents.sgd import sgd_model
from causalopt.extras import need
from causalopt.model.files import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.model.model import Model

WELL = "-exp(-(W - 2)**2)"
HOLE = "exp(-100*(W - 1)**2)"


def pit(depth: float = 1.0, *, T: float = 0.02, start: float = 0.0, full: bool = False) -> Model:
    """Return descent on l_0 and l_1, the pit `depth` times as deep; `full` batches draw nothing.

    Example:
        >>> pit(full=True).variables["W"].rule
        'W[t-1] - T*g_W[t-1]'
    """
    how: dict[str, Any] = {"batch": 2, "replacement": False} if full else {}
    losses = {"l0": WELL, "l1": f"{WELL} - {depth!r}*{HOLE}"}
    return sgd_model(losses, T=T, start=start, **how)


def chain_at(T: float) -> RandomMap:
    """Return the shipped pit as a random map at this T."""
    return chain_of(load("sgd_pit").replace(parameters={"T": T})).step


def losses(points: Array) -> dict[str, Array]:
    """Return L, l_0 and l_1 at points, axis (point,)."""
    first = -np.exp(-((points - 2) ** 2))
    second = first - np.exp(-100 * (points - 1) ** 2)
    return {"L": (first + second) / 2, "l_0": first, "l_1": second}


@functools.cache
def stationary(depth: float = 1.0) -> tuple[float, float]:
    """Return the two stationary points of l_1 at the pit: its bottom and its right rim.

    Example:
        >>> [round(point, 3) for point in stationary()]
        [1.004, 1.196]
    """
    seen = landscape(pit(depth))
    slope = functools.partial(seen.evaluate, seen.gradients[1][0])
    return root(slope, 1.0, 1.09), root(slope, 1.1, 1.35)


def root(slope: Callable[[Array], Array], low: float, high: float) -> float:
    """Return where a function of points, axes (parameter, point), is 0 between two values of W."""
    need("scipy")
    from scipy.optimize import brentq  # scipy is slow to load

    return float(brentq(lambda W: float(slope(np.array([[W]]))[0]), low, high))
