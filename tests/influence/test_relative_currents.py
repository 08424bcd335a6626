"""Currents on one scale and folded over time, beside sums over paths by hand."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, currents, load
from causalopt.influence.relative_currents import (
    OF_LARGEST,
    OF_TOTAL,
    folded_currents,
    relative_currents,
)
from tests.influence.test_currents import LAGGED, path_sums

OPPOSED = Model(
    name="opposed",
    variables={
        "n": {"initial": 1},
        "a": {"rule": "2*n"},
        "b": {"rule": "-3*n"},
        "m": {"rule": "3*a + 2*b"},
    },
)


def test_the_thermostat_by_hand():
    """R -> R carries 3 of the path that stays, 1 each of the two detours: (3 - 0.02)/0.98."""
    folded = folded_currents(currents(load("thermostat"), steps=3))
    sums = dict(zip(folded.edges, zip(folded.positive, folded.negative, strict=True), strict=True))
    assert sums["R", "R", 1] == pytest.approx(((3 - 2 * 0.01) / 0.98, 0.0))
    for edge in (("R", "T", 1), ("T", "R", 1)):
        assert sums[edge] == pytest.approx((0.0, -2 * 0.01 / 0.98))
    k = folded.variables.index("T")
    assert folded.node_negative[k] == pytest.approx(-2 * 0.01 / 0.98)
    assert (folded.steps, folded.unit) == (3, OF_TOTAL)


def test_signs_are_summed_apart():
    found = currents(load("lorenz"), nudge="b[0]", target="c", steps=7)
    sums, folded = path_sums(found, load("lorenz"), 7), folded_currents(found)
    total = sum(size for node, size in sums.items() if node == ("c", 7))
    for e, (parent, child, lag) in enumerate(folded.edges):
        parts = [
            size / total
            for edge, size in sums.items()
            if isinstance(edge[0], tuple)
            and (edge[0][0], edge[1][0], edge[1][1] - edge[0][1]) == (parent, child, lag)
        ]
        assert folded.positive[e] == pytest.approx(sum(p for p in parts if p > 0), abs=1e-12)
        assert folded.negative[e] == pytest.approx(sum(p for p in parts if p < 0), abs=1e-12)


def test_what_a_step_carries_on_is_everything_also_over_long_lags():
    found = currents(LAGGED, nudge="u[0]", target="w", steps=9)
    carried = relative_currents(found).carried
    np.testing.assert_allclose(carried.sum(axis=1), 1.0, rtol=1e-12)
    sums = path_sums(found, LAGGED, 9)
    total = sums["w", 9]
    for t in range(9):
        for k, name in enumerate(found.variables):
            over = sum(
                size
                for edge, size in sums.items()
                if isinstance(edge[0], tuple)
                and edge[0][0] == name
                and edge[0][1] <= t < edge[1][1]
            )
            assert carried[t, k] == pytest.approx(over / total, rel=1e-9, abs=1e-12)


def test_without_a_total_effect_currents_are_parts_of_the_largest():
    """By hand: a carries 2 * 3, b -3 * 2; n and m carry nothing."""
    relative = relative_currents(currents(OPPOSED, nudge="n", target="m"))
    assert relative.unit == OF_LARGEST
    assert relative.effect == "total effect 0"
    assert relative.nodes[0] == pytest.approx([0, 1, -1, 0])
    edges = dict(zip(relative.edge_names, relative.edges[0], strict=True))
    assert edges["n", "a", 0] == pytest.approx(1)
    assert edges["b", "m", 0] == pytest.approx(-1)


def test_where_n_reaches_m_by_no_path_there_is_nothing():
    model = Model(name="m", variables={"n": {"initial": 1}, "m": {"initial": 2}})
    relative = relative_currents(currents(model, nudge="n", target="m"))
    assert not relative.nodes.any()
    assert relative.edges.shape == (1, 0)


def test_arrays_are_summed_over_their_elements():
    ring = currents(load("lorenz96"), nudge="x[0, cell=20]", target="x[cell=24]", steps=5, hold=[])
    relative = relative_currents(ring)
    k = relative.variables.index("x")
    assert relative.nodes[:, k] == pytest.approx(ring.share["x"].sum(axis=1))
    assert relative.nodes[:, k] == pytest.approx(np.ones(6))
    assert relative.target == "x"


def test_the_gravest_status_of_a_step_is_told():
    model = load("thermostat_saturating")
    relative = relative_currents(currents(model, steps=500))
    found = currents(model, steps=500)
    for t in (0, 250, 499):
        expected = "kink" if "kink" in found.status[t] else "ok"
        assert relative.gravest(t) == expected
