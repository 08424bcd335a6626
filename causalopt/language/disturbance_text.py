"""What is nudged, as a weighted sum of nodes and parameters: `d[t>=5]`, `2*R[0] - Kp`.

A nudge of one unit shifts every node by its weight, and every parameter, at each step of its
window. A weight may depend on the step: `sin(0.1*t)*d` is a disturbance of that shape.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterator
from fractions import Fraction

from causalopt.errors import QuestionError, UnknownNameError
from causalopt.language.algebra import mul, neg
from causalopt.language.parse import TermReader
from causalopt.language.reader import unmarked
from causalopt.language.scope import Scope
from causalopt.language.step_window import StepWindow, steps_expected, window_of
from causalopt.language.term import Term, const


@dataclasses.dataclass(frozen=True)
class Push:
    """One item of a disturbance.

    Attributes:
        name: The variable or the parameter.
        is_parameter: Which of the two it is.
        window: The steps it is pushed at.
        weight: By how much, per unit: a term in parameters and the step.
    """

    name: str
    is_parameter: bool
    window: StepWindow
    weight: Term


def read_disturbance(
    text: str, scope: Scope, parameters: frozenset[str], variable: Callable[[str], str]
) -> tuple[Push, ...]:
    """Return what a disturbance pushes, in the order written.

    Args:
        text: Items such as `d[t>=5]`, `R[0]` or `Kp`, each with a weight `2*` before it, added,
            subtracted or separated by commas.
        scope: What the names in weights mean; it has no variables.
        parameters: The names of parameters.
        variable: Gives the variable that a name or a label means, or raises.

    Raises:
        ExpressionError: The text is no such sum, or `variable` knows no such name; its `offset`
            says where.
    """
    reader = _DisturbanceReader(text, scope, parameters, variable)
    found = tuple(reader.pushes(reader.tree, const(1)))
    if _is_nothing(found):
        raise reader.fail(reader.tree, "the weights add up to 0, which nudges nothing: change one")
    return found


def _is_nothing(pushes: tuple[Push, ...]) -> bool:
    """Whether all weights are numbers, and those of each item add up to 0."""
    totals: dict[tuple[str, StepWindow], Fraction] = {}
    for push in pushes:
        if not isinstance(push.weight.payload, Fraction):
            return False
        key = push.name, push.window
        totals[key] = totals.get(key, Fraction(0)) + push.weight.payload
    return not any(totals.values())


class _DisturbanceReader(TermReader):
    def __init__(
        self, text: str, scope: Scope, parameters: frozenset[str], variable: Callable[[str], str]
    ) -> None:
        super().__init__(text, scope)
        self._parameters, self._variable = parameters, variable

    def pushes(self, node: ast.expr, weight: Term) -> Iterator[Push]:
        """Yield what a sum pushes, each item times a weight."""
        match node:
            case ast.Tuple(elts=items):
                for item in items:
                    yield from self.pushes(item, weight)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=right):
                yield from self.pushes(left, weight)
                yield from self.pushes(right, neg(weight) if isinstance(sign, ast.Sub) else weight)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                yield from self.pushes(inner, neg(weight))
            case ast.BinOp(op=ast.Mult()):
                yield from self._product(node, weight)
            case _:
                yield self._item(node, weight)

    def _product(self, node: ast.expr, weight: Term) -> Iterator[Push]:
        factors = list(_factors(node))
        places = [i for i, factor in enumerate(factors) if self._is_item(factor)]
        if not places:
            raise self.fail(
                node,
                f"'{self._source(node)}' names nothing that can be nudged: write a weight before a "
                "node or a parameter, such as 2*R[0]",
            )
        chosen = places[-1]  # a parameter before it is part of the weight
        for i, factor in enumerate(factors):
            if i != chosen:
                weight = mul(weight, self._weight(factor))
        yield from self.pushes(factors[chosen], weight)

    def _weight(self, node: ast.expr) -> Term:
        if not _is_parameter(node, self._parameters) and self._is_item(node):
            raise self.fail(
                node,
                f"'{self._source(node)}' is a variable, and weights are numbers: expressions of "
                "parameters, t and time",
            )
        return self.number(node, 0)

    def _is_item(self, node: ast.expr) -> bool:
        """Whether a factor can be what is nudged: a name, with or without steps, or a sum."""
        if isinstance(node, ast.Subscript):
            return True
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, ast.Add | ast.Sub) and any(
                self._is_item(side) for side in (node.left, node.right)
            )
        word = unmarked(node.id) if isinstance(node, ast.Name) else ""
        return isinstance(node, ast.Attribute) or bool(
            word and (word in self._parameters or word not in self.scope.names)
        )

    def _item(self, node: ast.expr, weight: Term) -> Push:
        window, named = StepWindow(), node
        if isinstance(node, ast.Subscript):
            found, named = window_of(node.slice), node.value
            if found is None:
                raise self.fail(node.slice, steps_expected(self._source(node.slice)))
            window = found
        if window.is_empty:
            raise self.fail(node, f"'{self._source(node)}' selects no step")
        if not isinstance(named, ast.Name | ast.Attribute):
            raise self.fail(
                node,
                f"'{self._source(node)}' cannot be nudged: name nodes and parameters, each with a "
                "weight, such as d[t>=5], 2*R[0] or R[0] - T[0]",
            )
        if window != StepWindow() and self.scope.bare:
            raise self.fail(node, f"this model has no time: write just {self._source(named)}")
        word = self._source(named)
        if isinstance(named, ast.Name):
            word = unmarked(named.id)
        if word in self._parameters:
            return Push(word, is_parameter=True, window=window, weight=weight)
        try:
            variable = self._variable(word)
        except (UnknownNameError, QuestionError) as error:
            raise self.fail(named, error.message) from None
        return Push(variable, is_parameter=False, window=window, weight=weight)

    def _source(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.source, node) or ""


def _is_parameter(node: ast.expr, parameters: frozenset[str]) -> bool:
    return isinstance(node, ast.Name) and unmarked(node.id) in parameters


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node
