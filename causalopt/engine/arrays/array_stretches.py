"""A world run in stretches: loops over the steps at which rules alone act, and careful steps.

At a careful step something starts, or is done to a node: there one variable follows the other.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from causalopt.engine.arrays.array_course import Draw, Row, given_values, touched
from causalopt.engine.arrays.array_executions import chosen
from causalopt.engine.arrays.array_loop import (
    ArrayLoop,
    Key,
    StepGraph,
    array_loop,
    is_disturbed,
    pruned,
    value_graph,
)
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_scan import Scanned, scanned
from causalopt.engine.arrays.array_step import single
from causalopt.work.progress import tick
from causalopt.work.threads import Pace

_LENGTH = 256  # steps of a stretch at most: progress is told between them
_SCANNED = 64  # steps from which a stretch is worth a call of JAX
_SCANNED_NUMBERS = 1 << 24  # numbers of all nodes in such a stretch, at most
_BLOCK = 1 << 20  # numbers of nodes that are given out at one go
_DRAWN = 1 << 20  # numbers of noise that are drawn ahead


class Disturb(Protocol):
    """Moves W's values by a unit of their last place.

    Attributes:
        number: Which disturbance it is, from 1 up; the tangents' operations have one of their own.
        factors: What values are multiplied by.
    """

    number: int
    factors: Values

    def value(self, key: Key, value: Any) -> Any:
        """Return a node's value times some of the factors."""


class Stretches:
    """The course of one world, run on as far as is asked for.

    Args:
        plan: The run.
        draw: Gives the noises' values at a step.
        disturb: Moves the values of nodes that are rounded.
        wanted: The nodes that will be asked for; all others are run only where these need them.
        execution: `numpy`, or `jax` for the stretches that are long enough; by the work when None.
    """

    def __init__(
        self,
        plan: ArrayPlan,
        draw: Draw | None = None,
        disturb: Disturb | None = None,
        wanted: Iterable[Key] | None = None,
        execution: str | None = None,
    ) -> None:
        self._asked = execution
        self._wanted = None if wanted is None else frozenset(wanted)
        self.plan, self._draw, self._disturb = plan, draw, disturb
        self.t = 0  # the next step
        self.state: Row = {}  # (kind, variable, lag) -> what the next step reads
        self._is_owned = False  # whether nothing else has a view of the state's arrays
        self._touched = sorted(plan.touched)
        self._last_loop: ArrayLoop | None = None

    def run(self, stop: int, stores: Mapping[Key, Values], *, first: int = 0) -> None:
        """Run the steps before `stop`, and write nodes' values into arrays.

        Args:
            stop: The step before which to stop.
            stores: Node -> the array for its values, step first.
            first: The step that the arrays start with.
        """
        with np.errstate(all="ignore"):
            while self.t < stop:
                if self.is_careful(self.t):
                    self._careful_step(stores, first)
                else:
                    end = min(stop, self.boundary(self.t))
                    if not self.scans(self.t):
                        end = self.cut(self.t, end)
                    self._stretch(end, stores, first)

    def resume(self, t: int, state: Row, powers: Values) -> None:  # noqa: ARG002
        """Go on from before step t, with what was carried then."""
        self.t, self.state, self._is_owned = t, state, False

    def noted(self) -> Values:
        """Return what a run has noted beside values, and `resume` takes."""
        return np.zeros((0, 2), dtype=np.int64)

    def is_careful(self, t: int) -> bool:
        """Whether something starts at a step, or is done to it."""
        return t < self.plan.first_free or t in self.plan.touched

    def boundary(self, t: int) -> int:
        """Return before which step the stretch that starts at t ends."""
        found = t + self.length
        place = bisect.bisect_left(self._touched, t)
        if place < len(self._touched):
            found = min(found, self._touched[place])
        if self._draw is not None:
            found = min(found, t + max(_DRAWN // max(self.plan.template.numbers, 1), 1))
        return found

    def cut(self, t: int, end: int) -> int:
        """Return where a stretch ends that numpy runs."""
        return min(end, t + _LENGTH)

    def graph(self, t: int) -> StepGraph:  # noqa: ARG002
        """Return what is computed at a step that is not careful."""
        return self.values

    @functools.cached_property
    def values(self) -> StepGraph:
        """A step of values, as far as they are needed."""
        return self._needed(value_graph(self.plan.template))

    def _needed(self, graph: StepGraph) -> StepGraph:
        return graph if self._wanted is None else pruned(graph, self._wanted)

    @property
    def shapes(self) -> Mapping[tuple[str, Any], tuple[int, ...]]:
        """(kind, variable) -> the shape of such a node."""
        return self.values.shapes

    def constant(self, key: Key) -> Any:
        """Return what is the same at every step of a stretch."""
        return self.plan.parameters[key[1]]

    def careful_row(self, t: int) -> Row:
        """Return a careful step's values."""
        row = given_values(self.plan, t, self._draw)
        look = self.look(t, row)
        for variable in self.plan.template.variables:
            key = ("ref", variable.name, 0)
            if variable.rule is None or key not in self.values.nodes:
                continue
            start = self.plan.initial_at(variable, t)
            force = self.plan.forces.get((t, variable.name))
            if start is not None:
                value: Any = start
            elif force is not None and force.mask is None:
                value = force.values
            else:
                value = single(variable.rule, look)
                if self._disturb is not None and is_disturbed(variable.rule):
                    value = self._disturb.value(key, value)
            row[key] = touched(self.plan, t, variable.name, value)
        return row

    def look(self, t: int, row: Row) -> Any:
        """Return what gives a careful step's inputs by their keys."""

        def look(key: Key) -> Any:
            if key[0] == "t":
                return float(t)
            if key in row:
                return row[key]
            return self.state[key] if key in self.state else self.constant(key)

        return look

    def after(self, t: int) -> None:
        """Do what is to be done after step t."""

    def _careful_step(self, stores: Mapping[Key, Values], first: int) -> None:
        t = self.t
        row = self.careful_row(t)
        for key, store in stores.items():
            if key in row:
                store[t - first] = row[key]
        self._shift(row)
        self._is_owned = False
        self.t += 1
        self.after(t)

    @functools.cached_property
    def lags(self) -> dict[tuple[str, str], int]:
        """(kind, variable) -> how many steps back any step reads it."""
        return self.values.lags

    def _shift(self, row: Row) -> None:
        for (kind, name), far in self.lags.items():
            for lag in range(far, 1, -1):
                if (kind, name, lag - 1) in self.state:
                    self.state[kind, name, lag] = self.state[kind, name, lag - 1]
            if (kind, name, 0) in row:
                self.state[kind, name, 1] = row[kind, name, 0]

    def _stretch(self, end: int, stores: Mapping[Key, Values], first: int) -> None:
        t, graph = self.t, self.graph(self.t)
        names = tuple(key for key in stores if key[:2] in graph.shapes)
        loop = array_loop(graph, names, disturbed=self._disturb is not None)
        constants = tuple(self.constant(key) for key in loop.constants)
        carried = [self._carried(key, graph) for key in loop.carried]
        streams = self._streams(loop, t, end)
        parts = [stores[key][t - first : end - first] for key in names]
        if self.scans(t):
            self._scan(loop, end, constants, carried, streams, parts)
            return
        if not self._is_owned or loop is not self._last_loop:
            for place in loop.compiled.overwritten:
                carried[place] = np.array(carried[place])
        disturb = None if self._disturb is None else self._disturb.value
        found = loop.compiled.function(end - t, t, disturb, constants, carried, streams, parts)
        self.state.update(zip(loop.carried, found, strict=True))
        self._is_owned, self._last_loop = True, loop
        self.t = end
        self.after(end - 1)

    @functools.cached_property
    def execution(self) -> str:
        """What runs the stretches that are long enough."""
        return chosen(self._asked, self.graph(self.plan.steps), self.plan.steps)

    def scans(self, t: int) -> bool:
        """Whether the stretch that step t lies in is run by JAX.

        That does not depend on where a run is stopped: its digits do not either.
        """
        return self.execution == "jax" and self._segment(t) >= _SCANNED

    def cuts(self) -> set[int]:
        """Return the steps at which a stretch begins or ends."""
        plan = self.plan
        return {plan.first_free, *plan.touched, *(t + 1 for t in plan.touched), plan.steps + 1}

    @functools.cached_property
    def _cuts(self) -> list[int]:
        return sorted(self.cuts())

    def _segment(self, t: int) -> int:
        """Return how many steps there are around t at which rules alone act."""
        place = bisect.bisect_right(self._cuts, t)
        return self._cuts[place] - self._cuts[place - 1]

    def _scan(
        self,
        loop: ArrayLoop,
        end: int,
        constants: Sequence[Any],
        carried: Sequence[Any],
        streams: Sequence[Any],
        parts: Sequence[Values],
    ) -> None:
        found = scanned(
            loop,
            end - self.t,
            self.t,
            constants,
            carried,
            streams,
            capacity=min(self.length, self._segment(self.t)),
            factors=None if self._disturb is None else self._disturb.factors,
            **self.scaling(),
        )
        for part, values in zip(parts, found.stored, strict=True):
            part[...] = values
        self.state.update(zip(loop.carried, found.carried, strict=True))
        self._is_owned = False
        self.t = end
        self.scanned(found)

    def scaling(self) -> dict[str, Any]:
        """Return how a scan keeps tangents in range."""
        return {}

    def scanned(self, found: Scanned) -> None:
        """Note what a scan has found beside the values."""

    @functools.cached_property
    def length(self) -> int:
        """How many steps a stretch has at most."""
        if self.execution != "jax":
            return _LENGTH
        return min(max(_SCANNED_NUMBERS // max(self.plan.template.numbers, 1), _LENGTH), 1 << 14)

    def _carried(self, key: Key, graph: StepGraph) -> Any:
        found = self.state.get(key)
        return np.zeros(graph.shapes[key[:2]]) if found is None else found

    def _streams(self, loop: ArrayLoop, t: int, end: int) -> list[Any]:
        """Return what is given from outside at the steps from t to before end."""
        if not loop.streams:
            return []
        names = [key[1] for key in loop.streams]
        by_name = self.plan.template.by_name
        noises = [name for name in names if by_name[name].noise is not None]
        drawn: dict[str, list[Values]] = {name: [] for name in noises}
        if noises:
            assert self._draw is not None
            for step in range(t, end):
                values = self._draw(step)
                for name in noises:
                    drawn[name].append(values[name])
        found: list[Any] = []
        for name in names:
            if name in drawn:
                found.append(drawn[name])
            else:
                self.plan.stream_at(by_name[name], end - 1)  # says what is missing
                found.append(self.plan.streams[name][t:end])
        return found


class Saved(Protocol):
    """Where a long run is written down now and then."""

    @property
    def every(self) -> int:
        """After how many steps."""

    def restore(self, world: Stretches, stores: Mapping[Key, Values]) -> None:
        """Bring a world to where it was."""

    def write(self, world: Stretches, stores: Mapping[Key, Values]) -> None:
        """Write down where a world is."""


def run_through(world: Stretches, stores: Mapping[Key, Values], saved: Saved | None = None) -> None:
    """Run a world to its last step.

    Args:
        world: The world.
        stores: Node -> the array for its values, step first.
        saved: Where the run goes on from, and is written down.
    """
    if saved is not None:
        world.length = min(world.length, saved.every)
        saved.restore(world, stores)
    last = world.plan.steps + 1
    pace = Pace(world.length)
    while world.t < last:
        stop = min(last, world.t + min(world.length, pace.steps))
        if saved is not None:
            stop = min(stop, world.t + saved.every - world.t % saved.every)
        with pace.piece(stop - world.t):
            world.run(stop, stores)
        if saved is not None and (world.t % saved.every == 0 or world.t == last):
            saved.write(world, stores)
        tick(world.t, last)


def blocks(world: Stretches, keys: Iterable[Key]) -> Iterator[tuple[int, dict[Key, Values]]]:
    """Yield some nodes' values for a few steps after the other: (first step, node -> values).

    The arrays have the step first; a node that has no value at a step has zeros there.
    """
    shapes = world.shapes
    sizes = {key: shapes[key[:2]] for key in keys}
    numbers = max(sum(math.prod(shape) for shape in sizes.values()), 1)
    length = min(max(_BLOCK // numbers, 1), _LENGTH)
    while world.t <= world.plan.steps:
        first, stop = world.t, min(world.t + length, world.plan.steps + 1)
        stores = {key: np.zeros((stop - first, *shape)) for key, shape in sizes.items()}
        world.run(stop, stores, first=first)
        yield first, stores
