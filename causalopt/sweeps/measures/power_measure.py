"""The amount of optimization at each point: the integral of 1 - Comp over the nudged start."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked, ask_at
from causalopt.effects.measures import NAMES, STATUSES
from causalopt.effects.sweeps.axes import smallest_step, spaced, trapezoid
from causalopt.effects.sweeps.one_sided_comp import comp_above
from causalopt.effects.sweeps.point_blocks import PointBlocks
from causalopt.effects.sweeps.point_lanes import prepared, run_lanes, settled
from causalopt.engine.contract import Floats
from causalopt.errors import CausaloptError, QuestionError
from causalopt.model.model import Model
from causalopt.sweeps.point_models import (
    FLOATS_LEFT,
    REFUSED,
    REFUSED_TEXT,
    AxisRoles,
    asked_somewhere,
    axis_roles,
    empty_columns,
    evaluate_points,
    point_rows,
    points_a_second,
    refuse_both,
    whole,
)
from causalopt.sweeps.swept_measure import Points, SweptVariable

_UNRESOLVED = int(np.flatnonzero(NAMES == "unresolved")[0])
_MOST_COUNT = 1 << 22  # points of one integral: some hundred MB
_LANES = 1 << 20  # of one batch
# What a point of the axis may have in place of a finite Comp, the gravest first.
_WITHOUT_COMP = ("nonfinite", "diverged", "no_influence", "held", "only_path")
_FLOATS = (
    SweptVariable("power", "f8", {"long_name": "integral of 1 - Comp"}),
    SweptVariable("error", "f8", {"long_name": "change of power with every other point left out"}),
    SweptVariable("left_out", "f8", {"long_name": "share of unresolved points, left out"}),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PowerMeasure:
    """The `power` of a sweep over n's starting value, at each point of the other axes.

    Axes are parameters, other starting values, `hold`, `target` and `seed`.

    Attributes:
        over: The nudged node n, a starting value such as `R[0]`; the question's where it is None.
        low: Where the integral begins.
        high: Where it ends.
        count: How many values of n it has, evenly spaced, both ends included.
        hold: The set A; the question's where it is None.
        target: The variable m; likewise.
        steps: The last step; likewise.
        at: The step measured; the last one where it is None.
        seed: Which draws noise makes.
        estimate: Whether rounding errors are estimated, and doubtful points run alone, as in
            `sweep`; without, all points and values of n are lanes of one batch.
    """

    over: str | None = None
    low: float
    high: float
    count: int
    hold: str | None = None
    target: str | None = None
    steps: int | None = None
    at: int | None = None
    seed: int = 0
    estimate: bool = True

    name: ClassVar[str] = "power"
    drawn: ClassVar[str] = "power"
    statuses: ClassVar[tuple[str, ...]] = (*STATUSES, REFUSED)
    status_texts: ClassVar[tuple[str, ...]] = (*STATUSES.values(), REFUSED_TEXT)
    own_axes: ClassVar[tuple[str, ...]] = ("hold", "target", "seed")
    whole_blocks: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """The integral, of which Op it is and over which range."""
        n, a, m = self.over or "n", self.hold or "A", self.target or "m"
        step = "" if self.at is None else f" at step {self.at}"
        return f"integral of 1 - Comp({a}; {n}, {m}), {n} from {self.low:g} to {self.high:g}{step}"

    @property
    def python_bound(self) -> bool:
        """Whether points are asked one after the other, most of it in Python."""
        return self.estimate

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        """The integral, how much it changes with fewer points, and what it leaves out."""
        return (*_FLOATS, SweptVariable("status", "i1", {"long_name": "status of the integral"}))

    def task_points(self, model: Model) -> int:
        """Return how many points take about a second."""
        nodes = self.count * ((self.at or self.steps or 100) + 1) * max(len(model.variables), 1)
        return points_a_second(nodes / 2.5e8 + (0.02 if self.estimate else 1e-5))

    def settings(self) -> dict[str, Any]:
        """Return all that decides the integral besides model and points."""
        return dataclasses.asdict(self)

    def resolved(self, model: Model, points: Points) -> PowerMeasure:
        """Return the measure with the model's question written into it.

        Raises:
            QuestionError: The integral's axis is no starting value of n, its values are no range,
                or a point's question cannot be asked.
            UnknownNameError: An axis or a node is not declared.
        """
        if not (math.isfinite(self.high - self.low) and self.low < self.high):
            raise QuestionError(
                f"power is an integral from a lower to a higher value, found {self.low:g} to "
                f"{self.high:g}"
            )
        if not 2 <= self.count <= _MOST_COUNT:
            raise QuestionError(f"power takes 2 to {_MOST_COUNT:,} values of n, found {self.count}")
        roles = axis_roles(model, points, self.own_axes, self.name)
        refuse_both(self, {name: points[name] for name in roles.own})

        def ask(row: dict[str, Any]) -> Asked:
            asked = self._ask(roles.model_at(model, row), roles.own_at(row))
            if asked.nudge.variable not in model.variables:
                raise QuestionError(
                    f"power is an integral over a starting value such as R[0], found "
                    f"'{asked.node_name}': nudge a variable's first value (--over, over=)"
                )
            prepared(asked, {asked.node_name: np.array([self.low])}, None, False)
            return asked

        first = asked_somewhere(points, ask)[0]
        if first.nudge in roles.starts.values():
            raise QuestionError(
                f"'{first.node_name}' is an axis, and power is the integral over it: leave one out"
            )
        return dataclasses.replace(
            self,
            over=first.node_name,
            hold=self.hold if "hold" in roles.own else first.hold_name,
            target=self.target if "target" in roles.own else first.target,
            at=first.steps,
            steps=None,
        )

    def _ask(self, model: Model, own: dict[str, Any]) -> Asked:
        said = {"hold": self.hold, "target": self.target, "seed": self.seed} | own
        return ask_at(
            model,
            self.at,
            steps=self.steps,
            nudge=self.over,
            hold=said["hold"],
            target=said["target"],
            seed=whole("seed", said["seed"]),
        )

    @property
    def _values(self) -> Floats:
        return spaced(self.low, self.high, self.count)

    def evaluate(
        self, model: Model, points: Points, *, workers: int | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return each variable at each point, shape [point]."""
        roles = axis_roles(model, points, self.own_axes, self.name)
        if self.estimate or {*roles.parameters} & {*model.template.fixed}:
            return evaluate_points(
                self, model, points, lambda one, own: self._asked(one, own, workers)
            )
        found = empty_columns(self, len(next(iter(points.values()))))
        for own, rows in self._cases(points, roles):
            for part in np.array_split(rows, -(-len(rows) * self.count // _LANES)):
                self._together(model, own, points, part, found, workers)
        return found

    def _asked(
        self, model: Model, own: dict[str, Any], workers: int | None
    ) -> tuple[dict[str, float], str]:
        """Return the integral at one point, as a sweep of its own has it."""
        slopes, codes = self._slopes(self._ask(model, own), {}, 1, workers)
        return integral(slopes[0], codes[0], self._values)

    def _slopes(
        self, asked: Asked, numbers: dict[str, Floats], count: int, workers: int | None
    ) -> tuple[Floats, NDArray[np.int8]]:
        """Return Comp and its status at each value of n, shape [point, value].

        Args:
            asked: The question.
            numbers: Parameters and other starting values at each point.
            count: How many points.
            workers: Threads.
        """
        values = self._values
        lanes = {name: np.repeat(column, self.count) for name, column in numbers.items()}
        lanes[asked.node_name] = np.tile(values, count)
        work = prepared(asked, lanes, None, self.estimate)
        columns = run_lanes(work, workers)
        settled(work, columns, estimate=self.estimate, grid=PointBlocks((self.count,)))
        near = np.flatnonzero(columns["near"])
        slopes = comp_above(work, columns["comp"], near, smallest_step(values))
        shape = (count, self.count)
        return slopes.reshape(shape), columns["codes"].reshape(shape)

    def _cases(
        self, points: Points, roles: AxisRoles
    ) -> Iterator[tuple[dict[str, Any], NDArray[np.intp]]]:
        """Yield each A, m and seed, and which of the points have it."""
        own = point_rows({name: points[name] for name in roles.own})
        if not own:
            yield {}, np.arange(len(next(iter(points.values()))))
            return
        keys = [tuple(row.values()) for row in own]
        for key in dict.fromkeys(keys):
            rows = [k for k, mine in enumerate(keys) if mine == key]
            yield own[rows[0]], np.array(rows, dtype=np.intp)

    def _together(
        self,
        model: Model,
        own: dict[str, Any],
        points: Points,
        rows: NDArray[np.intp],
        found: dict[str, NDArray[Any]],
        workers: int | None,
    ) -> None:
        """Ask some points that share A, m and the seed, all values of n beside each other."""
        named = [name for name in points if name not in own]
        numbers = {name: np.asarray(points[name], dtype=np.float64)[rows] for name in named}
        try:
            asked = self._ask(model, own)
            with np.errstate(all="ignore"):  # what leaves the floats has a status
                slopes, codes = self._slopes(asked, numbers, len(rows), workers)
        except (CausaloptError, *FLOATS_LEFT) as error:
            if len(rows) > 1:  # one of them cannot be asked, and must not take the others with it
                for row in rows:
                    self._together(model, own, points, np.array([row]), found, workers)
            elif not isinstance(error, CausaloptError):
                found["status"][rows] = self.statuses.index("nonfinite")
            return
        for row, heights, words in zip(rows, slopes, codes, strict=True):
            answer, status = integral(heights, words, self._values)
            for name, value in answer.items():
                found[name][row] = value
            found["status"][row] = self.statuses.index(status)


def integral(
    slopes: Floats, codes: NDArray[np.int8], values: Floats
) -> tuple[dict[str, float], str]:
    """Return the integral of 1 - Comp with its error and the share left out, and its status.

    Args:
        slopes: Comp at each value of n.
        codes: Its status, a place in `causalopt.effects.measures.NAMES`.
        values: The values of n.
    """
    known = codes != _UNRESOLVED
    left_out = float((~known).mean())
    if not (known[0] and known[-1]):
        return {"left_out": left_out}, "unresolved"
    heights, along = slopes[known], values[known]
    power = trapezoid(1.0, heights, along)
    few = np.unique([*range(0, len(along), 2), len(along) - 1])
    error = (
        abs(power - trapezoid(1.0, heights[few], along[few])) if len(few) < len(along) else math.nan
    )
    words = {str(word) for word in NAMES[codes[known]][~np.isfinite(heights)]}
    status = next((word for word in _WITHOUT_COMP if word in words), "ok")
    return {"power": power, "error": error, "left_out": left_out}, status
