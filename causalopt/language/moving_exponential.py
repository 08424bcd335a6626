"""Exponentials of matrices whose elements are nudged, in operations that have slopes.

A nudged parameter makes a coefficient of an exact step a number that moves with the run. Of a flow
that is alone within the step, what it has of an input is an element off the diagonal of [[a, b],
[0, d]]: b e^d (e^(a - d) - 1)/(a - d), which keeps its digits as long as a and d differ.
"""

from __future__ import annotations

from collections.abc import Callable

from causalopt.language.algebra import ONE, ZERO, add, div, mul, neg
from causalopt.language.term import REFERENCES, Term, evaluate, postorder, rebuilt

_NEAREST = 1e-6


def without_moving_exponentials(rule: Term, value: Callable[[Term], float]) -> Term | None:
    """Return a rule without exponentials of matrices that move, None where they have no such form.

    Args:
        rule: Any rule.
        value: Gives the value of each leaf that is not a constant or pi, 0 for a disturbance.
    """
    done: dict[Term, Term] = {}
    for term in postorder(rule):
        if term.op != "expm" or not term.holds & REFERENCES:
            done[term] = rebuilt(term, done)
            continue
        spelled = _spelled([done[arg] for arg in term.args], term.payload, value)
        if spelled is None:
            return None
        done[term] = spelled
    return done[rule]


def _spelled(entries: list[Term], place: object, value: Callable[[Term], float]) -> Term | None:
    if len(entries) != 4 or place != 1 or entries[2] is not ZERO:
        return None
    a, b, _, d = entries
    gap = add(a, neg(d))
    end = ONE if d is ZERO else Term.of("exp", d)
    if gap is ZERO:
        return mul(b, end)
    if not abs(evaluate(gap, value)) > _NEAREST:
        return None
    return mul(b, mul(end, div(Term.of("expm1", gap), gap)))
