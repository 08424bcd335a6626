"""Entropy and what is made of it, for exact laws.

Everything is in bits unless nats are asked for. Fractions are turned to floats only inside the
logarithm, and there through log1p where a probability is near one, so that the entropy of a law
within 1e-30 of certainty keeps all its digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from causalopt.errors import QuestionError
from causalopt.laws.law import Law, Masses, ProductLaw, SparseLaw

Unit = Literal["bit", "nat"]
"""The unit of an entropy."""


def per_nat(unit: Unit) -> float:
    """Return how many of a unit make one nat.

    Raises:
        QuestionError: The unit is neither bit nor nat.

    Example:
        >>> per_nat("nat")
        1.0
    """
    if unit not in get_args(Unit):
        raise QuestionError(f"entropies are in 'bit' or 'nat', got {unit!r}")
    return 1.0 if unit == "nat" else 1.0 / math.log(2.0)


def are_laws(rows: npt.NDArray[np.float64]) -> bool:
    """Whether each row of an array holds probabilities that sum to 1."""
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=-1), 1.0, rtol=0.0, atol=1e-9))


def entropy(law: Law, *, of: Iterable[str] | None = None, unit: Unit = "bit") -> float:
    """Return the Shannon entropy S = -sum p log p.

    Args:
        law: A law over named variables.
        of: The variables whose entropy is wanted; all by default.
        unit: Bits or nats.

    Example:
        >>> from causalopt.laws.law import uniform
        >>> from causalopt.laws.space import Space
        >>> entropy(uniform(Space(("x", "y"), ((0, 1), (0, 1)))))
        2.0
    """
    part = law if of is None else law.marginal(of)
    small = part.exact and part.space.size <= _SUMMED_EXACTLY
    if isinstance(part, ProductLaw) and not small:
        return math.fsum(entropy(block, unit=unit) for block in part.blocks)
    return entropy_of(part.masses(), unit=unit)


def entropy_of(masses: Masses, *, unit: Unit = "bit") -> float:
    """Return -sum p log p of an array of probabilities.

    Args:
        masses: Probabilities, of any shape; floats or Fractions.
        unit: Bits or nats.

    Example:
        >>> entropy_of(np.array([0.5, 0.25, 0.25]))
        1.5
    """
    scale = per_nat(unit)
    if masses.dtype == object:
        return math.fsum(_term(p, unit) for p in masses.flat)
    logs = np.log2 if unit == "bit" else np.log
    if masses.size > _SUMMED_EXACTLY:
        return math.fsum(_long_terms(masses.reshape(-1), logs))
    p = masses[masses > 0]
    terms = np.where(p > 0.5, -p * np.log1p(p - 1.0) * scale, -p * logs(p))
    return math.fsum(terms)


_SUMMED_EXACTLY = 2**14


def _long_terms(
    masses: Masses, logs: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> Iterator[float]:
    """Yield the sums of -p log p over runs short enough to stay in the processor's cache."""
    for start in range(0, masses.size, _SUMMED_EXACTLY):
        p = masses[start : start + _SUMMED_EXACTLY]
        if not p.all():
            p = p[p > 0]
        yield -float((p * logs(p)).sum())  # a dot product would wake threads for each run


def _term(p: Any, unit: Unit) -> float:
    """Return -p log p for one Fraction, to full float precision at both ends."""
    if p == 0 or p == 1:
        return 0.0
    if 2 * p > 1:
        return -float(p) * math.log1p(-float(1 - Fraction(p))) * per_nat(unit)
    small = float(p)
    if small == 0.0:  # below the smallest float: the term is too
        return 0.0
    return -small * (math.log2(small) if unit == "bit" else math.log(small))


def conditional_entropy(
    law: Law, of: Iterable[str], given: Iterable[str], *, unit: Unit = "bit"
) -> float:
    """Return H(of | given) = S[of, given] - S[given].

    Args:
        law: A joint law over both groups of variables.
        of: The variables whose uncertainty is left.
        given: The variables that are known.
        unit: Bits or nats.
    """
    known = tuple(given)
    both = tuple(dict.fromkeys((*of, *known)))
    return entropy(law, of=both, unit=unit) - entropy(law, of=known, unit=unit)


def mutual_information(
    law: Law,
    A: Iterable[str],
    B: Iterable[str] | None = None,
    *,
    given: Iterable[str] = (),
    unit: Unit = "bit",
) -> float:
    """Return I(A; B | given) = S[A, g] + S[B, g] - S[A, B, g] - S[g].

    Never negative: rounding below zero, possible when the two sides are all but independent, is
    returned as zero.

    Args:
        law: A joint law.
        A: The one group of variables.
        B: The other group; every variable outside A and `given` by default.
        given: Variables that are known.
        unit: Bits or nats.

    Example:
        >>> from causalopt.laws.law import law_of
        >>> from causalopt.laws.space import Space
        >>> half = Fraction(1, 2)
        >>> law = law_of(Space(("a", "b"), ((0, 1), (0, 1))), {(0, 0): half, (1, 1): half})
        >>> mutual_information(law, ["a"])
        1.0
    """
    first, known = tuple(A), tuple(given)
    second = law.space.without((*first, *known)) if B is None else tuple(B)
    parts = [(*first, *known), (*second, *known), (*first, *second, *known), known]
    S = [entropy(law, of=dict.fromkeys(part), unit=unit) if part else 0.0 for part in parts]
    return max(0.0, math.fsum([S[0], S[1], -S[2], -S[3]]))


def divergence(P: Law, Q: Law, *, unit: Unit = "bit") -> float:
    """Return the relative entropy D(P || Q) = sum p log(p / q), infinite where Q misses mass of P.

    Args:
        P: The law that weighs.
        Q: The law compared with, over the same variables.
        unit: Bits or nats.
    """
    names = P.space.names  # a product's own marginal keeps the order of its blocks
    if P.space.size <= _SUMMED_EXACTLY:
        p, q = P.dense().p, Q.dense().marginal(names).p
    else:
        p, q = _side_by_side(P.sparse(), Q.sparse().marginal(names))
    held = np.asarray(p != 0, dtype=bool)
    if np.any(q[held] == 0):
        return math.inf
    terms = p[held].astype(float) * np.log((p[held] / q[held]).astype(float))
    return max(0.0, math.fsum(terms)) * per_nat(unit)


def _side_by_side(P: SparseLaw, Q: SparseLaw) -> tuple[Masses, Masses]:
    """Return the masses of two laws over the states that either has mass on, as floats."""
    rows = np.concatenate([P.states, Q.states])
    _, place = np.unique(rows, axis=0, return_inverse=True)
    masses = np.zeros((2, int(place.max()) + 1))
    np.add.at(masses[0], place[: len(P.p)], P.p.astype(float))
    np.add.at(masses[1], place[len(P.p) :], Q.p.astype(float))
    return masses[0], masses[1]


def marginal_entropies(law: Law, *, unit: Unit = "bit") -> dict[frozenset[str], float]:
    """Return the entropy of every subset of the variables, 2^n of them.

    Every subset's array is summed from one that holds a single variable more, so that the whole
    costs about (k + 1)^n additions for n variables of k labels.

    Args:
        law: A joint law.
        unit: Bits or nats.
    """
    joint = law.dense()
    found = _subsets(joint.p, joint.space.names, 0, unit)
    return {frozenset(names): value for names, value in found}


def _subsets(
    p: Masses, names: tuple[str, ...], free: int, unit: Unit
) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield this subset's entropy, then those of all that drop variables from place `free` on."""
    yield names, entropy_of(p, unit=unit) if names else 0.0
    for axis in range(free, len(names)):
        rest = (*names[:axis], *names[axis + 1 :])
        yield from _subsets(_without(p, axis), rest, axis, unit)


def _without(p: Masses, axis: int) -> Masses:
    """Return the array with one axis summed out, slice by slice where it runs fast."""
    total = np.asarray(p.take(0, axis=axis), dtype=p.dtype)
    for label in range(1, p.shape[axis]):
        total = total + p[(slice(None),) * axis + (label,)]
    return np.asarray(total, dtype=p.dtype)
