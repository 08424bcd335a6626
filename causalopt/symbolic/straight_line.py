"""Straight-line programs: the effects at one step of a nonlinear model, exactly, in linear size.

Unrolled and expanded, an effect grows exponentially with the steps. Written as a program, one line
for each value, each edge's derivative and each node's tangents, it grows linearly: the tangent of a
node is the sum over its edges of derivative times the parent's tangent (the chain rule, once over
all paths and once over those that avoid A). Equal lines are one line, and lines that the answer
does not need are left out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from causalopt.symbolic.arithmetic import Floats
from causalopt.symbolic.digits import in_digits
from causalopt.symbolic.exact import evaluate_line
from causalopt.symbolic.linear import T
from causalopt.symbolic.linear_template import Edge
from causalopt.symbolic.paths import Mode, Path
from causalopt.symbolic.reading import Reading

Line = tuple[sympy.Symbol, sympy.Expr]
# A longer number gets a name: products of named numbers stay short, products of numbers do not.
_LONGEST_NUMBER = 10**20
# Past this a formula says less than its program, and Python stops writing integers at 4300 digits.
_LONGEST_WRITTEN = 10**1000


@dataclasses.dataclass(frozen=True)
class StraightLine:
    """Assignments in order, and the expressions of the two effects in their names.

    Args:
        lines: (name, expression in parameters and earlier names).
        total: The effect over all paths.
        direct: The effect over the paths that avoid A.
        step: The step t of the measured node.
    """

    lines: tuple[Line, ...]
    total: sympy.Expr
    direct: sympy.Expr
    step: int

    def run(
        self, values: Mapping[sympy.Symbol, Any], number: Callable[[Fraction], Any] = Fraction
    ) -> tuple[Any, Any]:
        """Return (total, direct) in any arithmetic; exactly for rational parameters.

        Args:
            values: Parameter -> number.
            number: Takes a rational constant into the arithmetic, and checks every line's value.
        """
        known = dict(values)
        for name, expr in self.lines:
            known[name] = number(evaluate_line(expr, known, number))
        total, direct = (evaluate_line(e, known, number) for e in (self.total, self.direct))
        return total, direct

    def in_digits(self, values: Mapping[sympy.Symbol, Any], floats: Floats) -> tuple[Any, Any]:
        """Return (total, direct) in floats of one precision."""
        known = dict(values)
        for name, expr in self.lines:
            known[name] = in_digits(expr, known, floats)
        return in_digits(self.total, known, floats), in_digits(self.direct, known, floats)

    def expand(self, most: int = 4000) -> tuple[sympy.Expr, sympy.Expr] | None:
        """Return (total, direct) as two expressions in the parameters.

        Args:
            most: The largest number of operations of a result.

        Returns:
            The expressions, or None when they are larger, or hold a number of more than a thousand
            digits.
        """
        known: dict[sympy.Symbol, sympy.Expr] = {}
        size: dict[sympy.Symbol, int] = {}

        def large(expr: sympy.Expr) -> int:
            uses = (size.get(leaf, 0) for leaf in sympy.preorder_traversal(expr) if leaf.is_Symbol)
            return int(expr.count_ops()) + sum(uses)

        for name, expr in self.lines:
            size[name] = large(expr)
            if size[name] > most:
                return None
            known[name] = expr.xreplace(known)
            if not is_writable(known[name]):
                return None
        if large(self.total) > most or large(self.direct) > most:
            return None
        total, direct = self.total.xreplace(known), self.direct.xreplace(known)
        return (total, direct) if is_writable(total) and is_writable(direct) else None

    def __str__(self) -> str:
        lines = [f"{name} = {expr}" for name, expr in self.lines]
        return "\n".join([*lines, f"total = {self.total}", f"direct = {self.direct}"])


def is_writable(expr: sympy.Expr) -> bool:
    """Whether every number in an expression has at most a thousand digits.

    Example:
        >>> is_writable(sympy.Symbol("k") / 3**2000), is_writable(sympy.Integer(3) ** 3000)
        (True, False)
    """
    return all(
        max(abs(number.p), number.q) < _LONGEST_WRITTEN for number in expr.atoms(sympy.Rational)
    )


def write_program(reading: Reading, path: Path, step: int) -> StraightLine:
    """Return the program that computes both effects at one step.

    Args:
        reading: The model and the question.
        path: The baseline's branches; the program holds as long as they are taken.
        step: The step of the measured node.

    Returns:
        The program, with initial values as its first lines.
    """
    writer = _Writer(reading)
    for t, mode in enumerate(path.by_step(step)):
        writer.advance(t, mode)
    target = reading.question.target
    return _pruned(
        StraightLine(
            tuple(writer.lines),
            writer.total[-1].get(target, sympy.S.Zero),
            writer.direct[-1].get(target, sympy.S.Zero),
            step,
        )
    )


class _Writer:
    """Lines of the steps written so far; equal expressions are written once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._places = {
            symbol: (reading.model.template.index[name], lag)
            for (name, lag), symbol in reading.references.items()
        }
        self._labels = [re.sub(r"\W", "_", name) for name in reading.names]
        self._parameters = frozenset(reading.values)
        self._taken = {symbol.name for symbol in reading.values}
        self._written: dict[sympy.Expr, sympy.Expr] = {}
        self.lines: list[Line] = []
        self.values: list[list[sympy.Expr]] = []
        self.total: list[dict[int, sympy.Expr]] = []
        self.direct: list[dict[int, sympy.Expr]] = []

    def advance(self, t: int, mode: Mode) -> None:
        """Write the lines of one step."""
        self._write_values(t, mode)
        question = self._reading.question
        held = question.holding.at(t)
        total: dict[int, sympy.Expr] = {}
        direct: dict[int, sympy.Expr] = {}
        self.total.append(total)
        self.direct.append(direct)
        slopes = self._slopes(t, mode.edges)
        direct_slopes = self._slopes(t, mode.direct_edges) if mode.is_parted else slopes
        for i in range(len(self._labels)):
            if i == question.nudged and t == question.start:
                total[i] = direct[i] = sympy.S.One
                continue
            self._write_tangent(f"total_{self._labels[i]}_{t}", i, slopes, self.total)
            if i not in held:
                label = f"direct_{self._labels[i]}_{t}"
                self._write_tangent(label, i, direct_slopes, self.direct)

    def _write_values(self, t: int, mode: Mode) -> None:
        now: list[sympy.Expr] = []
        self.values.append(now)
        for i, equation in enumerate(self._reading.model.template.equations):
            label = f"{self._labels[i]}_{t}"
            if t < len(equation.initial):
                now.append(self._line(label, self._reading.expression(equation.initial[t])))
            elif mode.rules[i] is not None:
                now.append(self._line(label, self._placed(mode.expressions[i], t)))
            else:
                now.append(sympy.nan)

    def _slopes(
        self, t: int, edges: Mapping[Edge, sympy.Expr]
    ) -> dict[int, list[tuple[int, int, sympy.Expr]]]:
        """Child -> (parent, lag, derivative) of this step, for parents that the nudge moves."""
        found: dict[int, list[tuple[int, int, sympy.Expr]]] = {}
        starts = self._reading.starts
        for (i, j, lag), slope in edges.items():
            if t >= starts[i] and lag <= t - self._reading.question.start:
                label = f"d_{self._labels[i]}_{t}_by_{self._labels[j]}_{t - lag}"
                found.setdefault(i, []).append((j, lag, self._line(label, self._placed(slope, t))))
        return found

    def _write_tangent(
        self,
        label: str,
        i: int,
        slopes: dict[int, list[tuple[int, int, sympy.Expr]]],
        tangents: list[dict[int, sympy.Expr]],
    ) -> None:
        terms = [
            slope * tangents[-1 - lag][j]
            for j, lag, slope in slopes.get(i, [])
            if j in tangents[-1 - lag]
        ]
        whole = sympy.Add(*terms)
        if whole != 0:
            tangents[-1][i] = self._line(label, whole)

    def _placed(self, expr: sympy.Expr, t: int) -> sympy.Expr:
        """An expression of the rule's symbols at one step."""
        exchange: dict[sympy.Symbol, sympy.Expr] = {T: sympy.Integer(t)}
        for symbol in expr.free_symbols & self._places.keys():
            i, lag = self._places[symbol]
            exchange[symbol] = self.values[t - lag][i]
        return expr.xreplace(exchange)

    def _line(self, label: str, expr: sympy.Expr) -> sympy.Expr:
        """The name of a new line, or the expression itself where a name would say no more."""
        expr = sympy.sympify(expr, strict=True)
        short = not expr.is_Rational or max(abs(expr.p), expr.q) < _LONGEST_NUMBER
        if (expr.is_Atom and short) or -expr in self._parameters:
            return expr
        if expr not in self._written:
            while label in self._taken:
                label += "_"
            self._taken.add(label)
            name = sympy.Symbol(label)
            self.lines.append((name, expr))
            self._written[expr] = name
        return self._written[expr]


def _pruned(program: StraightLine) -> StraightLine:
    """The program without lines that the effects do not need."""
    needed = program.total.free_symbols | program.direct.free_symbols
    kept: list[Line] = []
    for name, expr in reversed(program.lines):
        if name in needed:
            kept.append((name, expr))
            needed |= expr.free_symbols
    return dataclasses.replace(program, lines=tuple(reversed(kept)))


def nodes_of(program: StraightLine) -> Iterator[sympy.Symbol]:
    """Yield the parameters a program depends on, in alphabetical order."""
    names = {name for name, _ in program.lines}
    used: set[sympy.Symbol] = program.total.free_symbols | program.direct.free_symbols
    for _, expr in program.lines:
        used |= expr.free_symbols
    yield from sorted(used - names, key=lambda symbol: symbol.name)
