"""Every small system of a kind, smallest first: Boolean networks, linear rules, binary DAGs.

Each has one part A = {a}, one part B, and the measures that disagreements are looked for in. Sizes
count arrows, so that what is found first is smallest: no system of the kind has fewer.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from causalopt.comparison.disturbed_law import DisturbedLaw
from causalopt.comparison.label_decisions import rule_directedness
from causalopt.comparison.loop_shares import loop_shares
from causalopt.comparison.normal_measures import (
    normal_causal_strength,
    normal_empowerment,
    normal_transfer,
)
from causalopt.entropy.declared import finite_model, strength
from causalopt.entropy.relatives.causal_strength import causal_strength
from causalopt.entropy.relatives.empowerment import empowerment
from causalopt.entropy.relatives.transfer_entropy import transfer_entropy
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law
from causalopt.laws.propagation import law_at, prepared
from causalopt.model.model import Model

Bits = tuple[int, ...]
_NAMES: dict[Bits, str] = {
    (0, 0, 0, 0): "0",
    (0, 0, 0, 1): "a and b",
    (0, 0, 1, 0): "a and not b",
    (0, 0, 1, 1): "a",
    (0, 1, 0, 0): "b and not a",
    (0, 1, 0, 1): "b",
    (0, 1, 1, 0): "a xor b",
    (0, 1, 1, 1): "a or b",
    (1, 0, 0, 0): "neither a nor b",
    (1, 0, 0, 1): "a = b",
    (1, 0, 1, 0): "not b",
    (1, 0, 1, 1): "a or not b",
    (1, 1, 0, 0): "not a",
    (1, 1, 0, 1): "b or not a",
    (1, 1, 1, 0): "not (a and b)",
    (1, 1, 1, 1): "1",
}
"""Values at (a, b) = 00, 01, 10, 11 -> the function's name."""

HALVES = (Fraction(0), Fraction(1, 2), Fraction(-1, 2), Fraction(1), Fraction(-1))
STATES = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclasses.dataclass(frozen=True)
class NudgeEffect:
    """The effects of n on m in one pair of worlds.

    Attributes:
        total: x^m - w^m.
        direct: y^m - w^m.
    """

    total: Fraction
    direct: Fraction

    @property
    def op(self) -> float:
        """Op = -ln |total / direct| in nats; NaN where both are 0."""
        if not self.direct:
            return -math.inf if self.total else math.nan
        return -math.log(abs(self.total / self.direct)) + 0.0 if self.total else math.inf


@dataclasses.dataclass(frozen=True)
class BooleanNetwork:
    """Two bits: a[t] = f(a, b), b[t] = g(a, b) of a step ago; n = b[0], m = b[2], A = {a}.

    Attributes:
        f: a's rule, its values at (a, b) = 00, 01, 10, 11.
        g: b's rule.
    """

    f: Bits
    g: Bits

    @property
    def size(self) -> int:
        """How many arrows there are."""
        return _arrows(self.f) + _arrows(self.g)

    def __str__(self) -> str:
        return f"a[t] = {_NAMES[self.f]}, b[t] = {_NAMES[self.g]}"

    @functools.cached_property
    def model(self) -> Model:
        """The model: labels 0 and 1, uniform at t = 0; a rule reads what it depends on.

        A constant reads its own value a step ago, so that there is time.
        """
        variables = {
            name: {
                "domain": (0, 1),
                "parents": tuple(f"{source}[t-1]" for source in _reads(rule) or (name,)),
                "table": _rows(rule, _reads(rule) or (name,)),
                "initial": {0: "1/2", 1: "1/2"},
            }
            for name, rule in (("a", self.f), ("b", self.g))
        }
        return Model(name="boolean_network", variables=variables, partition={"A": ("a",)})

    @functools.cached_property
    def tables(self) -> DiscreteModel:
        """The model as tables."""
        return prepared(finite_model(self.model))

    @functools.cached_property
    def law(self) -> Law:
        """The law at t = 1, one step after the uniform one."""
        return law_at(self.tables, 1)

    @functools.cached_property
    def responses(self) -> tuple[NudgeEffect, ...]:
        """Effects of the other b[0] on b[2], from each state."""
        return tuple(self._response(a, b) for a, b in STATES)

    @property
    def ops(self) -> tuple[float, ...]:
        """Op from each state."""
        return tuple(response.op for response in self.responses)

    @functools.cached_property
    def transfer(self) -> float:
        """Transfer entropy from a to b, in bits, at t = 1."""
        return transfer_entropy(self.tables, law=self.law)

    @functools.cached_property
    def causal(self) -> float:
        """Causal strength of a -> b, in bits, at t = 1; 0 where there is no such arrow."""
        if "a" not in _reads(self.g):
            return 0.0
        return causal_strength(self.tables, [("a", "b")], law=self.law)

    @functools.cached_property
    def strength(self) -> float:
        """Optimizing strength at t = 1, in bits."""
        return strength(self.tables, at=1).optimizing_strength

    @functools.cached_property
    def empowerments(self) -> tuple[float, ...]:
        """Empowerment of a over b one step later, in bits, in each state."""
        return tuple(empowerment(self.tables, state).value for state in STATES)

    def directedness(self, goal: int) -> float:
        """Goal-directedness of a's rule towards b = goal, in bits, at t = 1."""
        found = rule_directedness(self.tables, self.law, {"b": goal})
        return 0.0 if found is None else found.value

    def _response(self, a: int, b: int) -> NudgeEffect:
        courses = {"w": (a, b), "x": (a, 1 - b), "y": (a, 1 - b)}
        for _ in range(2):
            courses = {k: (self.f[2 * i + j], self.g[2 * i + j]) for k, (i, j) in courses.items()}
            courses["y"] = (courses["w"][0], courses["y"][1])
        w, x, y = (courses[k][1] for k in "wxy")
        return NudgeEffect(Fraction(x - w), Fraction(y - w))


@dataclasses.dataclass(frozen=True)
class LinearRule:
    """Two numbers: a[t] = p a + q b, b[t] = r a + s b of a step ago; n = b[0], m = b[2], A = {a}.

    Information measures are of t = 0, where both are disturbed by one small normal law and
    uncorrelated.
    """

    p: Fraction
    q: Fraction
    r: Fraction
    s: Fraction

    @property
    def size(self) -> int:
        """How many arrows there are."""
        return sum(coefficient != 0 for coefficient in (self.p, self.q, self.r, self.s))

    def __str__(self) -> str:
        return f"a[t] = {_sum(self.p, self.q)}, b[t] = {_sum(self.r, self.s)}"

    @functools.cached_property
    def model(self) -> Model:
        """The model, started from a = 0 and b = 1."""
        rules = {
            name: {"rule": f"({x})*a[t-1] + ({y})*b[t-1]", "initial": start}
            for name, x, y, start in (("a", self.p, self.q, 0), ("b", self.r, self.s, 1))
        }
        return Model(
            name="linear_rule",
            variables=rules,
            partition={"A": ("a",)},
            question={"nudge": "b[0]", "target": "b", "steps": 2},
        )

    @property
    def response(self) -> NudgeEffect:
        """The effect of b[0] on b[2]."""
        return NudgeEffect(self.r * self.q + self.s**2, self.s**2)

    @property
    def op(self) -> float:
        """Op(a; b[0], b[2]) in nats."""
        return self.response.op

    @functools.cached_property
    def law(self) -> DisturbedLaw:
        """The law at t = 0."""
        slopes = np.zeros((2, 2, 2, 2))
        slopes[:, 1] = np.array([[self.p, self.q], [self.r, self.s]], dtype=float)
        return DisturbedLaw(("a", "b"), ("a", "b"), 1, slopes, np.eye(2))

    @property
    def information(self) -> tuple[float, float, float]:
        """Transfer entropy, causal strength and empowerment of a over b, in bits."""
        return (
            normal_transfer(self.law, ["a"]),
            normal_causal_strength(self.law, ["a"]),
            normal_empowerment(self.law, ["a"]),
        )

    @functools.cached_property
    def loop_share(self) -> float:
        """The share of the loops through a in what moves W in its first steps; NaN at rest."""
        return float(loop_shares(self.model, steps=3).through()[0])


@dataclasses.dataclass(frozen=True)
class BinaryDag:
    """A coin n, then bits that each read those before: a, perhaps b, m; A = {a}.

    Attributes:
        rules: Of a, (b,) m: values by those before as a number in base 2, n first.
    """

    rules: tuple[Bits, ...]

    @property
    def size(self) -> int:
        """How many arrows there are."""
        return sum(map(_arrows, self.rules))

    def __str__(self) -> str:
        names = ("n", "a", "m") if len(self.rules) == 2 else ("n", "a", "b", "m")
        parts = []
        for i, rule in enumerate(self.rules, 1):
            values = "".join(map(str, rule))
            parts.append(f"{names[i]}({', '.join(names[:i])}) = {values}")
        return ", ".join(parts)

    @functools.cached_property
    def response(self) -> NudgeEffect:
        """Effects on m of n = 1 in place of 0."""
        w, x = self.world(0), self.world(1)
        y = self.world(1, a=w[1])
        return NudgeEffect(Fraction(x[-1] - w[-1]), Fraction(y[-1] - w[-1]))

    @property
    def op(self) -> float:
        """Op(a; n, m) in nats."""
        return self.response.op

    def world(self, n: int, a: int | None = None) -> Bits:
        """Return all bits for one n, a set where it is said."""
        found = [n]
        for i, rule in enumerate(self.rules):
            code = functools.reduce(lambda high, bit: 2 * high + bit, found)
            found.append(a if i == 0 and a is not None else rule[code])
        return tuple(found)

    @functools.cached_property
    def information(self) -> float:
        """I(a; m) in bits, n a fair coin."""
        pairs = [(world[1], world[-1]) for world in (self.world(0), self.world(1))]
        a, m = (len({pair[i] for pair in pairs}) for i in (0, 1))
        return math.log2(a) + math.log2(m) - math.log2(len(set(pairs)))


def boolean_networks() -> Iterator[BooleanNetwork]:
    """Yield all 256 networks of two bits, those with fewest arrows first."""
    rules = list(itertools.product((0, 1), repeat=4))
    every = (BooleanNetwork(f, g) for f, g in itertools.product(rules, rules))
    yield from sorted(every, key=lambda network: network.size)


def linear_rules(coefficients: tuple[Fraction, ...] = HALVES) -> Iterator[LinearRule]:
    """Yield all rules of two numbers with such coefficients, those with fewest arrows first."""
    every = (LinearRule(*some) for some in itertools.product(coefficients, repeat=4))
    yield from sorted(every, key=lambda rule: rule.size)


def binary_dags(nodes: int = 3) -> Iterator[BinaryDag]:
    """Yield all graphs of a coin and so many bits less one, those with fewest arrows first."""
    levels = [list(itertools.product((0, 1), repeat=2**i)) for i in range(1, nodes)]
    yield from sorted(map(BinaryDag, itertools.product(*levels)), key=lambda dag: dag.size)


def _reads(rule: Bits) -> tuple[str, ...]:
    """Return which of a and b a network's rule depends on."""
    by_a, by_b = rule[:2] != rule[2:], rule[::2] != rule[1::2]
    return tuple(name for name, on in (("a", by_a), ("b", by_b)) if on)


def _rows(rule: Bits, names: tuple[str, ...]) -> tuple[Bits, ...]:
    """Return a rule's table over what it reads."""
    read = ["ab".index(name) for name in names]
    rows = {tuple(s[i] for i in read): bit for s, bit in zip(STATES, rule, strict=True)}
    return tuple((*seen, bit) for seen, bit in rows.items())


def _arrows(rule: Bits) -> int:
    """Return how many of its inputs a rule depends on."""
    inputs = (len(rule) - 1).bit_length()
    return sum(
        any(rule[code] != rule[code ^ (1 << i)] for code in range(len(rule))) for i in range(inputs)
    )


def _sum(x: Fraction, y: Fraction) -> str:
    return (
        " + ".join(_term(*pair) for pair in ((x, "a"), (y, "b")) if pair[0]).replace("+ -", "- ")
        or "0"
    )


def _term(coefficient: Fraction, name: str) -> str:
    if abs(coefficient) == 1:
        return f"{'-' * (coefficient < 0)}{name}"
    return f"{coefficient} {name}"
