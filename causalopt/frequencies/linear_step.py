"""One step of a model as a linear map: its slopes, and where along a run they were taken.

x_i(t) = sum over links of slope * x_j(t - lag), and what no nudge moves. A model whose slopes are
the same at every state is such a map itself. Another is linearised: along a run whose slopes do not
change, at a rest, along an orbit whose slopes repeat, or at one step as if its slopes stayed. The
slopes are the derivatives of the rules; nothing is differenced.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import networkx as nx
import numpy as np

from causalopt.engine.contract import Bools, Floats
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import Partial, is_fixed, linearize
from causalopt.errors import QuestionError
from causalopt.language.algebra import ZERO
from causalopt.language.term import Term, exact
from causalopt.model.model import Model
from causalopt.model.selectors import Selection
from causalopt.model.template import Template, leaf_name
from causalopt.worlds.interventions import held_mask, plan_for

MOST_STEPS = 20_000  # of W, in which a rest is looked for
MOST_PERIOD = 64  # steps after which slopes may repeat
MOST_PHASES = 4_000  # equations and phases of an orbit
SETTLED = 1e-9  # of the largest size of a slope: what it still changes by at a rest
_GONE = 1e-12  # of that size: what a slope that is 0 at the rest may have left
_MOST_NUMBERS = 100_000_000
_FIRST = 200  # steps; then twice as many, and so on


@dataclasses.dataclass(frozen=True)
class StepSlope:
    """The slope of equation `child` by the value of equation `parent`, `lag` steps ago.

    Attributes:
        child: The equation that reads.
        parent: The equation read.
        lag: Steps.
        slope: In floats.
        exact: As the exact rational that the model says; None where a slope is irrational, or was
            computed along a run.
    """

    child: int
    parent: int
    lag: int
    slope: float
    exact: Fraction | None


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where slopes were taken.

    Attributes:
        kind: "linear" (they are the same at every state), "constant" (along the run), "rest",
            "orbit" or "frozen" (those of one step).
        step: The last step of W that was looked at; None where none was.
        period: Steps after which the slopes repeat.
        on_kink: Whether a rule stood on a kink there, so that its slope is one-sided.
    """

    kind: Literal["linear", "constant", "rest", "orbit", "frozen"]
    step: int | None = None
    period: int = 1
    on_kink: bool = False

    def __str__(self) -> str:
        texts = {
            "linear": "linear: its slopes are the same at every state",
            "constant": f"linear along W: its slopes are the same at all steps up to {self.step}",
            "rest": f"linearised at rest, which W has reached by step {self.step}",
            "orbit": f"linearised along W's orbit of period {self.period}, reached by step "
            f"{self.step}: what is answered at the frequency asked with",
            "frozen": f"linearised at step {self.step}, as if its slopes stayed",
        }
        kink = "; a rule stands on a kink there" if self.on_kink else ""
        return texts[self.kind] + kink


@dataclasses.dataclass(frozen=True, eq=False)
class LinearStep:
    """One step as a linear map, and the question asked of it.

    Attributes:
        width: How many equations; along an orbit those of every phase.
        links: The slopes, each child after its parents of the same step.
        held: Which equations are in A, shape [equation].
        inputs: The equations that are nudged at every step.
        outputs: Those measured: the answer is their mean.
        origin: Where the slopes were taken.
    """

    width: int
    links: tuple[StepSlope, ...]
    held: Bools
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    origin: Origin

    @property
    def is_exact(self) -> bool:
        """Whether the slopes are rationals, and these known."""
        return all(link.exact is not None for link in self.links)


def linear_step(
    model: Model,
    nudge: str,
    hold: Selection,
    target: str,
    *,
    steps: int | None = None,
    at: int | None = None,
    seed: int = 0,
) -> LinearStep:
    """Return one step of a model as a linear map, between n and m.

    Args:
        model: A model with time.
        nudge: The variable n.
        hold: The set A, whole variables.
        target: The variable m.
        steps: How long W is followed at most where the slopes depend on it; 20,000 by default.
        at: The step whose slopes are taken; None to look for a rest or an orbit.
        seed: Which draws noise makes.

    Raises:
        QuestionError: W comes to no rest and to no orbit, leaves the range of floats, or a variable
            between n and m takes labels.
    """
    template = model.template
    source, sink = template.index[nudge], template.index[target]
    partials = linearize(template.structure).partials
    if model.variables[nudge].disturbs is not None:  # its rule only keeps what a nudge made it
        partials = tuple(partial for partial in partials if partial.child != source)
    between = _between(partials, source, sink)
    _refuse_labels(template, between)
    chosen = [p for p in partials if p.child in between and p.parent in between]
    held = held_mask(model, hold, 0)[0]
    memo: dict[Term, bool] = {}
    if all(is_fixed(partial.term, memo) for partial in chosen):
        values = template.exact_parameters()
        links = tuple(_fixed_link(template, values, partial) for partial in chosen)
        return LinearStep(len(held), links, held, (source,), (sink,), Origin("linear"))
    course = _Course(model, chosen, between, seed)
    origin = course.frozen(at) if at is not None else course.settle(steps)
    return _phased(chosen, course.slopes, held, source, sink, origin)


def _between(partials: Sequence[Partial], source: int, sink: int) -> set[int]:
    """Return the equations on paths from n to m; both of them where there is none."""
    graph: nx.DiGraph[int] = nx.DiGraph((p.parent, p.child) for p in partials)
    graph.add_nodes_from((source, sink))
    down = nx.descendants(graph, source) | {source}
    up = nx.ancestors(graph, sink) | {sink}
    return (down & up) | {source, sink}


def _refuse_labels(template: Template, between: set[int]) -> None:
    for place in sorted(between):
        equation = template.equations[place]
        if equation.law is not None and "label" in equation.law:
            raise QuestionError(
                f"'{equation.owner}' takes labels, and frequencies are asked of numbers: ask "
                "`causalopt entropy` how strongly A optimizes there"
            )


def _fixed_link(
    template: Template, values: dict[str, Fraction | None], partial: Partial
) -> StepSlope:
    known = exact(partial.term, lambda leaf: values.get(leaf_name(leaf)))
    slope = template.number(partial.term) if known is None else float(known)
    return StepSlope(partial.child, partial.parent, partial.lag, slope, known)


class _Course:
    """W as far as it was run, with the slopes between n and m.

    Attributes:
        slopes: Shape [t, partial].
    """

    def __init__(
        self, model: Model, partials: Sequence[Partial], between: set[int], seed: int
    ) -> None:
        self._model, self._seed = model, seed
        structure = model.template.structure
        gaps = [
            gap
            for gap in linearize(structure).moving_gaps
            if gap.child in between and any(slope.parent in between for slope in gap.slopes)
        ]
        self._terms = tuple(partial.term for partial in partials)
        self._sides = tuple(
            side for gap in gaps for side in (gap.kink.left, gap.kink.right, gap.kink.guard or ZERO)
        )
        self._guarded = np.array([gap.kink.guard is not None for gap in gaps], dtype=bool)
        self._first = max(len(equation.initial) for equation in model.template.equations)
        self.slopes: Floats = np.zeros((0, len(self._terms)))
        self._extras: Floats = np.zeros((0, 0))

    def _run(self, last: int) -> None:
        width = len(self._terms) + len(self._sides) + len(self._model.template.equations)
        if last * width > _MOST_NUMBERS:
            raise QuestionError(
                f"to follow W for {last} steps takes {width} numbers a step, {_MOST_NUMBERS:,} in "
                f"all: say fewer steps, or start the model at rest"
            )
        plan = plan_for(self._model, steps=last, noise_seed=self._seed)
        structure = self._model.template.structure
        run = run_values(structure, plan, self._terms + self._sides)
        self.slopes = run.extras[:, : len(self._terms)]
        self._extras = run.extras[:, len(self._terms) :]
        bad = np.flatnonzero(~np.isfinite(self.slopes[self._first :]).all(axis=1))
        if len(bad):
            raise QuestionError(
                f"W's slopes are not finite from step {self._first + int(bad[0])} on: there is "
                "nothing to linearise at; say --at N for an earlier step (at=N in Python)"
            )

    def frozen(self, at: int) -> Origin:
        """Take the slopes of one step."""
        if at < self._first:
            raise QuestionError(
                f"at must be a step at which all rules are in force, from {self._first} up, "
                f"found {at}"
            )
        self._run(at)
        self.slopes = self.slopes[at:]
        return Origin("frozen", at, 1, self._on_kink(at))

    def settle(self, steps: int | None) -> Origin:
        """Run W until its slopes stay or repeat, and keep those of one period."""
        most = MOST_STEPS if steps is None else steps
        if most <= self._first:
            raise QuestionError(f"steps must be more than {self._first}, found {most}")
        length = min(most, max(_FIRST, 4 * self._first, self._model.question.steps or 0))
        while True:
            self._run(length)
            tail = self.slopes[self._first :]
            if (tail == tail[0]).all():
                origin = Origin("constant", length, 1, self._on_kink(self._first))
                self.slopes = tail[-1:]
                return origin
            period = _period(tail)
            if period:
                length = min(most, 2 * length)
                self._run(length)  # a rest is come ever closer to
                kind: Literal["rest", "orbit"] = "rest" if period == 1 else "orbit"
                origin = Origin(kind, length, period, self._on_kink(length + 1 - period))
                # Phase k is that of the steps which leave the remainder k.
                last = np.arange(length + 1 - period, length + 1)
                largest = np.abs(self.slopes[self._first :]).max(axis=0)
                found = self.slopes[last[np.argsort(last % period)]]
                self.slopes = np.where(np.abs(found) <= _GONE * largest, 0.0, found)
                return origin
            if length >= most:
                raise QuestionError(
                    f"'{self._model.name}' is not linear, and W comes to no rest and to no orbit "
                    f"of up to {MOST_PERIOD} steps within {length}: start it at rest (--initial), "
                    "or say --at N (at=N in Python) for the slopes of one step, taken as if they "
                    "stayed"
                )
            length = min(most, 2 * length)

    def _on_kink(self, since: int) -> bool:
        """Whether a gap of a kink is closed at a step from `since` on."""
        if not self._sides:
            return False
        left, right, guard = (self._extras[since:, k::3] for k in range(3))
        return bool(((left == right) & ((guard != 0) | ~self._guarded)).any())


def _period(tail: Floats) -> int | None:
    """Return after how many steps slopes repeat over the last eighth of a run, None for never."""
    scale = np.abs(tail).max(axis=0)
    scale[scale == 0] = 1.0
    for period in range(1, min(MOST_PERIOD, len(tail) // 16) + 1):
        if (np.abs(tail[-1] - tail[-1 - period]) > SETTLED * scale).any():
            continue
        seen = tail[-max(len(tail) // 8, 8 * period) :]
        if (np.abs(seen[period:] - seen[:-period]) <= SETTLED * scale).all() and _stays(
            seen, period, scale
        ):
            return period
    return None


def _stays(seen: Floats, period: int, scale: Floats) -> bool:
    """Whether what slopes change by over all that was seen is as small: no slow drift."""
    whole = len(seen) // period * period
    phases = seen[-whole:].reshape(-1, period, seen.shape[1])
    return bool((np.ptp(phases, axis=0) <= SETTLED * scale).all())


def _phased(
    partials: Sequence[Partial], slopes: Floats, held: Bools, source: int, sink: int, origin: Origin
) -> LinearStep:
    """Return the map with one copy of every equation for each phase of an orbit."""
    period, width = origin.period, len(held)
    if period * width > MOST_PHASES and period > 1:
        raise QuestionError(
            f"an orbit of period {period} of {width} equations has {period * width} phases, at "
            f"most {MOST_PHASES} are taken: say --at N (at=N in Python) for the slopes of one step"
        )
    links = []
    for phase in range(period):
        for partial, slope in zip(partials, slopes[phase].tolist(), strict=True):
            if slope == 0.0 or not math.isfinite(slope):
                continue
            parent = (phase - partial.lag) % period
            links.append(
                StepSlope(
                    phase * width + partial.child,
                    parent * width + partial.parent,
                    partial.lag,
                    slope,
                    None,
                )
            )
    places = range(0, period * width, width)
    inputs, outputs = tuple(p + source for p in places), tuple(p + sink for p in places)
    return LinearStep(period * width, tuple(links), np.tile(held, period), inputs, outputs, origin)
