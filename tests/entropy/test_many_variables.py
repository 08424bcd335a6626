"""Networks of 28 to 130 label variables, against states followed one by one in plain Python."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterable

import pytest

from causalopt import Model, strength, strengths
from causalopt.errors import SizeError

State = tuple[int, ...]


class _Network:
    """A random Boolean network; its first `free` variables start from fair coins."""

    def __init__(self, count: int, *, seed: int, inputs: int = 2, free: int = 3) -> None:
        draw = random.Random(seed)
        self.count, self.free = count, free
        self.reads = [draw.sample(range(count), inputs) for _ in range(count)]
        keys = list(itertools.product((0, 1), repeat=inputs))
        self.tables = [{key: draw.randint(0, 1) for key in keys} for _ in range(count)]
        self.start = [draw.randint(0, 1) for _ in range(count)]

    def model(self) -> Model:
        half = {"0": "1/2", "1": "1/2"}
        return Model(
            name="network",
            variables={
                f"x{i}": {
                    "domain": [0, 1],
                    "parents": [f"x{j}[t-1]" for j in self.reads[i]],
                    "table": [[*key, value] for key, value in self.tables[i].items()],
                    "initial": half if i < self.free else self.start[i],
                }
                for i in range(self.count)
            },
            partition={"A": ["x0", "x1"]},
        )

    def starts(self) -> Counter[State]:
        heads = itertools.product((0, 1), repeat=self.free)
        return Counter((*head, *self.start[self.free :]) for head in heads)

    def later(self, law: Counter[State]) -> Counter[State]:
        found: Counter[State] = Counter()
        for state, weight in law.items():
            inputs = [tuple(state[j] for j in reads) for reads in self.reads]
            found[tuple(t[key] for t, key in zip(self.tables, inputs, strict=True))] += weight
        return found


def _apart(law: Counter[State]) -> Counter[State]:
    """x0 and x1 from one draw, all else from another."""
    found: Counter[State] = Counter()
    for (mine, p), (other, q) in itertools.product(law.items(), repeat=2):
        found[(*other[:2], *mine[2:])] += p * q
    return found


def _bits(weights: Iterable[int]) -> float:
    counts = list(weights)
    total = sum(counts)
    return -math.fsum(c / total * math.log2(c / total) for c in counts)


@pytest.mark.parametrize(("count", "seed"), [(30, 1), (60, 4), (130, 2), (130, 7)])
def test_reachable_states_of_many_variables_have_the_entropies_of_counting(
    count: int, seed: int
) -> None:
    network = _Network(count, seed=seed, free=6)
    found = strengths(network.model(), at=range(4))
    law = network.starts()
    for answer in found:
        apart = _apart(law)
        expected = [law, apart, network.later(law), network.later(apart)]
        got = [answer.S, answer.S_decoupled, answer.S_next, answer.S_next_decoupled]
        assert got == pytest.approx([_bits(c.values()) for c in expected], abs=1e-10)
        law = network.later(law)


def test_a_few_targets_among_many_variables_have_the_entropies_of_counting() -> None:
    network = _Network(130, seed=5, free=6)
    found = strength(network.model(), at=2, hold="x0, x1", targets="x3, x9, x40")
    law = network.later(network.later(network.starts()))
    later = [network.later(law), network.later(_apart(law))]
    for got, counted in zip([found.S_next, found.S_next_decoupled], later, strict=True):
        some: Counter[State] = Counter()
        for state, weight in counted.items():
            some[state[3], state[9], state[40]] += weight
        assert got == pytest.approx(_bits(some.values()), abs=1e-10)


def test_targets_whose_factors_do_not_fit_are_answered_from_the_reachable_states() -> None:
    network = _Network(60, seed=3, inputs=3, free=11)
    found = strength(network.model(), at=6, targets="x3, x9, x20")
    law = network.starts()
    for _ in range(6):
        law = network.later(law)
    some: Counter[State] = Counter()
    for state, weight in law.items():
        some[state[3], state[9], state[20]] += weight
    counted = _bits(some.values())
    assert abs(found.S - counted) < 1e-10
    assert found.choice.reason == "the factorised engine finds no room"
    with pytest.raises(SizeError, match="more than the limit"):
        strength(network.model(), at=6, targets="x3, x9, x20", engine="factorised")


def test_a_uniform_law_of_28_variables_moves_without_its_states_written_out() -> None:
    """A shift register that forgets its last bit: S = 28 - t bits, and nothing is lost by A."""
    shift = {"domain": [0, 1], "initial": 0}
    register: dict[str, object] = {"v0": {**shift, "rule": "0"}}
    register |= {f"v{i}": {**shift, "rule": f"v{i - 1}[t-1]"} for i in range(1, 28)}
    model = Model(name="register", variables=register, partition={"A": ["v3"]})
    found = strengths(model, at=[0, 5], initial="uniform")
    assert [s.S for s in found] == pytest.approx([28, 23], abs=1e-9)
    assert [s.adjusted for s in found] == pytest.approx([0, 0], abs=1e-9)


def test_what_starts_and_stays_independent_is_never_multiplied_out() -> None:
    """Each pair of 50 copies its left bit to its right one: 100 bits become 50."""
    bit = {"domain": [0, 1], "initial": {"0": "1/2", "1": "1/2"}}
    pairs: dict[str, object] = {}
    for i in range(50):
        pairs |= {f"a{i}": {**bit, "rule": f"a{i}[t-1]"}, f"b{i}": {**bit, "rule": f"a{i}[t-1]"}}
    found = strength(Model(name="pairs", variables=pairs, partition={"A": ["a0"]}), at=1)
    assert [found.S, found.S_next] == pytest.approx([50, 50], abs=1e-9)
    assert [found.S_decoupled, found.S_next_decoupled] == pytest.approx([51, 50], abs=1e-9)


def test_a_law_that_does_not_fit_is_refused_before_memory_is_taken() -> None:
    """Every bit becomes the parity of three others: no bit is forgotten, none independent."""
    count = 40
    parity = "x{}[t-1] + x{}[t-1] + x{}[t-1] - 2*floor((x{}[t-1] + x{}[t-1] + x{}[t-1])/2)"
    reads = [(i, (i + 1) % count, (i * 7 + 3) % count) for i in range(count)]
    bits = {
        f"x{i}": {"domain": [0, 1], "initial": 0, "rule": parity.format(*ends, *ends)}
        for i, ends in enumerate(reads)
    }
    model = Model(name="parity", variables=bits, partition={"A": ["x0"]})
    with pytest.raises(SizeError, match=r"takes .* states, .* MB, and 2,048 MB are allowed"):
        strength(model, at=1, initial="uniform", engine="sparse")
