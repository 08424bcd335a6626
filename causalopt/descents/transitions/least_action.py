"""The least action of an unlikely passage, and the path that it takes.

Two limits make a passage unlikely, and each has its action. `noise`: every step averages n draws
(a minibatch of n, noise of variance 1/n) and n grows; then `P = exp(-n I)` to leading order, with I
the least sum of `L(x_t, x_(t+1) - x_t)` over paths of the exact map. `rate`: steps become short and
many, as those of gradient descent with T -> 0; then I is the least integral of `max theta dx` over
K(x, theta) <= 0, which grows like 1/T. In one coordinate that is `quasi_potential`.

Source: as in `step_costs`; Kifer, Large deviations in dynamical systems and stochastic processes
(1990), for maps.
"""

from __future__ import annotations

import dataclasses
import functools
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from causalopt.descents.chain import start_of
from causalopt.descents.transitions.grid_search import GridSearch
from causalopt.descents.transitions.path_search import (
    CostedPath,
    cheapest_curve,
    cheapest_steps,
    paced,
)
from causalopt.descents.transitions.step_costs import check_spread, step_cost
from causalopt.descents.transitions.step_laws import law_of_model
from causalopt.errors import QuestionError, suggestion
from causalopt.results import Plotted, Tabled, labelled, plain, plain_number
from causalopt.work.progress import Progress, long_work, portion

if TYPE_CHECKING:
    import xarray

    from causalopt.descents.maps.random_map import Array
    from causalopt.descents.transitions.step_costs import StepLaw
    from causalopt.model.model import Model

Limit = Literal["noise", "rate"]
LIMITS: tuple[Limit, ...] = get_args(Limit)
FIRST_STEPS, MOST_STEPS = 16, 1024
SEGMENTS = 128
AIM = 1e-4
ALLOWED = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class LeastAction(Plotted, Tabled):
    """The cheapest path from a start to an end.

    Args:
        model: The model's name.
        names: The coordinates.
        limit: `noise` or `rate`.
        path: Places, costs and tilts.
        error: How much the action changed from half the steps or segments; 0 where the number of
            steps was asked for.
        status: `ok`, or `unresolved` where the search has not settled or the change is large.
        provenance: What made these numbers.
    """

    model: str
    names: tuple[str, ...]
    limit: Limit
    path: CostedPath
    error: float
    status: Literal["ok", "unresolved"]
    provenance: Mapping[str, str]

    @property
    def action(self) -> float:
        """I, in nats a draw."""
        return self.path.action

    @property
    def places(self) -> Array:
        """The path, axes (coordinate, place)."""
        return self.path.places

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The path with one labelled axis of coordinates and one of places."""
        return labelled(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the path and its action as JSON's types."""
        return {
            "model": self.model,
            "limit": self.limit,
            "action": plain_number(self.action),
            "error": plain_number(self.error),
            "steps": len(self.path.costs),
            "path": {name: plain(line) for name, line in zip(self.names, self.places, strict=True)},
            "costs": plain(self.path.costs),
            "status": self.status,
        }

    def __repr__(self) -> str:
        ends = [
            ", ".join(f"{n} = {v:.6g}" for n, v in zip(self.names, at, strict=True))
            for at in (self.places[:, 0], self.places[:, -1])
        ]
        count = len(self.path.costs)
        how = {"noise": f"{count} steps", "rate": f"many small steps, {count} segments"}[self.limit]
        return (
            f"{self.model}: least action from {ends[0]} to {ends[1]}\n"
            f"  {self.action:.6g} +- {self.error:.2g} nats a draw, {how} ({self.status})"
        )


@long_work("searching a path")
def least_action(
    model: Model,
    *,
    end: Mapping[str, float],
    limit: Limit = "noise",
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> LeastAction:
    """Return the cheapest path from the model's start to an end, and its action.

    Args:
        model: A model with finite or normal noise, normal noise entering linearly.
        end: Coordinate -> value, all of them.
        limit: `noise`: a step averages many draws; `rate`: steps are small and many.
        steps: The number of steps, with the limit `noise`; by default doubled until the action no
            longer falls, which from an attractor is its quasi-potential. In one coordinate the
            search begins at the best path on a grid, in several at the curve for small steps: there
            it finds the cheapest path near that curve.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's; the start.
        progress: Called with (done, total, what), in per cent.

    Raises:
        QuestionError: The end is not a state, or no draws lead there; or the noise has no known
            action.
        UnknownNameError: It names something that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> found = least_action(load("sgd_pit"), end={"W": 1.195956}, limit="rate")
        >>> f"{found.action * 0.02:.3f}"
        '0.132'
    """
    del progress  # long_work tells it
    if limit not in LIMITS:
        raise QuestionError(f"--limit is one of {', '.join(LIMITS)}; '{limit}' came")
    if steps is not None and (limit == "rate" or steps < 1):
        raise QuestionError(
            f"--steps is a positive number and goes with --limit noise; {steps} came with {limit}"
        )
    changed = model.replace(parameters=parameters, initial=initial)
    law = law_of_model(changed)
    start = np.array(start_of(changed))
    goal = _end(law, end)
    if np.array_equal(start, goal):
        raise QuestionError("the start is the end: name another with --initial or --end")
    check_spread(law, start)
    path, error = _searched(law, start, goal, limit=limit, steps=steps)
    fine = path.settled and error <= ALLOWED * path.action
    provenance = {
        "model": changed.name,
        "model_hash": changed.fingerprint,
        "source": changed.source,
        "limit": limit,
        "causalopt": version("causalopt"),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "python": platform.python_version(),
    }
    status: Literal["ok", "unresolved"] = "ok" if fine else "unresolved"
    return LeastAction(changed.name, law.names, limit, path, error, status, provenance)


def _end(law: StepLaw, end: Mapping[str, float]) -> Array:
    for name in end:
        if name not in law.names:
            raise QuestionError(
                f"--end names '{name}', which is no coordinate{suggestion(name, law.names)}: "
                f"{', '.join(law.names)} are"
            )
    missing = [name for name in law.names if name not in end]
    if missing:
        raise QuestionError(
            f"an end is one number a coordinate; {', '.join(missing)} came without: add "
            + " ".join(f"--end {name}=V" for name in missing)
        )
    goal = np.array([float(end[name]) for name in law.names])
    if not np.isfinite(goal).all():
        raise QuestionError(f"an end is finite numbers; {dict(end)} came")
    return goal


def _searched(
    law: StepLaw, start: Array, goal: Array, *, limit: Limit, steps: int | None
) -> tuple[CostedPath, float]:
    """Return the cheapest path and how much its action changed from half its size."""
    if limit == "rate":
        coarse, fine = (
            _found(cheapest_curve(law, straight(start, goal, count)), limit)
            for count in (SEGMENTS // 2, SEGMENTS)
        )
        return fine, abs(fine.action - coarse.action)
    curve = cheapest_curve(law, straight(start, goal, SEGMENTS))
    grid = GridSearch(law, float(start[0]), float(goal[0])) if law.dimension == 1 else None
    if steps is not None:
        return _found(_cheapest(law, curve, grid, steps), limit, steps), 0.0
    best, error, count = None, np.inf, FIRST_STEPS
    while count <= MOST_STEPS:
        with portion(count / 2 / MOST_STEPS, count / MOST_STEPS):
            found = _cheapest(law, curve, grid, count)
        if best is not None:
            # To wait first is free at a fixed point: more steps never need to cost more.
            waited = cheapest_steps(law, _waiting(best.places, count))
            found = min(found, waited, key=lambda path: path.action)
        if np.isfinite(found.action):
            error = np.inf if best is None else abs(best.action - found.action)
            best = found
            if error <= AIM * found.action:
                break
        count *= 2
    if best is None:
        raise _out_of_reach(MOST_STEPS)
    return best, float(error)


def _cheapest(law: StepLaw, curve: CostedPath, grid: GridSearch | None, count: int) -> CostedPath:
    """Return the cheapest path of so many steps that a search from several first ones finds."""
    firsts = [straight(curve.places[:, 0], curve.places[:, -1], count)]
    if np.isfinite(curve.action):
        along = paced(law, curve, count)
        if np.isfinite(step_cost(law, along[:, :-1], np.diff(along)).value.sum()):
            firsts = [along]
    on_grid = None if grid is None else grid.path(count)
    if on_grid is not None:
        firsts.append(on_grid)
    found = [cheapest_steps(law, first) for first in firsts]
    return min(found, key=lambda path: path.action)


def _waiting(places: Array, count: int) -> Array:
    """Return a path of so many steps that first waits at its start."""
    extra = count + 1 - places.shape[1]
    return np.concatenate([np.tile(places[:, :1], extra), places], axis=1)


def straight(start: Array, goal: Array, count: int) -> Array:
    """Return even steps along a line, axes (coordinate, place)."""
    share = np.linspace(0, 1, count + 1)
    return np.asarray(start[:, np.newaxis] + np.outer(goal - start, share))


def _found(path: CostedPath, limit: Limit, steps: int | None = None) -> CostedPath:
    if not np.isfinite(path.action):
        if limit == "rate":
            raise QuestionError(
                "no draws lead there: somewhere on the straight line to the end no outcome of the "
                "noise moves walkers towards it, so that way costs without end; ask for another end"
            )
        raise _out_of_reach(steps)
    return path


def _out_of_reach(steps: int | None) -> QuestionError:
    return QuestionError(
        f"no draws lead along a straight line to the end in {steps} steps: the moves of a step do "
        "not reach so far, or none goes that way; ask for more steps, or for another end"
    )
