"""From one set of states to another, by a model's exact random map: the question and its answer.

The chain is laid on grids of twice as many nodes each; what changes between them is the error. No
diffusion stands in for the chain: committors are those of the steps that it takes.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.transfer.grid import Box, reach
from causalopt.descents.transitions.committors import (
    Committors,
    long_run_law,
    reaching,
    restarted,
    solve_committors,
)
from causalopt.descents.transitions.divided_operator import (
    DividedOperator,
    check_exits,
    divided_axes,
    divided_operator,
)
from causalopt.descents.transitions.reactive_flow import ReactiveFlow, reactive_flow
from causalopt.descents.transitions.state_sets import (
    BETWEEN,
    DESTINATION,
    ORIGIN,
    Division,
    read_set,
)
from causalopt.errors import QuestionError
from causalopt.results import Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, long_work, portion

if TYPE_CHECKING:
    import xarray

    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.model.model import Model

REACH_STEPS = 10_000
FIRST_NODES = {1: 512, 2: 48}
NODES = {1: 8192, 2: 384}
LEAST_NODES = 16
TOLERANCE = {1: 1e-2, 2: 1e-1}
BALANCE, ROUGH = 1e-6, 1e-9
SCALARS = ("committor", "flux", "share", "mean_passage")

Status = Literal["ok", "unresolved"]


@dataclasses.dataclass(frozen=True)
class GridLevel:
    """Everything on one grid.

    Args:
        operator: The chain on it.
        found: Both committors.
        flow: Reactive density, current and flux.
        scalars: The numbers of `SCALARS`.
    """

    operator: DividedOperator
    found: Committors
    flow: ReactiveFlow
    scalars: Array


@dataclasses.dataclass(frozen=True, eq=False)
class Transitions(Tabled, Plotted):
    """How walkers get from the origin to the destination.

    Args:
        model: The model's name.
        names: The coordinates.
        start: The model's start, one number a coordinate.
        restart: Whether walkers that arrive begin anew at the start.
        level: The finest grid.
        forward_error: How much q+ changed at each node from the coarser grids, axis (node,).
        errors: The same for each of `SCALARS`.
        status: `ok`, or `unresolved` where the change is above the aim, or the flux through
            different surfaces differs.
        note: One sentence for people, empty where there is nothing to say.
        provenance: What made these numbers.
    """

    model: str
    names: tuple[str, ...]
    start: tuple[float, ...]
    restart: bool
    level: GridLevel
    forward_error: Array
    errors: Array
    status: Status
    note: str
    provenance: Mapping[str, str]

    @property
    def axes(self) -> tuple[Array, ...]:
        """The nodes along each coordinate."""
        return self.level.operator.axes

    @property
    def labels(self) -> Any:
        """1 in the origin, 2 in the destination, 0 between, one axis a coordinate."""
        return self.level.operator.labels.reshape([len(line) for line in self.axes])

    @property
    def forward(self) -> Array:
        """q+: the probability of reaching the destination first, one axis a coordinate."""
        return self._shaped(self.level.found.forward)

    @property
    def backward(self) -> Array:
        """q-: that the origin was visited last; NaN where walkers never are."""
        return self._shaped(self.level.found.backward)

    @property
    def law(self) -> Array:
        """The stationary law, mass at each node."""
        return self._shaped(self.level.found.law)

    @property
    def density(self) -> Array:
        """How often a walker is at a node on its way, of all steps."""
        return self._shaped(self.level.flow.density)

    @property
    def vectors(self) -> Array:
        """The net reactive move at every node, axes (coordinate, then one a coordinate)."""
        moves = self.level.flow.vectors(self.level.operator.points())
        return moves.reshape(len(self.names), *(len(line) for line in self.axes))

    @property
    def committor(self) -> float:
        """q+ at the start."""
        return float(self.level.scalars[0])

    @property
    def flux(self) -> float:
        """k: reactive walkers a step, of all."""
        return float(self.level.scalars[1])

    @property
    def share(self) -> float:
        """pi(q-): share of time for which the origin was visited last."""
        return float(self.level.scalars[2])

    @property
    def mean_passage(self) -> float:
        """pi(q-) / k: mean steps from first standing in the origin to the destination."""
        return float(self.level.scalars[3])

    def committor_at(self, *point: float) -> float:
        """Return q+ at a point, one number a coordinate.

        Raises:
            QuestionError: Another number of coordinates, or a point outside the grid.

        Example:
            >>> from causalopt import load
            >>> found = transitions(load("sgd_basins"), origin="W < -2", destination="W > 2")
            >>> found.committor_at(-2.5), found.committor_at(2.5)
            (0.0, 1.0)
        """
        if len(point) != len(self.names):
            raise QuestionError(
                f"a state has {len(self.names)} coordinates ({', '.join(self.names)}); "
                f"{len(point)} came"
            )
        for name, line, value in zip(self.names, self.axes, point, strict=True):
            if not line[0] <= value <= line[-1]:
                raise QuestionError(
                    f"{name} = {value:g} lies outside the grid, {line[0]:g} to {line[-1]:g}: ask "
                    "again with a wider span"
                )
        return self.level.operator.expect(self.level.found.forward, point)

    def flux_through(self, condition: Any) -> float:
        """Return the net reactive flux out of a set of nodes.

        Args:
            condition: True inside, one axis a coordinate; all of the origin and nothing of the
                destination.

        Raises:
            QuestionError: The set leaves out nodes of the origin or holds some of the destination.
        """
        inside = np.broadcast_to(condition, self.labels.shape)
        if not inside[self.labels == ORIGIN].all() or inside[self.labels == DESTINATION].any():
            raise QuestionError(
                "a surface between the sets has all of the origin on its inside and all of the "
                "destination outside"
            )
        return self.level.flow.through(inside.ravel())

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with one labelled axis a coordinate, and its provenance."""
        return labelled(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers of the passage as JSON's types; arrays are in the dataset."""
        division = self.level.operator.division
        values = {
            name: {"value": plain_number(value), "error": plain_number(error)}
            for name, value, error in zip(
                SCALARS, self.level.scalars.tolist(), self.errors.tolist(), strict=True
            )
        }
        return {
            "model": self.model,
            "from": division.origin.text,
            "to": division.destination.text,
            "start": dict(zip(self.names, self.start, strict=True)),
            "restart": self.restart,
            **values,
            "nodes": [len(line) for line in self.axes],
            "status": self.status,
            "note": self.note,
        }

    def __repr__(self) -> str:
        division = self.level.operator.division
        start = ", ".join(f"{n} = {v:g}" for n, v in zip(self.names, self.start, strict=True))
        rows = zip(
            (
                f"q+ at {start}",
                "flux k, walkers a step",
                "share of time after the origin",
                "mean passage, steps",
            ),
            self.level.scalars,
            self.errors,
            strict=True,
        )
        again = ", begun anew on arrival" if self.restart else ""
        lines = [f"{self.model}: from {division.origin.text} to {division.destination.text}{again}"]
        lines += [f"  {name}: {value:.6g} +- {error:.2g}" for name, value, error in rows]
        nodes = " x ".join(str(len(line)) for line in self.axes)
        lines.append(f"  {self.status}, {nodes} nodes" + (f": {self.note}" if self.note else ""))
        return "\n".join(lines)

    def _shaped(self, values: Array) -> Array:
        return values.reshape([len(line) for line in self.axes])


@long_work("solving")
def transitions(
    model: Model,
    *,
    origin: str,
    destination: str,
    restart: bool = False,
    span: Mapping[str, tuple[float, float]] | None = None,
    nodes: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Transitions:
    """Return how walkers of a model get from one set of states to another.

    Args:
        model: A model with finite noise and one or two coordinates, such as `sgd_model` writes.
        origin: A condition on the coordinates, such as `W < 1.05`.
        destination: Another, which no state shares with the first.
        restart: Whether a walker that arrives begins anew at the model's start, one step later:
            for chains that do not come back. The start must lie in the origin.
        span: Coordinate -> lowest and highest node; by default as far as walkers get.
        nodes: Most nodes an axis; by default 8192 for one coordinate, 384 for two.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's; the start.
        progress: Called with (done, total, what), in per cent.

    Raises:
        QuestionError: The sets overlap or are empty, no way leads from one to the other or back,
            walkers leave the grid, or the model has no such chain.
        UnknownNameError: It names something that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> asked = {"origin": "W < 1.05", "destination": "W > 1.196", "restart": True}
        >>> found = transitions(load("sgd_pit"), **asked)
        >>> found.status, f"{found.mean_passage:.0f}"
        ('ok', '143')
    """
    del progress  # long_work tells it
    changed = model.replace(parameters=parameters, initial=initial)
    chain = chain_of(changed)
    division = Division(
        read_set(changed, chain.step.names, origin, "the origin"),
        read_set(changed, chain.step.names, destination, "the destination"),
    )
    box = _box(chain.step, chain.start, span)
    levels = _levels(chain.step, division, box, chain.start, restart=restart, most=nodes)
    errors, forward_error = _errors(levels)
    status, note = _verdict(levels[-1], errors)
    provenance = {
        "model": changed.name,
        "model_hash": changed.fingerprint,
        "source": changed.source,
        "origin": origin,
        "destination": destination,
        "restart": str(restart),
        "grids": ", ".join(str(len(level.operator.axes[0])) for level in levels),
        "causalopt": version("causalopt"),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "python": platform.python_version(),
    }
    return Transitions(
        changed.name,
        chain.step.names,
        chain.start,
        restart,
        levels[-1],
        forward_error,
        errors,
        status,
        note,
        provenance,
    )


def _box(
    chain: RandomMap, start: tuple[float, ...], span: Mapping[str, tuple[float, float]] | None
) -> Box:
    """Return the box the grid covers: what is asked for, else what walkers can reach."""
    for name, (low, high) in (span or {}).items():
        if name not in chain.names:
            raise QuestionError(
                f"--span names '{name}', which is no coordinate; {', '.join(chain.names)} are"
            )
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise QuestionError(f"--span takes two numbers LO < HI; {name}={low:g}:{high:g} came")
    asked = dict(span or {})
    if len(asked) == chain.dimension:
        lows, highs = zip(*(asked[name] for name in chain.names), strict=True)
        return Box(lows, highs, closed=False)
    box = reach(chain, np.array(start), np.array(start), steps=REACH_STEPS)
    if not box.closed:
        raise QuestionError(
            f"no box was found that walkers from {start} stay in: name what the grid covers with "
            + " ".join(f"--span {name}=LO:HI" for name in chain.names)
        )
    # The hull is that of probes, which miss a little of it.
    box = box.widened(1e-3)
    ends = [
        asked.get(name, (low, high))
        for name, low, high in zip(chain.names, box.low, box.high, strict=True)
    ]
    return Box(tuple(low for low, _ in ends), tuple(high for _, high in ends), closed=True)


def _levels(
    chain: RandomMap,
    division: Division,
    box: Box,
    start: tuple[float, ...],
    *,
    restart: bool,
    most: int | None,
) -> list[GridLevel]:
    """Double the grid until the numbers settle or the last size is reached."""
    if chain.dimension not in NODES:
        raise QuestionError(
            f"a grid serves one or two coordinates; this chain has {chain.dimension} "
            f"({', '.join(chain.names)})"
        )
    most = NODES[chain.dimension] if most is None else most
    if most < LEAST_NODES:
        raise QuestionError(f"a grid has at least {LEAST_NODES} nodes an axis; {most} came")
    if restart and division.labels(np.array(start)[:, np.newaxis])[0] != ORIGIN:
        raise QuestionError(
            f"with --restart walkers begin anew in the origin; the start {start} lies outside "
            f"'{division.origin.text}': name another with --initial"
        )
    count = most
    while count // 2 >= min(FIRST_NODES[chain.dimension], max(most // 8, LEAST_NODES // 2)):
        count //= 2
    levels: list[GridLevel] = []
    while count <= most:
        # The time goes with the number of nodes of a grid.
        with portion((count / 2 / most) ** chain.dimension, (count / most) ** chain.dimension):
            axes = divided_axes(chain, division, box, count, start)
            operator = divided_operator(chain, division, axes, is_final=restart)
            levels.append(solve_level(operator, start, restart=restart))
        if len(levels) > 3 and _settled(
            _errors(levels)[0], levels[-1].scalars, TOLERANCE[chain.dimension] / 10
        ):
            break
        count *= 2
    # Coarse grids spread walkers further than they go: only the finest one is held to it.
    last = levels[-1]
    check_exits(last.operator, last.found.law, last.flow.flux)
    return levels


def solve_level(operator: DividedOperator, start: tuple[float, ...], *, restart: bool) -> GridLevel:
    """Return committors, flow and numbers on one grid.

    Raises:
        QuestionError: No way leads from one set to the other, or back.
    """
    if not restart:
        _check_ways(operator)
    direct = True if operator.chain.dimension == 1 else None
    found, flow = _solved(operator, start, restart=restart, direct=direct)
    if not _balances(flow, ROUGH):
        found, flow = _solved(operator, start, restart=restart, direct=True)
    chance = operator.expect(found.forward, start)
    scalars = np.array([chance, flow.flux, flow.share, flow.mean_passage])
    return GridLevel(operator, found, flow, scalars)


def _solved(
    operator: DividedOperator, start: tuple[float, ...], *, restart: bool, direct: bool | None
) -> tuple[Committors, ReactiveFlow]:
    matrix, labels = operator.matrix, operator.labels
    begin = operator.place(np.array(start)[:, np.newaxis], np.ones(1))
    last = labels == DESTINATION if restart else np.zeros(len(labels), dtype=bool)
    visited = reaching(matrix.T.tocsr(), begin > 0, stop=last)
    if restart:
        matrix, law = restarted(matrix, labels, begin, direct=direct)
    else:
        law, places = np.zeros(len(labels)), np.flatnonzero(visited)
        law[places] = long_run_law(matrix[places][:, places], direct=direct)
        _check_visits(operator, law)
    found = solve_committors(matrix, labels, law, direct=direct)
    return found, reactive_flow(matrix, labels, found)


def _balances(flow: ReactiveFlow, tolerance: float) -> bool:
    """Whether as many walkers arrive as leave, to a relative tolerance."""
    return abs(flow.flux - flow.arriving) <= tolerance * max(flow.flux, flow.arriving)


def _check_ways(operator: DividedOperator) -> None:
    origin, destination = (operator.labels == label for label in (ORIGIN, DESTINATION))
    sets = operator.division
    first, second = f"'{sets.origin.text}'", f"'{sets.destination.text}'"
    if not np.any(reaching(operator.matrix, destination) & origin):
        raise QuestionError(f"no way leads from {first} to {second}: no walker goes there")
    if not np.any(reaching(operator.matrix, origin) & destination):
        raise QuestionError(
            f"no way leads back from {second} to {first}, so that in the long run no walker is "
            "under way; ask with --restart, which lets those that arrive begin anew at the start"
        )


def _check_visits(operator: DividedOperator, law: Array) -> None:
    for label, found in (
        (ORIGIN, operator.division.origin),
        (DESTINATION, operator.division.destination),
    ):
        if not law[operator.labels == label].sum() > 0:
            raise QuestionError(
                f"in the long run no walker is in '{found.text}': all end elsewhere and stay; ask "
                "with --restart"
            )


def _errors(levels: list[GridLevel]) -> tuple[Array, Array]:
    """Return the errors of the numbers and of q+ at each node: the largest of three changes."""
    scalars = np.stack([level.scalars for level in levels])
    last = levels[-1]
    if len(levels) < 2:
        return np.full(len(SCALARS), np.inf), np.full(len(last.found.forward), np.nan)
    errors = np.abs(np.diff(scalars, axis=0))[-3:].max(axis=0)
    points = last.operator.points()
    forward = np.zeros(points.shape[1])
    for level in levels[-3:-1]:
        forward = np.maximum(forward, np.abs(_carried(level, last) - last.found.forward))
    return errors, forward


def _carried(level: GridLevel, last: GridLevel) -> Array:
    """Return a coarser grid's q+ at the nodes of the last."""
    from causalopt.descents.transitions.divided_operator import shared_corners

    operator = level.operator
    corners, shares, _ = shared_corners(
        operator.axes, last.operator.points(), operator.division, operator.labels
    )
    values: Array = (shares * level.found.forward[corners]).sum(axis=0)
    return np.where(last.operator.labels == BETWEEN, values, last.found.forward)


def _settled(errors: Array, scalars: Array, tolerance: float) -> bool:
    """Whether all numbers are known to a relative tolerance; probabilities of 0 are."""
    return bool(np.all(errors <= tolerance * np.abs(scalars)))


def _verdict(level: GridLevel, errors: Array) -> tuple[Status, str]:
    flow = level.flow
    if not _balances(flow, BALANCE):
        return "unresolved", (
            f"{flow.flux:.3g} walkers a step leave the origin and {flow.arriving:.3g} arrive: the "
            "passage is too rare for the digits of floats"
        )
    if not _settled(errors, level.scalars, TOLERANCE[level.operator.chain.dimension]):
        worst = int(np.argmax(errors / np.maximum(np.abs(level.scalars), 1e-300)))
        return "unresolved", (
            f"{SCALARS[worst]} still changes by {errors[worst]:.2g}: ask for more nodes"
        )
    return "ok", ""
