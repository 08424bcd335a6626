"""Formulas as text that sympy reads back, and as LaTeX.

`sympify` takes names such as E, S, beta or gamma for its own objects; those are written as
Symbol('beta'), which it reads as the symbol that was meant.
"""

from __future__ import annotations

import builtins
import functools
import keyword

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from causalopt.symbolic.symbol_names import latex_name


@functools.lru_cache(maxsize=4096)
def _is_plain(name: str) -> bool:
    meant = (sympy, builtins)  # what sympify takes a name for
    if keyword.iskeyword(name) or any(hasattr(module, name) for module in meant):
        return False
    return name.isidentifier()


class _TextPrinter(StrPrinter):  # type: ignore[misc]
    """sympy's own text, with every symbol readable and a RootSum's variable kept."""

    def _print_Symbol(self, expr: sympy.Symbol) -> str:  # noqa: N802 - sympy's name
        return expr.name if _is_plain(expr.name) else f"Symbol({expr.name!r})"

    def _print_RootSum(self, expr: sympy.RootSum) -> str:  # noqa: N802 - sympy's name
        variable = self._print(expr.fun.variables[0])
        polynomial = self._print(expr.poly.as_expr())
        body = self._print(expr.fun.expr)
        return f"RootSum({polynomial}, Lambda({variable}, {body}), {variable})"


class _LatexPrinter(LatexPrinter):  # type: ignore[misc]
    """LaTeX with names as `symbol_names` writes them and a RootSum as a sum."""

    def _print_Symbol(self, expr: sympy.Symbol, style: str = "plain") -> str:  # noqa: N802, ARG002 - sympy's name
        return latex_name(expr.name)

    def _print_Dummy(self, expr: sympy.Symbol) -> str:  # noqa: N802 - sympy's name
        return latex_name(expr.name)

    def _print_RootSum(self, expr: sympy.RootSum) -> str:  # noqa: N802 - sympy's name
        variable = self._print(expr.fun.variables[0])
        polynomial = self._print(expr.poly.as_expr())
        body = self._print(expr.fun.expr)
        return rf"\sum_{{{variable}:\; {polynomial} = 0}} {body}"


def to_text(expr: sympy.Basic) -> str:
    """Return text that `sympy.sympify` reads as the same expression.

    Example:
        >>> to_text(sympy.Symbol("beta") ** sympy.Symbol("t"))
        "Symbol('beta')**t"
    """
    return str(_TextPrinter().doprint(expr))


def to_latex(expr: sympy.Basic) -> str:
    r"""Return LaTeX for an expression, Greek names as Greek letters.

    Example:
        >>> print(to_latex(sympy.Symbol("rate") / sympy.Symbol("alpha")))
        \frac{\mathrm{rate}}{\alpha}
    """
    return str(_LatexPrinter().doprint(expr))
