"""Searches say what they are worth, and the ranking is that of runs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, currents, find_optimizers, load, run
from causalopt.errors import QuestionError, SizeError
from causalopt.optimizers import set_search
from tests.optimizers.systems import by_runs, linear_dag, linear_loop


def assert_ranked_as(found, known: dict) -> None:
    """Every candidate has what a run says, and none that is defined is stronger further down."""
    assert {candidate.hold for candidate in found} == set(known)
    for candidate in found:
        op, comp, status = known[candidate.hold]
        assert candidate.status == status
        np.testing.assert_allclose(candidate.op, op, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(candidate.comp, comp, rtol=1e-8)
    sure = [c.op for c in found if c.status not in {"unresolved", "no_influence"}]
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(sure))
    assert [c.status in {"unresolved", "no_influence"} for c in found] == sorted(
        c.status in {"unresolved", "no_influence"} for c in found
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_all_sets_of_a_random_graph_are_ranked_as_runs_rank_them(seed: int, size: int) -> None:
    model = linear_dag(seed, 7)
    found = find_optimizers(model, nudge="x0", target="x6", size=size)
    known = by_runs(model, [f"x{i}" for i in range(1, 6)], size, nudge="x0", target="x6")
    assert_ranked_as(found, known)
    assert str(found.search).startswith("exact: every set")


def test_windows_of_variables_are_ranked_as_runs_rank_them() -> None:
    model = load("lorenz")
    question = {"nudge": "b[0]", "target": "c", "steps": 30}
    found = find_optimizers(model, **question, windows=[10, 20], size=1)
    texts = [text for c in found for text in c.hold]
    # Of a all six windows; of b those without b[0], of c those without c[30].
    assert len(texts) == 6 + 3 + 3
    assert {"b[10<=t<=19]", "b[t>=20]", "b[t>=10]", "c[t<=19]", "a"} <= set(texts)
    assert_ranked_as(found, by_runs(model, texts, 1, **question))


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_single_nodes_of_a_long_run_have_by_currents_what_runs_say(method: str) -> None:
    model = load("lorenz").replace(method=method)
    question = {"nudge": "b[0]", "target": "c", "steps": 90}
    found = find_optimizers(model, **question, by="node", size=1)
    assert len(found) == 91 + 90 + 90
    for candidate in found[::9]:
        own = run(model, hold=candidate.hold[0], **question)
        assert candidate.op == pytest.approx(own.op[-1], abs=1e-7)
        assert candidate.status == own.status[-1]
    two = find_optimizers(model, **question, candidates=["a[20], b[70]", "a[20]", "b[70]"])
    for candidate in two:
        own = run(model, hold=candidate.hold[0], **question)
        assert candidate.op == pytest.approx(own.op[-1], abs=1e-8)


def test_more_nodes_than_fit_are_refused() -> None:
    with pytest.raises(SizeError, match="too many: cut the run into fewer windows"):
        find_optimizers(load("lorenz"), nudge="b[0]", target="b", steps=9000, by="node")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_all_subsets_of_a_slice_by_sums_are_those_of_runs(seed: int) -> None:
    model = linear_loop(seed, 6)
    question = {"nudge": "x0[0]", "target": "x5", "steps": 9}
    slice_ = [f"x{i}[4]" for i in range(6)]
    found = find_optimizers(model, **question, among=slice_, size=6, search="sums")
    known = by_runs(model, slice_, 6, **question)
    assert found.search.evaluated == found.search.count == 63
    for candidate in found:
        assert known[candidate.hold][2] == candidate.status
        if candidate.status == "ok":
            assert candidate.op == pytest.approx(known[candidate.hold][0], abs=1e-8)
    defined = [op for op, _, status in known.values() if status == "ok"]
    if found[0].status == "ok":
        assert found[0].op == pytest.approx(max(defined), abs=1e-9)


def test_two_to_the_twenty_subsets_of_a_slice_are_searched_exactly() -> None:
    model = linear_loop(5, 22)
    question = {"nudge": "x0[0]", "target": "x3", "steps": 40}
    slice_ = [f"x{i}[20]" for i in range(20)]
    found = find_optimizers(model, **question, among=slice_, size=20, best=40)
    assert found.search.kind == "exact"
    assert found.search.evaluated == 2**20 - 1
    # By hand: Op is largest where the sum of shares is farthest from 1, at all of one sign.
    share = currents(model, **question).share[20, :20]
    ends = [share[share < 0].sum(), share[share > 0].sum()]
    best = max(abs(1 - end) for end in ends)
    assert found[0].op == pytest.approx(np.log(best), abs=1e-9)
    pairs = find_optimizers(model, **question, among=slice_, size=2, best=40)
    assert pairs.search.evaluated == 20 + 190


def test_a_larger_slice_is_searched_best_first_and_exactly() -> None:
    model = linear_loop(6, 40)
    question = {"nudge": "x0[0]", "target": "x3", "steps": 30}
    slice_ = [f"x{i}[15]" for i in range(40)]
    found = find_optimizers(model, **question, among=slice_, size=40, best=10)
    share = currents(model, **question).share[15]
    ends = [share[share < 0].sum(), share[share > 0].sum()]
    assert found[0].op == pytest.approx(np.log(max(abs(1 - end) for end in ends)), abs=1e-9)
    assert found.search.kind == "exact"
    triples = find_optimizers(model, **question, among=slice_, size=3, best=5)
    sums = [
        abs(1 - share[list(chosen)].sum())
        for k in (1, 2, 3)
        for chosen in itertools.combinations(range(40), k)
    ]
    expected = np.log(sorted(sums, reverse=True)[:5])
    assert [c.op for c in triples] == pytest.approx(expected, abs=1e-9)


def test_sums_are_refused_where_a_path_crosses_two_parts() -> None:
    model = linear_loop(1, 4)
    with pytest.raises(QuestionError, match="do not add up"):
        find_optimizers(
            model, nudge="x0[0]", target="x3", steps=9, among=["x1", "x2"], search="sums"
        )


def test_sums_are_refused_where_parts_share_a_node() -> None:
    among = ["x1[4]", "x1[4], x2[4]"]
    with pytest.raises(QuestionError, match="do not add up"):
        find_optimizers(
            linear_loop(1, 4), nudge="x0[0]", target="x3", steps=9, among=among, search="sums"
        )


def test_what_is_not_resolved_comes_after_the_only_conduit() -> None:
    variables = {
        "n": {"initial": 1},
        "u": "5*sin(0.1*n)",
        "w": "sin(0.1*n)",
        "a": "n",
        "m": "a + u/5 - w",
    }
    model = Model(name="left", variables=variables)
    found = find_optimizers(model, nudge="n", target="m", size=3)
    holds = [candidate.hold for candidate in found]
    beside = found[holds.index(("a",))]
    assert (beside.status, beside.op > -50) == ("unresolved", True)
    assert holds.index(("u", "w", "a")) < holds.index(("a",))
    assert found[holds.index(("u", "w", "a"))].status == "only_path"


def test_a_heuristic_says_so_and_has_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    model = linear_dag(2, 14)
    monkeypatch.setattr(set_search, "_BEAM", 1)
    found = find_optimizers(model, nudge="x0", target="x13", size=3, search="grown")
    assert found.search.kind == "heuristic"
    assert found.search.evaluated < found.search.count
    assert found.search.bound == np.inf
    whole = find_optimizers(model, nudge="x0", target="x13", size=3, search="all")
    assert found[0].op <= whole[0].op + 1e-12


def test_where_bounds_do_not_close_the_answer_is_a_heuristic_with_a_bound() -> None:
    model = linear_loop(3, 24)
    question = {"nudge": "x0[0]", "target": "x5", "steps": 30}
    found = find_optimizers(model, **question, size=8, best=50, search="bounds")
    assert found.search.kind == "heuristic"
    assert found[0].op <= found.search.bound < np.inf
    assert "no set has Op above" in str(found.search)
    assert found.search.certificate is not None
    assert found.search.certificate.problems() == []


def test_sets_whose_op_is_not_resolved_do_not_lead() -> None:
    model = Model(
        name="cancels",
        variables={
            "n": {"initial": 1},
            "u": "sin(0.1*n)",
            "v": "sin(0.7*n)",
            "a": "n",
            "small": "1e-18*n",
            "m": "a + u + v - sin(0.1*n) - sin(0.7*n) + small",
        },
    )
    found = find_optimizers(model, nudge="n", target="m", size=2)
    statuses = [candidate.status for candidate in found]
    assert statuses.index("unresolved") == statuses.count("ok") + statuses.count("only_path")
    assert "unresolved" in repr(found)


def test_the_same_nodes_written_twice_are_one_candidate() -> None:
    model = load("lorenz")
    among = ["a[t<=4]", "a[5<=t<=9]", "a[t<=9]", "c"]
    found = find_optimizers(model, nudge="b[0]", target="b", steps=20, among=among, size=2)
    holds = [candidate.hold for candidate in found]
    assert ("a[t<=9]",) in holds
    assert ("a[t<=4]", "a[5<=t<=9]") not in holds
    assert len(holds) == 7  # a's three and c, and c with each of the three


def balanced(lanes: int) -> Model:
    """Lanes from n to m with gains 1, -1, 2, -2, ...: they sum to 0."""
    gains = {f"a{k}": f"{(-1) ** k * (1 + k // 2)}*n" for k in range(lanes)}
    return Model(name="balanced", variables={"n": {"initial": 1}, **gains, "m": " + ".join(gains)})


def test_where_the_total_effect_is_0_every_set_that_unbalances_it_is_perfect() -> None:
    """Shares are not defined there: sums of them listed the empty set and lost others."""
    found = find_optimizers(balanced(8), nudge="n", target="m", size=8, best=100)
    gains = np.array([(-1) ** k * (1 + k // 2) for k in range(8)])
    subsets = (np.arange(1, 2**8)[:, np.newaxis] >> np.arange(8)) & 1
    assert found.search.count == len(subsets)
    assert len(found) == 100 < int((subsets @ gains != 0).sum())
    assert {candidate.status for candidate in found} == {"perfect"}
    assert all(candidate.hold for candidate in found)
    for method in ("sums", "bounds"):
        with pytest.raises(QuestionError, match="total effect of n on m is 0"):
            find_optimizers(balanced(8), nudge="n", target="m", search=method)


def test_what_does_not_reach_m_at_all_has_candidates_without_influence() -> None:
    variables = {"n": {"initial": 1}, **{f"a{k}": "n" for k in range(5)}, "c": "0", "m": "n*c"}
    model = Model(name="apart", variables=variables)
    found = find_optimizers(model, nudge="n", target="m", size=5, best=10)
    assert [c.status for c in found] == ["no_influence"] * 10


def test_bounds_and_sums_are_refused_on_a_kink() -> None:
    """Held {b} leaves 3 of 2, an Op of ln(3/2); bounds of one side of abs(n) said at most 0."""
    variables = {"n": {"initial": 0}, "a": "abs(n)", "b": "-n", "c": "2*n", "m": "a + b + c"}
    model = Model(name="kink", variables=variables)
    for method in ("sums", "bounds"):
        with pytest.raises(QuestionError, match="sits on a kink"):
            find_optimizers(model, nudge="n", target="m", search=method)
    best = find_optimizers(model, nudge="n", target="m")
    assert best[0].hold == ("b",)
    assert best[0].op == pytest.approx(np.log(3 / 2))


def test_branch_and_bound_counts_the_sets_that_it_looked_at_once() -> None:
    variables = {"n": {"initial": 1}, "a": "n", "b": "-a", "c": "3*b", "m": "c"}
    model = Model(name="line", variables=variables)
    found = find_optimizers(model, nudge="n", target="m", search="bounds")
    assert found.search.kind == "certified"
    assert 3 <= found.search.evaluated <= found.search.count == 7


@pytest.mark.parametrize(
    ("more", "name"),
    [({"among": "a"}, "among"), ({"by": "node"}, "by"), ({"windows": 2}, "windows")],
)
def test_candidates_come_with_nothing_that_divides_the_model(more: dict, name: str) -> None:
    with pytest.raises(QuestionError, match=f"leave out {name}, or candidates"):
        find_optimizers(load("lorenz"), candidates=["a"], **more)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"by": "step"}, "by is one of variable, unit, node, found 'step'"),
        ({"search": "best"}, "search is one of auto, all, sums, bounds, grown, found 'best'"),
        ({"size": 2.5}, "size takes a whole number, found 2.5"),
        ({"best": 2.5}, "best takes a whole number, found 2.5"),
    ],
)
def test_words_and_counts_that_are_none_are_refused(more: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        find_optimizers(load("lorenz"), **more)
