"""A law over time: mean and standard deviation by operator, diffusion and ensemble side by side.

This is post 2's validation: the three pictures start from the same weighted points.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.diffusions.fokker_planck import diffusion, evolve
from causalopt.descents.transfer.grid import Box, reach, spread_nodes
from causalopt.descents.transfer.operator import transfer_operator
from causalopt.descents.walkers.ensemble import run_ensemble
from causalopt.errors import QuestionError
from causalopt.results import Plotted, Tabled
from causalopt.worlds.normal_quantile import normal_quantile

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array, RandomMap


@dataclasses.dataclass(frozen=True, repr=False)
class Evolution(Plotted, Tabled):
    """A law seen at several steps.

    Args:
        times: Steps, axis (time,).
        nodes: Where the mass sits, axis (node,); empty for an ensemble.
        mass: axes (time, node); empty for an ensemble.
        mean: axis (time,).
        deviation: Standard deviation, axis (time,).
        lost: Largest mass outside the grid at any time; for a diffusion, whose walls let nothing
            out, what the rounding of all steps would have come to.
    """

    times: Array
    nodes: Array
    mass: Array
    mean: Array
    deviation: Array
    lost: float

    def __repr__(self) -> str:
        where = f"on {len(self.nodes)} nodes" if len(self.nodes) else "of walkers"
        return (
            f"law {where} at {len(self.times)} steps: mean {self.mean[-1]:.6g}, standard deviation "
            f"{self.deviation[-1]:.6g} at the last"
        )


def normal_points(mean: float, deviation: float, count: int) -> Array:
    """Return equally likely points of a normal law: its quantiles at (i + 1/2) / count.

    Example:
        >>> [round(float(point), 4) for point in normal_points(0.0, 1.0, 2)]
        [-0.6745, 0.6745]
    """
    return np.asarray(mean + deviation * normal_quantile((np.arange(count) + 0.5) / count))


def evolve_by_operator(
    chain: RandomMap, points: Array, times: Array, *, nodes: int = 2000, bounds: Box | None = None
) -> Evolution:
    """Push equally weighted points through the transfer operator.

    Args:
        chain: The random map, of one coordinate.
        points: First positions, axis (point,).
        times: Increasing whole numbers of steps.
        nodes: Nodes of the grid.
        bounds: Where the grid lies; by default as far as the chain reaches.
    """
    steps = _whole(times)
    box = bounds or _bounds(chain, points, steps)
    operator = transfer_operator(chain, (spread_nodes(chain, box, nodes),))
    law, laws, now = operator.place(points[np.newaxis]), [], 0
    for step in steps:
        law, now = operator.push(law, steps=step - now), step
        laws.append(law)
    mass = np.stack(laws)
    return _described(times, operator.axes[0], mass[:, :-1], float(mass[:, -1].max()))


def evolve_by_diffusion(
    chain: RandomMap,
    points: Array,
    times: Array,
    *,
    alpha: float = 0.0,
    cells: int = 2000,
    step: float = 0.5,
    bounds: Box | None = None,
) -> Evolution:
    """Push equally weighted points through the Fokker-Planck equation.

    Args:
        chain: The random map, of one coordinate.
        points: First positions, axis (point,).
        times: Increasing times in steps.
        alpha: 0 (Ito), 1/2 (Stratonovich) or 1 (Fick).
        cells: Cells of the grid.
        step: Longest time step.
        bounds: Where the grid lies; by default as far as the chain reaches, and a quarter more.
    """
    box = bounds or _bounds(chain, points, _whole(times)).widened(0.25)
    line = diffusion(chain, spread_nodes(chain, box, cells + 1), alpha=alpha)
    mass = np.mean([line.place(float(point)) for point in points], axis=0)
    flow = evolve(line, mass, np.asarray(times, dtype=float), step=step)
    return _described(times, line.centres, flow.mass, flow.restored)


def evolve_by_ensemble(
    chain: RandomMap, points: Array, times: Array, *, copies: int = 1, seed: int = 0
) -> Evolution:
    """Run walkers from each point, `copies` of each; mean and deviation only."""
    start = np.repeat(points, copies)[np.newaxis]
    run = run_ensemble(chain, start, _whole(times), seed=seed)
    states = run.states[:, 0]
    empty = np.zeros(0)
    return Evolution(
        np.asarray(times, dtype=float),
        empty,
        np.zeros((len(states), 0)),
        states.mean(axis=1),
        states.std(axis=1),
        run.overflowed / start.shape[1],
    )


def _whole(times: Array) -> list[int]:
    steps = [int(time) for time in times]
    if steps != list(times) or steps[0] < 0 or any(np.diff(steps) <= 0):
        raise QuestionError(f"times are increasing whole numbers of steps; {list(times)} came")
    return steps


def _bounds(chain: RandomMap, points: Array, steps: list[int]) -> Box:
    low, high = np.array([points.min()]), np.array([points.max()])
    return reach(chain, low, high, steps=max(steps[-1], 1)).widened(0.005)


def _described(times: Array, nodes: Array, mass: Array, lost: float) -> Evolution:
    whole = mass.sum(axis=1)
    mean = mass @ nodes / whole
    second = mass @ nodes**2 / whole
    deviation = np.sqrt(np.maximum(second - mean**2, 0.0))
    return Evolution(np.asarray(times, dtype=float), nodes, mass, mean, deviation, lost)
