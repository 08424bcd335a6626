"""Currents through arrays: beside the same model of numbers, beside worlds, and conserved."""

from __future__ import annotations

import json

import numpy as np
import pytest

from causalopt import Model, currents, expand, load, run
from causalopt.errors import QuestionError

RNG = np.random.default_rng(7)
WEIGHTS = (RNG.normal(size=(4, 4)) * 0.6).round(3).tolist()
LOOP = Model(
    name="loop",
    sizes={"unit": 4},
    variables={
        "W": {"shape": ["unit", "unit"], "rule": "W[t-1]", "initial": WEIGHTS},
        "v": {"shape": ["unit"], "rule": "v[t-1]", "initial": [1.0, -0.7, 0.4, 0.2]},
        "x": {"rule": "0.9*x[t-1] - 0.2*sum(v[t]*h[t-1])", "initial": 0.5},
        "h": {
            "shape": ["unit"],
            "rule": "tanh(W[t] @ h[t-1] + v[t]*x[t])",
            "initial": [0, 0, 0, 0],
        },
        "y": {"rule": "sum(h[t]*v[t]) + 0.5*x[t-2]", "initial": [0, 0]},
    },
)
QUESTION = {"nudge": "x[0]", "target": "y", "steps": 8}
NET = Model(
    name="net",
    sizes={"unit": 3, "wide": 5},
    variables={
        "x": {"shape": ["unit"], "initial": [0.3, -0.2, 0.9]},
        "U": {"shape": ["wide", "unit"], "initial": (RNG.normal(size=(5, 3))).round(3).tolist()},
        "V": {"shape": ["unit", "wide"], "initial": (RNG.normal(size=(3, 5))).round(3).tolist()},
        "h": {"shape": ["wide"], "rule": "tanh(U @ x)"},
        "y": {"shape": ["unit"], "rule": "V @ h + 0.5*x"},
    },
)


class TestNumbers:
    def test_every_element_s_share_is_that_of_its_number(self):
        """The same model written out runs in another engine."""
        arrays, numbers = currents(LOOP, **QUESTION), currents(expand(LOOP), **QUESTION)
        place = {name: k for k, name in enumerate(numbers.variables)}
        for k in range(4):
            np.testing.assert_allclose(
                arrays.share["h"][:, k], numbers.share[:, place[f"h_{k}"]], rtol=1e-12, atol=1e-15
            )
        for name in ("x", "y"):
            np.testing.assert_allclose(
                arrays.share[name], numbers.share[:, place[name]], rtol=1e-12, atol=1e-15
            )

    def test_edges_are_the_sums_of_those_between_elements(self):
        arrays, numbers = currents(LOOP, **QUESTION), currents(expand(LOOP), **QUESTION)
        for e, (parent, child, lag) in enumerate(arrays.edges):
            expected = np.zeros(9)
            for k, (p, c, own) in enumerate(numbers.edges.edges):
                if (p.split("_")[0], c.split("_")[0], own) == (parent, child, lag):
                    expected += numbers.edge_share[:, k]
            np.testing.assert_allclose(arrays.edge_share[:, e], expected, rtol=1e-11, atol=1e-14)

    @pytest.mark.parametrize("method", ["euler", "rk4"])
    def test_a_lattice_s_slice_carries_all(self, method):
        model = load("lorenz96").replace(method=method)
        found = currents(model, nudge="x[0, cell=20]", target="x[cell=22]", steps=12)
        np.testing.assert_allclose(found.share["x"].sum(axis=1), 1.0, rtol=1e-11)
        inflow = sum(found.edge_share[:, e] for e, edge in enumerate(found.edges) if edge[1] == "x")
        np.testing.assert_allclose(inflow[1:], 1.0, rtol=1e-11)


class TestSets:
    @pytest.mark.parametrize("hold", ["h[3]", "h[3, unit=1:3]", "h[3], x[4]", "h"])
    def test_comp_is_that_of_worlds(self, hold):
        through = currents(LOOP, **QUESTION).through(hold)
        asked = run(LOOP, hold=hold, **QUESTION)
        assert through.comp == pytest.approx(asked.comp[-1], rel=1e-10)
        assert through.op == pytest.approx(asked.op[-1], rel=1e-10, abs=1e-12)
        assert through.how == ("currents" if "h[3" in hold and "," not in hold[-6:] else "worlds")

    def test_units_of_a_layer_with_vectors_nudged_and_measured(self):
        found = currents(NET, nudge="x", target="y")
        for hold in ("h", "h[wide=0]", "h[wide=1:4]"):
            through, asked = found.through(hold), run(NET, nudge="x", hold=hold, target="y")
            assert through.how == "currents"
            assert through.op == pytest.approx(asked.op[-1], rel=1e-12, abs=1e-12)

    def test_the_matrix_through_a_layer_by_hand(self):
        x, u, v = (np.array(NET.variables[n].initial) for n in ("x", "U", "V"))
        slope = 1 - np.tanh(u @ x) ** 2
        total = v @ np.diag(slope) @ u + 0.5 * np.eye(3)
        shares = [
            np.sum(total * np.outer(v[:, k], slope[k] * u[k])) / np.sum(total**2) for k in range(5)
        ]
        found = currents(NET, nudge="x", target="y")
        np.testing.assert_allclose(found.share["h"][0], shares, rtol=1e-12)
        beside = np.sum(total * 0.5 * np.eye(3)) / np.sum(total**2)
        assert sum(shares) + beside == pytest.approx(1.0)
        assert found.through("h").share == pytest.approx(1 - beside, rel=1e-12)

    @pytest.mark.parametrize(("hold", "how"), [("p[5]", "worlds"), ("y[5]", "currents")])
    def test_an_algebraic_node_is_held_with_its_stages(self, hold, how):
        model = Model(
            name="m",
            dt=0.1,
            method="rk4",
            sizes={"unit": 2},
            variables={
                "x": {"shape": ["unit"], "flow": "-x + p", "initial": [1, 0.5]},
                "p": {"shape": ["unit"], "algebraic": "sin(y)"},
                "y": {"shape": ["unit"], "flow": "p - 2*y + x", "initial": [0.3, 0.2]},
            },
        )
        question = {"nudge": "x[0, unit=0]", "target": "y[unit=0]", "steps": 9}
        through = currents(model, **question).through(hold)
        assert through.how == how
        expected = run(model, hold=hold, **question).op[-1]
        assert through.op == pytest.approx(expected, rel=1e-10)

    def test_a_layer_that_is_the_only_way(self):
        variables = {**NET.model_dump()["variables"], "y": {"shape": ["unit"], "rule": "V @ h"}}
        model = Model(name="net", sizes={"unit": 3, "wide": 5}, variables=variables)
        through = currents(model, nudge="x", target="y").through("h")
        assert (through.status, through.op) == ("only_path", -np.inf)

    def test_layers_of_which_one_follows_the_other_are_crossed_twice(self):
        variables = {
            **NET.model_dump()["variables"],
            "k": {"shape": ["wide"], "rule": "sin(h)"},
            "y": {"shape": ["unit"], "rule": "V @ (h + k) + 0.5*x"},
        }
        model = Model(name="net", sizes={"unit": 3, "wide": 5}, variables=variables)
        through = currents(model, nudge="x", target="y").through("h[wide=0:3], k[wide=1:5]")
        asked = run(model, nudge="x", hold="h[wide=0:3], k[wide=1:5]", target="y")
        assert through.how == "worlds"
        assert through.op == pytest.approx(asked.op[-1], rel=1e-12)

    def test_no_set_contains_n(self):
        with pytest.raises(QuestionError, match="x"):
            currents(LOOP, **QUESTION).through("x")


class TestStatus:
    def test_what_the_nudge_does_not_reach_has_none(self):
        found = currents(LOOP, **QUESTION)
        assert set(found.status["W"].ravel()) == {"no_influence"}
        assert set(found.status["h"][-1]) == {"ok"}

    def test_chaos_is_unresolved(self):
        model = Model(
            name="m",
            sizes={"cell": 2},
            variables={
                "x": {
                    "shape": ["cell"],
                    "rule": "3.9*x[t-1]*(1 - x[t-1]) + 0.01*x[t-1][0]",
                    "initial": [0.3, 0.6],
                }
            },
        )
        found = currents(model, nudge="x[0, cell=0]", target="x[cell=1]", steps=150)
        assert set(found.status["x"][100]) == {"unresolved"}
        short = currents(model, nudge="x[0, cell=0]", target="x[cell=1]", steps=20)
        assert set(short.status["x"][10]) == {"ok"}

    def test_effects_beyond_floats_have_shares(self):
        model = Model(
            name="m",
            sizes={"cell": 2},
            variables={
                "x": {"shape": ["cell"], "rule": "0.375*x[t-1] + 0.5*y[t]", "initial": [1, 1]},
                "y": {"shape": ["cell"], "rule": "0.25*x[t-1]", "initial": 0},
            },
        )
        found = currents(model, nudge="x[0, cell=0]", target="x[cell=0]", steps=3000)
        assert found.log_total == pytest.approx(-3000 * np.log(2))
        np.testing.assert_allclose(found.share["y"][1:-1], [[0.25, 0.0]] * 2999, rtol=1e-12)
        for edge, share in ((("y", "x", 0), 0.25), (("x", "x", 1), 0.75), (("x", "y", 1), 0.25)):
            place = found.edges.index(edge)
            np.testing.assert_allclose(found.edge_share[2:-1, place], share, rtol=1e-12)

    def test_a_tie_that_a_set_brings_to_bear_asks_the_worlds(self):
        """Two numbers that move together are equal; with one of them held they part."""
        model = Model(
            name="m",
            sizes={"unit": 2},
            variables={
                "x": {"initial": 1},
                "s": {"shape": ["unit"], "initial": [1, 2]},
                "a": {"shape": ["unit"], "rule": "x*s"},
                "b": {"shape": ["unit"], "rule": "x*s"},
                "y": {"rule": "sum(where(a > b, a, b) + 3*x)"},
            },
        )
        through = currents(model, nudge="x", target="y").through("a")
        asked = run(model, nudge="x", hold="a", target="y")
        assert (through.status, through.how) == (asked.status[-1], "worlds")
        assert through.op == asked.op[-1]

    def test_a_kink_on_the_way_is_told(self):
        model = Model(
            name="m",
            sizes={"unit": 2},
            variables={
                "x": {"initial": 0},
                "s": {"shape": ["unit"], "initial": [1, -1]},
                "h": {"shape": ["unit"], "rule": "max(x*s, 0)"},
                "y": {"rule": "sum(h)"},
            },
        )
        found = currents(model, nudge="x", target="y")
        assert found.total_status == "kink"
        assert set(found.status["h"].ravel()) <= {"kink", "no_influence"}


def test_the_dataset_and_json_name_elements():
    found = currents(LOOP, **QUESTION)
    assert found.dataset.share_h.sel(t=3, unit=1).item() == found.share["h"][3, 1]
    assert (
        json.loads(json.dumps(found.to_dict(), allow_nan=False))["share"]["h"][3][1]
        == (found.share["h"][3, 1])
    )


def test_the_picture_has_a_panel_for_each_array_on_the_way():
    figure = currents(LOOP, **QUESTION).plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["x", "h", "y"]
    lines = figure.axes[1].get_lines()
    assert lines[2].get_ydata()[3] == currents(LOOP, **QUESTION).share["h"][3, 2]
