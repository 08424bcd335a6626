"""How tangents grow in one of the worlds X and Y: generic ones, and m's by n.

Where n does not excite the direction that grows most, or m does not observe it, the growth of m's
tangent by n is followed in coordinates of what n excites and m observes. A sum would not do: in it
the other directions cancel, to rounding in the end.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from causalopt.effects.exponents.carried_maps import maps_along
from causalopt.effects.exponents.directions import Directions, directions, on_the_way
from causalopt.effects.exponents.exact_growth import ExactRun, exact_growth, longest_lived
from causalopt.effects.exponents.followed import Followed, followed
from causalopt.effects.exponents.growth import SUSPECT, growth, slope, slope_error
from causalopt.engine.contract import Bools, Floats
from causalopt.engine.jacobians import StepDerivative
from causalopt.errors import QuestionError
from causalopt.model.template import Structure

# Beyond this many directions only the leading ones are followed: QR costs their number squared.
ALL_EXPONENTS = 64
LEADING_EXPONENTS = 16
_OUTSIDE = 1e-6  # the part of a unit vector that counts as lying outside a subspace
_SHOWN = 1e-3  # of the largest part of a direction: smaller ones are not written
_MOST_TERMS = 4
_ROUNDED = 1e-12  # nats per step
_BEGINNING = 8.0  # nats
_BY_FRACTIONS = "in floats m's tangent by n is lost in rounding: its growth is by fractions"


@dataclasses.dataclass(frozen=True)
class Course:
    """The local derivatives along a run, and what is counted of it.

    Attributes:
        run: The run.
        slopes: Shape [t, partial].
        first: The first step that is counted or part of the transient.
        lead: How many steps the transient has.
        is_finite: Whether the run stayed within the finite numbers.
        exponents: How many leading exponents are asked for; None for as many as are bearable.
    """

    run: ExactRun
    slopes: Floats
    first: int
    lead: int
    is_finite: bool
    exponents: int | None = None

    @property
    def structure(self) -> Structure:
        """The template's rules."""
        return self.run.template.structure

    @property
    def later(self) -> Floats:
        """The derivatives from the first step on."""
        return self.slopes[self.first :]

    def along(
        self, step: StepDerivative, frame: Floats, basis: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Return log growth per counted step, and the last frame, in a subspace or the whole."""
        return growth(maps_along(step, self.later, basis), frame, self.lead)


@dataclasses.dataclass(frozen=True)
class WorldGrowth:
    """Growth per step.

    Attributes:
        exponents: Of generic directions, shape [step, exponent]; -inf where one dies, NaN where
            that is not known.
        asked: Of m's tangent by n, shape [step]; -inf where it is exactly 0 in the end, NaN where
            it is not known.
        silent: The directions that grow more than that: n does not excite them, or m does not
            observe them.
        is_finite: Whether the growth stayed within the floats.
    """

    exponents: Floats
    asked: Floats
    silent: tuple[str, ...] = ()
    is_finite: bool = True


def world_growth(course: Course, held: Bools, question: tuple[int, int, int] | None) -> WorldGrowth:
    """Return the growth of tangents in the world that holds some equations.

    Args:
        course: The run.
        held: Which equations carry nothing, shape [V].
        question: The step of n, its equation and that of m; None for generic ones.

    Raises:
        QuestionError: Nothing is remembered from step to step.
    """
    step = StepDerivative(course.structure, held)
    if not step.size:
        raise QuestionError(
            "nothing is left to grow: the model has no memory outside the held set"
            if held.any() and StepDerivative(course.structure, np.zeros_like(held)).size
            else "this model has no memory: no rule reads an earlier step, so nothing grows"
        )
    usual = step.size if step.size <= ALL_EXPONENTS else LEADING_EXPONENTS
    count = min(course.exponents or usual, step.size)
    lost = np.full((len(course.later) - course.lead, count), math.nan)
    if not course.is_finite:
        return WorldGrowth(lost, lost[:, 0], is_finite=False)
    frame = np.random.default_rng(0).standard_normal((step.size, count))
    with np.errstate(over="ignore", invalid="ignore"):  # what leaves the floats has a status
        logs, leading = course.along(step, frame)
        if np.isnan(logs).any() or np.isposinf(logs).any():
            why = ("the derivative of a step leaves the floats",)
            return WorldGrowth(lost, lost[:, 0], why, is_finite=False)
        generic = WorldGrowth(_proven(course, held, logs), logs[:, 0])
        return generic if question is None else _asked(course, held, question, generic, leading)


def _proven(course: Course, held: Bools, logs: Floats) -> Floats:
    """Return growth, -inf where a direction is known to die, NaN where it but seems to.

    Where one grows by hardly more than rounding, how many live on is asked of exact maps.
    """
    means = slope(logs)
    order = np.argsort(-means, kind="stable")
    clear = int((means > math.log(SUSPECT) + max(0.0, means.max())).sum())
    if clear == len(order):
        return logs
    alive, found = longest_lived(course.run, held, clear), logs.copy()
    found[:, [k for k in order[:alive] if np.isneginf(means[k])]] = math.nan
    found[:, order[alive:]] = -math.inf
    return found


def _asked(
    course: Course, held: Bools, question: tuple[int, int, int], generic: WorldGrowth, frame: Floats
) -> WorldGrowth:
    """Return generic growth, whose last frame is known, with that of m's tangent by n."""
    _, source, target = question
    dead = dataclasses.replace(generic, asked=np.full(len(generic.asked), -math.inf))
    whole = StepDerivative(course.structure, held)
    reached, path = on_the_way(course.structure, held, source, target)
    if not path[target]:
        return dead
    step = StepDerivative(course.structure, held | ~path)
    seen = _measured(course, step, question)
    asked = seen.asked
    exact = exact_growth(course.run, course.slopes, path, question) if seen.is_doubtful else None
    if exact is None and seen.why:
        lost = np.full(len(asked), math.nan)
        return dataclasses.replace(generic, asked=lost, silent=(seen.why,))
    if exact is not None and (seen.why or not _is_alike(asked, np.full(len(asked), exact))):
        told = (_BY_FRACTIONS,) if exact > -math.inf else ()
        return dataclasses.replace(generic, asked=np.full(len(asked), exact), silent=told)
    if not seen.is_turned and step.size == whole.size and _is_alike(asked, generic.asked):
        asked = generic.asked
    faster = _echelon(frame[:, _grow_more(generic.exponents, asked)].T)
    names = course.structure.names
    slots = [(names[i], lag) for i, lag in whole.slots]
    aside = np.array([not reached[i] for i, _ in whole.slots])
    inner = [whole.slots.index(slot) for slot in step.slots]
    silent = tuple(
        f"{_why_silent(row[aside], row[inner], seen.found)} {_written(slots, row)}"
        for row in faster
    )
    return dataclasses.replace(generic, asked=asked, silent=silent)


def _is_alike(asked: Floats, generic: Floats) -> bool:
    """Whether two growths are one but for how they began: they part by a few nats in all."""
    with np.errstate(invalid="ignore"):
        return bool(abs(float(slope(asked - generic))) * len(asked) <= _BEGINNING)


@dataclasses.dataclass(frozen=True)
class _Measured:
    """Growth of m's tangent by n as floats show it.

    Attributes:
        asked: Per step.
        found: The directions that n excites and m observes; None where not all were looked for.
        is_doubtful: Whether directions were left out as rounding, or all of it may be.
        is_turned: Whether it is not that of the whole state.
        why: Why it is not known; empty where it is.
    """

    asked: Floats
    found: Directions | None = None
    is_doubtful: bool = True
    is_turned: bool = True
    why: str = "a sum or a rank is 0 but for rounding: whether m gets anything of n is not known"


def _measured(course: Course, step: StepDerivative, question: tuple[int, int, int]) -> _Measured:
    tangent = _start(course, step, question)
    nothing = _Measured(np.full(len(course.later) - course.lead, -math.inf))
    if not tangent.any():
        return nothing
    found, basis = None, None
    if step.size <= ALL_EXPONENTS:  # beyond, the graph alone says what is on the way
        found = directions(step, course.later, tangent, question[2], course.lead)
        if not found.both.shape[1]:
            return dataclasses.replace(nothing, found=found)
        basis = found.both if found.both.shape[1] < step.size else None
    start = tangent if basis is None else basis.T @ tangent
    own = followed(step, course.later, basis, start, question[2], course.lead)
    asked = own.growth
    if not (asked > math.log(SUSPECT)).all():  # it may have died: growth finds out
        asked = course.along(step, start[:, np.newaxis], basis)[0][:, 0]
    if not np.isfinite(asked).all():
        return dataclasses.replace(nothing, found=found)
    why = _why_unknown(own)
    is_turned = own.drifts or basis is not None
    asked = _reaching(asked, own) if own.drifts and not why else asked
    return _Measured(asked, found, bool(why) or basis is not None, is_turned, why)


def _why_unknown(own: Followed) -> str:
    """Return why a tangent is hidden by rounding; empty where it is not."""
    if own.known is not None:
        return (
            f"n's tangent turns in slower directions, and rounding outgrows it in {own.known} steps"
        )
    return "m observes but rounding of n's tangent, which turns" if own.is_lost else ""


def _reaching(asked: Floats, own: Followed) -> Floats:
    """Return the growth of m's own tangent, where its share of the state's falls."""
    steps = np.arange(len(asked))
    finite = np.isfinite(own.gets)
    share = np.interp(steps, steps[finite], own.gets[finite])
    return asked + np.diff(share, prepend=share[0])


def _grow_more(exponents: Floats, asked: Floats) -> Bools:
    """Return which exponents are larger than the rate asked for, by more than their errors."""
    if not np.isfinite(asked).all():
        return np.zeros(exponents.shape[1], dtype=bool)
    finite = np.isfinite(exponents).all(axis=0)
    more = np.where(finite, exponents, 0.0) - asked[:, np.newaxis]
    found: Bools = finite & (slope(more) > np.maximum(2 * slope_error(more), _ROUNDED))
    return found


def _start(course: Course, step: StepDerivative, question: tuple[int, int, int]) -> Floats:
    """Return the state's tangent by n before the first step, shape [slot]."""
    begin, source, _ = question
    state = np.zeros((step.size, 1))
    for t in range(begin, course.first):
        forced = course.run.plan.forced[t] if t < len(course.run.plan.forced) else None
        state = step.carry(
            course.slopes[t],
            state,
            blocked=None if forced is None else forced[:, np.newaxis],
            seed=source if t == begin else None,
        )[0]
    return state[:, 0]


def _why_silent(aside: Floats, inside: Floats, found: Directions | None) -> str:
    """Return whether n or m misses a direction, of its parts aside from all paths and on one."""
    outside = inside - found.excited @ (found.excited.T @ inside) if found else np.zeros(0)
    if max(np.linalg.norm(aside), np.linalg.norm(outside)) > _OUTSIDE:
        return "n does not excite"
    return "m does not observe"


def _echelon(rows: Floats) -> Floats:
    """Return a basis of the same space with as many zeros as there are rows, for reading."""
    rows = rows.copy()
    for k in range(len(rows)):
        i, j = divmod(int(np.argmax(np.abs(rows[k:]))), rows.shape[1])
        rows[[k, k + i]] = rows[[k + i, k]]
        rows[k] /= rows[k, j]
        others = np.arange(len(rows)) != k
        rows[others] -= np.outer(rows[others, j], rows[k])
    return rows


def _written(slots: list[tuple[str, int]], direction: Floats) -> str:
    """Return a direction as a sum of variables, its largest parts first."""
    largest = np.abs(direction).max()
    order = np.argsort(-np.round(np.abs(direction) / (largest or 1.0), 6), kind="stable")
    scaled = direction / (direction[order[0]] or 1.0)
    text = ""
    shown = [k for k in order if abs(direction[k]) > _SHOWN * largest]
    for k in shown[:_MOST_TERMS]:
        name, lag = slots[k]
        size = f"{abs(scaled[k]):.3g} ".removeprefix("1 ")
        sign = " - " if scaled[k] < 0 else " + "
        text += f"{sign if text else ''}{size}{name}{f'[t-{lag - 1}]' if lag > 1 else ''}"
    return text + (" + ..." if len(shown) > _MOST_TERMS else "")
