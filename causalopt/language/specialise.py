"""Terms with some leaves fixed, and the branches that this decides cut away."""

from __future__ import annotations

from collections.abc import Mapping

from causalopt.language.term import Term, const, exact, postorder, rebuilt, substitute


def specialise(root: Term, values: Mapping[Term, Term]) -> Term:
    """Return the term with leaves fixed, and branches that this decides cut away.

    Args:
        root: The term.
        values: Leaves and the constants they are.

    Returns:
        An equal term without the untaken branches.

    Example:
        >>> from causalopt.language.term import ref
        >>> j, W = ref("j", 0), ref("W", 1)
        >>> rule = Term.of("where", Term.of("eq", j, const(0)), W, Term.of("exp", W))
        >>> specialise(rule, {j: const(0)}) is W
        True
    """
    fixed = substitute(root, values)
    done: dict[Term, Term] = {}
    for term in postorder(fixed):
        if term.op == "where" and (taken := _decided(done[term.args[0]])) is not None:
            done[term] = done[term.args[1 if taken else 2]]
        else:
            done[term] = rebuilt(term, done)
    return done[fixed]


def _decided(condition: Term) -> bool | None:
    """Return a condition's truth where constants alone decide it, else None."""
    if any(term.is_leaf and term.op != "const" for term in postorder(condition)):
        return None
    # `exact` returns numbers, so the condition is asked as a choice between two.
    found = exact(Term.of("where", condition, const(1), const(0)), lambda _: None)
    return None if found is None else found == 1
