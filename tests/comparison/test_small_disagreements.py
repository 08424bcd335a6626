"""Every smallest system found again, and that nothing smaller does, by measures of its own."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import pytest

from causalopt import UnknownNameError, run, smallest_disagreement
from causalopt.comparison.average_effects import average_effect
from causalopt.comparison.small_disagreements import CLAIMS
from causalopt.comparison.small_systems import (
    STATES,
    BinaryDag,
    BooleanNetwork,
    binary_dags,
    boolean_networks,
    linear_rules,
)

Rule = tuple[int, ...]


def entropy(outcomes: list[object]) -> float:
    """Entropy in bits of equally likely outcomes, those of one name together."""
    return math.log2(len(outcomes)) - sum(
        k * math.log2(k) for k in Counter(outcomes).values()
    ) / len(outcomes)


class ByHand:
    """Two bits, everything by listing the four equally likely states of t = 0."""

    def __init__(self, f: Rule, g: Rule) -> None:
        self.f, self.g = f, g
        self.now = [self.step(s) for s in STATES]  # t = 1

    def step(self, s: tuple[int, int]) -> tuple[int, int]:
        return self.f[2 * s[0] + s[1]], self.g[2 * s[0] + s[1]]

    def size(self) -> int:
        def reads(rule: Rule) -> int:
            return (rule[:2] != rule[2:]) + (rule[::2] != rule[1::2])

        return reads(self.f) + reads(self.g)

    def ops(self) -> list[float]:
        found = []
        for a, b in STATES:
            w1, x1 = self.step((a, b)), self.step((a, 1 - b))
            w, x = self.step(w1)[1], self.step(x1)[1]
            y = self.step((w1[0], x1[1]))[1]
            total, direct = x - w, y - w
            if total and direct:
                found.append(0.0)
            elif direct:
                found.append(math.inf)
            else:
                found.append(-math.inf if total else math.nan)
        return found

    def transfer(self) -> float:
        rows = [(a, b, self.step((a, b))[1]) for a, b in self.now]
        pick: Callable[..., float] = lambda *i: entropy([tuple(r[k] for k in i) for r in rows])  # noqa: E731
        return pick(2, 1) - pick(1) - pick(2, 1, 0) + pick(1, 0)

    def causal(self) -> float:
        total = 0.0
        for a, b in self.now:
            goes = self.step((a, b))[1]
            fed = sum(self.step((other, b))[1] == goes for other, _ in self.now) / 4
            total -= math.log2(fed) / 4
        return total

    def strength(self) -> float:
        apart = [(a, b) for a, _ in self.now for _, b in self.now]
        return entropy([self.step(s) for s in apart]) - entropy([self.step(s) for s in self.now])

    def empowerments(self) -> list[float]:
        return [float(self.step((0, b))[1] != self.step((1, b))[1]) for _, b in STATES]


RULES = list(itertools.product((0, 1), repeat=4))
HAND = [ByHand(f, g) for f in RULES for g in RULES]


def close(x: float, y: float) -> bool:
    return abs(x - y) < 1e-9


BOOLEAN: dict[str, Callable[[ByHand], bool]] = {
    "lockstep": lambda n: n.ops() == [math.inf] * 4 and close(n.transfer(), 0),
    "news": lambda n: n.ops() == [0] * 4 and close(n.transfer(), 1) and close(n.causal(), 1),
    "permutation": lambda n: n.ops() == [math.inf] * 4 and close(n.strength(), 0),
    "shared_past": lambda n: n.ops() == [0] * 4 and n.strength() > 1e-9,
    "idle_power": lambda n: n.ops() == [0] * 4 and n.empowerments() == [1] * 4,
    "powerless": lambda n: (
        any(op not in (0, None) for op in n.ops() if op == op) and n.empowerments() == [0] * 4
    ),
}


@pytest.mark.parametrize("claim", BOOLEAN)
def test_networks_are_found_again_by_hand_and_nothing_smaller(claim: str) -> None:
    holds = [n for n in HAND if BOOLEAN[claim](n)]
    found = smallest_disagreement(claim)
    if not holds:
        assert found is None
        return
    assert found is not None
    least = min(n.size() for n in holds)
    assert found.size == least
    assert {(e.f, e.g) for e in found.examples} == {(n.f, n.g) for n in holds if n.size() == least}
    assert found.smaller == sum(n.size() < least for n in HAND)


@pytest.mark.parametrize("place", range(0, 256, 15))
def test_a_network_s_measures_are_those_by_hand(place: int) -> None:
    hand = HAND[place]
    network = BooleanNetwork(hand.f, hand.g)
    assert network.size == hand.size()
    assert network.ops == pytest.approx(hand.ops(), nan_ok=True)
    assert network.transfer == pytest.approx(hand.transfer(), abs=1e-12)
    assert network.causal == pytest.approx(hand.causal(), abs=1e-12)
    assert network.strength == pytest.approx(hand.strength(), abs=1e-12)
    assert network.empowerments == pytest.approx(hand.empowerments(), abs=1e-9)
    for (a, b), response in zip(STATES, network.responses, strict=True):
        effect = average_effect(
            network.tables, {"a": a, "b": b}, nudge="b", to=1 - b, target="b", steps=2
        )
        assert (effect.total, effect.direct) == (response.total, response.direct)


def gaps(n: ByHand, goal: int) -> list[float]:
    """Return how much likelier the goal is under what a does than under the other, by context.

    Contexts are what a's rule depends on, the four states of t = 1 being equally likely; the goal
    is judged when the decision first moves its chance. Contexts weighted alike are as many states.
    """
    by_a, by_b = n.f[:2] != n.f[2:], n.f[::2] != n.f[1::2]
    contexts: dict[tuple[int | None, int | None], list[tuple[int, int]]] = {}
    for a, b in n.now:
        contexts.setdefault((a if by_a else None, b if by_b else None), []).append((a, b))
    for later in range(1, 6):
        found = []
        for states in contexts.values():
            chance = []
            for d in (0, 1):
                then = [(d, n.step(s)[1]) for s in states]
                for _ in range(later):
                    then = [n.step(s) for s in then]
                chance.append(sum(b == goal for _, b in then) / len(states))
            does = n.step(states[0])[0]
            found += [chance[does] - chance[1 - does]] * len(states)
        if any(found):
            return found
    return [0.0]


GOALS: dict[str, Callable[[ByHand], bool]] = {
    # 1 bit: the choice is the better one for certain, whatever is seen.
    "open_loop": lambda n: (
        not any(op > 0 for op in n.ops()) and any(min(gaps(n, goal)) > 0 for goal in (0, 1))
    ),
    # 0: the gain over indifference is concave in b, and its slope at b = 0 is the mean gap.
    "no_goal": lambda n: (
        n.ops() == [math.inf] * 4 and all(sum(gaps(n, goal)) <= 1e-12 for goal in (0, 1))
    ),
}


@pytest.mark.parametrize("claim", GOALS)
def test_what_goal_directedness_disagrees_on(claim: str) -> None:
    holds = [n for n in HAND if GOALS[claim](n)]
    least = min(n.size() for n in holds)
    found = smallest_disagreement(claim)
    assert found is not None
    assert found.size == least
    assert {(e.f, e.g) for e in found.examples} == {(n.f, n.g) for n in holds if n.size() == least}


def test_rules_of_two_numbers() -> None:
    halves = [Fraction(k, 2) for k in (0, 1, -1, 2, -2)]
    turned = set()
    for p, q, r, s in itertools.product(halves, repeat=4):
        now, other = r * q + s * s, -r * q + s * s
        if s and now and other and abs(now) < s * s < abs(other):
            turned.add((p, q, r, s))
    found = smallest_disagreement("sign_of_feedback")
    assert found is not None
    least = min(sum(c != 0 for c in rule) for rule in turned)
    assert found.size == least == 3
    assert {(e.p, e.q, e.r, e.s) for e in found.examples} == {
        rule for rule in turned if sum(c != 0 for c in rule) == least
    }
    for e in found.examples:
        assert run(e.model).op[-1] == pytest.approx(e.op)
        assert e.information[1] == pytest.approx(math.log2(1 + float(e.r) ** 2) / 2)


def test_a_lone_loop_that_amplifies() -> None:
    """Share 1 and Op finite below 0, in three arrows: a = q b, b = b + r a with q r > 0."""
    found = smallest_disagreement("lone_loop")
    assert found is not None
    halves = [Fraction(k, 2) for k in (0, 1, -1, 2, -2)]
    expected = {(Fraction(0), q, r, Fraction(1)) for q in halves for r in halves if q * r > 0}
    assert {(e.p, e.q, e.r, e.s) for e in found.examples} == expected
    assert found.size == 3
    for e in found.examples:
        assert e.op == pytest.approx(-math.log(1 + e.q * e.r))
    # With two arrows or fewer no loop reaches b from a while b answers to itself.
    for p, q, r, s in itertools.product(halves, repeat=4):
        if sum(c != 0 for c in (p, q, r, s)) < 3 and q * r != 0:
            assert s == 0  # so that the direct effect is 0, and Op is not finite


@pytest.mark.parametrize(("claim", "information"), [("uninformed", 0.0), ("informed", 1.0)])
def test_graphs_of_three_bits(claim: str, information: float) -> None:
    found = smallest_disagreement(claim)
    assert found is not None
    holds = []
    for a, m in itertools.product(
        itertools.product((0, 1), repeat=2), itertools.product((0, 1), repeat=4)
    ):
        w, x, y = m[a[0]], m[2 + a[1]], m[2 + a[0]]
        shared = entropy([a[0], a[1]]) + entropy([w, x]) - entropy([(a[0], w), (a[1], x)])
        total, direct = x - w, y - w
        op = math.inf if direct and not total else 0.0 if direct and total else None
        wanted = math.inf if claim == "uninformed" else 0.0
        if op == wanted and close(shared, information):
            size = (a[0] != a[1]) + (m[:2] != m[2:]) + ((m[0], m[2]) != (m[1], m[3]))
            holds.append((size, (a, m)))
    least = min(size for size, _ in holds)
    assert found.size == least
    assert {e.rules for e in found.examples} == {rules for size, rules in holds if size == least}


def test_families_are_whole_and_in_order() -> None:
    for family, count in (
        (boolean_networks, 256),
        (linear_rules, 625),
        (binary_dags, 64),
        (lambda: binary_dags(4), 16384),
    ):
        every = list(family())
        assert len(set(every)) == count
        sizes = [system.size for system in every]
        assert sizes == sorted(sizes)


def test_a_graph_of_four_bits_by_hand() -> None:
    """m = n xor b, b = a, a = n: b puts right, and holding a undoes it."""
    dag = BinaryDag(((0, 1), (0, 1, 0, 1), (0, 1, 0, 1, 1, 0, 1, 0)))
    assert dag.size == 4
    assert (dag.world(1), dag.world(1, a=0)) == ((1, 1, 1, 0), (1, 0, 0, 1))
    assert dag.op == math.inf


def test_an_unknown_claim_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lockstep'"):
        smallest_disagreement("lockstepp")
    with pytest.raises(UnknownNameError, match="open_loop"):
        smallest_disagreement("xx")


def test_every_claim_is_held_by_a_test() -> None:
    tested = GOALS.keys() | {"sign_of_feedback", "lone_loop", "uninformed", "informed"}
    assert tested | BOOLEAN.keys() == CLAIMS.keys()
