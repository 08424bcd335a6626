"""Text to terms: the reader of rules on numbers.

What it shares with the reader of rules on arrays, `tensors.tensor_reader`, is in `reader`.
"""

from __future__ import annotations

import ast
import operator
from fractions import Fraction

from causalopt.errors import suggestion
from causalopt.language.algebra import constant
from causalopt.language.gradient import gradient
from causalopt.language.reader import MAX_TERMS, Reader, unmarked
from causalopt.language.scope import Function, Scope
from causalopt.language.term import Term, const, decimal, delayed, postorder, ref, substitute


def parse(text: str, scope: Scope, *, truth: bool = False) -> Term:
    """Return the number-valued term a text stands for.

    Args:
        text: One expression in Python's notation.
        scope: What its names mean.
        truth: Whether a condition may stand for 1 where it holds and 0 where not.

    Raises:
        ExpressionError: The text is no expression of this language; its `offset` says where.

    Example:
        >>> scope = Scope(variables=frozenset("RT"), names={"k": Term.of("param", payload="k")})
        >>> parse("R[t-1] - k*T[t-1]", scope)
        sub(ref(('R', 1)), mul(param(k), ref(('T', 1))))
    """
    reader = TermReader(text, scope)
    if not truth:
        return reader.number(reader.tree, 0)
    term = reader.read(reader.tree, 0)
    return Term.of("where", term, const(1), const(0)) if term.is_boolean else term


class TermReader(Reader[Term]):
    """A text being read as a term; see `parse`."""

    calls = {  # noqa: RUF012
        "where": "where",
        "min": "extremum",
        "max": "extremum",
        "diff": "diff",
    }

    def __init__(self, text: str, scope: Scope) -> None:
        super().__init__(text, scope)
        self._truths = scope.truths

    made = staticmethod(const)
    written = staticmethod(decimal)
    reference = staticmethod(ref)
    apply = staticmethod(Term.of)
    value_of = staticmethod(constant)
    is_truth = staticmethod(operator.attrgetter("is_boolean"))

    def delayed(self, _: ast.expr, name: str, lag: Fraction, /) -> Term:
        """Return the value of a variable a time ago."""
        return delayed(name, lag)

    def as_truth(self, value: Term) -> Term | None:
        """Return the condition that a label 0 or 1 stands for."""
        if isinstance(value.payload, tuple) and value.payload[0] in self._truths:
            return Term.of("lt", const(Fraction(1, 2)), value)  # no kink at 0 or at 1
        return None

    def applied(self, node: ast.Call, function: Function, depth: int) -> Term:
        """Return what a declared function gives, written out."""
        return self._written(node, function, [self.number(arg, depth) for arg in node.args])

    def diff(self, node: ast.Call, depth: int) -> Term:
        """Read the derivative of a declared function."""
        if not node.args or not isinstance(node.args[0], ast.Name):
            raise self.fail(node, "write diff(f, x): the derivative of a declared function f at x")
        name = unmarked(node.args[0].id)
        declared = self.scope.functions.get(name)
        if declared is None:
            hint = suggestion(name, self.scope.functions)
            raise self.fail(node.args[0], f"'{name}' is not declared under 'functions:'{hint}")
        self.expect(node, "diff", 1 + len(declared.arguments))
        values = [self.number(arg, depth) for arg in node.args[1:]]
        return self._written(node, _derivative(declared), values)

    def _written(self, node: ast.AST, function: Function, values: list[Term]) -> Term:
        arguments = (Term.of("argument", payload=name) for name in function.arguments)
        written = substitute(function.body, dict(zip(arguments, values, strict=True)))
        if sum(1 for _ in postorder(written)) > MAX_TERMS:
            raise self.fail(
                node,
                f"written out, this call of '{function.name}' is more than {MAX_TERMS} "
                "operations long: give its parts variables of their own",
            )
        return written


def _derivative(function: Function) -> Function:
    """Return the derivative of a function by its first argument."""
    first = Term.of("argument", payload=function.arguments[0])
    slope = gradient(function.body, [first]).get(first, const(0))
    return Function(f"diff({function.name})", function.arguments, slope)
