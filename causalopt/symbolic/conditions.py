"""What a closed form assumes, in lines that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sympy

from causalopt.symbolic.linear import LinearSolution, T
from causalopt.symbolic.notation import to_text
from causalopt.symbolic.reading import Linear

_LONG = 240


def describe(solution: LinearSolution, linear: Linear) -> tuple[str, ...]:
    """Return the conditions of a linear solution: steps, parameters, degenerate cases.

    Args:
        solution: Both effects.
        linear: The template and what its stand-in symbols stand for.
    """
    lines = [f"t >= {solution.valid_from}"]
    exchange = dict(linear.irrational)

    def shown(condition: object) -> str:
        text = str(condition)
        for symbol, expr in exchange.items():
            text = re.sub(rf"\b{symbol}\b", f"({to_text(expr)})", text)
        return _shortened(text)

    for effect in (solution.total, solution.direct):
        lines += [shown(condition) for condition in effect.form.conditions]
        for value, condition in _branches(effect.form.expr):
            kind = "degenerate" if isinstance(condition, sympy.Eq) else "complex roots"
            written = condition.xreplace(exchange)
            if written == sympy.false:  # such as exp(-k) = 0
                continue
            text = f"{to_text(written)} ({kind}): own branch "
            lines.append(text + _shortened(to_text(value.xreplace(exchange))))
    if solution.direct.response.is_zero:
        lines.append(
            "no path reaches the target at all: Comp is undefined"
            if solution.total.response.is_zero
            else "every path leads through A: Comp is infinite, Op = -oo"
        )
    return tuple(dict.fromkeys(lines))


def _branches(expr: sympy.Expr) -> Iterator[tuple[sympy.Expr, sympy.Basic]]:
    for piecewise in sorted(expr.atoms(sympy.Piecewise), key=sympy.default_sort_key):
        for value, condition in piecewise.args:
            if condition is not sympy.true and not condition.has(T):
                yield value, condition


def _shortened(text: str) -> str:
    return text if len(text) <= _LONG else text[:_LONG] + " ..."
