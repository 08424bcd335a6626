"""The local derivatives of one step: each rule by each of its parents, and where they jump."""

from __future__ import annotations

import dataclasses
import functools

from causalopt.expressions import Kink, Term, gradient, kinks
from causalopt.expressions.algebra import ZERO, add, mul
from causalopt.expressions.term import const
from causalopt.template import Structure


@dataclasses.dataclass(frozen=True)
class Partial:
    """The derivative of equation `child` by the value of equation `parent`, `lag` steps ago."""

    child: int
    parent: int
    lag: int
    term: Term


@dataclasses.dataclass(frozen=True)
class Gap:
    """A kink of equation `child` and the slopes of left - right by its parents."""

    child: int
    kink: Kink
    slopes: tuple[Partial, ...]


@dataclasses.dataclass(frozen=True)
class Linearization:
    """All local derivatives of one step of a template."""

    partials: tuple[Partial, ...]
    gaps: tuple[Gap, ...]

    def of(self, child: int) -> list[Partial]:
        """Return the partial derivatives of one equation."""
        return self._by_child.get(child, [])

    @functools.cached_property
    def moving_gaps(self) -> tuple[Gap, ...]:
        """The gaps that some parent can close."""
        return tuple(gap for gap in self.gaps if gap.slopes)

    def gaps_of(self, child: int) -> list[Gap]:
        """Return the gaps of one equation that some parent can close."""
        return self._gaps_by_child.get(child, [])

    @functools.cached_property
    def _gaps_by_child(self) -> dict[int, list[Gap]]:
        table: dict[int, list[Gap]] = {}
        for gap in self.moving_gaps:
            table.setdefault(gap.child, []).append(gap)
        return table

    @functools.cached_property
    def _by_child(self) -> dict[int, list[Partial]]:
        table: dict[int, list[Partial]] = {}
        for partial in self.partials:
            table.setdefault(partial.child, []).append(partial)
        return table


@functools.lru_cache(maxsize=128)
def linearize(structure: Structure) -> Linearization:
    """Return the local derivatives of one step; identically zero ones are left out."""
    index = {name: i for i, name in enumerate(structure.names)}
    partials: list[Partial] = []
    gaps: list[Gap] = []
    for child, rule in enumerate(structure.rules):
        if rule is None:
            continue
        partials += _partials(child, gradient(rule), index)
        gaps += [Gap(child, k, tuple(_gap_slopes(child, k, index))) for k in kinks(rule)]
    return Linearization(tuple(partials), tuple(gaps))


def _partials(child: int, slopes: dict[Term, Term], index: dict[str, int]) -> list[Partial]:
    found = []
    for leaf, term in slopes.items():
        if term is not ZERO and isinstance(leaf.payload, tuple):
            name, lag = leaf.payload
            found.append(Partial(child, index[name], lag, term))
    return found


def _gap_slopes(child: int, kink: Kink, index: dict[str, int]) -> list[Partial]:
    slopes = gradient(kink.left)
    for leaf, slope in gradient(kink.right).items():
        slopes[leaf] = add(slopes.get(leaf, ZERO), mul(const(-1), slope))
    return _partials(child, slopes, index)
