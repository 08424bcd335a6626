"""One directed path of a model without time, and what it carries."""

from __future__ import annotations

import dataclasses

import sympy


@dataclasses.dataclass(frozen=True)
class PathEffect:
    """One directed path and what it carries.

    Args:
        nodes: From n to m.
        edges: The derivative of each edge, in parameters and node values.
        through: Whether a node after n is in A: the direct effect leaves the path out.
    """

    nodes: tuple[str, ...]
    edges: tuple[sympy.Expr, ...]
    through: bool

    @property
    def contribution(self) -> sympy.Expr:
        """The product of the edges."""
        return sympy.Mul(*self.edges)

    def __str__(self) -> str:
        mark = "  (through A)" if self.through else ""
        return f"{' -> '.join(self.nodes)}: {self.contribution}{mark}"
