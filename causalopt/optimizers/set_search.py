"""Which sets A are looked at, and what can be said of those that are not.

All sets where they are few; sums where effects add; branch and bound where bounds say enough; else
the best sets are grown part by part, which promises nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.measures import NAMES, measure, status_codes
from causalopt.engine.contract import Bools, Floats
from causalopt.engine.linearization import linearize
from causalopt.influence.crossings import between, is_crossed_twice
from causalopt.influence.node_currents import node_currents, shares
from causalopt.optimizers.node_sets import NO_PART, NodeSets
from causalopt.optimizers.set_bounds import SetCertificate, branch_and_bound
from causalopt.optimizers.set_effects import SetEffects
from causalopt.optimizers.subset_sums import best_subsets
from causalopt.work.progress import portion, through

Method: TypeAlias = Literal["auto", "all", "sums", "bounds", "grown"]
WORK = 5e10  # products of slopes and tangents: half a minute
_BLOCK = 1 << 18  # sets that are evaluated together
_BEAM = 8  # sets that are grown on
_MOST_BOUNDS = 4_000  # sets that are swept for bounds
_CLOSED = 1e-8  # nats
WITH_NUMBER = np.isin(NAMES, ["ok", "kink", "perfect", "only_path", "held"])
_UNRESOLVED = list(NAMES).index("unresolved")


@dataclasses.dataclass(frozen=True, eq=False)
class Ranked:
    """The best sets, the strongest optimizer first.

    Attributes:
        sets: Parts of each set.
        op: Nats, shape [set].
        comp: Shape [set].
        codes: Statuses as places in `NAMES`, shape [set].
    """

    sets: NodeSets
    op: Floats
    comp: Floats
    codes: NDArray[np.int8]

    def at(self, places: NDArray[np.intp]) -> Ranked:
        """Return some of the sets, in another order."""
        sets = self.sets.unions(self.sets.members[places])
        return Ranked(sets, self.op[places], self.comp[places], self.codes[places])


@dataclasses.dataclass(frozen=True, eq=False)
class SearchRecord:
    """What a ranking is worth.

    Attributes:
        kind: `exact`: every set was looked at; `certified`: those that were not are proved to be
            no better than the best; `heuristic`: they may be better.
        how: The method in words.
        evaluated: How many sets were looked at.
        count: How many sets there are.
        bound: No set has an Op above it, in nats; inf where nothing is known.
        left: Sets that should have been run alone and were not: `unresolved` for lack of time.
        certificate: What proves it; None where every set was looked at, or nothing is proved.
    """

    kind: Literal["exact", "certified", "heuristic"]
    how: str
    evaluated: int
    count: int
    bound: float
    left: int
    certificate: SetCertificate | None = None

    def __str__(self) -> str:
        text = f"{self.kind}: {self.how}, {self.evaluated:,} of {self.count:,} sets looked at"
        if self.kind == "heuristic" and math.isfinite(self.bound):
            text += f"; no set has Op above {self.bound:.6g} nats"
        if self.left:
            text += f"; {self.left:,} unresolved for lack of time"
        return text


class SetSearch:
    """A search among the unions of parts.

    Args:
        effects: What evaluates sets.
        parts: The parts.
        size: The most parts of a set.
        best: How many sets are kept.
    """

    def __init__(self, effects: SetEffects, parts: NodeSets, size: int, best: int) -> None:
        self._effects, self._parts, self._best = effects, parts, best
        self._width = len(parts)
        self._size = min(size, self._width)
        self._left = 0

    @property
    def count(self) -> int:
        """How many sets there are."""
        return sum(math.comb(self._width, k) for k in range(1, self._size + 1))

    def run(self, method: Method = "auto") -> tuple[Ranked, SearchRecord]:
        """Return the best sets, and what the ranking is worth."""
        if method == "auto":
            method = self._chosen()
        searches = {
            "all": self._all,
            "sums": self._sums,
            "bounds": self._bounds,
            "grown": self._grown,
        }
        found, record = searches[method]()
        return _distinct(found), record

    def ranked(self, blocks: Iterable[NDArray[np.int64]], count: int | None = None) -> Ranked:
        """Evaluate sets, shape [set, member] in each block, and keep the best."""
        kept: Ranked | None = None
        for block in through(blocks, count):
            sets = self._parts.unions(block)
            found = self._effects.of(sets)
            self._left += found.left
            codes, measures = status_codes(found.effect), measure(found.effect)
            own = Ranked(sets, measures.op, measures.comp, codes)
            kept = _first(_together(kept, own) if kept else own, self._best)
        assert kept is not None
        return kept

    def _chosen(self) -> Method:
        if self.count <= self._best:
            return "all"
        if not self.refusal("sums"):
            return "sums"
        steps = self._effects.keep[-1] + 1
        products = len(linearize(self._effects.asked.model.template.structure).partials)
        if not self._effects.may_kink and self.count * steps * products <= WORK:
            return "all"
        return "grown" if self.refusal("bounds") else "bounds"

    def refusal(self, method: Method) -> str:
        """Return why a method cannot answer this question; empty where it can."""
        if method not in ("sums", "bounds"):
            return ""
        if self._effects.may_kink:
            return "W sits on a kink that n reaches and m reads, so that every set is run alone"
        if not self._effects.has_shares:
            return "the total effect of n on m is 0 or not known, so that no set has a share of it"
        if method == "sums" and not self.adds:
            return (
                "effects do not add up over these parts: a path crosses two of them, or an "
                "integrator's stage is on the way"
            )
        return ""

    @property
    def adds(self) -> bool:
        """Whether what goes through a set is the sum over its parts.

        No path crosses two of their nodes, none goes through an integrator's stage of theirs, and
        parts have no node in common.
        """
        effects = self._effects
        template, target = effects.asked.model.template, effects.target
        on_path = between(template, effects.plan, target)
        rows = np.searchsorted(self._parts.starts, np.arange(len(on_path)), side="right") - 1
        held = self._parts.parts[rows] & on_path[:, :, np.newaxis]
        if (held.sum(axis=2) > 1).any():
            return False
        owners = [equation.owner != equation.name for equation in template.equations]
        union: Bools = np.any(held, axis=2)
        return not union[:, owners].any() and not is_crossed_twice(template, effects.plan, union)

    def _all(self) -> tuple[Ranked, SearchRecord]:
        sizes = [math.comb(self._width, k) for k in range(1, self._size + 1)]
        with portion(0.0, 1.0):
            found = self.ranked(self._blocks(), sum(-(-size // _BLOCK) for size in sizes))
        bound = _top(found)
        return found, self._record("exact", "every set", self.count, bound)

    def _blocks(self) -> Iterable[NDArray[np.int64]]:
        """Yield all sets, the smaller ones first."""
        for k in range(1, self._size + 1):
            if k == 2:
                pairs = np.stack(np.triu_indices(self._width, 1), axis=1)
                yield from np.split(pairs, range(_BLOCK, len(pairs), _BLOCK))
                continue
            chosen = itertools.combinations(range(self._width), k)
            while block := list(itertools.islice(chosen, _BLOCK)):
                yield np.array(block, dtype=np.int64)

    def _sums(self) -> tuple[Ranked, SearchRecord]:
        with portion(0.0, 0.2):
            nodes = node_currents(self._effects.asked)
        share = shares(nodes.current, nodes.total)
        rows = np.searchsorted(self._parts.starts, np.arange(len(share)), side="right") - 1
        held = self._parts.parts[rows][:, nodes.columns]
        through = np.einsum("tv,tvp->p", share, held)
        sets, count = best_subsets(through, self._size, self._best)
        with portion(0.2, 1.0):
            found = self.ranked([_members(sets)])
        how = "sums of currents, which no path crosses twice"
        if self._width > 20:
            return found, self._record("exact", how + ", best first", count, _top(found))
        return found, self._record("exact", how, count, _top(found))

    def _bounds(self) -> tuple[Ranked, SearchRecord]:
        effects, parts = self._effects, self._parts

        def beside(sets: Sequence[tuple[int, ...]]) -> tuple[Floats, Floats]:
            return effects.over_total(parts.unions(sets))

        singles = beside([(k,) for k in range(self._width)])[0]
        order = np.argsort(-np.abs(singles - 1.0), kind="stable").tolist()
        steps = effects.keep[-1] + 1
        products = len(linearize(effects.asked.model.template.structure).partials)
        budget = int(min(_MOST_BOUNDS, max(WORK / 10 / (steps * products), 64)))
        with portion(0.0, 0.4):
            found = branch_and_bound(beside, order, self._size, budget)
        certificate = found.certificate
        # Those whose numbers are listed are evaluated with their statuses.
        height = np.abs(beside(found.sets)[0])
        listed = [
            tuple(sorted(found.sets[k])) for k in np.argsort(-height, kind="stable")[: self._best]
        ]
        singly = [(k,) for k in range(self._width)]
        looked_at = {tuple(sorted(chosen)) for chosen in [*found.sets, *singly]}
        if certificate.gap <= _CLOSED:
            with portion(0.4, 1.0):
                ranked = self.ranked([_members(list(dict.fromkeys([*listed, *singly])))])
            how = "branch and bound"
            bound = certificate.bound
            record = self._record("certified", how, len(looked_at), bound, certificate)
            return ranked, record
        with portion(0.4, 0.8):
            grown, tried = self._grow()
        ranked = _first(_together(grown, self.ranked([_members(listed)])), self._best)
        how = "the best sets grown part by part, and branch and bound with a gap"
        evaluated = len(looked_at | tried.keys())
        record = self._record("heuristic", how, evaluated, certificate.bound, certificate)
        return ranked, record

    def _grow(self) -> tuple[Ranked, dict[tuple[int, ...], None]]:
        """Grow the best sets part by part: singles, then what each of the best becomes by one.

        Returns:
            The best sets, and all that were tried.
        """
        tried: dict[tuple[int, ...], None] = {(k,): None for k in range(self._width)}
        with portion(0.0, 1 / self._size):
            kept = beam = self.ranked([_members(list(tried))])
        for size in range(1, self._size):
            grown: dict[tuple[int, ...], None] = {}
            for chosen in as_tuples(beam.sets.members[:_BEAM]):
                for k in range(self._width):
                    new = tuple(sorted({*chosen, k}))
                    if k not in chosen and new not in tried:
                        grown[new] = None
            if not grown:
                break
            tried |= grown
            with portion(size / self._size, (size + 1) / self._size):
                beam = self.ranked([_members(list(grown))])
            kept = _first(_together(kept, beam), self._best)
        return kept, tried

    def _grown(self) -> tuple[Ranked, SearchRecord]:
        with portion(0.0, 1.0):
            kept, tried = self._grow()
        how = "the best sets grown part by part"
        if len(tried) == self.count:
            return kept, self._record("exact", "every set", len(tried), _top(kept))
        return kept, self._record("heuristic", how, len(tried), math.inf)

    def _record(
        self,
        kind: Literal["exact", "certified", "heuristic"],
        how: str,
        evaluated: int,
        bound: float,
        certificate: SetCertificate | None = None,
    ) -> SearchRecord:
        return SearchRecord(kind, how, evaluated, self.count, bound, self._left, certificate)


def as_tuples(members: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Return the parts of each set as a tuple."""
    return [tuple(k for k in row if k != NO_PART) for row in members.tolist()]


def _members(sets: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    table = np.full((len(sets), max(map(len, sets), default=0)), NO_PART, dtype=np.int64)
    for row, chosen in zip(table, sets, strict=True):
        row[: len(chosen)] = chosen
    return table


def _top(found: Ranked) -> float:
    """Return the largest Op among sets whose Op is known; inf where one is not."""
    known = WITH_NUMBER[found.codes]
    return float(found.op[0]) if len(found.op) and known[0] else math.inf


def _distinct(found: Ranked) -> Ranked:
    """Return sets that differ in their nodes: of the same ones written twice the first."""
    if not (found.sets.parts.sum(axis=2) > 1).any():
        return found
    bits = np.packbits(np.moveaxis(found.sets.held(), 2, 0).reshape(len(found.op), -1), axis=1)
    places = np.sort(np.unique(bits, axis=0, return_index=True)[1])
    return found.at(places)


def _together(one: Ranked, other: Ranked) -> Ranked:
    width = max(one.sets.members.shape[1], other.sets.members.shape[1])
    tables = [
        np.pad(
            found.sets.members,
            ((0, 0), (0, width - found.sets.members.shape[1])),
            constant_values=NO_PART,
        )
        for found in (one, other)
    ]
    members, first = np.unique(np.concatenate(tables), axis=0, return_index=True)
    del members
    places = np.sort(first)
    whole = np.concatenate(tables)[places]
    return Ranked(
        one.sets.unions(whole),
        *(
            np.concatenate([a, b])[places]
            for a, b in ((one.op, other.op), (one.comp, other.comp), (one.codes, other.codes))
        ),
    )


def _first(found: Ranked, count: int) -> Ranked:
    """Return the strongest so many; of equals the smaller set, then the one with earlier parts.

    Sets whose Op is unresolved come after those whose Op is known, undefined ones last.
    """
    members, op = found.sets.members, found.op
    kind = np.where(WITH_NUMBER[found.codes], 0, np.where(found.codes == _UNRESOLVED, 1, 2))
    kind = np.where(np.isnan(op), 2, kind)
    with np.errstate(invalid="ignore"):
        # Equal to rounding is equal: the order must not depend on it.
        level = np.where(np.isfinite(op), np.round(op, 10), op)
    sizes = (members != NO_PART).sum(axis=1)
    keys = [members[:, k] for k in reversed(range(members.shape[1]))]
    order = np.lexsort((*keys, sizes, -np.where(np.isnan(level), -np.inf, level), kind))[:count]
    return found.at(order)
