"""Laws of the current of influence: conservation, additivity, and agreement with worlds."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, Node, Set, currents, load, run, unrolled_graph
from causalopt.errors import QuestionError
from causalopt.influence import edge_currents
from tests.strategies import static_models, templates

CLOSE = {"rel": 1e-9, "abs": 1e-12}
LAGGED = Model(
    name="lagged",
    variables={
        "u": {"rule": "0.5*u[t-1] + 0.3*w[t-2]", "initial": 1},
        "v": {"rule": "u[t]*0.7 - 0.2*v[t-1]", "initial": 0.5},
        "w": {"rule": "v[t] + 0.9*u[t-3]", "initial": [1, 2, 3]},
    },
)


def path_sums(found, model, steps):
    """Return node -> sum over all paths from n to m through it of the product of edges' slopes."""
    graph = unrolled_graph(model, steps)
    index = {edge: k for k, edge in enumerate(found.edges.edges)}
    start = (found.nudge.variable, found.nudge.t)
    goal = (found.target, found.steps)
    sums: dict[object, float] = {}
    routes = [[start]] if start == goal else nx.all_simple_paths(graph, start, goal)
    for path in routes:
        size = 1.0
        for (p, s), (c, t) in itertools.pairwise(path):
            place = index.get((p, c, t - s))
            size *= 0.0 if place is None else found.edges.slope[t, place]
        for node in path:
            sums[node] = sums.get(node, 0.0) + size
        for edge in itertools.pairwise(path):
            sums[edge] = sums.get(edge, 0.0) + size
    return sums


def assert_carries_paths(found, model, steps):
    sums = path_sums(found, model, steps)
    for t, k in np.ndindex(found.J.shape):
        expected = sums.get((found.variables[k], t), 0.0)
        assert found.J[t, k] == pytest.approx(expected, **CLOSE)
    if not found.total:
        return
    for t, k in np.ndindex(found.edge_share.shape):
        parent, child, lag = found.edges.edges[k]
        expected = sums.get(((parent, t - lag), (child, t)), 0.0) / found.total
        assert found.edge_share[t, k] == pytest.approx(expected, rel=1e-9, abs=1e-9)


class TestNodesAndEdges:
    @settings(max_examples=60)
    @given(static_models(), st.data())
    def test_carry_the_sum_over_their_paths_in_a_dag(self, model, data):
        names = list(model.variables)
        n = data.draw(st.sampled_from(names[:-1]))
        found = currents(model, nudge=n, target=names[-1])
        assert_carries_paths(found, model, 0)

    @settings(max_examples=40)
    @given(templates(), st.data())
    def test_carry_the_sum_over_their_paths_in_time(self, model, data):
        names = list(model.variables)
        n, m = (data.draw(st.sampled_from(names)) for _ in range(2))
        found = currents(model, nudge=f"{n}[0]", target=m, steps=3)
        assert_carries_paths(found, model, 3)

    def test_slopes_are_the_derivatives_of_the_rules(self):
        found = currents(load("lorenz"), nudge="b[0]", target="c", steps=6)
        world = run(load("lorenz"), nudge="b[0]", hold="a", target="c", steps=6).W
        a, b, c = sympy.symbols("a b c")
        flow = {"a": 10 * (b - a), "b": a * (28 - c) - b, "c": a * b - sympy.Rational(8, 3) * c}
        for k, (parent, child, _) in enumerate(found.edges.edges):
            step = sympy.Symbol(child) + sympy.Rational(1, 100) * flow[child]
            slope = sympy.lambdify((a, b, c), sympy.diff(step, sympy.Symbol(parent)))
            for t in range(1, 7):
                w = [world[name][t - 1] for name in "abc"]
                assert found.edges.slope[t, k] == pytest.approx(slope(*w), rel=1e-13)

    @pytest.mark.parametrize("method", ["euler", "rk4"])
    def test_what_flows_in_flows_out(self, method):
        model = load("lorenz").replace(method=method)
        found = currents(model, nudge="b[0]", target="c", steps=60)
        place = {name: k for k, name in enumerate(found.variables)}
        inflow, outflow = np.zeros((61, 3)), np.zeros((61, 3))
        for e, (parent, child, lag) in enumerate(found.edges.edges):
            inflow[:, place[child]] += found.edge_share[:, e]
            outflow[: 61 - lag, place[parent]] += found.edge_share[lag:, e]
        np.testing.assert_allclose(inflow[1:], found.share[1:], rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(outflow[:-1], found.share[:-1], rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(found.share.sum(axis=1), 1.0, rtol=1e-11)

    def test_lags_jump_over_a_slice_and_a_cut_counts_what_jumps(self):
        found = currents(LAGGED, nudge="u[0]", target="w", steps=9)
        edges = list(enumerate(found.edges.edges))
        for cut in range(9):
            over = sum(
                found.edge_share[t, e]
                for e, (_, _, lag) in edges
                for t in range(cut + 1, 10)
                if t - lag <= cut
            )
            assert over == pytest.approx(1.0, rel=1e-12)


class TestEdgesInBlocks:
    @pytest.mark.parametrize("size", [1, 7, 16, 10_000])
    def test_of_any_size_carry_the_sum_over_their_paths(self, size, monkeypatch):
        monkeypatch.setattr(edge_currents, "_CACHED", size)
        found = currents(LAGGED, nudge="u[0]", target="w", steps=8)
        assert_carries_paths(found, LAGGED, 8)

    def test_factors_far_apart_lose_neither_size_nor_errors(self):
        """By hand: 1e-100 * 1e200 * 1e-95 and 1e-200 * 1e205 are 1e5; 2e5 goes straight."""
        model = Model(
            name="m",
            variables={
                "n": {"initial": 1},
                "a": {"rule": "1e-100*n"},
                "b": {"rule": "1e200*a"},
                "c": {"rule": "1e-100*n"},
                "d": {"rule": "1e-100*c"},
                "m": {"rule": "1e-95*b + 1e205*d + 2e5*n"},
            },
        )
        found = currents(model, nudge="n", target="m")
        share = dict(zip(found.edges.edges, found.edge_share[0], strict=True))
        for edge in ("na", "ab", "bm", "nc", "cd", "dm"):
            assert share[(*edge, 0)] == pytest.approx(0.25, rel=1e-13)
        assert share["n", "m", 0] == pytest.approx(0.5, rel=1e-13)
        assert set(found.edge_status.ravel()) == {"ok"}
        part = found.edges.current
        relative = np.abs(part.error) / np.abs(part.mantissa)
        assert (relative < 20 * 2.0**-53).all()


class TestCuts:
    @settings(max_examples=60)
    @given(templates(), st.data())
    def test_the_edges_over_any_cut_carry_the_total(self, model, data):
        names = list(model.variables)
        n, m = (data.draw(st.sampled_from(names)) for _ in range(2))
        found = currents(model, nudge=f"{n}[0]", target=m, steps=4)
        if found.total_status != "ok" or abs(found.total) < 1e-6:
            return
        graph = unrolled_graph(model, 4)
        chosen = data.draw(st.sets(st.sampled_from(sorted(graph.nodes))))
        side = set(chosen) | {(n, 0)}
        for node in list(side):
            side |= nx.ancestors(graph, node)
        if (m, 4) in side:
            return
        crossing = 0.0
        for e, (parent, child, lag) in enumerate(found.edges.edges):
            for t in range(lag, 5):
                if (parent, t - lag) in side and (child, t) not in side:
                    crossing += found.edge_share[t, e]
        assert crossing == pytest.approx(1.0, rel=1e-7, abs=1e-7)


class TestSets:
    @settings(max_examples=60)
    @given(templates(), st.data())
    def test_comp_by_currents_is_comp_by_worlds(self, model, data):
        names = list(model.variables)
        n, m = (data.draw(st.sampled_from(names)) for _ in range(2))
        t = data.draw(st.integers(1, 3))
        chosen = data.draw(st.sets(st.sampled_from(names), min_size=1))
        hold = ", ".join(f"{name}[{t}]" for name in sorted(chosen))
        question = {"nudge": f"{n}[0]", "target": m, "steps": 4}
        found = currents(model, **question).through(hold)
        asked = run(model, hold=hold, **question)
        assert found.status == asked.status[-1]
        if found.status == "ok":
            assert found.comp == pytest.approx(asked.comp[-1], rel=1e-7)
            assert found.op == pytest.approx(asked.op[-1], rel=1e-7, abs=1e-9)
            assert found.share == pytest.approx(1 - 1 / asked.comp[-1], rel=1e-7, abs=1e-9)

    def test_the_slice_of_lorenz(self):
        """n = b_0, m = c_40, t = 25: the three Comp by worlds, and their currents' sum."""
        model = load("lorenz")
        found = currents(model, nudge="b[0]", target="c", steps=40)
        assert found.share[25].sum() == pytest.approx(1.0, abs=1e-12)
        for hold in ("a[25]", "b[25]", "c[25]", "a[25], b[25]"):
            comp = run(model, nudge="b[0]", hold=hold, target="c", steps=40).comp[-1]
            through = found.through(hold)
            assert through.how == "currents"
            assert through.comp == pytest.approx(comp, rel=1e-12)

    def test_shares_of_one_slice_add(self):
        found = currents(load("lorenz"), nudge="b[0]", target="c", steps=40)
        parts = [found.through(f"{name}[25]").share for name in "abc"]
        assert found.through("a[25], c[25]").share == pytest.approx(parts[0] + parts[2], abs=1e-13)

    def test_all_that_is_crossed_is_the_only_path(self):
        found = currents(load("lorenz"), nudge="b[0]", target="c", steps=40)
        through = found.through("a[25], b[25], c[25]")
        assert (through.status, through.op, through.share) == ("only_path", -math.inf, 1.0)

    def test_a_set_that_is_crossed_again_and_again_asks_the_worlds(self):
        model = load("thermostat")
        through = currents(model, steps=100).through("T")
        assert through.how == "worlds"
        assert through.op == run(model, steps=100).op[-1]

    @pytest.mark.parametrize("method", ["euler", "rk4"])
    @pytest.mark.parametrize(("hold", "how"), [("a[12]", "currents"), ("a", "worlds")])
    def test_one_node_is_held_without_stages_and_a_variable_with_them(self, method, hold, how):
        model = load("lorenz").replace(method=method)
        question = {"nudge": "b[0]", "target": "c", "steps": 30}
        through = currents(model, **question).through(hold)
        comp = run(model, hold=hold, **question).comp[-1]
        assert through.comp == pytest.approx(comp, rel=1e-12)
        assert through.how == how

    def test_no_set_contains_n(self):
        with pytest.raises(QuestionError, match=r"R\[0\]"):
            currents(load("thermostat"), steps=9).through("R")


@st.composite
def bent_models(draw):
    """A DAG whose rules bend, jump and blow up, and starts that sit on branches."""
    names = ("p", "q", "r", "s")
    shapes = [
        "({c})*{a}", "({c})*abs({a})", "max({a}, {b})", "min({a}, 0)", "clip({a}, -1, 1)",
        "where({a} > {b}, {a}, ({c})*{b})", "floor({a})", "sign({a})*{b}", "sqrt({a})", "({c})/{a}",
    ]  # fmt: skip
    variables = {"p": {"initial": draw(st.sampled_from([-1, 0, 0.5, 1]))}}
    for i, name in enumerate(names[1:], 1):
        terms = []
        for _ in range(draw(st.integers(1, 2))):
            a, b = (draw(st.sampled_from(names[:i])) for _ in range(2))
            c = draw(st.sampled_from([-2, -0.5, 1, 2]))
            terms.append(draw(st.sampled_from(shapes)).format(a=a, b=b, c=c))
        variables[name] = {"rule": " + ".join(terms)}
    return Model(name="bent", variables=variables)


@settings(max_examples=300)
@given(bent_models(), st.sampled_from(["q", "r", "q, r", "s"]))
def test_branches_and_infinities_are_told_as_worlds_tell_them(model, hold):
    found = currents(model, nudge="p", target="s")
    asked = run(model, nudge="p", hold=hold, target="s")
    assert found.total_status == run(model, nudge="p", hold=[], target="s").status[-1]
    through = found.through(hold)
    assert through.status == asked.status[-1]
    assert through.op == pytest.approx(float(asked.op[-1]), rel=1e-9, abs=1e-12, nan_ok=True)


def test_a_branch_that_bends_only_beside_the_set_is_seen():
    """q > p never changes while both move alike; with q held it does."""
    model = Model(
        name="m",
        variables={
            "p": {"initial": -1},
            "q": {"rule": "max(p, p)"},
            "r": {"rule": "2*p + where(q > p, q, p)"},
        },
    )
    through = currents(model, nudge="p", target="r").through("q")
    assert (through.status, through.how) == ("kink", "worlds")
    assert through.op == run(model, nudge="p", hold="q", target="r").op[-1]


class TestRange:
    def test_effects_beyond_floats_have_shares(self):
        """x shrinks by 2**-3000; a quarter of each step goes through y and back."""
        model = Model(
            name="m",
            variables={
                "x": {"rule": "0.375*x[t-1] + 0.5*y[t]", "initial": 1},
                "y": {"rule": "0.25*x[t-1]", "initial": 0},
            },
        )
        found = currents(model, nudge="x[0]", target="x", steps=3000)
        assert found.log_total == pytest.approx(-3000 * math.log(2))
        np.testing.assert_allclose(found.share[1:-1], [[1.0, 0.25]] * 2999, rtol=1e-12)
        place = found.edges.edges.index(("y", "x", 0))
        np.testing.assert_allclose(found.edge_share[1:, place], 0.25, rtol=1e-12)
        assert found.through("y[1500]").comp == pytest.approx(4 / 3)


class TestCrossings:
    def test_the_last_entry_holds_all_that_cross_more_often(self):
        found = currents(load("thermostat"), steps=12)
        few, many = (found.crossings("T", most=most).share for most in (2, 20))
        np.testing.assert_allclose(few, [*many[:2], many[2:].sum()], rtol=1e-12)

    def test_inclusion_and_exclusion_over_two_steps(self):
        """By hand: two nodes in a row, so that pairs are the paths through both."""
        model = Model(
            name="m",
            variables={
                "n": {"rule": "1"},
                "a": {"rule": "2*n"},
                "b": {"rule": "3*n + 5*a"},
                "m": {"rule": "7*a + 11*b + 13*n"},
            },
        )
        found = currents(model, nudge="n", target="m")
        total = 7 * 2 + 11 * 3 + 11 * 5 * 2 + 13
        assert found.total == total
        crossed = found.crossings("a, b", most=3)
        np.testing.assert_allclose(crossed.share * total, [13, 7 * 2 + 11 * 3, 11 * 5 * 2, 0])
        pairs = 11 * 5 * 2
        once = (7 * 2 + pairs) + (11 * 3 + pairs)
        np.testing.assert_allclose(crossed.terms * total, [once, pairs, 0])
        assert crossed.through == pytest.approx(1 - 13 / total)

    @settings(max_examples=40)
    @given(templates(linear=True), st.data())
    def test_count_the_paths_one_by_one(self, model, data):
        names = list(model.variables)
        n, m = (data.draw(st.sampled_from(names)) for _ in range(2))
        held = data.draw(st.sets(st.sampled_from([x for x in names if x != n]), min_size=1))
        found = currents(model, nudge=f"{n}[0]", target=m, steps=3)
        graph, index = unrolled_graph(model, 3), found.edges.edges
        expected = np.zeros(6)
        for path in nx.all_simple_paths(graph, (n, 0), (m, 3)):
            size = 1.0
            for (p, s), (c, t) in itertools.pairwise(path):
                if (p, c, t - s) not in index:
                    size = 0.0
                else:
                    size *= found.edges.slope[t, index.index((p, c, t - s))]
            expected[min(sum(name in held for name, _ in path), 5)] += size
        if abs(expected.sum()) < 1e-9:
            return
        share = found.crossings(", ".join(sorted(held)), most=5).share
        np.testing.assert_allclose(share, expected / expected.sum(), rtol=1e-7, atol=1e-7)

    def test_a_branch_on_the_way_is_told(self):
        # By hand: at x = 0 a positive nudge goes through u and W's side of max(0, x) does not.
        model = Model(
            name="bent",
            variables={"x": 0, "u": "max(0, x)", "m": "x - u/2"},
            question={"nudge": "x", "hold": "u", "target": "m"},
        )
        assert currents(model).through().comp == 0.5
        assert currents(model).crossings().status == "kink"
        assert currents(model.replace(initial={"x": 1})).crossings().status == "ok"

    def test_a_count_is_a_whole_number_from_0_up(self):
        found = currents(load("thermostat"), steps=5)
        for wrong in (-1, 1.5):
            with pytest.raises(QuestionError, match=f"from 0 up, found {wrong}"):
                found.crossings("T", most=wrong)
            with pytest.raises(QuestionError, match=f"from 0 up, found {wrong}"):
                found.paths(wrong)

    def test_the_first_term_is_the_sum_of_the_currents(self):
        found = currents(load("thermostat"), steps=12)
        crossed = found.crossings("T", most=20)
        assert crossed.terms[0] == pytest.approx(found.share[:, 0].sum(), rel=1e-12)
        signs = (-1.0) ** np.arange(len(crossed.terms))
        assert (signs * crossed.terms).sum() == pytest.approx(found.through("T").share, rel=1e-9)


class TestPaths:
    def test_are_the_largest_of_all(self):
        found = currents(LAGGED, nudge="u[0]", target="w", steps=8)
        graph, index = unrolled_graph(LAGGED, 8), found.edges.edges
        products = []
        for path in nx.all_simple_paths(graph, ("u", 0), ("w", 8)):
            slopes = [
                found.edges.slope[t, index.index((p, c, t - s))] if (p, c, t - s) in index else 0.0
                for (p, s), (c, t) in itertools.pairwise(path)
            ]
            products.append(math.prod(slopes))
        products = sorted((p for p in products if p), key=abs, reverse=True)
        paths = found.paths(25)
        np.testing.assert_allclose(np.abs([p.product for p in paths]), np.abs(products[:25]))
        assert all(p.share == pytest.approx(p.product / found.total) for p in paths)
        every = found.paths(10**6)
        assert len(every) == len(products)
        assert sum(p.share for p in every) == pytest.approx(1.0)
        assert sum(p.product for p in every) == pytest.approx(found.total)

    def test_read_as_stretches_of_one_variable(self):
        (first, *_) = currents(load("lorenz"), nudge="b[0]", target="c", steps=40).paths(1)
        assert str(first) == "b[0..38] -> c[39..40]"


def test_m_may_be_a_node_before_the_last_step():
    kept = currents(load("thermostat"), target="R[3]", steps=9)
    assert kept.total == pytest.approx(currents(load("thermostat"), target="R", steps=3).total)
    with pytest.raises(QuestionError, match=r"R\[3\] lies after the last step 2: give more steps"):
        currents(load("thermostat"), target="R[3]", steps=2)


class TestStatus:
    def test_a_part_that_n_does_not_reach_has_no_influence(self):
        model = load("lorenz")
        found = currents(model, nudge="b[3]", target="c", steps=5)
        assert set(found.status[:3].ravel()) == {"no_influence"}
        assert found.status[4, 1] == "ok"

    def test_a_nudge_that_reaches_nothing(self):
        model = Model(name="m", variables={"x": {"rule": "1"}, "y": {"rule": "2"}})
        found = currents(model, nudge="x", target="y")
        assert not found.J.any()
        assert np.isnan(found.share).all()
        assert found.total_status == "no_influence"
        assert found.paths() == []

    def test_a_kink_on_the_way_is_told(self):
        model = Model(
            name="m", variables={"x": {"rule": "0"}, "y": {"rule": "abs(x)"}, "z": {"rule": "y"}}
        )
        found = currents(model, nudge="x", target="z")
        assert found.total_status == found.to_dict()["total_status"] == "kink"
        assert found.status[0, 1] == "kink"
        assert "W's side" in repr(found)

    def test_what_is_set_stops_the_current(self):
        model = load("lorenz")
        given_ = [Set(Node("a", 7), 1.0)]
        found = currents(model, nudge="b[0]", target="c", steps=12, given=given_)
        assert found.status[7, 0] == "no_influence"
        assert found.J[7, 0] == 0
        assert found.share[7].sum() == pytest.approx(1.0, abs=1e-12)

    def test_a_chaotic_run_s_currents_are_unresolved(self):
        found = currents(load("lorenz"), nudge="b[0]", target="c", steps=20_000)
        assert set(found.status[10_000]) == {"unresolved"}
        assert set(found.edge_status[10_000]) == {"unresolved"}
        assert math.isfinite(found.log_total)

    def test_a_share_of_what_is_unresolved_is_unresolved(self):
        # By hand: the total is 0 but for rounding; its parts are not, and their shares are noise.
        model = Model(
            name="noise",
            variables={"x": 1, "u": "0.1*x", "v": "0.2*x", "w": "0.3*x", "m": "sin(1)*(u + v - w)"},
            question={"nudge": "x", "hold": "u", "target": "m"},
        )
        found = currents(model)
        assert found.total_status == "unresolved"
        assert set(found.status.ravel()) == {"unresolved"}
        assert set(found.edge_status.ravel()) == {"unresolved"}

    def test_whole_numbers_have_none(self):
        model = Model(
            name="m",
            variables={
                "x": {"rule": "1.5"},
                "k": {"rule": "floor(x)", "kind": "integer"},
                "z": {"rule": "k*2"},
            },
        )
        with pytest.raises(QuestionError, match="takes whole numbers"):
            currents(model, nudge="x", target="z")


def test_the_dataset_names_edges_and_steps():
    found = currents(load("thermostat"), steps=5)
    edge = found.dataset.sel(edge="R[t-1] -> T[t]", t=2)
    assert edge.edge_share.item() == pytest.approx(found.share[2, 0])
    assert found.dataset.attrs["nudge"] == "R[0]"


def test_json_is_strict():
    import json

    model = Model(name="m", variables={"x": {"rule": "1"}, "y": {"rule": "2"}})
    text = json.dumps(currents(model, nudge="x", target="y").to_dict(), allow_nan=False)
    assert json.loads(text)["share"]["y"] == [None]


def test_disturbances_and_measures_are_written_as_they_were_said():
    found = currents(load("thermostat"), nudge="R[t>=2] - k", target="mean(R)", hold="T", steps=4)
    assert "d(mean(R))/d(R[t>=2] - k) = " in repr(found)
    assert str(found.paths(1)[0]).startswith("R[t>=2] - k -> R[2")
    lines = str(currents(load("thermostat"), steps=4))
    assert "dR/dR = " in lines
