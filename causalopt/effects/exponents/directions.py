"""The directions of a step's state that n excites and m observes.

Kalman's decomposition: the smallest subspace that contains n's tangent and that every step maps
into itself, less what no step carries to m. Both are found by rank, along the whole run.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from causalopt.engine.contract import Bools, Floats
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.linearization import linearize
from causalopt.model.template import Structure

KNOWN = 1e3 * 2.0**-53  # of the products a number is a sum of: below it, it is rounding
_CLEAR = 1e-3  # likewise: above it, it is not, and neither is what is made of it
_EARLY = (64, 256, 1024)  # steps that are looked at by themselves

# What one step makes of each direction: from maps [t, slot, slot], a basis and the excited ones.
Image = Callable[[Floats, Floats, Floats], Floats]


@dataclasses.dataclass(frozen=True)
class Directions:
    """A basis of what n excites, and of its part that m observes.

    Attributes:
        excited: Orthonormal, shape [slot, c].
        both: Orthonormal, within `excited`, shape [slot, r].
    """

    excited: Floats
    both: Floats


def on_the_way(structure: Structure, held: Bools, source: int, target: int) -> tuple[Bools, Bools]:
    """Return which equations the graph lets n reach, and which of these reach m, shape [V]."""
    edges = [
        (partial.parent, partial.child)
        for partial in linearize(structure).partials
        if not (held[partial.parent] or held[partial.child])
    ]
    after = _closed(edges, source, len(held))
    before = _closed([(child, parent) for parent, child in edges], target, len(held))
    return after, after & before


def _closed(edges: list[tuple[int, int]], start: int, size: int) -> Bools:
    children: dict[int, list[int]] = {}
    for parent, child in edges:
        children.setdefault(parent, []).append(child)
    found = np.zeros(size, dtype=bool)
    found[start] = True
    stack = [start]
    while stack:
        for child in children.get(stack.pop(), ()):
            if not found[child]:
                found[child] = True
                stack.append(child)
    return found


def directions(
    step: StepDerivative, slopes: Floats, tangent: Floats, target: int, lead: int
) -> Directions:
    """Return the directions that n excites, and those of them that m observes.

    Args:
        step: The derivative of a step.
        slopes: The local derivatives of all steps, shape [t, partial].
        tangent: The state's tangent by n before the first of them, shape [slot].
        target: The equation of m.
        lead: How many steps are gone before m is looked at.
    """
    excited = _spanned(slopes, functools.partial(_excited, step, tangent))
    seen = _spanned(slopes[lead:], functools.partial(_seen, step, excited, target))
    return Directions(excited, excited @ seen)


def _spanned(slopes: Floats, find: Callable[[Floats, float], Floats]) -> Floats:
    """Return a basis found along the run; the first steps do where they clearly span all."""
    for count in _EARLY:
        if count < len(slopes):
            basis = find(slopes[:count], _CLEAR)
            if basis.shape[1] == len(basis):
                return basis
    return find(_distinct(slopes), KNOWN)


def _distinct(slopes: Floats) -> Floats:
    """Leave out steps that are as the one before."""
    is_new = (slopes[1:] != slopes[:-1]).any(axis=1)
    return slopes if is_new.all() else slopes[np.concatenate([[True], is_new])]


def _excited(step: StepDerivative, tangent: Floats, slopes: Floats, least: float) -> Floats:
    """Return what steps make of a tangent, where it is more than `least` of what it is a sum of."""
    start, size = tangent[np.newaxis], np.abs(tangent)[np.newaxis]
    basis = _grown(np.zeros((step.size, 0)), start, size, KNOWN)
    return _invariant(step, slopes, basis, basis, _carried, least)


def _seen(
    step: StepDerivative, excited: Floats, target: int, slopes: Floats, least: float
) -> Floats:
    """Return what m observes in coordinates of what n excites, likewise."""
    seen = np.zeros((excited.shape[1], 0))
    for part in step.parts(slopes):
        if seen.shape[1] == len(seen):
            break
        rows, sizes = (step.matrices(s)[1][:, target] for s in (part, np.abs(part)))
        seen = _grown(seen, rows @ excited, sizes @ np.abs(excited), least)
    return _invariant(step, slopes, seen, excited, _observed, least)


def _carried(maps: Floats, basis: Floats, _excited: Floats) -> Floats:
    return np.swapaxes(maps @ basis, 1, 2)


def _observed(maps: Floats, basis: Floats, excited: Floats) -> Floats:
    return (excited @ basis).T @ maps @ excited


def _invariant(
    step: StepDerivative, slopes: Floats, basis: Floats, excited: Floats, image: Image, least: float
) -> Floats:
    """Return a basis of the smallest space that contains another and every step's images of it."""
    size = -1
    while size < basis.shape[1] < len(basis):
        size = basis.shape[1]
        for part in step.parts(slopes):
            if basis.shape[1] == len(basis):
                break
            maps, sizes = (step.matrices(s)[0] for s in (part, np.abs(part)))
            before = -1
            while before < basis.shape[1] < len(basis):
                before = basis.shape[1]
                vectors = image(maps, basis, excited).reshape(-1, len(basis))
                products = image(sizes, np.abs(basis), np.abs(excited)).reshape(vectors.shape)
                basis = _grown(basis, vectors, products, least)
    return basis


def lengths_of(vectors: Floats) -> Floats:
    """Return the lengths of vectors, whose squares may leave the floats; shape [vector]."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    scale = np.where(largest > 0, largest, 1.0)
    found: Floats = scale * np.linalg.norm(vectors / scale[:, np.newaxis], axis=1)
    return found


def _grown(basis: Floats, vectors: Floats, products: Floats, least: float) -> Floats:
    """Return a basis that spans vectors too, as far as they are more than rounding.

    Args:
        basis: Orthonormal, shape [slot, r].
        vectors: Shape [vector, slot].
        products: The sizes of the products that each number is a sum of, likewise.
        least: Of these: a vector that adds no more than that is left out, `KNOWN` at least.
    """
    while len(vectors) and basis.shape[1] < len(basis):
        rest = vectors - (vectors @ basis) @ basis.T
        bound = products + (products @ np.abs(basis)) @ np.abs(basis.T)
        is_clear = (np.abs(rest) > least * bound).any(axis=1)
        rest[np.abs(rest) <= KNOWN * bound] = 0.0
        lengths = np.where(is_clear, lengths_of(rest), 0.0)
        best = int(np.argmax(lengths))
        if not lengths[best] > 0:
            break
        new = rest[best] / lengths[best]
        new -= basis @ (basis.T @ new)
        new[np.abs(new) <= KNOWN] = 0.0
        basis = np.column_stack([basis, new / np.linalg.norm(new)])
    return basis
