"""The recurrence with its tangents in one pass, in rationals or in any precision.

Every node carries its value and two derivatives by the nudged node: over all paths, and over the
paths that avoid A. In rationals this is the definition itself, and every program of `straight_line`
is checked against it; in multiprecision floats it is the stable route by which formulas are
evaluated.

This file and `arithmetic` are the independent checker, and on purpose say once more what
`language.operations` and `language.gradient` say: the value and the slope of every operation. A
checker that read the slopes it is to check from the same table would pass on the table's faults.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from causalopt.errors import QuestionError
from causalopt.language.algebra import ZERO
from causalopt.language.term import Term, evaluate, operands
from causalopt.model.template import leaf_name
from causalopt.symbolic.arithmetic import Floats, NotRationalError, Rationals, Short
from causalopt.symbolic.reading import Reading

_PRECISIONS = (160, 640, 2560, 10240)


@dataclasses.dataclass(frozen=True)
class Dual:
    """A value with its derivatives over all paths and over the paths that avoid A."""

    value: Any
    total: Any
    direct: Any


_UNKNOWN = Dual(math.nan, math.nan, math.nan)


class Truth(NamedTuple):
    """Whether a comparison holds in the baseline, and just after a small positive nudge.

    The three differ only where the two sides are equal and move apart: there the tangents tell
    which side the nudged worlds come out on.
    """

    base: bool
    total: bool
    direct: bool


class Ties:
    """Where a path meets a branch exactly, so that the derivative is one-sided.

    It is the one for a positive nudge. Where the two sides are equal as rationals but not in the
    run's floats, it is the one on the floats' side: formula and run answer for the same side.

    Attributes:
        steps: The steps at which a branch was met, in order.
        jumps: Those of them at which a value jumps, so that there is no derivative.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._table: Any = ()
        self.steps: list[int] = []
        self.jumps: list[int] = []

    def side(self, comparison: Term, step: int) -> bool | None:
        """Return the comparison's truth in floats; None on a tie there too."""
        if step >= len(self._table):
            steps = max(step, self._reading.asked.steps)
            from causalopt.worlds.world import number_world  # few formulas need a run, and numpy

            self._table = number_world(self._reading.model, steps=steps).table
        left, right = (evaluate(side, self._leaf(step)) for side in comparison.args)
        return None if left == right else _COMPARE[comparison.op](left, right)

    def _leaf(self, step: int) -> Callable[[Term], float]:
        template = self._reading.model.template

        def leaf(term: Term) -> float:
            if isinstance(term.payload, tuple):
                name, lag = term.payload
                return float(self._table[step - lag, template.index[name]])
            return float(step) if term.op == "t" else template.values[leaf_name(term)]

        return leaf


def effects_along(reading: Reading, last: int, arithmetic: Any) -> list[Dual]:
    """Return the target's value and its two derivatives at the steps 0..last.

    Where a path meets a branch exactly the derivative is one-sided (see `Ties`).

    Args:
        reading: The model and the question.
        last: The last step.
        arithmetic: `Rationals()`, `Residues()` or `Floats(bits)`.

    Returns:
        One record a step.

    Raises:
        NotRationalError: In rationals: a value is none, or grows too large.
    """
    walk = Walk(reading, arithmetic)
    return [walk.advance()[reading.question.target] for _ in range(last + 1)]


class Walk:
    """The recurrence, advanced step by step; variables that the target never needs are left out.

    Args:
        reading: The model and the question.
        arithmetic: Which numbers to compute with.
    """

    def __init__(self, reading: Reading, arithmetic: Any) -> None:
        self._reading = reading
        self._arithmetic = arithmetic
        self._parameters = _parameters(reading, arithmetic)
        self._history: list[list[Dual]] = []
        self.ties = Ties(reading)

    def advance(self) -> list[Dual]:
        """Compute one more step and return its nodes."""
        question, zero = self._reading.question, self._arithmetic.number(Fraction(0))
        step = len(self._history)
        now: list[Dual] = []
        self._history.append(now)
        held = question.holding.at(step)
        for i, equation in enumerate(self._reading.model.template.equations):
            if i not in self._reading.needed:
                now.append(_UNKNOWN)
                continue
            term = equation.initial[step] if step < len(equation.initial) else equation.rule
            if term is None:
                raise QuestionError(
                    f"'{equation.name}' has no rule and no value at t = {step}: give it a rule "
                    f"such as {equation.name}[t-1]"
                )
            node: Dual = _evaluate(term, self._leaves())
            if i == question.nudged and step == question.start:
                node = Dual(node.value, zero + 1, zero + 1)
            now.append(dataclasses.replace(node, direct=zero) if i in held else node)
        return now

    def truth(self, comparison: Term) -> Truth:
        """Return a comparison's truth at the step computed last."""
        found: Truth = _evaluate(comparison, self._leaves())
        return found

    def choice(self, term: Term) -> Truth:
        """Return whether a where takes its first branch, or a comparison's truth at its jump."""
        if term.op != "where":
            return Truth(*[self.truth(term).base] * 3)
        leaves = self._leaves()
        condition, *branches = term.args
        truth: Truth = _evaluate(condition, leaves)
        if any(truth) and not all(truth):
            then, otherwise = (_evaluate(branch, leaves) for branch in branches)
            return _side(truth, then, otherwise, leaves)
        return truth

    def _leaves(self) -> _Leaves:
        step = len(self._history) - 1
        return _Leaves(
            self._reading, self._history, self._parameters, step, self._arithmetic, self.ties
        )


def stable_effects(reading: Reading, last: int) -> list[tuple[Any, Any]]:
    """Return (total, direct) at the steps 0..last, to more digits than a float holds.

    Exactly where the model is rational and its numbers stay short; otherwise at a precision that
    is raised until two of them agree to 60 bits.

    Raises:
        ArithmeticError: The highest precision does not suffice.
    """
    try:
        exact = effects_along(reading, last, Short())
        return [(dual.total, dual.direct) for dual in exact]
    except NotRationalError:
        pass
    before: list[tuple[Any, Any]] | None = None
    for bits in _PRECISIONS:
        duals = effects_along(reading, last, Floats(bits))
        found = [(dual.total, dual.direct) for dual in duals]
        if before is not None and _agree(before, found):
            return found
        before = found
    raise ArithmeticError(f"{_PRECISIONS[-1]} bits do not resolve the effects at t <= {last}")


def _agree(a: list[tuple[Any, Any]], b: list[tuple[Any, Any]]) -> bool:
    return all(
        x == y or (x != x and y != y) or abs(x - y) <= abs(y) * 2.0**-60
        for pair, other in zip(a, b, strict=True)
        for x, y in zip(pair, other, strict=True)
    )


def _parameters(reading: Reading, arithmetic: Any) -> dict[str, Dual]:
    values: dict[str, Dual] = {"dt": _constant(arithmetic, reading.model.template.dt)}
    for name, term in reading.model.template.parameters.items():
        values[name] = _evaluate(term, _Leaves(reading, [], values, 0, arithmetic, Ties(reading)))
    return values


def _constant(arithmetic: Any, value: Fraction) -> Dual:
    zero = arithmetic.number(Fraction(0))
    return Dual(arithmetic.number(value), zero, zero)


@dataclasses.dataclass(frozen=True)
class _Leaves:
    """What a rule's leaves stand for at one step."""

    reading: Reading
    history: list[list[Dual]]
    parameters: dict[str, Dual]
    step: int
    arithmetic: Any
    ties: Ties

    def __call__(self, leaf: Term) -> Dual:
        if isinstance(leaf.payload, tuple):
            name, lag = leaf.payload
            return self.history[-1 - lag][self.reading.model.template.index[name]]
        if leaf.op == "param":
            return self.parameters[str(leaf.payload)]
        if leaf.op == "pi":
            if isinstance(self.arithmetic, Rationals):
                raise NotRationalError("pi leaves the rationals")
            zero = self.arithmetic.number(Fraction(0))
            return Dual(+self.arithmetic.context.pi, zero, zero)
        dt = self.reading.model.template.dt
        clock = {"t": Fraction(self.step), "dt": dt, "time": self.step * dt}
        return _constant(self.arithmetic, clock[leaf.op])


def _evaluate(root: Term, leaf: _Leaves) -> Any:
    arithmetic = leaf.arithmetic
    done: dict[Term, Any] = {}
    stack = [root]
    while stack:
        term = stack[-1]
        if term in done:
            stack.pop()
            continue
        wanted = _wanted(term, done)
        if wanted:
            stack.extend(wanted)
            continue
        stack.pop()
        if isinstance(term.payload, Fraction):
            done[term] = _constant(arithmetic, term.payload)
        elif term.is_leaf:
            done[term] = leaf(term)
        elif term.op == "expm":  # of parameters, which do not move
            *entries, place = operands(term, done)
            value = arithmetic.matrix_exponential([entry.value for entry in entries], place)
            done[term] = Dual(value, value * 0, value * 0)
        else:
            done[term] = _operation(term, [done.get(arg) for arg in term.args], leaf)
    result = done[root]
    if isinstance(result, Dual):
        arithmetic.number(result.value)
    return result


def _wanted(term: Term, done: dict[Term, Any]) -> list[Term]:
    """Arguments still to be computed; of branches only those that are taken."""
    if term.op == "where" and term.args[0] in done:
        truth = done[term.args[0]]
        needed = (term.args[1],) * any(truth) + (term.args[2],) * (not all(truth))
    else:
        needed = term.args[:1] if term.op == "where" else term.args
    return [arg for arg in needed if arg not in done]


def _operation(term: Term, args: list[Any], leaf: _Leaves) -> Any:
    op = term.op
    if op in _LOGIC:
        return Truth(*(_LOGIC[op](*sides) for sides in zip(*args, strict=True)))
    if op in _COMPARE:
        return _compared(term, args, leaf)
    if op == "where":
        truth, then, otherwise = args
        return _taken(_side(truth, then, otherwise, leaf), then, otherwise)
    if op in {"min", "max"}:
        order = slice(None, None, 1 if op == "min" else -1)
        return _taken(_compared(Term.of("le", *term.args[order]), args[order], leaf), *args)
    if op == "ipow":
        exponent = term.payload
        value, slope = _whole_power(args[0].value, exponent)
        return _chained(value, [(args[0], slope)])
    if op in _STEPS:
        return _stepped(term, args[0], leaf)
    return _arithmetic(op, args, leaf.arithmetic)


def _compared(term: Term, args: list[Dual], leaf: _Leaves) -> Truth:
    a, b = args
    holds, is_same = _COMPARE[term.op], leaf.arithmetic.is_same
    if a.value != a.value or b.value != b.value:
        raise ZeroDivisionError("NaN has no order")
    if not is_same(a.value, b.value):
        return Truth(*[holds(a.value, b.value)] * 3)
    apart = [not is_same(a.total, b.total), not is_same(a.direct, b.direct)]
    if any(apart):
        leaf.ties.steps.append(leaf.step)
    side = leaf.ties.side(term, leaf.step) if any(apart) or a.value != b.value else None
    if side is not None:
        return Truth(side, side, side)
    equal = holds(0, 0)
    total = holds(a.total, b.total) if apart[0] else equal
    direct = holds(a.direct, b.direct) if apart[1] else equal
    return Truth(equal, total, direct)


def _side(truth: Truth, then: Dual | None, otherwise: Dual | None, leaf: _Leaves) -> Truth:
    """The branches taken: all the baseline's where the value jumps, which no tangent follows."""
    if then is None or otherwise is None or leaf.arithmetic.is_same(then.value, otherwise.value):
        return truth
    leaf.ties.jumps.append(leaf.step)
    return Truth(truth.base, truth.base, truth.base)


def _taken(truth: Truth, then: Dual | None, otherwise: Dual | None) -> Dual:
    """The value of the branch taken, and each tangent of the branch its world takes."""
    base, total, direct = (then if side else otherwise for side in truth)
    assert base is not None
    assert total is not None
    assert direct is not None
    return Dual(base.value, total.total, direct.direct)


def _whole_power(base: Any, exponent: Any) -> tuple[Any, Any]:
    slope = exponent * base ** (exponent - 1) if exponent != 0 else base * 0
    return base**exponent, slope


def _arithmetic(op: str, args: list[Dual], arithmetic: Any) -> Dual:
    values = [arg.value for arg in args]
    if op == "add":
        return _chained(values[0] + values[1], [(args[0], 1), (args[1], 1)])
    if op == "sub":
        return _chained(values[0] - values[1], [(args[0], 1), (args[1], -1)])
    if op == "mul":
        return _chained(values[0] * values[1], [(args[0], values[1]), (args[1], values[0])])
    if op == "div":
        quotient = values[0] / values[1]
        return _chained(quotient, [(args[0], 1 / values[1]), (args[1], -quotient / values[1])])
    if op == "neg":
        return _chained(-values[0], [(args[0], -1)])
    if op == "pow":
        return _power(args[0], args[1], arithmetic)
    value, slope = arithmetic.function(op, values[0])
    return _chained(value, [(args[0], slope)])


def _stepped(term: Term, arg: Dual, leaf: _Leaves) -> Dual:
    value = leaf.arithmetic.whole(arg.value)
    if value - value != 0:  # infinite or NaN
        return Dual(value, value * 0, value * 0)
    zero = _constant(leaf.arithmetic, Fraction(0))
    if term.op == "abs":
        positive = _compared(Term.of("le", ZERO, term.args[0]), [zero, arg], leaf)
        opposite = _chained(-value, [(arg, -1)])
        return _taken(positive, dataclasses.replace(arg, value=value), opposite)
    steps = {
        "sign": lambda: (value > 0) - (value < 0),
        "floor": lambda: math.floor(value),
        "ceil": lambda: math.ceil(value),
    }
    step = steps[term.op]()
    if value == (0 if term.op == "sign" else step) and (arg.total != 0 or arg.direct != 0):
        leaf.ties.steps.append(leaf.step)
        leaf.ties.jumps.append(leaf.step)
    return Dual(value * 0 + step, value * 0, value * 0)


def _power(base: Dual, exponent: Dual, arithmetic: Any) -> Dual:
    value = arithmetic.power(base.value, exponent.value)
    slope = exponent.value * arithmetic.power(base.value, exponent.value - 1)
    if exponent.total == 0 and exponent.direct == 0:
        return _chained(value, [(base, slope)])
    return _chained(value, [(base, slope), (exponent, value * arithmetic.log(base.value))])


def _chained(value: Any, parts: list[tuple[Dual, Any]]) -> Dual:
    """The chain rule; an argument that does not move contributes nothing, whatever its slope."""
    total = direct = value * 0
    for arg, slope in parts:
        total = total + slope * arg.total if arg.total != 0 else total
        direct = direct + slope * arg.direct if arg.direct != 0 else direct
    return Dual(value, total, direct)


_LOGIC: dict[str, Callable[..., bool]] = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": operator.not_,
}
_STEPS = frozenset({"abs", "sign", "floor", "ceil"})
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    name: getattr(operator, name) for name in ("lt", "le", "eq", "ne")
}
