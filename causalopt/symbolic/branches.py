"""Rules without branches: which side of every where, min, max and abs a path takes.

A piecewise rule is, along one path, a sequence of smooth rules. `resolve` takes the branches of a
rule away by asking for the truth of each comparison it meets, in the order in which it matters, so
that an untaken branch is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from causalopt.language.algebra import ONE, ZERO, neg
from causalopt.language.operations import COMPARISONS
from causalopt.language.term import Term, postorder

Decide = Callable[[Term], bool]
Choose = Callable[[Term], bool]
_BRANCHING = frozenset({"where", "min", "max", "abs", "sign", "floor", "ceil"})


def has_branches(root: Term) -> bool:
    """Return whether a rule chooses between smooth pieces."""
    return any(term.op in _BRANCHING for term in postorder(root))


def resolve(root: Term, decide: Decide, choose: Choose | None = None) -> Term:
    """Return the smooth piece of a rule on the side that `decide` says.

    Args:
        root: A rule.
        decide: Gives the truth of a comparison between smooth terms.
        choose: Says in place of `decide` which way to go where the value may jump: given a where,
            whether its first branch is taken; given a comparison that a sign asks for, its truth.

    Returns:
        The rule without where, min, max, abs and sign.

    Example:
        >>> from causalopt.language.term import const, ref
        >>> resolve(Term.of("min", ref("x", 1), const(2)), lambda comparison: False)
        const(2)
    """
    done: dict[Term, Term | bool] = {}
    stack = [root]
    while stack:
        term = stack[-1]
        wanted = [] if term in done else [a for a in _needed(term, done, choose) if a not in done]
        if wanted:
            stack += wanted
            continue
        stack.pop()
        if term not in done:
            done[term] = _settled(term, done, decide, choose)
    result = done[root]
    assert isinstance(result, Term)
    return result


def _needed(term: Term, done: dict[Term, Term | bool], choose: Choose | None) -> tuple[Term, ...]:
    if term.op == "where":
        if choose is None and term.args[0] not in done:
            return term.args[:1]
        return (_branch(term, done, choose),)
    if term.op in {"and", "or"} and term.args[0] in done:
        first = done[term.args[0]]
        return () if bool(first) is (term.op == "or") else term.args[1:]
    return term.args[:1] if term.op in {"and", "or"} else term.args


def _branch(term: Term, done: dict[Term, Term | bool], choose: Choose | None) -> Term:
    condition, then, otherwise = term.args
    return then if (choose(term) if choose is not None else done[condition]) else otherwise


def _settled(
    term: Term, done: dict[Term, Term | bool], decide: Decide, choose: Choose | None
) -> Term | bool:
    if term.op == "where":
        return done[_branch(term, done, choose)]
    if term.op in {"and", "or"}:
        first = done[term.args[0]]
        return first if bool(first) is (term.op == "or") else done[term.args[1]]
    if term.op == "not":
        return not done[term.args[0]]
    args = tuple(_smooth(done[arg]) for arg in term.args)
    if term.op in COMPARISONS:
        return decide(Term.of(term.op, *args))
    if term.op in {"min", "max"}:
        first, second = args if term.op == "min" else args[::-1]
        return args[0] if decide(Term.of("le", first, second)) else args[1]
    if term.op == "abs":
        return args[0] if decide(Term.of("le", ZERO, args[0])) else neg(args[0])
    if term.op == "sign":
        side = choose or decide
        if side(Term.of("lt", ZERO, args[0])):
            return ONE
        return neg(ONE) if side(Term.of("lt", args[0], ZERO)) else ZERO
    return Term.of(term.op, *args, payload=term.payload) if args else term


def _smooth(value: Term | bool) -> Term:
    assert isinstance(value, Term)
    return value


def pieces(root: Term, most: int) -> Iterator[tuple[Term, tuple[tuple[Term, bool], ...]]]:
    """Yield every smooth piece of a rule with the comparisons that lead to it.

    Args:
        root: A rule.
        most: How many pieces to yield at most.
    """
    pending: list[tuple[bool, ...]] = [()]
    while pending and most > 0:
        prefix = pending.pop(0)
        asked: dict[Term, bool] = {}
        answers = iter(prefix)
        fresh: list[int] = []

        def decide(
            comparison: Term,
            asked: dict[Term, bool] = asked,
            answers: Iterator[bool] = answers,
            fresh: list[int] = fresh,
        ) -> bool:
            if comparison not in asked:
                answer = next(answers, None)
                if answer is None:
                    fresh.append(len(asked))
                asked[comparison] = True if answer is None else answer
            return asked[comparison]

        piece = resolve(root, decide)
        taken = tuple(asked.values())
        pending += [(*taken[:place], False) for place in fresh]
        most -= 1
        yield piece, tuple(asked.items())
