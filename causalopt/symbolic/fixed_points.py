"""Fixed points and periodic orbits, and the linear template around them.

On an orbit that repeats, the edges repeat: around a fixed point the model is one linear template,
around an orbit of period p it is one whose variables are the p phases of each variable and whose
step is p steps. Their closed forms are exact for delta -> 0 on the orbit itself.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mpmath
import sympy

from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Displayed
from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.linear import LinearSolution, solve_linear
from causalopt.symbolic.linear_template import Edge, Holding, LinearQuestion
from causalopt.symbolic.reading import Reading, linear_template, read_question
from causalopt.work.progress import Progress, long_work

_STARTS = 40
_DIGITS = 40


@dataclasses.dataclass(frozen=True, repr=False)
class Orbit(Displayed):
    """Values that repeat: one for each variable at each phase.

    Args:
        names: Equations.
        points: Phase -> value of each equation, exact or a float of 40 digits.
        exact: Whether the values are exact expressions.
    """

    names: tuple[str, ...]
    points: tuple[tuple[sympy.Expr, ...], ...]
    exact: bool

    def __repr__(self) -> str:
        kind = "fixed point" if self.period == 1 else f"orbit of period {self.period}"
        rows = [
            ", ".join(f"{name} = {value}" for name, value in zip(self.names, point, strict=True))
            for point in self.points
        ]
        return "\n  ".join([f"{kind}, {'exact' if self.exact else 'to 40 digits'}", *rows])

    @property
    def period(self) -> int:
        """Steps until the values repeat."""
        return len(self.points)


@dataclasses.dataclass(frozen=True)
class Rest:
    """A fixed point the model starts at, and the edges there."""

    values: tuple[tuple[str, sympy.Expr], ...]
    edges: Mapping[Edge, sympy.Expr]


def starts_at_rest(reading: Reading) -> Rest | None:
    """Return the fixed point a model's initial values are, None if they are none.

    Args:
        reading: The model and the question; parameters stay symbols, so that a fixed point for
            every parameter (such as an origin) is told from one at these values alone.
    """
    values: dict[int, sympy.Expr] = {}
    for i, equation in enumerate(reading.model.template.equations):
        found = {reading.expression(term) for term in equation.initial}
        if len(found) > 1 or (not found and equation.rule is None):
            return None
        if found:
            values[i] = found.pop()
    return _rest(reading, values)


def _rest(reading: Reading, values: dict[int, sympy.Expr]) -> Rest | None:
    index = reading.model.template.index
    for i, rule in enumerate(reading.rules):
        if rule is None:
            continue
        known = {
            symbol: values[index[name]]
            for (name, _), symbol in reading.references.items()
            if index[name] in values
        }
        if {s for s in rule.free_symbols if s in reading.references.values()} - known.keys():
            return None
        there = rule.xreplace(known)
        if sympy.Symbol("t") in there.free_symbols or there.has(sympy.Piecewise):
            return None
        if i not in values:
            values[i] = there
        elif sympy.simplify(there - values[i]) != 0:
            return None
    at = {symbol: values[index[name]] for (name, _), symbol in reading.references.items()}
    edges = {
        edge: sympy.sympify(slope, strict=True).xreplace(at)
        for edge, slope in reading.edges.items()
    }
    edges = {edge: slope for edge, slope in edges.items() if slope != 0}
    shown = tuple((name, values[index[name]]) for name in reading.model.template.names)
    return Rest(shown, edges)


@long_work("solving", direct=True)
def find_orbits(
    model: Model,
    period: int = 1,
    *,
    parameters: Mapping[str, int | float | str] | None = None,
    progress: Progress | None = None,
    time_limit: float = 10.0,
) -> list[Orbit]:
    """Return the model's orbits of one period: symbolically where sympy can, numerically otherwise.

    Args:
        model: The model.
        period: Steps after which all values repeat; 1 for fixed points.
        parameters: Values that replace parameters in the model and in the formulas.
        progress: Called with (done, total, what), in seconds of the time limit.
        time_limit: Seconds for sympy; then Newton's method from many starts, at the model's own
            parameter values, takes over.

    Returns:
        The orbits found, each once; orbits of a smaller period that divides this one are left out.

    Raises:
        QuestionError: A rule depends on the step itself, or has no smooth equations.

    Example:
        >>> from causalopt import load
        >>> find_orbits(load("thermostat"))[0].points
        ((0, d),)
    """
    del progress  # long_work tells it
    reading = read_question(model, parameters=parameters)
    unknowns, equations = _orbit_equations(reading, period)
    deadline = Deadline.after(time_limit)
    try:
        solved = deadline.run(_solve_exactly, unknowns, equations)
    except (OvertimeError, NotImplementedError):  # the second is sympy's word for "no method"
        solved = None
    exact = solved is not None
    found = _solve_numerically(reading, unknowns, equations) if solved is None else solved
    width = len(reading.names)
    orbits = []
    for solution in found:
        points = [solution[k * width : (k + 1) * width] for k in range(period)]
        if not _shorter(points, period):
            orbits.append(Orbit(reading.names, tuple(map(tuple, points)), exact))
    return _without_rotations(orbits)


@long_work("deriving", direct=True)
def linearise(
    model: Model,
    orbit: Orbit,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    progress: Progress | None = None,
    phase: int = 0,
    time_limit: float = 20.0,
) -> list[LinearSolution]:
    """Return the closed form around an orbit, one for each phase of the measured node.

    Args:
        model: The model; the nudge is made at the given phase of the orbit.
        orbit: A fixed point or a periodic orbit, as `find_orbits` returns it.
        nudge: The node n; the question's, like the next three, when not given.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        parameters: Values that replace parameters in the model and in the formulas.
        progress: Called with (done, total, what), in seconds of the time limit.
        phase: The phase of the nudged node.
        time_limit: Seconds for each phase.

    Returns:
        Solutions in the number of whole periods since the nudged node's; entry p is for the target
        at phase p.

    Raises:
        QuestionError: The held set changes in time, which an orbit's phases cannot express.

    Example:
        >>> from causalopt import load
        >>> thermostat = load("thermostat")
        >>> (orbit,) = find_orbits(thermostat)
        >>> linearise(thermostat, orbit, parameters={"k": "1/4"})[0].comp
        (t + 1)/2**t
    """
    del progress  # long_work tells it
    reading = read_question(
        model, nudge=nudge, hold=hold, target=target, steps=steps, parameters=parameters
    )
    if reading.question.holding.early:
        raise QuestionError(
            "around an orbit the held set must be the same at all steps: hold whole variables "
            '(hold="a"), or derive the model itself for a[t<=10]'
        )
    width, period = len(reading.names), orbit.period
    edges = {}
    for p in range(period):
        for (i, j, lag), slope in _edges_at(reading, orbit, p).items():
            source = (p - lag) % period
            edges[p * width + i, source * width + j, (lag - p + source) // period] = slope
    names = tuple(f"{n}@{p}" for p in range(period) for n in reading.names)
    linear = linear_template(names, edges, (0,) * len(names))
    held = frozenset(p * width + i for p in range(period) for i in reading.question.holding.final)
    source = phase * width + reading.question.nudged
    return [
        solve_linear(
            linear.template,
            LinearQuestion(source, p * width + reading.question.target, Holding((), held)),
            time_limit=time_limit,
        )
        for p in range(period)
    ]


def _edges_at(reading: Reading, orbit: Orbit, phase: int) -> dict[Edge, sympy.Expr]:
    index = reading.model.template.index
    at = {
        symbol: orbit.points[(phase - lag) % orbit.period][index[name]]
        for (name, lag), symbol in reading.references.items()
    }
    found = {edge: sympy.sympify(s, strict=True).xreplace(at) for edge, s in reading.edges.items()}
    if not orbit.exact:
        found = {
            e: sympy.Rational(str(s.subs(reading.values).evalf(_DIGITS))) for e, s in found.items()
        }
    return {edge: slope for edge, slope in found.items() if slope != 0}


def _orbit_equations(reading: Reading, period: int) -> tuple[list[sympy.Symbol], list[sympy.Expr]]:
    index = reading.model.template.index
    width = len(reading.names)
    unknowns = [sympy.Dummy(f"{name}_{p}") for p in range(period) for name in reading.names]
    equations = []
    for p, i in itertools.product(range(period), range(width)):
        rule = reading.rules[i]
        if rule is None or sympy.Symbol("t") in rule.free_symbols:
            raise QuestionError(
                f"'{reading.names[i]}' does not follow a rule that is the same at every step: an "
                "orbit needs one"
            )
        at = {
            symbol: unknowns[(p - lag) % period * width + index[name]]
            for (name, lag), symbol in reading.references.items()
        }
        equations.append(rule.xreplace(at) - unknowns[p * width + i])
    return unknowns, equations


def _solve_exactly(
    unknowns: list[sympy.Symbol], equations: list[sympy.Expr]
) -> list[tuple[sympy.Expr, ...]] | None:
    """Return every solution, None where there are branches, a continuum, or nothing found."""
    if any(e.has(sympy.Piecewise, sympy.Min, sympy.Max, sympy.Abs) for e in equations):
        return None
    found = sympy.solve(equations, unknowns, dict=True)
    full = [s for s in found if len(s) == len(unknowns)]
    if len(full) < len(found) or not found:
        return None
    return [tuple(sympy.simplify(s[u]) for u in unknowns) for s in full]


def _solve_numerically(
    reading: Reading, unknowns: list[sympy.Symbol], equations: list[sympy.Expr]
) -> list[tuple[sympy.Expr, ...]]:
    """Newton's method with 40 digits, from the run's own last states and from random places."""
    context = mpmath.MPContext()
    context.dps = _DIGITS + 10
    numeric = [e.subs(reading.values) for e in equations]
    # The names of mpmath, bound to a context of our own: the global precision stays as it is.
    bound = {name: getattr(context, name) for name in dir(context) if name[0] != "_"}
    function = sympy.lambdify([unknowns], numeric, modules=[bound, "mpmath"])
    found: list[tuple[sympy.Expr, ...]] = []
    for start in _starts(reading, len(unknowns)):
        root = _newton(context, function, start)
        if root is not None and not any(_close(root, other) for other in found):
            found.append(root)
    return found


def _newton(context: Any, function: Any, start: list[float]) -> tuple[sympy.Expr, ...] | None:
    try:
        root = context.findroot(lambda *x: function(list(x)), start, tol=1e-60, maxsteps=60)
    except (ValueError, ZeroDivisionError, TypeError):
        return None
    values = list(root) if hasattr(root, "rows") else [root]
    if not all(isinstance(v, context.mpf) and context.isfinite(v) for v in values):
        return None
    return tuple(sympy.Float(context.nstr(v, _DIGITS), _DIGITS) for v in values)


def _starts(reading: Reading, count: int) -> Iterator[list[float]]:
    width = len(reading.names)
    from causalopt.worlds.world import number_world  # few formulas need a run, and numpy

    table = number_world(reading.model, steps=max(reading.asked.steps, count)).table
    for last in {len(table), len(table) // 2 or 1}:
        rows = table[max(0, last - count // width) : last]
        flat = [float(v) for row in rows for v in row]
        if len(flat) == count and all(abs(v) < 1e12 for v in flat):
            yield flat
    draw = random.Random(0)
    for scale in [1.0, 10.0, 50.0]:
        for _ in range(_STARTS // 3):
            yield [draw.uniform(-scale, scale) for _ in range(count)]


def _close(a: tuple[sympy.Expr, ...], b: tuple[sympy.Expr, ...]) -> bool:
    return all(abs(x - y) < 1e-20 * (1 + abs(y)) for x, y in zip(a, b, strict=True))


def _shorter(points: list[tuple[sympy.Expr, ...]], period: int) -> bool:
    """Whether the values repeat sooner, after a divisor of the period."""
    return any(
        period % d == 0 and all(_equal(points[k], points[(k + d) % period]) for k in range(period))
        for d in range(1, period)
    )


def _equal(a: tuple[sympy.Expr, ...], b: tuple[sympy.Expr, ...]) -> bool:
    if any(x.has(sympy.Float) for x in (*a, *b)):
        return _close(a, b)
    return all(sympy.simplify(x - y) == 0 for x, y in zip(a, b, strict=True))


def _without_rotations(orbits: list[Orbit]) -> list[Orbit]:
    kept: list[Orbit] = []
    for orbit in orbits:
        turns = [orbit.points[k:] + orbit.points[:k] for k in range(orbit.period)]
        known = any(
            all(_equal(a, b) for a, b in zip(turn, other.points, strict=True))
            for other in kept
            for turn in turns
        )
        if not known:
            kept.append(orbit)
    return kept
