"""Link scores: how much of a variable's change along W came over each arrow of the template.

For z = f(x, y, ...) and a step of W in which x moves by dx and z by dz,

    LS(x -> z) = |d_x z / dz| sign(d_x z / dx),      0 where dz or dx is 0,

d_x z being the change of z when x alone has moved. A variable whose rule reads its own value one
step ago is a stock: z is its net change there, which is the formula of 2023 for flows,
LS(i -> S) = |di / (dS[t] - dS[t-1])|, net flows aggregated or not. The arrow from a stock to itself
that only carries its value on is no link; a link to itself says that its net change depends on it.

Sources: W. Schoenberg, P. Davidsen, R. Eberlein, "Understanding model behavior using the Loops that
Matter method", Syst. Dyn. Rev. 36, 2020; W. Schoenberg, J. Hayward, R. Eberlein, "Improving Loops
that Matter", Syst. Dyn. Rev. 39, 2023.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.language.algebra import ONE
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.gradient import gradient
from causalopt.language.term import Term, ref
from causalopt.model.model import Model
from causalopt.model.template import Equation, Template, leaf_name

Link = tuple[str, str]
"""(from, to), names of variables."""

_ROUNDINGS = 16.0  # units in the last place within which a change is none


@dataclasses.dataclass(frozen=True)
class _Step:
    """What moved at every step of W, one entry a step.

    Attributes:
        template: The rules, flows integrated by Euler's method.
        W: Variable -> values, shape [step].
        first: The first step that has a change.
    """

    template: Template
    W: Mapping[str, Floats]
    first: int

    @property
    def last(self) -> int:
        """The last step."""
        return len(next(iter(self.W.values()))) - 1

    def reader(self, equation: Equation, shift: Callable[[str], int]) -> Callable[[Term], object]:
        """Return what gives a rule's leaves, each variable's by so many steps earlier."""
        values, nearest = self.template.values, _nearest(equation)
        steps = np.arange(self.first, self.last + 1)

        def leaf(term: Term) -> object:
            if isinstance(term.payload, tuple):
                name, lag = term.payload
                return self.W[name][steps + nearest - lag - shift(name)]
            if term.op in {"t", "time"}:
                at = steps + nearest - shift("")
                return at.astype(float) if term.op == "t" else self.template.time(at)
            return np.float64(values[leaf_name(term)])

        return leaf


def link_scores(model: Model, W: Mapping[str, Floats]) -> tuple[int, dict[Link, Floats]]:
    """Return the score of every link at every step at which there was a change.

    Args:
        model: Of numbers; its flows are taken by Euler's method, whatever W was integrated by.
        W: Variable -> its values, shape [t]. Changes below rounding count as none.

    Returns:
        The first step that has scores, and link -> scores from there on, shape [t - first + 1].

    Raises:
        QuestionError: A rule reads one variable at two lags, so that 'its change' is none of one
            number, or the run is too short.

    Example:
        >>> from causalopt import load, world
        >>> thermostat = load("thermostat")
        >>> w = world(thermostat, steps=4)
        >>> first, scores = link_scores(thermostat, {name: w[name] for name in ("T", "R")})
        >>> first, scores["T", "R"].tolist()
        (1, [0.0, -1.0, -1.0, -1.0])
    """
    euler = model.replace(method="euler") if model.method == "rk4" else model
    template = euler.template
    ruled = [e for e in template.equations if e.rule is not None and e.name in W]
    farthest = max((lag - _nearest(e) for e in ruled for _, lag in e.parents), default=0)
    step = _Step(template, W, 1 + farthest)
    if step.last < step.first:
        raise QuestionError(
            f"changes need {step.first} steps at least, found {step.last}: give more steps"
        )
    scores: dict[Link, Floats] = {}
    for equation in ruled:
        _refuse_two_lags(equation)
        _refuse_between(equation, W)
        scores |= _into(equation, step)
    return step.first, scores


def _into(equation: Equation, step: _Step) -> dict[Link, Floats]:
    """Return the scores of the links into one variable."""
    assert equation.rule is not None
    own = ref(equation.name, 1)
    is_stock = (equation.name, 1) in equation.parents
    sources = [name for name, _ in equation.parents]
    if is_stock and gradient(equation.rule, [own])[own] is ONE:
        sources.remove(equation.name)
    before = step.reader(equation, lambda _: 1)
    after = step.reader(equation, lambda _: 0)
    z = [_value(equation, leaf, is_stock=is_stock) for leaf in (before, after)]
    size = np.abs(z[0][1]) + np.abs(z[1][1])
    floor = _ROUNDINGS * np.finfo(float).eps * size
    dz = _without_rounding(z[1][0] - z[0][0], floor)
    scores = {}
    for name in sources:
        moved = _value(equation, step.reader(equation, _all_but(name)), is_stock=is_stock)
        part = _without_rounding(moved[0] - z[0][0], floor)
        leaf = next(ref(n, lag) for n, lag in equation.parents if n == name)
        dx = np.asarray(after(leaf)) - np.asarray(before(leaf))
        scores[name, equation.name] = _score(part, dz, dx)
    return scores


def _all_but(name: str) -> Callable[[str], int]:
    """Return the shifts that leave all a step earlier but one variable."""
    return lambda other: 0 if other == name else 1


def _score(part: Floats, dz: Floats, dx: Floats) -> Floats:
    """Return |part / dz| sign(part / dx), 0 where dz or dx is 0."""
    size = np.abs(np.divide(part, dz, out=np.zeros(len(dz)), where=dz != 0))
    score: Floats = np.where(np.isnan(part + dz + dx), np.nan, size * np.sign(part) * np.sign(dx))
    return score


def _value(
    equation: Equation, leaf: Callable[[Term], object], *, is_stock: bool
) -> tuple[Floats, Floats]:
    """Return a variable's value, or a stock's net change, and the size of what it is made of."""
    assert equation.rule is not None
    value = np.asarray(evaluate_arrays([equation.rule], leaf)[0], dtype=float)
    if not is_stock:
        return value, np.abs(value)
    own = np.asarray(leaf(ref(equation.name, 1)))
    return value - own, np.abs(value) + np.abs(own)


def _without_rounding(change: Floats, floor: Floats) -> Floats:
    return np.where(np.abs(change) <= floor, 0.0, change)


def _nearest(equation: Equation) -> int:
    """Return the smallest lag at which a rule reads: its change belongs to the step read there."""
    return min((lag for _, lag in equation.parents), default=0)


def _refuse_between(equation: Equation, W: Mapping[str, Floats]) -> None:
    between = [name for name, _ in equation.parents if name not in W]
    if between:
        raise QuestionError(
            f"'{equation.name}' reads '{between[0]}', a value between two steps that W does not "
            "have: choose dt so that its lags in time are whole steps"
        )


def _refuse_two_lags(equation: Equation) -> None:
    names = [name for name, _ in equation.parents]
    for name in names:
        if names.count(name) > 1:
            lags = ", ".join(f"{n}[t-{lag}]" if lag else f"{n}[t]" for n, lag in equation.parents)
            raise QuestionError(
                f"'{equation.name}' reads '{name}' at two lags ({lags}): a link has one change; "
                f"let a variable of its own carry the older value"
            )
