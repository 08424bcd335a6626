"""Names for long coefficients, so that a formula stays one that can be read and computed with.

sympy factors a RootSum's polynomial each time one is built, and a coefficient with hundreds of
terms hides the shape of a formula: such coefficients get names, and a list says what they stand
for.
"""

from __future__ import annotations

import sympy

_LONGEST = 150
_FACTORED = 60


class Names:
    """The long coefficients met so far, each with its name.

    Args:
        tag: How the names begin.
        taken: Symbols that mean something else.
    """

    def __init__(self, tag: str, taken: frozenset[sympy.Symbol] = frozenset()) -> None:
        self._tag = tag
        self._taken = taken
        self._short: dict[sympy.Expr, sympy.Expr] = {}
        self._found: dict[sympy.Expr, sympy.Symbol] = {}

    @property
    def definitions(self) -> tuple[tuple[sympy.Symbol, sympy.Expr], ...]:
        """(name, what it stands for), in the order of first use."""
        return tuple((name, expr) for expr, name in self._found.items())

    def short(self, expr: sympy.Expr) -> sympy.Expr:
        """Return the expression if it is short (factored if very short), else its name.

        Example:
            >>> a, b = sympy.symbols("a b")
            >>> Names("c").short(a * b + a)
            a*(b + 1)
        """
        plain = sympy.sympify(expr, strict=True)
        if not plain.free_symbols:
            return plain
        size = plain.count_ops()
        if size <= _LONGEST:
            if plain not in self._short:
                self._short[plain] = sympy.factor(plain) if size <= _FACTORED else plain
            return self._short[plain]
        if plain not in self._found:
            name = sympy.Symbol(f"{self._tag}{len(self._found)}")
            while name in self._taken:
                name = sympy.Symbol(name.name + "_")
            self._found[plain] = name
        return self._found[plain]

    def polynomial(self, poly: sympy.Poly, x: sympy.Symbol) -> sympy.Expr:
        """Return a polynomial in x with its coefficients shortened."""
        terms = (self.short(c) * x**power for (power,), c in poly.terms())
        return sympy.Add(*terms)
