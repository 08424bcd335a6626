"""Joint entropies of networks whose law is never formed, against counting, ranks and dit."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from typing import Any

import dit
import numpy as np
import pytest

from causalopt import Decorrelated, Model, Strength, load, strength
from causalopt.entropy import chain_rule
from causalopt.entropy.chain_rule import entropy_along
from causalopt.errors import QuestionError, SizeError
from causalopt.laws import composition
from causalopt.laws.adapter import discrete
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.propagation import prepared
from tests.entropy.test_many_variables import _apart, _bits, _Network

COIN = {"0": "1/2", "1": "1/2"}


def four(found: Decorrelated) -> list[float]:
    return [found.S, found.S_decoupled, found.S_next, found.S_next_decoupled]


@pytest.mark.parametrize(
    ("count", "inputs", "seed"), [(10, 2, 1), (10, 3, 2), (11, 1, 3), (9, 2, 8)]
)
def test_entropies_are_those_of_counting(count: int, inputs: int, seed: int) -> None:
    network = _Network(count, seed=seed, inputs=inputs, free=count)
    law = network.starts()
    for t in range(4):
        found = strength(network.model(), at=t, engine="chain")
        apart = _apart(law)
        counted = [law, apart, network.later(law), network.later(apart)]
        assert four(found) == pytest.approx([_bits(c.values()) for c in counted], abs=1e-10)
        law = network.later(law)


def noisy(seed: int) -> Model:
    """Three labels, chance in the tables, a joint law at t = 0, a rule that reads its own step."""
    draw = random.Random(seed)
    variables: dict[str, Any] = {"coin": {"noise": {"a": "1/4", "b": "3/4"}}}
    for i in range(5):
        reads = [f"x{j}[t-1]" for j in draw.sample(range(5), 2)]
        if i == 4:
            reads[0] = "x1[t]"
        if i == 2:
            reads.append("coin[t]")
        rows = itertools.product(
            *(["a", "b"] if r.startswith("coin") else [0, 1, 2] for r in reads)
        )
        table = []
        for row in rows:
            if draw.random() < 0.3:
                table.append([*row, {"0": "1/3", "2": "2/3"}])
            else:
                table.append([*row, draw.randrange(3)])
        start = {"0": "1/2", "1": "1/6", "2": "1/3"}
        variables[f"x{i}"] = {"domain": [0, 1, 2], "parents": reads, "table": table}
        if i > 1:
            variables[f"x{i}"]["initial"] = start
    some = [(0, 1, "1/3"), (2, 2, "1/2"), (1, 1, "1/6")]
    joint = [{"x0": a, "x1": b, "p": p} for a, b, p in some]
    return Model(name="noisy", variables=variables, initial=joint, partition={"A": ["x1", "x3"]})


@pytest.mark.parametrize("seed", range(2))
def test_with_chance_they_are_those_of_the_law(seed: int) -> None:
    model = noisy(seed)
    for options in ({}, {"horizon": 2}, {"horizon": 2, "lasting": None}, {"targets": "x0, x1, x4"}):
        for t in (0, 2):
            found = strength(model, at=t, engine="chain", **options)
            law = strength(model, at=t, engine="sparse", **options)
            assert four(found) == pytest.approx(four(law), abs=1e-10)
            assert isinstance(law, Strength)
            assert not isinstance(found, Strength)


def test_dit_counts_the_same() -> None:
    network = _Network(8, seed=6, free=8)
    law = network.later(network.later(network.starts()))
    total = sum(law.values())
    other = dit.Distribution(["".join(map(str, s)) for s in law], [c / total for c in law.values()])
    found = strength(network.model(), at=2, engine="chain")
    assert pytest.approx(dit.shannon.entropy(other), abs=1e-9) == found.S
    parts = [dit.shannon.entropy(other, some) for some in ([0, 1], [*range(2, 8)])]
    assert found.S_decoupled == pytest.approx(sum(parts), abs=1e-9)


def linear(count: int, seed: int) -> tuple[Model, np.ndarray]:
    """Each bit becomes the parity of two, one next to it and one not far."""
    draw = random.Random(seed)
    matrix = np.zeros((count, count), dtype=bool)
    variables: dict[str, Any] = {}
    for i in range(count):
        j, k = draw.sample(range(max(0, i - 2), min(count, i + 3)), 2)
        matrix[i, [j, k]] = True
        table = [[a, b, a ^ b] for a in (0, 1) for b in (0, 1)]
        parents = [f"x{j}[t-1]", f"x{k}[t-1]"]
        variables[f"x{i}"] = {
            "domain": [0, 1], "parents": parents, "table": table, "initial": COIN,
        }  # fmt: skip
    return Model(name="linear", variables=variables, partition={"A": ["x3", "x40"]}), matrix


def rank(matrix: np.ndarray) -> int:
    """Return the rank over the field of two elements."""
    rows = [int("".join("01"[int(b)] for b in row), 2) for row in matrix]
    found = 0
    while rows:
        pivot = rows.pop()
        if pivot:
            found += 1
            low = pivot & -pivot
            rows = [row ^ pivot if row & low else row for row in rows]
    return found


@pytest.mark.parametrize(("count", "seed"), [(50, 1), (90, 2), (130, 3)])
def test_parities_of_130_bits_have_the_rank_for_entropy(count: int, seed: int) -> None:
    model, matrix = linear(count, seed)
    power = np.eye(count, dtype=int)
    for t in range(1, 4):
        power = power @ matrix % 2
        tables = prepared(discrete(model))
        found = entropy_along(tables, tables.state.names, at=t)
        assert found == pytest.approx(rank(power.astype(bool)), abs=1e-8)
    assert rank(power.astype(bool)) < count


def test_130_bits_from_the_uniform_law_without_targets() -> None:
    """Neighbours' AND in a ring: the transfer matrix of the beliefs, by hand, as a second count."""
    count = 130
    table = [[a, b, a & b] for a in (0, 1) for b in (0, 1)]
    variables = {
        f"x{i}": {
            "domain": [0, 1],
            "parents": [f"x{i}[t-1]", f"x{i + 1}[t-1]"] if i < count - 1 else [f"x{i}[t-1]"],
            "table": table if i < count - 1 else [[0, 0], [1, 1]],
            "initial": COIN,
        }
        for i in range(count)
    }
    model = Model(name="line", variables=variables, partition={"A": ["x0"]})
    found = strength(model, at=0)
    assert found.choice.engine == "chain"
    # y_i = x_i and x_i+1, y_last = x_last. Given the y before, x_i is 1 with probability p: 1/2 at
    # first, 1 after a one, and (1 - p/2 - p/2 .. ) after a zero: p' = (1 - p)/2 / (1 - p/2).
    weights, bits = Counter({0.5: 1.0}), 0.0
    for _ in range(count - 1):
        later: Counter[float] = Counter()
        for p, mass in weights.items():
            one = p / 2
            bits -= mass * sum(q * math.log2(q) for q in (one, 1 - one) if q)
            later[1.0] += mass * one
            later[round((1 - p) / 2 / (1 - one), 14)] += mass * (1 - one)
        weights = later
    for p, mass in weights.items():
        bits -= mass * sum(q * math.log2(q) for q in (p, 1 - p) if q)
    assert pytest.approx(130, abs=1e-9) == found.S
    assert found.S_next == pytest.approx(bits, abs=1e-8)


MAMMAL = {
    "CycD": "CycD",
    "Rb": "(not CycA and not CycB and not CycD and not CycE) or (p27 and not CycB and not CycD)",
    "E2F": "(not Rb and not CycA and not CycB) or (p27 and not Rb and not CycB)",
    "CycE": "E2F and not Rb",
    "CycA": "(E2F or CycA) and not Rb and not Cdc20 and not (Cdh1 and UbcH10)",
    "p27": "(not CycD and not CycE and not CycA and not CycB) or "
    "(p27 and not (CycE and CycA) and not CycB and not CycD)",
    "Cdc20": "CycB",
    "Cdh1": "(not CycA and not CycB) or Cdc20 or (p27 and not CycB)",
    "UbcH10": "not Cdh1 or (Cdh1 and UbcH10 and (Cdc20 or CycA or CycB))",
    "CycB": "not Cdc20 and not Cdh1",
}


def boolean(rules: dict[str, str], A: list[str]) -> Model:
    variables = {
        name: {"domain": [0, 1], "rule": lagged(rule, rules), "initial": COIN}
        for name, rule in rules.items()
    }
    return Model(name="boolean", variables=variables, partition={"A": A})


def lagged(rule: str, names: dict[str, str]) -> str:
    words = rule.replace("(", "( ").replace(")", " )").split()
    return " ".join(f"{word}[t-1]" if word in names else word for word in words)


def segment_polarity(cells: int) -> dict[str, str]:
    """R. Albert, H. Othmer, J. Theor. Biol. 223, 1 (2003): 15 nodes a cell, cells in a ring."""
    rules: dict[str, str] = {}
    for i in range(cells):
        a, b = (i - 1) % cells, (i + 1) % cells
        rules |= {
            f"SLP{i}": f"SLP{i}",
            f"wg{i}": f"(CIA{i} and SLP{i} and not CIR{i}) or "
            f"(wg{i} and (CIA{i} or SLP{i}) and not CIR{i})",
            f"WG{i}": f"wg{i}",
            f"en{i}": f"(WG{a} or WG{b}) and not SLP{i}",
            f"EN{i}": f"en{i}",
            f"hh{i}": f"EN{i} and not CIR{i}",
            f"HH{i}": f"hh{i}",
            f"ptc{i}": f"CIA{i} and not EN{i} and not CIR{i}",
            f"PTC{i}": f"ptc{i} or (PTC{i} and not HH{a} and not HH{b})",
            f"PH{i}": f"PTC{i} and (HH{a} or HH{b})",
            f"SMO{i}": f"not PTC{i} or HH{a} or HH{b}",
            f"ci{i}": f"not EN{i}",
            f"CI{i}": f"ci{i}",
            f"CIA{i}": f"CI{i} and (SMO{i} or hh{a} or hh{b})",
            f"CIR{i}": f"CI{i} and not SMO{i} and not hh{a} and not hh{b}",
        }
    return rules


def counted(rules: dict[str, str], steps: int) -> list[float]:
    """Return the entropies of the images of a uniform start, all states written out."""
    names, count = list(rules), len(rules)
    codes = [compile(rule, name, "eval") for name, rule in rules.items()]
    images = []
    for bits in itertools.product((False, True), repeat=count):
        state = dict(zip(names, bits, strict=True))
        images.append(sum(bool(eval(c, {}, state)) << k for k, c in enumerate(codes)))
    image = np.array(images)
    # In the order of `product` the first name is the highest bit.
    place = np.array(
        [sum((n >> (count - 1 - k) & 1) << k for k in range(count)) for n in range(2**count)]
    )
    order = np.argsort(place)
    image, found = image[order], []
    now = np.arange(2**count)
    for _ in range(steps):
        now = image[now]
        found.append(_bits(Counter(now.tolist()).values()))
    return found


@pytest.mark.parametrize("rules", [MAMMAL, segment_polarity(1)], ids=["mammal", "segment"])
def test_published_networks_have_the_entropies_of_counting(rules: dict[str, str]) -> None:
    tables = prepared(discrete(boolean(rules, [next(iter(rules))])))
    for t, bits in enumerate(counted(rules, 5), 1):
        assert entropy_along(tables, tables.state.names, at=t) == pytest.approx(bits, abs=1e-9)


def test_the_segment_polarity_network_of_60_nodes_forgets() -> None:
    model = boolean(segment_polarity(4), ["WG0", "HH0"])
    found = strength(model, at=0)
    assert found.choice.engine == "chain"
    assert pytest.approx(60, abs=1e-9) == found.S
    assert 30 < found.S_next < 50
    assert found.optimizing_strength == 0  # nothing is correlated yet


def test_a_variable_that_matters_nothing_is_no_axis() -> None:
    rules = {"x": "x", "y": "x and not x or y", "z": "y and z or y and not z"}
    tables = prepared(discrete(boolean(rules, ["x"])))
    _, network = chain_rule.gathered(tables, tables.state.names, at=3)
    found = composition.composed(chain_rule._in_order(network), dict.fromkeys("xyz", 2))
    last = {site.name: f.reads for site, f in found.items() if site.t == 3}
    assert {name: [site.name for site in reads] for name, reads in last.items()} == {
        "x": ["x"], "y": ["y"], "z": ["y"],
    }  # fmt: skip


def dense_network() -> DiscreteModel:
    return prepared(discrete(_Network(60, seed=3, inputs=3, free=60).model()))


def test_what_does_not_fit_is_refused_with_its_size() -> None:
    tables = dense_network()
    with pytest.raises(SizeError, match=r"takes .* configurations .* MB, and 4,096 are allowed"):
        entropy_along(tables, tables.state.names, at=1, limit=4096)
    _, network = chain_rule.gathered(tables, tables.state.names, at=9)
    with pytest.raises(SizeError, match=r"'x\d+' at t = \d+ depends on \d+ variables at t = 0"):
        composition.composed(chain_rule._in_order(network), dict.fromkeys(tables.state.names, 2))


def test_where_functions_hide_too_much_the_unrolled_graph_is_tried() -> None:
    """Two cells of segment polarity at t = 2 with little room: both ways have one entropy."""
    tables = prepared(discrete(boolean(segment_polarity(2), ["WG0"])))
    sizes = dict.fromkeys(tables.state.names, 2)
    targets, network = chain_rule.gathered(tables, tables.state.names, at=2)
    ways = [chain_rule._composed(network, targets, sizes), chain_rule._as_they_are(network)]
    one, two = (chain_rule._followed(w, network, targets, sizes, 2**21) for w in ways)
    assert one == pytest.approx(two, abs=1e-10)
    three = entropy_along(tables, tables.state.names, at=3, limit=2**19)
    assert 14 < three < 15


def test_no_law_and_no_fresh_replica_by_the_chain_rule() -> None:
    smart = load("thermostat_smart")
    with pytest.raises(QuestionError, match="fresh replicas need the joint law"):
        strength(smart, at=1, fresh=True, engine="chain")


def test_equal_beliefs_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 bits in a line stay a few rows; without merging they would be 2 to the number of bits."""
    model, _ = linear(100, 5)
    tables = prepared(discrete(model))
    assert entropy_along(tables, tables.state.names, at=1, limit=256) > 50
    monkeypatch.setattr(chain_rule._Beliefs, "_together", lambda *_: None)
    with pytest.raises(SizeError):
        entropy_along(tables, tables.state.names, at=1, limit=256)
