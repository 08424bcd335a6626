"""A baseline's path through the branches of its rules: smooth rules for every step.

Where no rule branches, every step has the same rules. Otherwise the path is followed exactly (in
long floats where the rules leave the rationals), and steps that take the same branches share their
rules, their derivatives and the comparisons that led there.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import sympy

from causalopt.language.algebra import ZERO
from causalopt.language.gradient import gradient
from causalopt.language.term import Term
from causalopt.symbolic.arithmetic import Floats, NotRationalError, Short
from causalopt.symbolic.branches import has_branches, resolve
from causalopt.symbolic.duals import Ties, Walk
from causalopt.symbolic.linear_template import Edge
from causalopt.symbolic.reading import Reading

Comparison = tuple[Term, bool]


@dataclasses.dataclass(frozen=True, eq=False)
class Mode:
    """The rules of one choice of branches.

    Args:
        reading: The model and the question.
        rules: Each equation's rule without branches; None for given data.
        comparisons: What must hold for the choice to be the right one.
    """

    reading: Reading
    rules: tuple[Term | None, ...]
    comparisons: tuple[Comparison, ...]

    @functools.cached_property
    def edges(self) -> dict[Edge, sympy.Expr]:
        """(child, parent, lag) -> derivative, on the paths from n to m alone."""
        found = {}
        index = self.reading.model.template.index
        for i, rule in enumerate(self.rules):
            if rule is None:
                continue
            for leaf, slope in gradient(rule).items():
                if slope is ZERO or not isinstance(leaf.payload, tuple):
                    continue
                name, lag = leaf.payload
                edge = (i, index[name], lag)
                if edge in self.reading.edges:
                    found[edge] = self.reading.expression(slope)
        return {edge: slope for edge, slope in found.items() if slope != 0}

    @functools.cached_property
    def is_linear(self) -> bool:
        """Whether no derivative depends on a variable or on the step."""
        return self.reading.are_fixed(self.edges)

    @functools.cached_property
    def expressions(self) -> tuple[Any, ...]:
        """The rules in symbols."""
        return tuple(None if rule is None else self.reading.expression(rule) for rule in self.rules)

    @property
    def conditions(self) -> tuple[sympy.Basic, ...]:
        """The comparisons as relations between the variables."""
        relations = (self._relation(term, truth) for term, truth in self.comparisons)
        return tuple(relation for relation in relations if relation is not sympy.true)

    def _relation(self, term: Term, truth: bool) -> sympy.Basic:
        relation = self.reading.expression(term)
        return relation if truth else sympy.Not(relation)


@dataclasses.dataclass(frozen=True)
class Path:
    """The modes a baseline goes through.

    Args:
        spans: (first step, mode), in order; the last goes on to the last step.
        ties: Steps at which a branch was met exactly: derivatives there are one-sided.
    """

    spans: tuple[tuple[int, Mode], ...]
    ties: tuple[int, ...] = ()

    @property
    def final(self) -> Mode:
        """The mode of the last steps."""
        return self.spans[-1][1]

    @property
    def settles(self) -> int:
        """The first step of the last mode."""
        return self.spans[-1][0]

    def by_step(self, last: int) -> Iterator[Mode]:
        """Yield the mode of the steps 0..last."""
        ends = [first for first, _ in self.spans[1:]] + [last + 1]
        for (first, mode), end in zip(self.spans, ends, strict=True):
            yield from [mode] * (min(end, last + 1) - first)


def follow(reading: Reading, last: int) -> Path:
    """Return the modes of the baseline at the steps 0..last.

    Args:
        reading: The model and the question.
        last: The last step.

    Returns:
        The path; one mode from step 0 on when no rule branches.
    """
    rules = tuple(equation.rule for equation in reading.model.template.equations)
    if not any(rule is not None and has_branches(rule) for rule in rules):
        return Path(((0, Mode(reading, rules, ())),))
    try:
        return _follow(reading, rules, last, Short())
    except NotRationalError:
        return _follow(reading, rules, last, Floats(1024))


def _follow(reading: Reading, rules: tuple[Term | None, ...], last: int, arithmetic: Any) -> Path:
    ties = Ties(reading, last)
    walk = Walk(reading, arithmetic, ties)
    known: dict[tuple[Term | None, ...], Mode] = {}
    spans: list[tuple[int, Mode]] = []
    starts = reading.starts
    for step in range(last + 1):
        walk.advance()
        asked: dict[Term, bool] = {}

        def decide(comparison: Term, asked: dict[Term, bool] = asked) -> bool:
            if comparison not in asked:
                asked[comparison] = walk.truth(comparison)
            return asked[comparison]

        active = tuple(
            None if rule is None or step < start else resolve(rule, decide)
            for rule, start in zip(rules, starts, strict=True)
        )
        mode = known.setdefault(active, Mode(reading, active, tuple(asked.items())))
        if not spans or spans[-1][1] is not mode:
            spans.append((step, mode))
    return Path(tuple(spans), tuple(dict.fromkeys(ties.steps)))
