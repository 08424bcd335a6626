"""Which of two basins wins, over their width, depth and noise: by the chain, and by its action.

The chain is asked by its stationary law and its escape rates (`escape.basins`), the action by what
it costs to climb out of either. The two need not agree: the action is the limit of small steps, and
leaves out how often a walker tries.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.escape.basins import compare_basins
from causalopt.descents.escape.quasi_potential import quasi_potential
from causalopt.descents.transfer.grid import reach
from causalopt.errors import QuestionError
from causalopt.results import Plotted, Tabled, labelled, plain
from causalopt.work.progress import Progress, long_work, through

if TYPE_CHECKING:
    import xarray
    from numpy.typing import ArrayLike, NDArray

    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.model.model import Model

NODES = 400
PROBES = 4001
POINTS = 1001
LONG = 4000
MOST_POINTS = 10_000
UNDECIDED = 0.01  # nats: actions closer than that name no winner


@dataclasses.dataclass(frozen=True, eq=False)
class BasinDiagram(Plotted, Tabled):
    """Two basins at every point of a grid of parameters.

    Args:
        model: The model's name.
        axes: Parameter -> its values.
        barrier: The place between the basins.
        right: Share of time on the right of the barrier, one axis a parameter.
        right_error: How much it changed from half the nodes.
        leave_left: Chance a step of leaving the left basin, the start forgotten.
        leave_right: Of leaving the right one.
        climb_left: Action in nats of climbing out of the left basin; infinite if no walker can.
        climb_right: Of climbing out of the right one.
        status: `ok`, `leaves`, `unresolved` (the law has no digits left, or changed too much), or
            `one_basin` where one side has no minimum of its own.
        provenance: What made these numbers.
    """

    model: str
    axes: Mapping[str, Array]
    barrier: float
    right: Array
    right_error: Array
    leave_left: Array
    leave_right: Array
    climb_left: Array
    climb_right: Array
    status: NDArray[np.str_]
    provenance: Mapping[str, str]

    @property
    def winner(self) -> NDArray[np.str_]:
        """`left` or `right`, by share of time; `neither` where it is 1/2 to within its error."""
        return _winners(self.right - 0.5, np.maximum(self.right_error, 1e-9))

    @property
    def winner_by_action(self) -> NDArray[np.str_]:
        """The basin that it costs more to leave; `neither` where that is the same."""
        with np.errstate(invalid="ignore"):
            apart = self.climb_right - self.climb_left
        return _winners(np.where(np.isnan(apart), 0.0, apart), UNDECIDED)

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Whether both name the same winner."""
        return np.asarray(self.winner == self.winner_by_action)

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The diagram with one labelled axis a parameter."""
        return labelled(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the diagram as JSON's types, arrays flattened in the order of the axes."""
        numbers = {
            name: plain(getattr(self, name).ravel())
            for name in (
                "right",
                "right_error",
                "leave_left",
                "leave_right",
                "climb_left",
                "climb_right",
            )
        }
        return {
            "model": self.model,
            "axes": {name: values.tolist() for name, values in self.axes.items()},
            "barrier": self.barrier,
            "shape": list(self.right.shape),
            **numbers,
            "winner": self.winner.ravel().tolist(),
            "winner_by_action": self.winner_by_action.ravel().tolist(),
            "status": self.status.ravel().tolist(),
        }

    def __repr__(self) -> str:
        spans = ", ".join(f"{n} {v[0]:g} to {v[-1]:g}" for n, v in self.axes.items())
        fine = self.status == "ok"
        right = int(np.count_nonzero((self.winner == "right") & fine))
        agree = int(np.count_nonzero(self.agrees & fine))
        return (
            f"{self.model}: basins on either side of {self.barrier:g} over {spans}\n"
            f"  {int(fine.sum())} of {fine.size} points ok; the right one wins at {right}, the "
            f"left one at {int(np.count_nonzero((self.winner == 'left') & fine))}\n"
            f"  the action names the same winner at {agree}"
        )


@long_work("solving")
def basin_diagram(
    model: Model,
    grid: Mapping[str, ArrayLike],
    *,
    barrier: float,
    nodes: int = NODES,
    parameters: Mapping[str, int | float | str] | None = None,
    progress: Progress | None = None,
) -> BasinDiagram:
    """Return which of two basins wins at every point of a grid of parameters.

    Args:
        model: A model of one coordinate with finite noise, such as `sgd_basins`.
        grid: Parameter -> its values, such as width, depth, noise or learning rate.
        barrier: The place between the basins.
        nodes: Nodes of the finer of two grids of the coordinate.
        parameters: Values of other parameters that replace the model's.
        progress: Called with (done, total, what), in points.

    Raises:
        QuestionError: No axes or too many points, an axis that is no list of numbers or has a value
            in `parameters` too, no finite barrier, or the model has no chain of one coordinate.
        UnknownNameError: It names something that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> found = basin_diagram(load("sgd_basins"), {"width_left": [0.8, 1.2]}, barrier=0)
        >>> found.winner.tolist()
        ['right', 'left']
    """
    del progress  # long_work tells it
    if not math.isfinite(barrier):
        raise QuestionError(f"a barrier is a finite number between the basins; {barrier} came")
    axes = {name: _axis(name, values) for name, values in grid.items()}
    if twice := sorted(set(axes) & set(parameters or {})):
        raise QuestionError(f"'{twice[0]}' is an axis of the diagram and has a value in parameters")
    shape = tuple(len(values) for values in axes.values())
    if not axes or not 0 < np.prod(shape) <= MOST_POINTS:
        raise QuestionError(
            f"a diagram is over one or more parameters and at most {MOST_POINTS} points; axes "
            f"{list(axes)} of {list(shape)} values came"
        )
    rows = []
    for values in through(itertools.product(*axes.values()), int(np.prod(shape))):
        changed = {**(parameters or {}), **dict(zip(axes, map(float, values), strict=True))}
        chain = chain_of(model.replace(parameters=changed)).step
        if chain.dimension != 1:
            raise QuestionError(
                f"two basins on either side of a number need one coordinate; this chain has "
                f"{chain.dimension} ({', '.join(chain.names)})"
            )
        rows.append(_point(chain, barrier, nodes))
    columns: Any = [np.array(column).reshape(shape) for column in zip(*rows, strict=True)]
    provenance = {
        "model": model.name,
        "model_hash": model.replace(parameters=parameters).fingerprint,
        "source": model.source,
        "nodes": str(nodes),
        "causalopt": version("causalopt"),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "python": platform.python_version(),
    }
    return BasinDiagram(model.name, axes, float(barrier), *[*columns, provenance])


def _axis(name: str, values: ArrayLike) -> Array:
    try:
        axis = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        axis = np.empty((0, 0))
    if axis.ndim != 1:
        raise QuestionError(f"the axis '{name}' is a list of numbers; {values!r} came")
    return axis


def _point(chain: RandomMap, barrier: float, nodes: int) -> tuple[Any, ...]:
    at = np.array([barrier])
    box = reach(chain, at - 1.0, at + 1.0, steps=LONG).widened(0.005)
    fine, coarse = (
        compare_basins(chain, barrier, bounds=box, nodes=count) for count in (nodes, nodes // 2)
    )
    whole = fine.left + fine.right
    error = abs(fine.right - coarse.right)
    left, right = (_climb(chain, barrier, far) for far in (box.low[0], box.high[0]))
    status = fine.status
    if left is None or right is None:
        status = "one_basin"
    elif status == "ok" and not (abs(whole - 1) < 1e-6 and error < 0.05):
        status = "unresolved"
    climbs = [np.nan if climb is None else climb for climb in (left, right)]
    return (fine.right, error, fine.leave_left, fine.leave_right, *climbs, status)


def _climb(chain: RandomMap, barrier: float, far: float) -> float | None:
    """Return what it costs to climb to the barrier from the nearest minimum towards `far`.

    A minimum is where the mean move changes from away to towards the barrier; None without one.
    """
    side = np.sign(far - barrier)
    line = np.linspace(barrier, far, PROBES)[1:]
    drift = side * chain.drift(line[np.newaxis])[0]
    settles = np.flatnonzero((drift[:-1] > 0) & (drift[1:] <= 0))
    if not len(settles):
        return None
    first = settles[0]
    share = drift[first] / (drift[first] - drift[first + 1])
    minimum = float(line[first] + share * (line[first + 1] - line[first]))
    return quasi_potential(chain, minimum, barrier, points=POINTS)


def _winners(apart: Array, level: float | Array) -> NDArray[np.str_]:
    return np.where(apart > level, "right", np.where(apart < -level, "left", "neither"))
