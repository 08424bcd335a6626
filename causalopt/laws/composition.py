"""What certain rules make of the initial state in many steps: one table a node, of what matters.

A node's table has an axis for each initial variable that the node depends on in truth: a variable
that changes nothing is dropped at once, so that tables stay small where rules canalise, though the
graph reaches everything.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from causalopt.errors import SizeError
from causalopt.laws.factorised import Site
from causalopt.laws.law import Masses, size_text

LIMIT = 2**24
"""Most entries of a node's table."""

Labels = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, eq=False)
class Composition:
    """A node as a function of others.

    Attributes:
        reads: What it depends on.
        labels: The label it takes, an axis for each of `reads`.
    """

    reads: tuple[Site, ...]
    labels: Labels


def composed(
    rules: Iterable[tuple[Masses, Sequence[Site]]], sizes: Mapping[str, int], *, limit: int = LIMIT
) -> dict[Site, Composition]:
    """Return the nodes that certain rules make, as functions of those that no rule makes.

    Args:
        rules: Tables, and the nodes on their axes, the last the one made; parents come first.
        sizes: Labels of each variable.
        limit: Most entries of a table.

    Raises:
        SizeError: A node depends on too much.
    """
    found: dict[Site, Composition] = {}
    for table, (*parents, made) in rules:
        inner = [found.get(p) or _itself(p, sizes[p.name]) for p in parents]
        reads = tuple(sorted({site for function in inner for site in function.reads}))
        shape = [sizes[site.name] for site in reads]
        if math.prod(shape) > limit:
            raise SizeError(
                f"'{made.name}' at t = {made.t} depends on {len(reads)} variables at t = 0, a "
                f"table of {size_text(math.prod(shape))} entries, and {size_text(limit)} are "
                "allowed: ask for an earlier step, or name a few variables (targets, --targets)"
            )
        outcome = np.asarray(table != 0, dtype=bool).argmax(axis=-1).astype(np.uint8)
        spread = [_over(function, reads) for function in inner]
        labels = outcome[tuple(spread)] if spread else outcome
        found[made] = _needed(Composition(reads, np.broadcast_to(labels, shape)))
    return found


def _itself(site: Site, size: int) -> Composition:
    return Composition((site,), np.arange(size, dtype=np.uint8))


def _over(function: Composition, reads: Sequence[Site]) -> Labels:
    """Return a function's labels with an axis for each node, of length 1 where it reads none."""
    own = dict(zip(function.reads, function.labels.shape, strict=True))
    return function.labels.reshape([own.get(site, 1) for site in reads])


def _needed(function: Composition) -> Composition:
    """Return the function without what changes nothing."""
    labels, kept = function.labels, []
    for axis in reversed(range(labels.ndim)):
        first = labels.take([0], axis=axis)
        if (labels == first).all():
            labels = first.reshape(first.shape[:axis] + first.shape[axis + 1 :])
        else:
            kept.append(function.reads[axis])
    return Composition(tuple(reversed(kept)), np.array(labels))
