"""Linear templates: what a model's edges are once every rule is linear in the variables.

x_i(t) = sum over sources j and lags l of edge(i, j, l) x_j(t - l) + anything that no nudge moves.
Constants and forcing terms fall out of every derivative, so a template keeps its edges alone. The
edges are sympy expressions in the parameters; everything after this page works in the field they
generate over the rationals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import sympy

Edge = tuple[int, int, int]


def between(sources: set[int], arrows: set[tuple[int, int]], target: int) -> set[int]:
    """Return all that lies on a path from a source to the target; arrows are (child, parent)."""
    down, up = set(sources), {target}
    for reached, steps in ((down, arrows), (up, {(j, i) for i, j in arrows})):
        while new := {i for i, j in steps if j in reached} - reached:
            reached |= new
    return down & up


@dataclasses.dataclass(frozen=True)
class LinearTemplate:
    """The edges of one step of a linear model.

    Args:
        names: Variables, in an order in which same-step references point backwards.
        edges: (target, source, lag) -> coefficient, an expression in the parameters.
        parameters: The symbols that stay symbolic.
        starts: The first step at which each variable follows its rule; initial values stand before.
        early: Other edges for the first steps t = 0, 1, ..., on a path that changes its branches.
    """

    names: tuple[str, ...]
    edges: Mapping[Edge, sympy.Expr]
    parameters: tuple[sympy.Symbol, ...] = ()
    starts: tuple[int, ...] = ()
    early: tuple[Mapping[Edge, sympy.Expr], ...] = ()

    def __post_init__(self) -> None:
        if not self.starts:
            object.__setattr__(self, "starts", (0,) * len(self.names))

    @property
    def depth(self) -> int:
        """The largest lag, at least 1."""
        return max((lag for _, _, lag in self.edges), default=1) or 1

    @property
    def settles(self) -> int:
        """The first step from which every variable follows its final rule."""
        return max(*self.starts, len(self.early)) if self.starts else len(self.early)

    def edges_at(self, step: int) -> Mapping[Edge, sympy.Expr]:
        """Return the edges in force at one step."""
        return self.early[step] if step < len(self.early) else self.edges

    def subs(self, values: Mapping[sympy.Symbol, sympy.Expr]) -> LinearTemplate:
        """Return the template at particular values of some parameters."""
        done: dict[int, Mapping[Edge, sympy.Expr]] = {}

        def special(edges: Mapping[Edge, sympy.Expr]) -> Mapping[Edge, sympy.Expr]:
            if id(edges) not in done:
                done[id(edges)] = {
                    e: sympy.sympify(c, strict=True).subs(values) for e, c in edges.items()
                }
            return done[id(edges)]

        return dataclasses.replace(
            self,
            edges=special(self.edges),
            early=tuple(special(edges) for edges in self.early),
            parameters=tuple(p for p in self.parameters if p not in values),
        )


@dataclasses.dataclass(frozen=True)
class Holding:
    """Which variables keep their baseline values at which steps.

    Args:
        early: The held variables at t = 0, 1, ..., as long as the set changes.
        final: The held variables at every later step.
    """

    early: tuple[frozenset[int], ...] = ()
    final: frozenset[int] = frozenset()

    def at(self, step: int) -> frozenset[int]:
        """Return the variables held at one step."""
        return self.early[step] if step < len(self.early) else self.final

    @property
    def settles(self) -> int:
        """The first step from which the held set no longer changes."""
        return len(self.early)


@dataclasses.dataclass(frozen=True)
class LinearQuestion:
    """The nudged node (a variable at a step), the measured variable, and the held set."""

    nudged: int
    target: int
    holding: Holding
    start: int = 0
