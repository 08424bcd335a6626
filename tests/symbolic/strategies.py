"""Random linear templates, and the unrolled graph they are held against."""

from __future__ import annotations

from fractions import Fraction

import sympy
from hypothesis import strategies as st
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from causalopt.symbolic.linear_template import Holding, LinearQuestion, LinearTemplate

P, K = sympy.symbols("p k")
rationals = st.builds(sympy.Rational, st.integers(-6, 6), st.integers(1, 4))
coefficients = st.one_of(
    rationals, st.sampled_from([P, K, -K, 1 - K, P * K, P + 1, P / 2]), st.sampled_from([P, K])
)


@st.composite
def questions(
    draw: st.DrawFn, *, size: int = 3, lags: int = 2
) -> tuple[LinearTemplate, LinearQuestion]:
    """A template of two or three variables with two parameters, and a question about it."""
    count = draw(st.integers(2, size))
    places = [(i, j, lag) for i in range(count) for j in range(count) for lag in range(1, lags + 1)]
    places += [(i, j, 0) for i in range(count) for j in range(i)]
    chosen = draw(st.lists(st.sampled_from(places), unique=True, min_size=2, max_size=6))
    edges = {place: draw(coefficients) for place in chosen}
    edges = {place: c for place, c in edges.items() if c != 0}
    starts = tuple(draw(st.integers(0, 2)) + lags for _ in range(count))
    template = LinearTemplate(tuple("xyz"[:count]), edges, (K, P), starts)
    nudged = draw(st.integers(0, count - 1))
    others = [i for i in range(count) if i != nudged]
    final = frozenset(draw(st.lists(st.sampled_from(others), unique=True)))
    early = tuple(
        frozenset(draw(st.lists(st.sampled_from(others), unique=True)))
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 4])))
    )
    target = draw(st.integers(0, count - 1))
    return template, LinearQuestion(nudged, target, Holding(early, final), draw(st.integers(0, 3)))


def unrolled(
    template: LinearTemplate, question: LinearQuestion, *, hold: bool, last: int
) -> list[Fraction]:
    """The effect at the steps 0..last as an entry of (1 - B)^-1, B the unrolled graph's edges."""
    count = len(template.names)
    size = count * (last + 1)
    rows = [[QQ.zero] * size for _ in range(size)]
    source = question.start * count + question.nudged
    for t in range(last + 1):
        held = question.holding.at(t) if hold else frozenset()
        for (i, j, lag), c in template.edges_at(t).items():
            target = t * count + i
            if i in held or target == source or t < template.starts[i] or lag > t:
                continue
            rows[target][(t - lag) * count + j] += QQ.from_sympy(sympy.sympify(c))
    graph = DomainMatrix(rows, (size, size), QQ)
    inverse = (DomainMatrix.eye(size, QQ) - graph).inv().to_Matrix()
    entries = [inverse[t * count + question.target, source] for t in range(last + 1)]
    return [
        Fraction(0)
        if hold
        and question.target in question.holding.at(t)
        and t * count + question.target != source
        else Fraction(int(e.p), int(e.q))
        for t, e in enumerate(entries)
    ]
