"""The paths that carry most, beside a list of all of them."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, currents, load, unrolled_graph
from causalopt.influence import best_ahead
from tests.influence.test_currents import LAGGED
from tests.strategies import templates


def all_products(found, model, steps):
    """Return the product of slopes of every path from n to m that has one, largest first."""
    graph, index = unrolled_graph(model, steps), found.edges.edges
    start, goal = (found.nudge.variable, found.nudge.t), (found.target, steps)
    products = []
    for path in [[start]] if start == goal else nx.all_simple_paths(graph, start, goal):
        size = 1.0
        for (p, s), (c, t) in itertools.pairwise(path):
            known = (p, c, t - s) in index
            size *= found.edges.slope[t, index.index((p, c, t - s))] if known else 0.0
        if size:
            products.append(size)
    return sorted(products, key=lambda size: -abs(size))


@pytest.fixture(params=[1, 3000], ids=["stretches", "one by one"])
def few(request, monkeypatch):
    """Runs of any length in stretches that are chained, and step by step."""
    monkeypatch.setattr(best_ahead, "_FEW", request.param)


def product_of(path, found):
    """Return the product along a path's nodes, by the slopes."""
    size = 1.0
    for u, v in itertools.pairwise(path.nodes):
        edge = found.edges.edges.index((u.variable, v.variable, v.t - u.t))
        size *= found.edges.slope[v.t, edge]
    return size


@pytest.mark.usefixtures("few")
class TestLargestPaths:
    @pytest.mark.parametrize("steps", [0, 1, 2, 5, 9])
    def test_with_lags_and_same_step_edges(self, steps):
        found = currents(LAGGED, nudge="u[0]", target="w", steps=steps)
        expected = all_products(found, LAGGED, steps)[:40]
        paths = found.paths(40)
        assert [p.product for p in paths] == pytest.approx(expected, rel=1e-9, abs=0) or [
            abs(p.product) for p in paths
        ] == pytest.approx([abs(x) for x in expected], rel=1e-9)
        assert len({path.nodes for path in paths}) == len(paths)
        for path in paths:
            assert path.product == pytest.approx(product_of(path, found), rel=1e-12)
            assert path.nodes[0] == found.nudge
            assert (path.nodes[-1].variable, path.nodes[-1].t) == ("w", steps)

    @settings(max_examples=40)
    @given(templates(), st.data())
    def test_of_random_models_are_all_there(self, model, data):
        names = list(model.variables)
        n, m = (data.draw(st.sampled_from(names)) for _ in range(2))
        found = currents(model, nudge=f"{n}[0]", target=m, steps=4)
        expected = all_products(found, model, 4)
        sizes = [abs(path.product) for path in found.paths(10_000)]
        assert sizes == pytest.approx([abs(x) for x in expected], rel=1e-9)
        assert sum(p.product for p in found.paths(10_000)) == pytest.approx(
            sum(expected), rel=1e-9, abs=1e-12
        )

    def test_a_few_are_the_first_of_many(self):
        found = currents(load("lorenz"), nudge="b[0]", target="c", steps=9)
        many = found.paths(200)
        for count in (0, 1, 7):
            few = found.paths(count)
            assert [p.log for p in few] == pytest.approx([p.log for p in many[:count]])

    def test_paths_of_one_size_are_told_apart(self):
        """By hand: one detour by the thermostat has slope -k, at any of 1 ... 19."""
        found = currents(load("thermostat"), steps=20)
        first, *detours = found.paths(20)
        assert (str(first), first.product) == ("R[0..20]", 1.0)
        assert [path.product for path in detours] == pytest.approx([-0.01] * 19)
        visits = {node.t for path in detours for node in path.nodes if node.variable == "T"}
        assert visits == set(range(1, 20))


def test_a_long_run_in_stretches_is_as_step_by_step(monkeypatch):
    found = currents(load("lorenz"), nudge="b[0]", target="c", steps=7001)
    stretched = found.paths(12)
    monkeypatch.setattr(best_ahead, "_FEW", 10**9)
    plain = found.paths(12)
    assert [p.log for p in stretched] == pytest.approx([p.log for p in plain], rel=1e-12)
    assert [p.nodes for p in stretched] == [p.nodes for p in plain]


def test_no_path_where_n_does_not_reach_m():
    model = Model(name="m", variables={"n": {"initial": 1}, "m": {"initial": 2}})
    assert currents(model, nudge="n", target="m").paths() == []


def test_a_share_beyond_floats_is_infinite_and_its_logarithm_is_not():
    found = currents(load("thermostat"), steps=100_000)
    path = found.paths(1)[0]
    assert (path.log, path.share) == (0.0, math.inf)
    # The total effect decays with the slower mode, (1 + sqrt(0.96))/2 a step.
    rate = math.log((1 + math.sqrt(0.96)) / 2)
    assert found.log_total == pytest.approx(100_000 * rate, rel=1e-4)


def test_nodes_and_text_of_a_path_say_the_same():
    found = currents(LAGGED, nudge="u[0]", target="w", steps=9)
    for path in found.paths(30):
        steps = [t for _, first, last in path.stretches for t in range(first, last + 1)]
        names = [n for n, first, last in path.stretches for _ in range(first, last + 1)]
        assert [(n.variable, n.t) for n in path.nodes] == list(zip(names, steps, strict=True))
        assert np.all(np.diff(path.steps) >= 0)
