"""The local derivatives of one step: each rule by each of its parents, and where they jump."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from causalopt.language.algebra import ONE, ZERO, add, mul, neg, where
from causalopt.language.gradient import Kink, gradient, kinks
from causalopt.language.term import REFERENCES, Term, collector_paused, const, postorder, rebuilt
from causalopt.model.template import Structure


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

    def is_copy(self, child: int) -> bool:
        """Whether a tangent is that of its only parent, so that nothing is rounded."""
        return [partial.term for partial in self.of(child)] == [ONE]

    @functools.cached_property
    def cancelling(self) -> tuple[int, ...]:
        """The partial derivatives that may cancel: those with sums of what W moves."""
        chosen = enumerate(partial.term for partial in self.partials)
        return tuple(k for k, root in chosen if any(map(_cancels, postorder(root))))

    @functools.cached_property
    def drifting(self) -> frozenset[int]:
        """The equations with a slope or a kink that depends on W, so that its rounding matters."""
        moving = {partial.child for partial in self.partials if partial.term.holds & REFERENCES}
        return frozenset(moving | {gap.child for gap in self.gaps if gap.slopes})

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


def _cancels(term: Term) -> bool:
    """Whether a term may be small beside what it was rounded from; a sum of leaves rounds once."""
    is_sum = term.op in {"add", "sub"} and bool(term.holds & REFERENCES)
    return is_sum and not all(arg.is_leaf for arg in term.args)


@functools.lru_cache(maxsize=128)
def linearize(structure: Structure) -> Linearization:
    """Return the local derivatives of one step; identically zero ones are left out."""
    index = {name: i for i, name in enumerate(structure.names)}
    partials: list[Partial] = []
    gaps: list[Gap] = []
    with collector_paused():
        for child, rule in enumerate(structure.rules):
            if rule is not None:
                partials += _partials(child, gradient(rule), index)
                gaps += [Gap(child, k, tuple(_gap_slopes(child, k, index))) for k in kinks(rule)]
    return Linearization(tuple(partials), tuple(gaps))


def _partials(child: int, slopes: dict[Term, Term], index: dict[str, int]) -> list[Partial]:
    found = []
    for leaf, term in slopes.items():
        if term is not ZERO and isinstance(leaf.payload, tuple):
            name, lag = leaf.payload
            found.append(Partial(child, index[name], lag, _folded(term)))
    return found


def _folded(root: Term) -> Term:
    """Move factors that depend on parameters only into the branches they multiply.

    k * (a where c, else b) is (k a where c, else k b), bit for bit; where a and b depend on
    parameters only too, the products are computed once a run instead of once a step.
    """
    order = list(postorder(root))
    if not any(term.op == "where" for term in order):
        return root
    fixed: dict[Term, bool] = {}
    done: dict[Term, Term] = {}
    for term in order:
        args = [done[arg] for arg in term.args]
        new = rebuilt(term, done)
        if term.op == "neg" and _is_choice(args[0], fixed):
            new = _through(args[0], neg)
        elif term.op == "mul":
            for one, other in ((args[0], args[1]), (args[1], args[0])):
                if is_fixed(one, fixed) and _is_choice(other, fixed):
                    new = _through(other, functools.partial(mul, one))
                    break
        done[term] = new
    return done[root]


def is_fixed(term: Term, memo: dict[Term, bool]) -> bool:
    """Whether a term depends on parameters only."""
    if term in memo:
        return memo[term]
    for inner in postorder(term):
        if inner not in memo:
            memo[inner] = inner.op not in {"ref", "t"} and all(memo[arg] for arg in inner.args)
    return memo[term]


def _is_choice(term: Term, memo: dict[Term, bool]) -> bool:
    """Whether a term chooses, by branches, among values that depend on parameters only."""
    if term.op != "where":
        return False
    return all(is_fixed(arg, memo) or _is_choice(arg, memo) for arg in term.args[1:])


def _through(choice: Term, apply: Callable[[Term], Term]) -> Term:
    if choice.op != "where":
        return apply(choice)
    condition, a, b = choice.args
    return where(condition, _through(a, apply), _through(b, apply))


def _gap_slopes(child: int, kink: Kink, index: dict[str, int]) -> list[Partial]:
    slopes = gradient(kink.left)
    for leaf, slope in gradient(kink.right).items():
        slopes[leaf] = add(slopes.get(leaf, ZERO), mul(const(-1), slope))
    return _partials(child, slopes, index)
