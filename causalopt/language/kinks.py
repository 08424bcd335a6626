"""Where a rule's derivative jumps: the comparisons that choose a branch.

At a kink the limit delta -> 0 depends on the side it is taken from, so a tangent there answers for
one side only. The engine watches these gaps and reports the status `kink`.
"""

from __future__ import annotations

import dataclasses

from causalopt.language.algebra import ZERO
from causalopt.language.operations import OPERATIONS
from causalopt.language.term import GAPS, REFERENCES, Term


@dataclasses.dataclass(frozen=True)
class Kink:
    """A kink is met where `left == right`, provided `guard` holds (None: always)."""

    left: Term
    right: Term
    guard: Term | None = None


def kinks(root: Term) -> list[Kink]:
    """Return the kinks of a rule that its references can move.

    A comparison and a rounding pass on no slope: below them a bend that does not jump, as that of
    `abs`, `min` or `max`, is none of the rule's.

    Example:
        >>> from causalopt.language.term import ref
        >>> kinks(Term.of("abs", ref("x", 1)))
        [Kink(left=ref(('x', 1)), right=const(0), guard=None)]
    """
    if not root.holds & GAPS:
        return []
    found: dict[Kink, None] = {}
    stack: list[tuple[Term, Term | None, bool]] = [(root, None, False)]
    seen: set[tuple[Term, Term | None, bool]] = set()
    while stack:
        item = stack.pop()
        if item in seen:
            continue
        seen.add(item)
        term, guard, below = item
        operation = OPERATIONS[term.op]
        if operation.kink is not None and (operation.jumps or not below):
            left = term.args[0]
            right = {"equal": term.args[-1], "zero": ZERO, "whole": term}[operation.kink]
            if (left.holds | right.holds) & REFERENCES:
                found[Kink(left, right, guard)] = None
        if term.op == "where":
            condition, a, b = term.args
            branches = [
                (condition, guard, True),
                (a, _both(guard, condition), below),
                (b, _both(guard, Term.of("not", condition)), below),
            ]
            stack += [branch for branch in branches if branch[0].holds & GAPS]
        else:
            below = below or operation.jumps
            stack += [(arg, guard, below) for arg in term.args if arg.holds & GAPS]
    return list(found)


def _both(guard: Term | None, condition: Term) -> Term:
    return condition if guard is None else Term.of("and", guard, condition)
