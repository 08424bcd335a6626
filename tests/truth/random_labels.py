"""Random models of labels against an enumeration of their joint law, in fractions.

Two to four variables of two or three labels, with parents a step before and in the same step, rows
that are labels or laws, noise, and a joint or factorised law at t = 0. Every assignment of the
state and the noise is listed; A's part of the law at t is taken from an independent replica by
multiplying the two marginals. The four entropies, I, the optimizing strength and its adjusted form
are compared in bits, by each of the engines in turn; and the law one step later, number by number.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Iterator
from fractions import Fraction

from causalopt import parse_model, strength
from tests.truth.record import Comparison, Record

COUNT, SHORT = 300, 20
LABELS = ("lo", "mid", "hi")
ENGINES = ("auto", "dense", "sparse")
TOLERANCE = 1e-12
State = tuple[str, ...]
Law = dict[State, Fraction]


@dataclasses.dataclass(frozen=True)
class Table:
    """A variable: its labels, what it reads as (name, lag), and a law for each row of these."""

    name: str
    labels: tuple[str, ...]
    parents: tuple[tuple[str, int], ...]
    rows: dict[tuple[str, ...], dict[str, Fraction]]
    is_noise: bool = False


@dataclasses.dataclass(frozen=True)
class Labels:
    """A model of labels: its tables in an order to compute them, the law at t = 0, and A."""

    tables: tuple[Table, ...]
    initial: Law
    held: tuple[str, ...]
    is_joint: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The variables of the state."""
        return tuple(t.name for t in self.tables if not t.is_noise)

    def after(self, law: Law) -> Law:
        """Return the law one step later."""
        later: Law = {}
        for state, p in law.items():
            before = dict(zip(self.names, state, strict=True))
            for now, q in self._outcomes(before, {}, p, 0):
                key = tuple(now[name] for name in self.names)
                later[key] = later.get(key, Fraction(0)) + q
        return later

    def _outcomes(
        self, before: dict[str, str], now: dict[str, str], p: Fraction, place: int
    ) -> Iterator[tuple[dict[str, str], Fraction]]:
        if place == len(self.tables):
            yield now, p
            return
        table = self.tables[place]
        row = tuple((before if lag else now)[name] for name, lag in table.parents)
        for label, q in table.rows[row].items():
            if q:
                yield from self._outcomes(before, {**now, table.name: label}, p * q, place + 1)

    def apart(self, law: Law) -> Law:
        """Return the law with A from an independent replica: the product of two marginals."""
        inside = [i for i, name in enumerate(self.names) if name in self.held]
        outside = [i for i in range(len(self.names)) if i not in inside]
        found: Law = {}
        pairs = itertools.product(marginal(law, inside).items(), marginal(law, outside).items())
        for (a, p), (b, q) in pairs:
            parts = dict(zip(inside, a, strict=True)) | dict(zip(outside, b, strict=True))
            found[tuple(parts[i] for i in range(len(self.names)))] = p * q
        return found

    def text(self) -> str:
        """Return the model file."""
        lines = ["name: labels", "variables:"]
        places = {name: i for i, name in enumerate(self.names)}
        for table in self.tables:
            lines.append(f"  {table.name}:")
            if table.is_noise:
                lines.append(f"    noise: {_law(table.rows[()])}")
                continue
            lines.append(f"    domain: [{', '.join(table.labels)}]")
            parents = [f'"{name}[t-1]"' if lag else f'"{name}[t]"' for name, lag in table.parents]
            lines += [f"    parents: [{', '.join(parents)}]", "    table:"]
            for row, law in table.rows.items():
                sure = [label for label, p in law.items() if p == 1]
                given = sure[0] if sure else _law(law)
                lines.append(f"      - [{', '.join([*row, given])}]")
            if not self.is_joint:
                own = marginal(self.initial, [places[table.name]])
                lines.append(f"    initial: {_law({label: p for (label,), p in own.items()})}")
        if self.is_joint:
            lines.append("initial:")
            for state, p in self.initial.items():
                cells = [f"{n}: {label}" for n, label in zip(self.names, state, strict=True)]
                lines.append(f'  - {{{", ".join(cells)}, p: "{p}"}}')
        lines.append(f"partition: {{A: [{', '.join(self.held)}]}}")
        return "\n".join(lines) + "\n"


def _law(law: dict[str, Fraction]) -> str:
    return "{" + ", ".join(f'{label}: "{p}"' for label, p in law.items() if p) + "}"


def marginal(law: Law, places: list[int]) -> Law:
    """Return the law of some of the variables."""
    found: Law = {}
    for state, p in law.items():
        key = tuple(state[i] for i in places)
        found[key] = found.get(key, Fraction(0)) + p
    return found


def bits(law: Law) -> float:
    """Return an entropy."""
    return -math.fsum(float(p) * math.log2(p) for p in law.values() if p)


def drawn(seed: int) -> Labels:
    """Return the model of a seed."""
    rng = random.Random(f"labels {seed}")
    names = ["a", "b", "c", "d"][: rng.randint(2, 4)]
    labels = {name: LABELS[: rng.choice([2, 2, 3])] for name in names}
    tables = []
    if rng.random() < 0.5:
        labels["e"] = ("off", "on")
        tables.append(Table("e", labels["e"], (), {(): _random_law(rng, labels["e"])}, True))
    for i, name in enumerate(names):
        offered = [(other, 1) for other in names] + [(other, 0) for other in names[:i]]
        offered += [("e", 0)] if "e" in labels else []
        parents = tuple(rng.sample(offered, min(len(offered), rng.randint(1, 3))))
        sure = rng.choice([0.3, 0.8, 1.0])
        rows = {
            row: {rng.choice(labels[name]): Fraction(1)}
            if rng.random() < sure
            else _random_law(rng, labels[name])
            for row in itertools.product(*(labels[parent] for parent, _ in parents))
        }
        tables.append(Table(name, labels[name], parents, rows))
    states = list(itertools.product(*(labels[name] for name in names)))
    is_joint = rng.random() < 0.5
    if is_joint:
        some = rng.sample(states, rng.randint(1, min(4, len(states))))
        initial = dict(zip(some, _shares(rng, len(some)), strict=True))
    else:
        own = [_random_law(rng, labels[name]) for name in names]
        initial = {
            state: math.prod(
                (law[label] for law, label in zip(own, state, strict=True)), start=Fraction(1)
            )
            for state in states
        }
    held = tuple(rng.sample(names, rng.randint(1, len(names) - 1)))
    return Labels(tuple(tables), initial, held, is_joint)


def _shares(rng: random.Random, count: int) -> list[Fraction]:
    weights = [rng.randint(1, 5) for _ in range(count)]
    return [Fraction(w, sum(weights)) for w in weights]


def _random_law(rng: random.Random, labels: tuple[str, ...]) -> dict[str, Fraction]:
    return dict(zip(labels, _shares(rng, len(labels)), strict=True))


def records(short: bool) -> Iterator[Record]:
    """Yield the record of entropies, and that of laws."""
    entropies = Comparison("Label models", "entropies and strengths, bits", TOLERANCE, "absolute")
    laws = Comparison("Label models", "P' one step later", TOLERANCE, "absolute")
    for seed in range(SHORT if short else COUNT):
        labels = drawn(seed)
        model, at = parse_model(labels.text()), seed % 4
        law = labels.initial
        for _ in range(at):
            law = labels.after(law)
        apart = labels.apart(law)
        chain = (law, apart, labels.after(law), labels.after(apart))
        s, s_apart, s_next, s_next_apart = (bits(one) for one in chain)
        expected = [s, s_apart, s_next, s_next_apart, s_apart - s, s_next_apart - s_next]
        expected.append(expected[5] - expected[4])
        for engine in ENGINES:
            found = strength(model, at=at, engine=engine)
            ours = [
                found.S,
                found.S_decoupled,
                found.S_next,
                found.S_next_decoupled,
                found.mutual_information,
                found.optimizing_strength,
                found.adjusted,
            ]
            entropies.add(f"seed {seed}, {engine}, at {at}", ours, expected)
        states = list(itertools.product(*(t.labels for t in labels.tables if not t.is_noise)))
        laws.add(
            f"seed {seed}, at {at}",
            [float(found.P_next_decoupled.probability(_named(labels, state))) for state in states],
            [float(chain[3].get(state, 0)) for state in states],
        )
    yield entropies.record()
    yield laws.record()


def _named(labels: Labels, state: State) -> dict[str, str]:
    return dict(zip(labels.names, state, strict=True))
