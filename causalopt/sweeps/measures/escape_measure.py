"""The probability of escape at each point: beyond a level at step N, from a start before it."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, get_args

from numpy.typing import NDArray

from causalopt.descents.escape.answer import Answer, Method, Status
from causalopt.descents.escape.by_ensemble import check_moves, check_walkers
from causalopt.descents.escape.escape import Escape
from causalopt.descents.escape.members import escape, watched
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.sweeps.point_models import (
    REFUSED,
    REFUSED_TEXT,
    asked_somewhere,
    axis_roles,
    evaluate_points,
    points_a_second,
    refuse_both,
    whole,
)
from causalopt.sweeps.swept_measure import Points, SweptVariable

_TEXTS = {
    "ok": "the probability is as computed, within its error",
    "leaves_grid": "mass left the grid: the error holds it",
    "overflow": "walkers left the floating-point numbers",
    "unresolved": "the error is larger than the tolerance",
}
_NEEDED = ("start", "beyond", "within")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EscapeMeasure:
    """What `causalopt.escape` finds, at each point of a sweep.

    Axes are parameters, starting values of other coordinates, `start`, `beyond`, `within` and
    `seed`. Each of the first three is given here, or is an axis.

    Attributes:
        start: Where the walker starts.
        beyond: The level to be passed.
        within: Numbers of steps.
        method: `operator`, `ensemble`, `diffusion` or `exact`.
        passage: Whether the first passage is asked for, not the position at step N.
        target: The coordinate that start and level are of.
        walkers: How many walkers the ensemble has.
        seed: Of the ensemble; walkers are drawn by it and their number alone, whatever the point.
    """

    start: float | None = None
    beyond: float | None = None
    within: tuple[int, ...] | None = None
    method: Method = "operator"
    passage: bool = False
    target: str | None = None
    walkers: int = 100_000
    seed: int = 0

    name: ClassVar[str] = "escape"
    statuses: ClassVar[tuple[str, ...]] = (*get_args(Status), REFUSED)
    status_texts: ClassVar[tuple[str, ...]] = (
        *(_TEXTS[word] for word in get_args(Status)),
        REFUSED_TEXT,
    )
    own_axes: ClassVar[tuple[str, ...]] = ("start", "beyond", "within", "seed")
    python_bound: ClassVar[bool] = True
    whole_blocks: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """What the probability is of, by which method."""
        start, beyond = ("..." if x is None else f"{x:g}" for x in (self.start, self.beyond))
        steps = "N" if self.within is None else ", ".join(map(str, self.within))
        asked = f"start {start}, beyond {beyond} {self._when} {steps}"
        return f"probability of escape, {asked}, by {self.method}"

    @property
    def drawn(self) -> str:
        """The probability by the last step that is asked for."""
        return f"probability{self._suffixes[-1]}"

    @property
    def _suffixes(self) -> tuple[str, ...]:
        """What tells the variables of several numbers of steps apart."""
        steps = self.within or ()
        return ("",) if len(steps) < 2 else tuple(f"_{number}" for number in steps)

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        """`probability` and `error`; with several N, one of each for each, such as `error_100`."""
        found = []
        for suffix, steps in zip(self._suffixes, self.within or ("N",), strict=True):
            text = f"probability beyond {self._when} {steps}"
            error = f"error of probability{suffix}"
            found += [
                SweptVariable(f"probability{suffix}", "f8", {"long_name": text}),
                SweptVariable(f"error{suffix}", "f8", {"long_name": error}),
            ]
        return (*found, SweptVariable("status", "i1", {"long_name": "status of the escape"}))

    @property
    def _when(self) -> str:
        return "by step" if self.passage else "at step"

    def task_points(self, model: Model) -> int:
        """Return how many points take about a second."""
        del model
        moves = self.walkers * max(self.within or (1000,))
        seconds = {"operator": 0.25, "diffusion": 0.15, "exact": 0.05}
        return points_a_second(seconds.get(self.method, 0.002 + 1e-9 * moves))

    def settings(self) -> dict[str, Any]:
        """Return all that decides the probabilities besides model and points."""
        drawn = () if self.method == "ensemble" else ("walkers", "seed")
        found = {k: v for k, v in dataclasses.asdict(self).items() if k not in drawn}
        return found | {"within": None if self.within is None else list(self.within)}

    def resolved(self, model: Model, points: Points) -> EscapeMeasure:
        """Return the measure as it is, when its question can be asked.

        Raises:
            QuestionError: A point's question cannot be asked; see `causalopt.escape`.
            UnknownNameError: An axis or a variable is not declared.
        """
        roles = axis_roles(model, points, self.own_axes, self.name)
        refuse_both(self, {name: points[name] for name in roles.own})
        for name in _NEEDED:
            if getattr(self, name) is None and name not in roles.own:
                raise QuestionError(
                    f"escape needs {name}: give --{name} ({name}= in Python), or make it an axis"
                )
        coordinate = watched(model, self.target)
        for axis, node in roles.starts.items():
            if node.variable == coordinate:
                raise QuestionError(
                    f"the axis '{axis}' is where the walker starts: call it start, --grid "
                    "start=LO:HI:COUNT"
                )
        asked_somewhere(
            points, lambda row: self._brief(roles.model_at(model, row), roles.own_at(row))
        )
        return self

    def _brief(self, model: Model, own: dict[str, Any]) -> Answer:
        """Ask what can be asked, of one walker and no step."""
        question = self._question(own)
        steps = Escape((question["start"],), question["beyond"], tuple(question["within"])).within
        if self.method == "ensemble":
            check_walkers(self.walkers)
            check_moves(self.walkers, max(steps))
        found: Answer = escape(model, **question | {"within": (0,), "walkers": 1})
        return found

    def _question(self, own: dict[str, Any]) -> dict[str, Any]:
        numbers: dict[str, Any] = {}
        if "seed" in own:
            numbers["seed"] = whole("seed", own["seed"])
        if "within" in own:
            numbers["within"] = (whole("within", own["within"]),)
        return {**dataclasses.asdict(self), **own, **numbers}

    def evaluate(
        self, model: Model, points: Points, *, workers: int | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return each variable at each point, shape [point], one point after the other."""
        del workers  # a point is mostly Python
        return evaluate_points(self, model, points, self._asked)

    def _asked(self, model: Model, own: dict[str, Any]) -> tuple[dict[str, float], str]:
        found: Answer = escape(model, **self._question(own))
        numbers: dict[str, float] = {}
        for suffix, chance, error in zip(
            self._suffixes, found.probability, found.error, strict=True
        ):
            numbers |= {f"probability{suffix}": chance, f"error{suffix}": error}
        return numbers, found.status
