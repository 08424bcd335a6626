"""How many steps escape takes, against T: means, rates, and the straight line through them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.escape.by_operator import event_values, gridded, natural_bounds
from causalopt.descents.escape.escape import Escape
from causalopt.descents.escape.quasi_potential import quasi_potential
from causalopt.descents.transfer.operator import absorb
from causalopt.descents.transfer.spectrum import escape_rate, mean_steps
from causalopt.errors import QuestionError
from causalopt.results import Plotted, Tabled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from causalopt.descents.maps.random_map import Array, RandomMap

REACH_STEPS = 5000


@dataclasses.dataclass(frozen=True, repr=False)
class EscapeTimes(Plotted, Tabled):
    """Steps to escape at several T.

    Args:
        temperatures: T, axis (T,).
        mean: Mean number of steps until the level is first passed, axis (T,).
        error: How much the mean changed from the grid of half the nodes.
        rate: Chance of escape per step once the start is forgotten.
        barrier: The quasi-potential in nats at each T, the theory's log of the mean.
        status: `ok`, or `unresolved` where no digit is left.
    """

    temperatures: Array
    mean: Array
    error: Array
    rate: Array
    barrier: Array
    status: tuple[str, ...]

    def __repr__(self) -> str:
        count = len(self.temperatures)
        return (
            f"mean steps to escape at {count} values of T from {self.temperatures[0]:g} to "
            f"{self.temperatures[-1]:g}: from {self.mean.min():.6g} to {self.mean.max():.6g}"
        )


@dataclasses.dataclass(frozen=True)
class LogLine:
    """`log(mean steps) = intercept + slope x`, fitted by least squares.

    Args:
        intercept: In nats.
        slope: In nats per unit of x.
        r_squared: Share of the variance the line explains.
    """

    intercept: float
    slope: float
    r_squared: float


def steps_to_escape(
    chain_at: Callable[[float], RandomMap],
    temperatures: Sequence[float],
    *,
    start: float,
    beyond: float,
    foot: float | None = None,
    nodes: int = 2000,
) -> EscapeTimes:
    """Return the mean number of steps to first passage at each T.

    The mean solves `(I - M) tau = 1` on the operator; above 1e9 steps, where that loses digits, it
    is the inverse of the escape rate.

    Args:
        chain_at: The random map at a given T.
        temperatures: Values of T.
        start: First position.
        beyond: The level.
        foot: Where the climb of the quasi-potential begins; the start by default.
        nodes: Nodes of the finer of two grids.

    Raises:
        QuestionError: No temperatures.
    """
    if not len(temperatures):
        raise QuestionError("steps to escape need at least one T")
    rows = []
    for temperature in temperatures:
        chain = chain_at(temperature)
        fine, coarse = (_one(chain, start, beyond, count) for count in (nodes, nodes // 2))
        low = start if foot is None else foot
        barrier = quasi_potential(chain, low, beyond)
        rows.append((fine[0], abs(fine[0] - coarse[0]), fine[1], barrier, fine[2]))
    mean, error, rate, barrier_at, status = zip(*rows, strict=True)
    return EscapeTimes(
        np.asarray(temperatures, dtype=float),
        np.array(mean),
        np.array(error),
        np.array(rate),
        np.array(barrier_at),
        tuple(status),
    )


def _one(chain: RandomMap, start: float, beyond: float, nodes: int) -> tuple[float, float, str]:
    question = Escape((start,), beyond, (REACH_STEPS,), passage=True)
    operator = gridded(chain, question, natural_bounds(chain, question), nodes)
    event = event_values(operator, question)
    held = absorb(operator, event > 0)
    inside = event == 0
    inside[-1] = False
    escape = escape_rate(held, inside)
    if escape.rate > 1e-9:
        times = mean_steps(held, inside)
        return float(times @ held.place(np.array([[start]]))), escape.rate, "ok"
    resolved = escape.status == "ok" and escape.rate > 0
    return (
        (1 / escape.rate if escape.rate > 0 else np.inf),
        escape.rate,
        ("ok" if resolved else "unresolved"),
    )


def fit_log_line(x: Array, steps: Array) -> LogLine:
    """Fit a straight line to the logarithm of numbers of steps.

    Args:
        x: T, or 1/T, axis (point,).
        steps: Mean numbers of steps, positive and finite, axis (point,).

    Raises:
        QuestionError: Fewer than three points, or steps that are not positive and finite.

    Example:
        >>> line = fit_log_line(np.array([1.0, 2.0, 3.0]), np.exp(np.array([3.0, 1.0, -1.0])))
        >>> round(line.slope, 12), round(line.r_squared, 12)
        (-2.0, 1.0)
    """
    if len(x) < 3 or not np.all(np.isfinite(steps)) or np.min(steps) <= 0:
        raise QuestionError("a line needs three points or more, with positive and finite steps")
    logs = np.log(steps)
    slope, intercept = np.polyfit(x, logs, 1)
    rest = float(((logs - intercept - slope * x) ** 2).sum())
    total = float(((logs - logs.mean()) ** 2).sum())
    return LogLine(float(intercept), float(slope), 1 - rest / total if total else 1.0)
