"""The entropy of a law that is never formed: conditional entropies, variable by variable.

S(y_1, ..., y_n) = sum over k of S(y_k | y_1 ... y_k-1). What the values before say of y_k and of
all that follows is the law, given them, of the hidden variables that are still to be read: a
belief. Values whose beliefs are equal have equal futures and are counted together, so that the cost
follows the number of different beliefs and not that of states. A hidden variable enters when it is
first read and is summed out after it was last.

Source: the mixed states of D. Blackwell, "The entropy of functions of finite-state Markov chains"
(1957), over an elimination order.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from causalopt.entropy.information import Unit, per_nat
from causalopt.errors import SizeError
from causalopt.laws.composition import composed
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.factorised import Network, Site, gathered
from causalopt.laws.law import Masses, size_text

LIMIT = 2**21
"""Most rows: configurations of the hidden variables, over all beliefs."""

_BITS = 44  # of a probability that tell beliefs apart: sums that round otherwise are equal
_MIXED = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)  # odd numbers that multiply keys to hashes

Column = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class _Rule:
    """A node made of others: by its label, or by its law where that is not certain."""

    made: Site
    reads: tuple[Site, ...]
    labels: Column | None
    law: Masses | None


def entropy_along(
    model: DiscreteModel,
    names: Iterable[str],
    *,
    at: int,
    replaced: Iterable[tuple[str, int]] = (),
    unit: Unit = "bit",
    limit: int = LIMIT,
) -> float:
    """Return the entropy of some variables at a step, some nodes taken from a replica.

    Args:
        model: The discrete model, from its own initial law.
        names: The variables.
        at: The step.
        replaced: Nodes (variable, step) whose values are an independent replica's.
        unit: Bits or nats.
        limit: Most rows.

    Raises:
        SizeError: More rows would be needed than `limit`, or a node depends on too much.

    Example:
        >>> from causalopt import load
        >>> from causalopt.laws.adapter import discrete
        >>> cycle = discrete(load("yeast_cell_cycle"))
        >>> round(entropy_along(cycle, cycle.state.names, at=1), 4)
        6.9756
    """
    targets, network = gathered(model, names, at=at, replaced=replaced)
    sizes = {m.name: len(m.labels) for m in model.mechanisms}
    certain = all(m.deterministic for m in model.mechanisms)
    if certain:
        try:
            rules = _composed(network, targets, sizes)
            return _followed(rules, network, targets, sizes, limit) * per_nat(unit)
        except SizeError:
            pass  # the unrolled graph hides other nodes, and sometimes fewer
    rules = _as_they_are(network)
    return _followed(rules, network, targets, sizes, limit) * per_nat(unit)


def _followed(
    rules: list[_Rule], network: Network, targets: Sequence[Site], sizes: dict[str, int], limit: int
) -> float:
    """Return the entropy of the targets in nats."""
    blocks = [(np.asarray(p, dtype=float), tuple(sites)) for p, sites in network.initial]
    beliefs, seen, waiting = _Beliefs(sizes, limit), set(targets), list(range(len(blocks)))
    for rule, needed in _order(rules, blocks, seen, sizes):
        now = [k for k in waiting if {*blocks[k][1]} & {*rule.reads, rule.made}]
        waiting = [k for k in waiting if k not in now]
        for k in now:
            beliefs.enter(*blocks[k])
            for site in set(blocks[k][1]) & seen:
                beliefs.observe(site)
        if rule.made not in beliefs.columns:
            beliefs.extend(rule)
            if rule.made in seen:
                beliefs.observe(rule.made)
        beliefs.forget(needed)
    return beliefs.nats


def _composed(network: Network, targets: Sequence[Site], sizes: dict[str, int]) -> list[_Rule]:
    """Return the targets as functions of the initial state."""
    found = composed(_in_order(network), sizes)
    rules = []
    for site in dict.fromkeys(targets):
        function = found.get(site)
        reads = (site,) if function is None else function.reads
        labels = np.arange(sizes[site.name]) if function is None else function.labels
        rules.append(_Rule(site, reads, labels.astype(np.int64), None))
    return rules


def _as_they_are(network: Network) -> list[_Rule]:
    """Return the rules of the unrolled graph, and the initial variables as rules of their own."""
    initial = [site for _, sites in network.initial for site in sites]
    rules = [_Rule(site, (site,), None, None) for site in initial]
    for table, (*reads, made) in _in_order(network):
        possible = np.asarray(table != 0, dtype=bool)
        is_certain = bool((possible.sum(axis=-1) == 1).all())
        labels = possible.argmax(axis=-1).astype(np.int64) if is_certain else None
        law = None if is_certain else np.asarray(table, dtype=float)
        rules.append(_Rule(made, tuple(reads), labels, law))
    return rules


def _in_order(network: Network) -> list[tuple[Masses, list[Site]]]:
    """Return the rules, each after those that make what it reads."""
    makers = {axes[-1]: (table, axes) for table, axes in network.rules}
    done: dict[Site, tuple[Masses, list[Site]]] = {}
    for start in makers:
        stack = [start]
        while stack:
            site = stack[-1]
            missing = [p for p in makers[site][1][:-1] if p in makers and p not in done]
            if missing and site not in done:
                stack += missing
            else:
                done.setdefault(site, makers[site])
                stack.pop()
    return list(done.values())


def _order(
    rules: list[_Rule],
    blocks: Sequence[tuple[Masses, tuple[Site, ...]]],
    seen: set[Site],
    sizes: dict[str, int],
) -> Iterable[tuple[_Rule, set[Site]]]:
    """Yield the rules, with what those after them read, so that few nodes are hidden at a time.

    Greedily: the rule that lets in fewest nodes, less those that nothing reads after it.
    """
    weight = {m: math.log2(n) for m, n in sizes.items()}
    members = {site: sites for _, sites in blocks for site in sites}
    readers: dict[Site, set[int]] = {}
    for k, rule in enumerate(rules):
        for site in rule.reads:
            readers.setdefault(site, set()).add(k)
    makers = {rule.made for rule in rules if rule.reads != (rule.made,)}
    inside: set[Site] = set()
    left = dict(enumerate(rules))

    def growth(k: int) -> tuple[float, int]:
        rule = left[k]
        new = {s for site in rule.reads for s in members.get(site, ())} - inside
        new |= {rule.made} if rule.made not in seen and rule.made not in inside else set()
        after = inside | new | {*rule.reads}
        gone = [site for site in after if readers.get(site, set()) <= {k}]
        return sum(weight[s.name] for s in new) - sum(weight[s.name] for s in gone), k

    while left:
        ready = [k for k, r in left.items() if all(s in inside or s not in makers for s in r.reads)]
        touching = [k for k in ready if inside & {*left[k].reads}] or ready
        chosen = min(touching, key=growth)
        rule = left.pop(chosen)
        inside |= {s for site in rule.reads for s in members.get(site, ())} | {rule.made}
        for site in rule.reads:
            readers[site].discard(chosen)
        inside = {site for site in inside if readers.get(site)}
        yield rule, inside


class _Beliefs:
    """Laws of the hidden nodes given what was observed: rows of labels, those of a belief together.

    Attributes:
        columns: Labels by node, shape [row].
        nats: The entropy of what was observed.
    """

    def __init__(self, sizes: dict[str, int], limit: int) -> None:
        self._sizes, self._limit = sizes, limit
        self.columns: dict[Site, Column] = {}
        self.nats = 0.0
        self._belief = np.zeros(1, dtype=np.int64)
        self._weight: Masses = np.ones(1)  # within its belief
        self._mass: Masses = np.ones(1)  # of each belief

    def enter(self, p: Masses, sites: Sequence[Site]) -> None:
        """Let independent variables in."""
        states = np.argwhere(p != 0)
        self._require(len(self._belief) * len(states))
        here, there = len(self._belief), len(states)
        self._belief = np.repeat(self._belief, there)
        self.columns = {site: np.repeat(column, there) for site, column in self.columns.items()}
        for site, column in zip(sites, states.T, strict=True):
            self.columns[site] = np.tile(column, here)
        self._weight = np.repeat(self._weight, there) * np.tile(p[tuple(states.T)], here)

    def extend(self, rule: _Rule) -> None:
        """Add a node that follows from others."""
        at = tuple(self.columns[site] for site in rule.reads)
        if rule.labels is not None:
            self.columns[rule.made] = np.broadcast_to(rule.labels[at], self._belief.shape)
            return
        assert rule.law is not None
        laws = np.broadcast_to(rule.law[at], (len(self._belief), rule.law.shape[-1]))
        source, label = np.nonzero(laws)
        self._require(len(source))
        self._belief, self._weight = self._belief[source], self._weight[source]
        self.columns = {site: column[source] for site, column in self.columns.items()}
        self.columns[rule.made] = label
        self._weight = self._weight * laws[source, label]

    def observe(self, site: Site) -> None:
        """Add the entropy of a node given all that was observed, and part beliefs by its label."""
        key = self._belief * self._sizes[site.name] + self.columns[site]
        found, self._belief, inverse = _ranked(key)
        before = self._mass[found // self._sizes[site.name]]
        share = np.bincount(inverse, weights=self._weight)
        self._mass = before * share
        self.nats -= math.fsum(self._mass * np.log(share))
        self._weight = self._weight / share[inverse]

    def forget(self, needed: set[Site]) -> None:
        """Sum out what nothing reads, and count equal beliefs together."""
        self.columns = {site: c for site, c in self.columns.items() if site in needed}
        config = np.zeros(len(self._belief), dtype=np.int64)
        for site, column in self.columns.items():
            if config.size and int(config.max()) > 2**50:
                config = _ranked(config)[1]
            config = config * self._sizes[site.name] + column
        config = _ranked(config)[1]
        count = int(config.max()) + 1
        found, row, _ = _ranked(self._belief * count + config)
        self._weight = np.bincount(row, weights=self._weight)
        first = np.zeros(len(found), dtype=np.int64)
        first[row[::-1]] = np.arange(len(row))[::-1]
        self.columns = {site: column[first] for site, column in self.columns.items()}
        self._belief = found // count
        self._together(found % count)

    def _together(self, config: Column) -> None:
        """Keep one of the beliefs that are equal, with the mass of all."""
        starts = np.flatnonzero(np.diff(self._belief, prepend=-1))
        mantissa, exponent = np.frexp(self._weight)
        digits = np.rint(np.ldexp(mantissa, _BITS)).astype(np.int64).astype(np.uint64)
        hashes = []
        for mixer in _MIXED:
            key = _mixed(config.astype(np.uint64), mixer) ^ _mixed(digits, mixer + 2)
            key ^= _mixed((exponent + 2048).astype(np.uint64), mixer + 4)
            hashes.append(np.add.reduceat(_mixed(key, mixer), starts))
        table = np.stack(hashes, axis=1)
        _, kept, same = np.unique(table, axis=0, return_index=True, return_inverse=True)
        same = same.reshape(-1)
        self._mass = np.bincount(same, weights=self._mass)
        number = np.full(len(starts), -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        new = number[self._belief]
        stays = new >= 0
        self.columns = {site: column[stays] for site, column in self.columns.items()}
        self._belief, self._weight = new[stays], self._weight[stays]

    def _require(self, rows: int) -> None:
        if rows > self._limit:
            raise SizeError(
                f"the joint entropy takes {size_text(rows)} configurations of hidden variables at "
                f"a time, {size_text(rows * (len(self.columns) + 4) >> 17)} MB, and "
                f"{size_text(self._limit)} are allowed: name the variables whose entropy is wanted "
                "(targets, --targets), or ask for another step"
            )


def _ranked(key: Column) -> tuple[Column, Column, Column]:
    """Return the different keys in ascending order, and the rank of each key, twice."""
    found, inverse = np.unique(key, return_inverse=True)
    inverse = inverse.reshape(-1).astype(np.int64)
    return found, inverse, inverse


def _mixed(key: npt.NDArray[np.uint64], by: int) -> npt.NDArray[np.uint64]:
    """Return 64 bits that depend on all bits of a key (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        z = key * np.uint64(by) + np.uint64(_MIXED[0])
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: npt.NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
