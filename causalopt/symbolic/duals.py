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
import functools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from causalopt.errors import QuestionError
from causalopt.language.term import Term, evaluate
from causalopt.symbolic.arithmetic import Floats, NotRationalError, Rationals, Short
from causalopt.symbolic.reading import Reading
from causalopt.worlds.world import world

_PRECISIONS = (160, 640, 2560, 10240)


@dataclasses.dataclass(frozen=True)
class Dual:
    """A value with its derivatives over all paths and over the paths that avoid A."""

    value: Any
    total: Any
    direct: Any


class Ties:
    """Which side is taken where a path meets a branch exactly.

    There the derivative is one-sided. The side is the one that the run in floats takes, so that
    formula and run answer for the same side; the steps are kept for the record.
    """

    def __init__(self, reading: Reading, last: int) -> None:
        self._reading = reading
        self._last = last
        self.steps: list[int] = []

    @functools.cached_property
    def _table(self) -> Any:
        return world(self._reading.model, steps=self._last).table

    def decide(self, comparison: Term, step: int) -> bool:
        """Return the truth of a comparison at one step of the run in floats."""
        self.steps.append(step)
        template = self._reading.model.template
        values = template.parameter_values()

        def leaf(term: Term) -> float:
            if isinstance(term.payload, tuple):
                name, lag = term.payload
                return float(self._table[step - lag, template.index[name]])
            clock = {"t": float(step), "time": step * values["dt"]}
            return clock[term.op] if term.op in clock else values[str(term.payload or term.op)]

        return bool(evaluate(comparison, leaf))


def effects_along(
    reading: Reading, last: int, arithmetic: Any, ties: Ties | None = None
) -> list[Dual]:
    """Return the target's value and its two derivatives at the steps 0..last.

    Args:
        reading: The model and the question.
        last: The last step.
        arithmetic: `Rationals()`, `Residues()` or `Floats(bits)`.
        ties: Decides, and records, where the path meets a branch exactly.

    Returns:
        One record a step.

    Raises:
        NotRationalError: In rationals: a value is none, or grows too large.
    """
    walk = Walk(reading, arithmetic, Ties(reading, last) if ties is None else ties)
    return [walk.advance()[reading.question.target] for _ in range(last + 1)]


class Walk:
    """The recurrence, advanced step by step.

    Args:
        reading: The model and the question.
        arithmetic: Which numbers to compute with.
        ties: Decides where the path meets a branch exactly.
    """

    def __init__(self, reading: Reading, arithmetic: Any, ties: Ties) -> None:
        self._reading = reading
        self._arithmetic = arithmetic
        self._ties = ties
        self._parameters = _parameters(reading, arithmetic)
        self._history: list[list[Dual]] = []

    def advance(self) -> list[Dual]:
        """Compute one more step and return its nodes."""
        question, zero = self._reading.question, self._arithmetic.number(Fraction(0))
        step = len(self._history)
        now: list[Dual] = []
        self._history.append(now)
        held = question.holding.at(step)
        for i, equation in enumerate(self._reading.model.template.equations):
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

    def truth(self, comparison: Term) -> bool:
        """Return a comparison's truth at the step computed last."""
        return bool(_evaluate(comparison, self._leaves()))

    def _leaves(self) -> _Leaves:
        step = len(self._history) - 1
        return _Leaves(
            self._reading, self._history, self._parameters, step, self._arithmetic, self._ties
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
        values[name] = _evaluate(term, _Leaves(reading, [], values, 0, arithmetic))
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
    ties: Ties | None = None

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
        else:
            done[term] = _operation(term, [done.get(arg) for arg in term.args], leaf)
    result = done[root]
    if isinstance(result, Dual):
        arithmetic.number(result.value)
    return result


def _wanted(term: Term, done: dict[Term, Any]) -> list[Term]:
    """Arguments still to be computed; of a branch only the one that is taken."""
    if term.op == "where" and term.args[0] in done:
        taken = term.args[1] if done[term.args[0]] else term.args[2]
        return [] if taken in done else [taken]
    needed = term.args[:1] if term.op == "where" else term.args
    return [arg for arg in needed if arg not in done]


def _operation(term: Term, args: list[Any], leaf: _Leaves) -> Any:
    op = term.op
    if op in _LOGIC:
        return _LOGIC[op](*args)
    if op in _COMPARE:
        return _compared(op, term, args, leaf)
    if op == "where":
        return args[1] if args[0] else args[2]
    if op in {"min", "max"}:
        order = term.args if op == "min" else term.args[::-1]
        values = args if op == "min" else args[::-1]
        return args[0 if _compared("le", Term.of("le", *order), values, leaf) else 1]
    if op == "ipow":
        exponent = term.payload
        value, slope = _whole_power(args[0].value, exponent)
        return _chained(value, [(args[0], slope)])
    return _arithmetic(op, args, leaf.arithmetic)


def _compared(op: str, term: Term, args: list[Dual], leaf: _Leaves) -> bool:
    a, b = args
    moving = a.total != b.total or a.direct != b.direct
    if leaf.ties is not None and a.value == b.value and moving:
        return leaf.ties.decide(term, leaf.step)
    return _COMPARE[op](a.value, b.value)


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
    if op in {"abs", "sign", "floor", "ceil"}:
        return _stepped(op, args[0])
    if op == "pow":
        return _power(args[0], args[1], arithmetic)
    value, slope = arithmetic.function(op, values[0])
    return _chained(value, [(args[0], slope)])


def _stepped(op: str, arg: Dual) -> Dual:
    value = arg.value
    sign = (value > 0) - (value < 0)
    if op == "abs":
        return _chained(abs(value), [(arg, sign)])
    whole = {
        "sign": lambda: sign,
        "floor": lambda: math.floor(value),
        "ceil": lambda: math.ceil(value),
    }
    return Dual(value * 0 + whole[op](), value * 0, value * 0)


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
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    name: getattr(operator, name) for name in ("lt", "le", "eq", "ne")
}
