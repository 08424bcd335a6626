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
from causalopt.symbolic.branches import Choose, Decide, has_branches, resolve
from causalopt.symbolic.duals import Walk
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
        nudged: The rules just after a small positive nudge, over all paths and over the direct
            ones; given where the baseline meets a branch exactly.
    """

    reading: Reading
    rules: tuple[Term | None, ...]
    comparisons: tuple[Comparison, ...]
    nudged: tuple[tuple[Term | None, ...], ...] = ()

    @functools.cached_property
    def edges(self) -> dict[Edge, sympy.Expr]:
        """(child, parent, lag) -> derivative, on the paths from n to m alone."""
        return self._edges(self.nudged[0] if self.nudged else self.rules)

    @functools.cached_property
    def direct_edges(self) -> dict[Edge, sympy.Expr]:
        """The same for the direct effect, whose worlds may come out on another side of a branch."""
        return self._edges(self.nudged[1]) if self.nudged else self.edges

    def _edges(self, rules: tuple[Term | None, ...]) -> dict[Edge, sympy.Expr]:
        found = {}
        index = self.reading.model.template.index
        for i, rule in enumerate(rules):
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

    @property
    def is_parted(self) -> bool:
        """Whether the two effects take different sides of a branch."""
        return self.direct_edges != self.edges

    @functools.cached_property
    def is_linear(self) -> bool:
        """Whether no derivative depends on a variable or on the step, and both effects share it."""
        return not self.is_parted and self.reading.are_fixed(self.edges)

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
        if relation is sympy.nan:
            return sympy.true
        return relation if truth else sympy.Not(relation)


@dataclasses.dataclass(frozen=True)
class Path:
    """The modes a baseline goes through.

    Args:
        spans: (first step, mode), in order; the last goes on to the last step.
        ties: Steps at which a branch was met exactly: derivatives there are one-sided.
        jumps: Those of them at which a value jumps.
    """

    spans: tuple[tuple[int, Mode], ...]
    ties: tuple[int, ...] = ()
    jumps: tuple[int, ...] = ()

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
    rules = tuple(
        equation.rule if i in reading.needed else None
        for i, equation in enumerate(reading.model.template.equations)
    )
    if not any(rule is not None and has_branches(rule) for rule in rules):
        return Path(((0, Mode(reading, rules, ())),))
    try:
        return _follow(reading, rules, last, Short())
    except NotRationalError:
        return _follow(reading, rules, last, Floats(1024))


def _follow(reading: Reading, rules: tuple[Term | None, ...], last: int, arithmetic: Any) -> Path:
    walk = Walk(reading, arithmetic)
    known: dict[tuple[tuple[Term | None, ...], ...], Mode] = {}
    spans: list[tuple[int, Mode]] = []
    for step in range(last + 1):
        walk.advance()
        views = range(3) if step in walk.ties.steps else range(1)
        asked: dict[Term, bool] = {}
        active, *nudged = (
            tuple(
                None if rule is None or step < start else resolve(rule, decide, choose)
                for rule, start in zip(rules, reading.starts, strict=True)
            )
            for decide, choose in (_decided(walk, asked, view) for view in views)
        )
        if set(nudged) <= {active}:
            nudged = []
        mode = known.setdefault(
            (active, *nudged), Mode(reading, active, tuple(asked.items()), tuple(nudged))
        )
        if not spans or spans[-1][1] is not mode:
            spans.append((step, mode))
    ties, jumps = (tuple(dict.fromkeys(met)) for met in (walk.ties.steps, walk.ties.jumps))
    return Path(tuple(spans), ties, jumps)


def _decided(walk: Walk, asked: dict[Term, bool], view: int) -> tuple[Decide, Choose | None]:
    """Answer as the baseline does, noting each comparison, or as one of the nudged worlds."""
    if view:
        return lambda term: walk.truth(term)[view], lambda term: walk.choice(term)[view]

    def decide(comparison: Term) -> bool:
        if comparison not in asked:
            asked[comparison] = walk.truth(comparison).base
        return asked[comparison]

    return decide, None


def one_sided(path: Path) -> list[str]:
    """Return what a derivation says of the steps at which a branch was met exactly."""
    jumps = "a value jumps: there is no derivative, and the formulas leave the jump out"
    kinks = (
        "the derivative is one-sided, for a positive nudge (where floats come out beside the "
        "branch: on the side that the run takes)"
    )
    return [
        f"at t = {step} the path meets a branch exactly: {jumps if step in path.jumps else kinks}"
        for step in path.ties
    ]
