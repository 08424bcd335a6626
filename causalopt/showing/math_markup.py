"""Formulas as MathML, which browsers set by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import sympy
from sympy.printing.mathml import MathMLPresentationPrinter

_LONGEST = 60_000  # characters of markup


class _MarkupPrinter(MathMLPresentationPrinter):  # type: ignore[misc]
    """sympy's own markup, with cases as cases, a RootSum as a sum, and long names upright."""

    def _print_Symbol(self, expr: sympy.Symbol, style: str = "plain") -> Any:  # noqa: N802 - sympy's name
        return super()._print_Symbol(sympy.Symbol(escape(expr.name)), style)

    def _print_Piecewise(self, expr: sympy.Piecewise) -> Any:  # noqa: N802 - sympy's name
        rows = self.dom.createElement("mtable")
        rows.setAttribute("displaystyle", "true")
        for value, condition in expr.args:
            when = self.dom.createElement("mrow")
            if condition is sympy.true:
                when.appendChild(self._text("\u2003otherwise"))
            else:
                when.appendChild(self._text("\u2003if\u2002"))
                when.appendChild(self._print(condition))
            rows.appendChild(self._row([self._print(value), when]))
        whole = self.dom.createElement("mrow")
        brace = self.dom.createElement("mo")
        brace.setAttribute("stretchy", "true")
        brace.appendChild(self.dom.createTextNode("{"))
        whole.appendChild(brace)
        whole.appendChild(rows)
        return whole

    def _print_RootSum(self, expr: sympy.RootSum) -> Any:  # noqa: N802 - sympy's name
        variable = self._print(expr.fun.variables[0])
        under = self.dom.createElement("mrow")
        zero = self.dom.createElement("mn")
        zero.appendChild(self.dom.createTextNode("0"))
        for part in (variable, self._sign(":"), self._print(expr.poly.as_expr())):
            under.appendChild(part)
        under.appendChild(self._sign("="))
        under.appendChild(zero)
        total = self.dom.createElement("munder")
        total.appendChild(self._sign("∑"))
        total.appendChild(under)
        whole = self.dom.createElement("mrow")
        whole.appendChild(total)
        whole.appendChild(self._print(expr.fun.expr))
        return whole

    def _sign(self, text: str) -> Any:
        sign = self.dom.createElement("mo")
        sign.appendChild(self.dom.createTextNode(text))
        return sign

    def _text(self, text: str) -> Any:
        said = self.dom.createElement("mtext")
        said.appendChild(self.dom.createTextNode(text))
        return said

    def _row(self, cells: list[Any]) -> Any:
        row = self.dom.createElement("mtr")
        for cell in cells:
            place = self.dom.createElement("mtd")
            place.setAttribute("style", "text-align:left")
            place.appendChild(cell)
            row.appendChild(place)
        return row


def equations(formulas: Mapping[str, sympy.Basic]) -> str | None:
    """Return equations as one block of MathML, or None where they are too long to be read.

    Example:
        >>> x = sympy.Symbol("x")
        >>> text = equations({"y": sympy.Abs(x)})
        >>> "<mi>x</mi>" in text, text.startswith("<math display='block'")
        (True, True)
    """
    printer = _MarkupPrinter()
    rows = []
    for name, expr in formulas.items():
        body = printer.doprint(expr)
        rows.append(
            f"<mtr><mtd style='text-align:right'><mtext>{name}</mtext></mtd>"
            "<mtd><mo>=</mo></mtd>"
            f"<mtd style='text-align:left;padding:.4em 0'>{body}</mtd></mtr>"
        )
    table = f"<mtable displaystyle='true'>{''.join(rows)}</mtable>"
    # A factor beside a factor is told apart by a space, and a minus is no hyphen.
    table = table.replace("<mo>&InvisibleTimes;</mo>", "<mspace width='.17em'/>")
    table = table.replace("<mo>-</mo>", "<mo>\u2212</mo>")
    text = f"<math display='block' style='margin:0'>{table}</math>"
    # Older releases of sympy write brackets in an element that browsers do not know.
    return text if len(text) <= _LONGEST and "mfenced" not in text else None
