"""Derivatives in the expression graph, and where they jump: reverse accumulation, selection.

All partial derivatives of a rule cost a small multiple of the rule. A branch contributes by
selection, `where(c, da, db)`, never by `c*da + (1 - c)*db`: an untaken branch that is infinite or
NaN leaves no trace (0 * inf would be NaN).

A kink is where a derivative jumps: a comparison that chooses a branch. There the limit delta -> 0
depends on the side it is taken from, so a tangent answers for one side only; the engine watches
these gaps and reports the status `kink`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from causalopt.language import algebra
from causalopt.language.algebra import ONE, ZERO, add, mul, where
from causalopt.language.operations import BRANCHES, OPERATIONS
from causalopt.language.term import ENTERED, GAPS, REFERENCES, Term


def gradient(root: Term, wanted: Iterable[Term] | None = None) -> dict[Term, Term]:
    """Return the partial derivative of a term by each leaf it depends on.

    Args:
        root: The term to differentiate.
        wanted: The leaves to differentiate by; all references when not given.

    Returns:
        leaf -> derivative; a leaf with an identically zero derivative keeps its zero.

    Example:
        >>> from causalopt.language.term import ref
        >>> x = ref("x", 1)
        >>> gradient(Term.of("mul", x, x))[x]
        add(ref(('x', 1)), ref(('x', 1)))
    """
    chosen = None if wanted is None else frozenset(wanted)
    return _Gradient(chosen).of(root)


class _Gradient:
    """Gradients of one root; branches are memoised, since rules share them."""

    def __init__(self, wanted: frozenset[Term] | None) -> None:
        self._wanted = wanted
        # What a term must hold to have a derivative; 0 where any may, as with parameters.
        sought = {REFERENCES} if wanted is None else {leaf.holds for leaf in wanted}
        self._sought = 0 if 0 in sought else sum(sought)
        self._memo: dict[Term, dict[Term, Term]] = {}

    def of(self, root: Term) -> dict[Term, Term]:
        """Return leaf -> derivative of the root."""
        if root in self._memo:
            return self._memo[root]
        wanted = self._wanted
        adjoint: dict[Term, Term] = {root: ONE}
        result: dict[Term, Term] = {}
        for term in reversed(self._smooth_postorder(root)):
            seed = adjoint.pop(term, ZERO)
            if term.op == "ref" if wanted is None else term in wanted:
                result[term] = add(result.get(term, ZERO), seed)
            elif term.op in BRANCHES:
                for leaf, partial in self._branch(term).items():
                    result[leaf] = add(result.get(leaf, ZERO), _scaled(seed, partial))
            elif term.args and self._may_move(term):
                self._pass_on(term, seed, adjoint)
        self._memo[root] = result
        return result

    def _pass_on(self, term: Term, seed: Term, adjoint: dict[Term, Term]) -> None:
        """Add what a term's derivative gives to those of its arguments."""
        slopes = OPERATIONS[term.op].slopes
        assert slopes is not None, f"{term.op} has no slopes and is no branch"
        for arg, partial in zip(term.args, slopes(algebra, term, *term.args), strict=True):
            if self._may_move(arg):
                adjoint[arg] = add(adjoint.get(arg, ZERO), mul(seed, partial))

    def _smooth_postorder(self, root: Term) -> list[Term]:
        """Return what may move the root, arguments first, not entering branches.

        Those are differentiated on their own; what holds nothing sought has no derivative.
        """
        found: list[Term] = []
        seen: set[Term] = set()
        stack = [root]
        while stack:
            term = stack.pop()
            if term is ENTERED:
                found.append(stack.pop())
            elif term not in seen:
                seen.add(term)
                if term.args and term.op not in BRANCHES and self._may_move(term):
                    stack += (term, ENTERED, *term.args)
                else:
                    found.append(term)
        return found

    def _may_move(self, term: Term) -> bool:
        return not self._sought or bool(term.holds & self._sought)

    def _branch(self, term: Term) -> dict[Term, Term]:
        choice = OPERATIONS[term.op].choice
        assert choice is not None
        condition, a, b = choice(algebra, term, *term.args)
        left, right = self.of(a), self.of(b)
        keys = dict.fromkeys([*left, *right])
        return {
            leaf: where(condition, left.get(leaf, ZERO), right.get(leaf, ZERO)) for leaf in keys
        }


_MOST_ENDS = 8  # branches a factor is taken into: each gets a product of its own


def _scaled(seed: Term, partial: Term) -> Term:
    """Return seed * partial, taken into the branches where one of them is zero.

    A factor outside may be infinite where the branch is constant, and 0 * inf would be NaN.
    """
    ends = _ends(partial)
    if partial.op != "where" or ZERO not in ends or len(ends) > _MOST_ENDS:
        return mul(seed, partial)
    condition, a, b = partial.args
    return where(condition, _scaled(seed, a), _scaled(seed, b))


def _ends(choice: Term) -> list[Term]:
    """Return what a choice chooses among, no more than one past `_MOST_ENDS`."""
    found: list[Term] = []
    stack = [choice]
    while stack and len(found) <= _MOST_ENDS:
        term = stack.pop()
        if term.op == "where":
            stack += term.args[1:]
        else:
            found.append(term)
    return found


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
