"""Decorrelation as surgery: take nodes from an independent replica of the world.

Let W be the world and W' an independent replica: the same model, started from the same law, with
its own draws. `replace(W at t, A, W')` is the world in which A's nodes at t have the values they
take in W' and all others keep W's. Its law is

    P'(a, b) = sum over b', a' of P(a', b) P(a, b') = P^A(a) P^B(b),

Part 1's uncorrelated law. W at t is complete when the surgery is made, whatever its rules read
within the step. It is the operation that makes Y in Parts 3 and 4 ('take these nodes from
that world'), with an independent replica in place of the baseline.
"""

from __future__ import annotations

from collections.abc import Iterable

from causalopt.laws.law import Law, ProductLaw


def replace(law: Law, nodes: Iterable[str], replica: Law) -> ProductLaw:
    """Return the law of the world whose `nodes` are taken from an independent replica.

    The two worlds are independent, so what is taken and what is kept are: the result is a product
    of two blocks and is not multiplied out.

    Args:
        law: The world's law at the moment of the surgery.
        nodes: The variables to take from the replica.
        replica: The replica's law at the same moment; for decorrelation it equals `law`.

    Returns:
        The product of the replica's marginal on `nodes` and the world's on all others.

    Example:
        >>> from fractions import Fraction
        >>> from causalopt.laws.law import law_of
        >>> from causalopt.laws.space import Space
        >>> half = Fraction(1, 2)
        >>> law = law_of(Space(("a", "b"), ((0, 1), (0, 1))), {(0, 0): half, (1, 1): half})
        >>> replace(law, ["a"], law).dense().p.tolist()[0]
        [Fraction(1, 4), Fraction(1, 4)]
    """
    taken = law.space.only(nodes).names
    kept = law.space.without(taken)
    parts = [replica.marginal(taken)] if taken else []
    parts += [law.marginal(kept)] if kept else []
    blocks = [block for part in parts for block in _blocks(part)]
    return ProductLaw(tuple(blocks))


def decorrelate(law: Law, A: Iterable[str]) -> ProductLaw:
    """Return P': the law with A replaced by an independent replica's A.

    Args:
        law: P, over all variables.
        A: The variables of the one part; all others are the other.
    """
    return replace(law, A, law)


def _blocks(law: Law) -> tuple[Law, ...]:
    return law.blocks if isinstance(law, ProductLaw) else (law,)
