"""Formulas as two-dimensional text for a terminal: fractions, roots and exponents in their place.

The layout of each formula is that of sympy's pretty printer. A formula that is wider than the
terminal is broken where it can be read: between the terms of a sum, the factors of a product and
the cases of a piecewise formula; what is still too wide is written in one line and folded.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import sympy
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_use_unicode
from sympy.printing.pretty.stringpict import prettyForm

from causalopt.results import pretty
from causalopt.symbolic.derivation import Derivation
from causalopt.symbolic.symbol_names import unicode_name

_NARROWEST = 20
_INDENT = 4


@pretty.register
def terminal_form(derivation: Derivation, *, width: int = 80, unicode: bool = True) -> str:
    """Return a derivation as two-dimensional text.

    Args:
        derivation: Any derivation.
        width: The number of columns.
        unicode: Whether Greek letters, rules and brackets are drawn in Unicode, else in ASCII.
    """
    before = pretty_use_unicode(unicode)
    try:
        return "\n".join(_Page(max(width, _NARROWEST), unicode).lines(derivation))
    finally:
        pretty_use_unicode(before)


class _Printer(PrettyPrinter):  # type: ignore[misc]
    """sympy's layout, with names of this package's kind and a RootSum as a sum."""

    def _print_Symbol(self, e: sympy.Symbol, bold_name: bool = False) -> prettyForm:  # noqa: N802, ARG002 - sympy's name
        return prettyForm(unicode_name(e.name) if self._use_unicode else e.name)

    def _print_Dummy(self, e: sympy.Symbol) -> prettyForm:  # noqa: N802 - sympy's name
        return self._print_Symbol(e)

    def _print_RootSum(self, expr: sympy.RootSum) -> prettyForm:  # noqa: N802 - sympy's name
        root = expr.fun.variables[0]
        sign = prettyForm("Σ" if self._use_unicode else "Sum")
        body = prettyForm(*self._print(expr.fun.expr).parens())
        whole = prettyForm(*sign.right(" ", body))
        below = self._print(sympy.Eq(expr.poly.as_expr(), 0, evaluate=False))
        where = prettyForm(*below.left(f"over all {root} with "))
        return prettyForm(*whole.below("", where))


class _Page:
    """The lines of one derivation at one width."""

    def __init__(self, width: int, unicode: bool) -> None:
        self._width = width
        self._printer = _Printer({"use_unicode": unicode, "wrap_line": False, "order": None})

    def lines(self, derivation: Derivation) -> Iterator[str]:
        """Yield the lines of a derivation, those of a program numbered."""
        yield f"{derivation.form} ({derivation.standing})"
        count = len(str(len(derivation.lines)))
        for number, (name, expr) in enumerate(derivation.lines, 1):
            yield ""
            yield from self._equation(name.name, expr, f"{number:{count}d}.  ")
        effects = {"total": derivation.total, "direct": derivation.direct}
        for name, expr in effects.items():
            yield ""
            yield from self._equation(name, expr)
        total, direct, comp = sympy.symbols("total direct Comp")
        size = sympy.log(sympy.Abs(comp))
        yield from self._measure("Comp", derivation.comp, total / direct)
        yield from self._measure("Op", derivation.op, -size)
        notes = [f"if {condition}" for condition in derivation.conditions]
        notes += [f"note: {note}" for note in derivation.notes]
        texts = [*map(str, derivation.paths), *notes]
        yield from ["", *self._folded(texts)] if texts else []

    def _measure(self, name: str, expr: sympy.Expr, meaning: sympy.Expr) -> Iterator[str]:
        """Yield a measure's formula, or what it is of the formulas above where it is too wide."""
        width = self._printer._print(expr).width() + len(name) + 3
        yield ""
        yield from self._equation(name, meaning if width > self._width else expr)

    def _equation(self, name: str, expr: sympy.Expr, number: str = "") -> Iterator[str]:
        """Yield `name = formula`, broken where it is too wide."""
        shown = unicode_name(name) if self._printer._use_unicode else name
        left = f"{number}{shown} = "
        if len(left) > self._width // 2:
            yield left.rstrip()
            left = " " * _INDENT
        rows = self._rows(expr, self._width - len(left))
        for i, row in enumerate(rows):
            beside = left if i == 0 else " " * len(left)
            form = prettyForm(*row.left(beside))
            yield from (line.rstrip() for line in form.picture)

    def _rows(self, expr: sympy.Expr, width: int) -> list[Any]:
        """Return a formula as forms to be written below each other, each narrow enough."""
        form = self._printer._print(expr)
        if form.width() <= width:
            return [form]
        if isinstance(expr, sympy.Piecewise) and width > _NARROWEST:
            return self._cases(expr, width)
        if expr.is_Add:
            return self._joined(self._terms(expr), width, expr)
        if expr.is_Mul and len(sympy.Mul.make_args(expr)) > 1:
            return self._joined(self._factors(expr), width, expr)
        return self._in_line(expr, width)

    def _cases(self, expr: sympy.Piecewise, width: int) -> list[Any]:
        rows: list[Any] = []
        for value, condition in expr.args:
            when = self._printer._print(condition)
            word = "otherwise" if condition == sympy.true else "if "
            head = prettyForm(word) if condition == sympy.true else prettyForm(*when.left(word))
            if head.width() + 1 > width:
                rows += self._in_line(condition, width)
            else:
                rows.append(prettyForm(*head.right(":")))
            inner = self._rows(value, width - _INDENT)
            rows += [prettyForm(*row.left(" " * _INDENT)) for row in inner]
        return rows

    def _terms(self, expr: sympy.Expr) -> list[tuple[str, sympy.Expr]]:
        found = []
        for i, term in enumerate(self._printer._as_ordered_terms(expr)):
            negative = term.could_extract_minus_sign()
            sign = ("-" if i == 0 else "- ") if negative else "" if i == 0 else "+ "
            found.append((sign, -term if negative else term))
        return found

    def _factors(self, expr: sympy.Expr) -> list[tuple[str, sympy.Expr]]:
        above, below = sympy.fraction(expr)
        times = "⋅" if self._printer._use_unicode else "* "
        factors = [f for f in sympy.Mul.make_args(above) if f != 1]
        found = [(times if i else "", factor) for i, factor in enumerate(factors)]
        if below != 1:
            found.append((f"{times}" if found else "", 1 / below))
        return found

    def _joined(
        self, parts: list[tuple[str, sympy.Expr]], width: int, whole: sympy.Expr
    ) -> list[Any]:
        """Return parts with their signs, as many beside each other as there is room for."""
        rows: list[Any] = []
        for sign, part in parts:
            form = self._printer._print(part)
            if part.is_Add or isinstance(part, sympy.Piecewise):
                form = prettyForm(*form.parens())
            form = prettyForm(*form.left(sign))
            if form.width() > width:
                if part == whole or width <= _NARROWEST:
                    return self._in_line(whole, width)
                opening, closing = (sign + "(", ")") if part.is_Add else (sign, "")
                inner = self._rows(part, width - len(opening) - len(closing))
                inner[-1] = prettyForm(*inner[-1].right(closing))
                rows += [
                    prettyForm(*row.left(opening if i == 0 else " " * len(opening)))
                    for i, row in enumerate(inner)
                ]
            elif rows and rows[-1].width() + 1 + form.width() <= width:
                rows[-1] = prettyForm(*rows[-1].right(" ", form))
            else:
                rows.append(form)
        return rows

    def _in_line(self, expr: sympy.Basic, width: int) -> list[Any]:
        lines = textwrap.wrap(str(expr), width, break_on_hyphens=False)
        return [prettyForm(line) for line in lines]

    def _folded(self, texts: list[str]) -> Iterator[str]:
        for text in texts:
            yield from textwrap.wrap(
                text,
                self._width,
                initial_indent="  ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            )
