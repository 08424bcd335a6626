"""Refinement: a question asked coarsely over a box, then where the answer changes fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from causalopt import extras
from causalopt.effects.asked import Asked, ask_at, check_delta
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.refinement.point_learner import PointLearner, Telling, ToldLevel, told_op, told_power
from causalopt.refinement.refined_points import PointAsker, RefinedPoints
from causalopt.refinement.refinement import Refinement, checked_level, has_primitive
from causalopt.refinement.refinement_box import RefinementBox, refinement_box
from causalopt.work.progress import Progress, begin, long_work, portion
from causalopt.worlds.interventions import Intervention

Preview: TypeAlias = Callable[[Refinement], object]
RefinedMeasure: TypeAlias = Literal["comp", "op"]
_FIRST = {1: 65, 2: 120, 3: 72}  # points of the preview, by the number of axes
MOST = {1: 20_000, 2: 5_000, 3: 2_000}  # points that a tolerance alone may take
LARGEST = 1_000_000
_GROWTH = 8  # a batch is the eighth part of the points before it
_LEAST = 16


@long_work("refining")
def refine(
    model: Model,
    over: Mapping[str, Sequence[float]],
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    points: int | None = None,
    tolerance: float | None = None,
    level: float | None = None,
    measure: RefinedMeasure = "comp",
    estimate: bool = True,
    preview: Preview | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Refinement:
    """Ask Comp(A; n, m) and Op(A; n, m) at points that lie where they change fast.

    The box is asked evenly first, then in batches where an integral over it is least certain: that
    of 1 - Comp (`power`), or the length, area or volume of the set Op > `level`. It ends by a
    number of points or by a tolerance on that integral's error. The same input gives the same
    points, whatever the workers.

    Args:
        model: The model; its question gives what is not given here.
        over: Parameter or starting node -> its range, such as {"R[0]": (5, 45)}: one to three.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        delta: The nudge's size; the limit delta -> 0 when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        points: How many points at most; with a tolerance alone 20,000, 5,000 or 2,000 for one, two
            or three axes.
        tolerance: The error at which it ends, in the product of the axes' units: of the area above
            `level` if one is given, else of `power`.
        level: In nats: points are added where Op passes it.
        measure: Where points are added without a level: where "comp" changes fast, as `power` asks
            for, or where "op" does, as a picture of Op asks for.
        estimate: Whether rounding errors are estimated, and doubtful points run alone.
        preview: Called once with the first, even points as a result of their own.
        seed: Which draws the noise variables make, the same at every point.
        workers: Threads; one per processor when not given. Results do not depend on it.
        progress: Called with (done, total, what), in points.

    Raises:
        QuestionError: The question, the box or the end cannot be asked of this model.
        UnknownNameError: An axis is neither a parameter nor a variable.
        MissingPackageError: The package adaptive is not installed.

    Example:
        >>> from causalopt import load
        >>> found = refine(load("thermostat_saturating"), {"R[0]": (5.03, 45.07)}, points=800)
        >>> abs(found.power - 2 * (10 - 0.02)) < 5e-4, found.error < 1e-3
        (True, True)
    """
    del progress  # long_work tells it
    extras.need("adaptive")
    if model.is_array:
        raise QuestionError(
            "points are refined in models of numbers, and this has arrays: write it out first with "
            "causalopt.expand, or sweep a grid"
        )
    if delta is not None:
        check_delta(delta)
    _check_settings(points, tolerance, level, measure, workers)
    asked = ask_at(
        model, at, steps=steps, nudge=nudge, hold=hold, target=target, given=given,
        parameters=parameters, initial=initial, seed=seed,
    )  # fmt: skip
    box = refinement_box(asked.model, over)
    _refuse_both(box, parameters, initial)
    asker = PointAsker(asked, delta, estimate, workers)
    search = _Search(asked, box, asker, measure, None if level is None else float(level), tolerance)
    return search.run(points or MOST[len(box.names)], preview)


def _check_settings(
    points: int | None,
    tolerance: float | None,
    level: float | None,
    measure: str,
    workers: int | None,
) -> None:
    """Refuse an end that is none, and what cannot be refined."""
    if points is None and tolerance is None:
        raise QuestionError(
            "a refinement ends by points or by a tolerance: give points=1000 (--points 1000), "
            "tolerance=1e-3 (--tolerance 1e-3), or both"
        )
    if points is not None and not 16 <= points <= LARGEST:
        raise QuestionError(f"points lies between 16 and {LARGEST:,}, found {points}")
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance > 0):
        raise QuestionError(
            f"tolerance is an error that may be left, a finite number above 0, found {tolerance:g}"
        )
    if measure not in get_args(RefinedMeasure):
        raise QuestionError(
            f"measure is one of {', '.join(get_args(RefinedMeasure))}, found {measure!r}"
        )
    if level is not None:
        checked_level(level)
        if measure == "op":
            raise QuestionError(
                "with a level points are added where Op passes it: leave measure out"
            )
    if tolerance is not None and measure == "op":
        raise QuestionError(
            "a tolerance is on power, or on the area above a level: leave measure='op' out, or "
            "give points (--points) in place of the tolerance"
        )
    if workers is not None and workers < 1:
        raise QuestionError(f"workers must be at least 1, found {workers}")


def _refuse_both(
    box: RefinementBox,
    parameters: Mapping[str, int | float | str] | None,
    initial: Mapping[str, Any] | None,
) -> None:
    """Refuse a value that is both given and an axis: one of them would be lost without a word."""
    for name in [*(parameters or {}), *(initial or {})]:
        if name in box.names or f"{name}[0]" in box.names:
            raise QuestionError(f"'{name}' is an axis and given a value too: drop one of them")


class _Search:
    """Points asked batch by batch, until they are enough."""

    def __init__(
        self,
        asked: Asked,
        box: RefinementBox,
        asker: PointAsker,
        measure: str,
        level: float | None,
        tolerance: float | None,
    ) -> None:
        self.asked, self.box, self.asker = asked, box, asker
        self.measure, self.level, self.tolerance = measure, level, tolerance
        axes = len(box.names)
        telling: Telling = told_power if measure == "comp" else told_op
        if level is not None:
            telling = ToldLevel(level)
        is_told = telling is told_power and has_primitive(asked, box, asker.delta)
        self.learner = PointLearner(axes, telling, length=box.volume if is_told else None)
        self.shares = np.empty((axes, 0))
        self.found = RefinedPoints.none()
        self.course: list[tuple[int, float, float]] = []

    def run(self, budget: int, preview: Preview | None) -> Refinement:
        """Return what is known when the points, or the tolerance, are reached."""
        begin(budget)
        axes = self.shares.shape[0]
        result, first = None, min(_FIRST[axes], budget)
        # Between corners alone the learner knows nothing yet: they are asked first.
        batches = [2] if axes == 1 else [2**axes]
        while True:
            count = self.shares.shape[1]
            size = batches.pop() if batches else max(_LEAST, count // _GROWTH)
            size = min(first - count if count < first and count else size, budget - count)
            if not size or not self._grow(size, budget):
                break
            if self.shares.shape[1] < first:
                continue
            is_first, result = result is None, self._result()
            if is_first and preview is not None:
                preview(result)
            if result.reached:
                break
        return self._result() if result is None else result

    def _grow(self, size: int, budget: int) -> bool:
        """Ask one more batch; return whether there was any point left to ask."""
        new = self.learner.ask(size)
        count = self.shares.shape[1]
        if not new.shape[1]:
            return False
        with portion(count / budget, (count + new.shape[1]) / budget):
            more = self.asker.ask(self.box.at(new))
        self.learner.tell(more)
        self.shares = np.concatenate([self.shares, new], axis=1)
        self.found = self.found.joined(more)
        return True

    def _result(self) -> Refinement:
        result = Refinement(
            **vars(self.asked),
            box=self.box,
            delta=self.asker.delta,
            measure=self.measure,
            level=self.level,
            tolerance=self.tolerance,
            shares=self.shares,
            found=self.found,
            simplices=self.learner.simplices,
            course=(),
            undecided=self.asker.undecided,
        )
        value, error = result.asked_integral
        self.course.append((result.points, value, error))
        object.__setattr__(result, "course", tuple(self.course))
        return result
