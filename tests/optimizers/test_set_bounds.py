"""Branch and bound finds what brute force finds; a tampered certificate is noticed."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, find_optimizers
from causalopt.optimizers.set_bounds import Leaf, SetCertificate
from tests.optimizers.systems import by_runs, linear_dag, linear_loop


def certified(model: Model, size: int, **question: object) -> tuple[object, SetCertificate]:
    found = find_optimizers(model, size=size, search="bounds", **question)
    assert found.search.certificate is not None
    return found, found.search.certificate


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 6))
def test_the_certified_best_is_that_of_all_runs(seed: int, positive: bool, size: int) -> None:
    model = linear_dag(seed, 8, positive=positive)
    question = {"nudge": "x0", "target": "x7"}
    parts = [f"x{i}" for i in range(1, 7)]
    known = by_runs(model, parts, size, **question)
    if any(status in {"no_influence", "perfect"} for _, _, status in known.values()):
        return
    found, certificate = certified(model, size, **question)
    best = max(op for op, _, _ in known.values())
    assert found[0].op == pytest.approx(best, abs=1e-9)
    assert found.search.kind in {"certified", "exact"}
    assert certificate.bound == pytest.approx(best, abs=1e-6) or math.isinf(best)
    assert certificate.problems() == []


def test_in_a_loop_the_bound_holds_and_says_how_far_it_is() -> None:
    model = linear_loop(1, 7)
    question = {"nudge": "x0[0]", "target": "x6", "steps": 12}
    known = by_runs(model, [f"x{i}" for i in range(1, 6)], 5, **question)
    best = max(op for op, _, _ in known.values())
    found, certificate = certified(model, 5, **question)
    assert found[0].op == pytest.approx(best, abs=1e-9)
    assert found.search.bound >= best - 1e-9
    assert certificate.problems() == []


def test_where_all_paths_have_one_sign_few_sets_are_looked_at() -> None:
    model = linear_dag(3, 40, positive=True)
    found, certificate = certified(model, 12, nudge="x0", target="x39")
    assert found.search.kind == "certified"
    assert found.search.evaluated < 500 < found.search.count
    # No path can be made stronger by taking others away: the best is a set that changes nothing.
    assert found[0].op == pytest.approx(0, abs=1e-9)
    assert certificate.gap == 0


MODEL = Model(
    name="signs",
    variables={
        "n": {"initial": 1},
        **{f"a{k}": f"{2 + k}*n" for k in range(4)},
        **{f"b{k}": f"-{1 + k}*n" for k in range(4)},
        "m": "n + " + " + ".join(f"a{k} + b{k}" for k in range(4)),
    },
)


def test_the_best_of_paths_that_cancel_is_known_by_hand() -> None:
    # m = (1 + 14 - 10) n; without the four negative ones 15 n, and no set leaves more.
    found, certificate = certified(MODEL, 8, nudge="n", target="m")
    assert found[0].hold == ("b0", "b1", "b2", "b3")
    assert found[0].op == pytest.approx(math.log(15 / 5), rel=1e-12)
    assert found.search.kind == "certified"
    assert certificate.bound == pytest.approx(math.log(3), rel=1e-9)
    assert found.search.evaluated < found.search.count == 2**8 - 1


def test_the_best_may_turn_the_sign() -> None:
    # m = (1 + 14 - 18) n: beside the b's 15 n, beside the a's -17 n, which is more.
    ways = {f"a{k}": f"{2 + k}*n" for k in range(4)} | {f"b{k}": f"-{3 + k}*n" for k in range(4)}
    variables = {"n": {"initial": 1}, **ways, "m": "n + " + " + ".join(ways)}
    found, certificate = certified(Model(name="m", variables=variables), 8, nudge="n", target="m")
    assert found[0].hold == ("a0", "a1", "a2", "a3")
    assert found[0].comp == pytest.approx(-3 / -17)
    assert certificate.gap == pytest.approx(0, abs=1e-8)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_every_leaf_bounds_every_set_that_it_stands_for(seed: int) -> None:
    rng = random.Random(seed)
    ways = {f"a{k}": f"{rng.choice([-1, 1]) * rng.randint(1, 9)}*n" for k in range(7)}
    model = Model(
        name="m", variables={"n": {"initial": 1}, **ways, "m": "0.5*n + " + " + ".join(ways)}
    )
    _, certificate = certified(model, 7, nudge="n", target="m")
    effect = [float(way.removesuffix("*n")) for way in ways.values()]
    total = 0.5 + sum(effect)
    seen = 0
    for leaf in certificate.leaves:
        rest = certificate.order[leaf.depth :]
        for count in range(len(rest) + 1):
            for more in itertools.combinations(rest, count):
                held = {*leaf.included, *more}
                beside = 0.5 + sum(e for k, e in enumerate(effect) if k not in held)
                seen += 1
                assert not held or abs(beside / total) <= leaf.height * (1 + 1e-9)
    assert seen == 2**7


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: {"leaves": (lowered(c.leaves[0]), *c.leaves[1:])}, "the bound of sets"),
        (lambda c: {"leaves": c.leaves[1:]}, "do not hold every set"),
        (lambda c: {"leaves": (*c.leaves, c.leaves[0])}, "do not hold every set"),
        (lambda c: {"leaves": instead(c.leaves)}, "do not hold every set"),
        (lambda c: {"height": c.height * 1.01}, "the best set has"),
        (lambda c: {"best": c.best[:-1]}, "the best set has"),
    ],
    ids=["bound", "leaf lost", "leaf twice", "leaf for another", "height", "best"],
)
def test_a_tampered_certificate_is_noticed(change, told: str) -> None:
    _, certificate = certified(MODEL, 8, nudge="n", target="m")
    assert certificate.problems() == []
    order = sorted(certificate.leaves, key=lambda leaf: -leaf.height)
    certificate = dataclasses.replace(certificate, leaves=tuple(order))
    tampered = dataclasses.replace(certificate, **change(certificate))
    assert any(told in problem for problem in tampered.problems())


def instead(leaves: tuple[Leaf, ...]) -> tuple[Leaf, ...]:
    """Return leaves one of which stands where another of its depth stood."""
    one, other = next(
        (a, b) for a in leaves for b in leaves if a.depth == b.depth and a.included != b.included
    )
    return tuple(one if leaf == other else leaf for leaf in leaves)


def lowered(leaf: Leaf) -> Leaf:
    return dataclasses.replace(leaf, height=leaf.height * 0.99)


def test_a_spent_budget_leaves_a_gap_and_the_bound_still_holds() -> None:
    from causalopt.optimizers.set_bounds import branch_and_bound

    _, certificate = certified(MODEL, 8, nudge="n", target="m")
    short = branch_and_bound(certificate.beside, certificate.order, 8, 8).certificate
    assert short.gap > 0
    assert short.bound >= math.log(3)
    assert short.problems() == []
