"""Layers in pictures: what is held in part, what a layer opens into, and graphs of arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, Node, describe, load, run, template_graph, unrolled_graph, world
from causalopt.cli import main
from causalopt.drawing.graph.held_parts import held_parts
from causalopt.drawing.graph.marks import marks_for
from causalopt.drawing.graph.pictures import draw
from causalopt.drawing.graph.units import layer_units
from causalopt.model.graph import edge_list, to_dagitty, to_graphml
from causalopt.model.selectors import Window
from tests.drawing.graph.test_html import WEIGHTS

SMALL = Model(
    name="small",
    sizes={"a": 3, "b": 2},
    variables={
        "h": {"shape": ["a", "b"], "rule": "h[t-1]/2 + 1", "initial": 1},
        "s": {"rule": "sum(h[t])"},
    },
)


@st.composite
def windows(draw):
    first, length = draw(st.integers(0, 6)), draw(st.one_of(st.none(), st.integers(0, 4)))
    ranges = []
    for size in (3, 2):
        start = draw(st.integers(0, size - 1))
        ranges.append((start, draw(st.integers(start + 1, size))))
    elements = draw(st.sampled_from([None, tuple(ranges), tuple(ranges)]))
    return Window("h", first, None if length is None else first + length, elements)


@given(st.lists(windows(), max_size=5))
@settings(max_examples=200)
def test_what_is_held_whole_and_in_part_is_what_masks_say(selection):
    whole, parts = held_parts(SMALL, tuple(selection))
    for t in range(14):
        mask = np.zeros((3, 2), dtype=bool)
        for window in selection:
            if Node("h", t) in window:
                places = window.elements or ((0, 3), (0, 2))
                mask[tuple(slice(*axis) for axis in places)] = True
        assert any(Node("h", t) in window for window in whole) == mask.all()
        is_partly = mask.any() and not mask.all()
        if any(window.elements for window in selection):
            assert any(Node("h", t) in window for window in parts) == is_partly


@pytest.mark.parametrize(
    ("name", "nudge", "hold"),
    [
        ("lorenz96", "x[0, cell=17]", "x[cell=18:24]"),
        ("lorenz96", "x[2, cell=20]", "x[cell=0:19], x[5<=t<=7], x[cell=24:40]"),
        ("oscillators", "theta[1, unit=3]", "pull[2<=t<=5, unit=0:8]"),
        ("oscillators", "theta[1, unit=3]", "pull[2<=t<=5]"),
        ("reaction_diffusion", "v[0, row=16]", "u[t>=1, column=3:9]"),
    ],
)
def test_worlds_of_arrays_differ_only_where_they_are_marked(name, nudge, hold):
    model = load(name)
    found = run(model, nudge=nudge, hold=hold, target=nudge.split("[")[0], steps=8, delta=0.5)
    marks = marks_for(model, steps=8, nudge=nudge, hold=hold)
    differing = {"changed": (found.X, found.W), "differs": (found.Y, found.W)}
    differing["moved"] = (found.X, found.Y)
    for key, (one, other) in differing.items():
        for variable in one:
            apart = (one[variable] != other[variable]).reshape(9, -1).any(axis=1)
            marked = [getattr(marks.of(Node(variable, t)), key) for t in range(9)]
            assert not (apart & ~np.array(marked)).any(), (key, variable)
            # These systems have no zero slopes by chance: a mark is a difference, too.
            assert (apart == marked).all(), (key, variable)


def test_a_nudged_array_is_nudged_whatever_its_elements():
    marks = marks_for(load("lorenz96"), steps=3, nudge="x[1, cell=3]", hold="x[cell=21:31]")
    mark = marks.of(Node("x", 1))
    assert mark.nudged
    assert mark.partly
    assert not mark.held
    assert not mark.moved
    assert mark.words == "in A in part, nudged in X and Y, some elements held at W's values in Y"
    assert marks.of(Node("x", 2)).symbol == "◆"
    assert not marks.of(Node("x", 0)).changed


def test_what_is_held_in_part_from_late_on_is_marked_from_there_on():
    marks = marks_for(load("lorenz96"), steps=90, nudge="x[0]", hold="x[t>=50, cell=21:31]")
    moved = [marks.of(Node("x", t)).moved for t in range(91)]
    assert moved == [t >= 50 for t in range(91)]
    assert [marks.of(Node("energy", t)).moved for t in range(91)] == moved


def slopes_of(model: Model, steps: int) -> dict[tuple[str, str, int], np.ndarray]:
    graph = template_graph(model)
    edges = [(a, b, lag) for a, b in graph.edges for lag in graph.edges[a, b]["lags"]]
    names = list(model.variables)
    places = [(name, steps) for name in names]
    found = {}
    for slope in layer_units(model, places, edges, steps)["slopes"]:
        parent, child = names[slope["parent"]], names[slope["child"]]
        sizes = [model.arrays.by_name[name].size for name in (child, parent)]
        assert slope["t"] == steps
        found[parent, child, slope["lag"]] = np.array(slope["values"]).reshape(sizes)
    return found


def test_a_connection_is_the_jacobian_of_one_step():
    # x -> x runs through the stages of the Runge-Kutta step.
    found = slopes_of(load("lorenz96"), 3)
    assert set(found) == {("x", "x", 1), ("x", "energy", 0)}
    step = run(load("lorenz96"), nudge="x[2]", hold="energy", target="x", steps=3).jacobian()
    np.testing.assert_allclose(found["x", "x", 1], step.total, rtol=1e-3, atol=1e-12)
    w = world(load("lorenz96"), steps=3)["x"][3]
    np.testing.assert_allclose(found["x", "energy", 0], w[None, :], rtol=1e-3)


def ring_step(theta: np.ndarray, pull: np.ndarray, dt: float) -> np.ndarray:
    """Return a Runge-Kutta step of the ring of oscillators from a pull that is given."""
    omega = 0.1 * np.sin(2 * np.pi * np.arange(24) / 24)

    def slope(x: np.ndarray) -> np.ndarray:
        return omega + (np.sin(np.roll(x, 1) - x) + np.sin(np.roll(x, -1) - x)) / 2

    a = omega + pull
    b = slope(theta + dt / 2 * a)
    c = slope(theta + dt / 2 * b)
    return theta + dt / 6 * (a + 2 * b + 2 * c + slope(theta + dt * c))


def test_a_connection_leaves_other_variables_out():
    # Complex steps. The later stages' pulls belong to the edge from theta, the first to pull.
    found, w = slopes_of(load("oscillators"), 3), world(load("oscillators"), steps=3)
    theta, pull = w["theta"][2].astype(complex), w["pull"][2].astype(complex)
    for j in range(24):
        h = np.zeros(24, dtype=complex)
        h[j] = 1e-100j
        by_theta = ring_step(theta + h, pull, 0.05).imag / 1e-100
        by_pull = ring_step(theta, pull + h, 0.05).imag / 1e-100
        for edge, expected in (("theta", by_theta), ("pull", by_pull)):
            column = found[edge, "theta", 1][:, j]
            np.testing.assert_allclose(column, expected, rtol=1e-3, atol=1e-12)
    for i in range(24):
        row = found["theta", "pull", 0][i]
        near = [(i - 1) % 24, (i + 1) % 24]
        expected = 0.5 * np.cos(w["theta"][3][near] - w["theta"][3][i])
        np.testing.assert_allclose(row[near], expected, rtol=1e-3)
        np.testing.assert_allclose(row[i], -expected.sum(), rtol=1e-3)
        assert np.count_nonzero(row) == 3


def test_a_matrix_of_weights_is_its_own_connection():
    found = slopes_of(WEIGHTS, 0)
    np.testing.assert_array_equal(found["x", "h", 0], [[2, 0, 1], [0, 0, -4]])
    np.testing.assert_array_equal(found["W", "h", 0], np.kron(np.eye(2), [[1, 2, 3]]))


def test_units_have_their_values_in_w():
    model = load("game_of_life")
    units = layer_units(model, [("cell", 0), ("cell", 3), ("alive", 3)], [], 40)
    w = world(model, steps=3)
    np.testing.assert_array_equal(units["values"]["1,3"], w["cell"][3].ravel())
    np.testing.assert_array_equal(units["values"]["2,3"], [5])
    assert set(units["values"]) == {"1,0", "1,3", "2,3"}
    assert units["slopes"] == []
    assert units["note"] == "Values of the drawn steps only."


def test_what_cannot_be_shown_is_said():
    wanting = Model(name="m", variables={"x": {"shape": [3]}, "y": {"rule": "sum(x[t])"}})
    units = layer_units(wanting, [("x", 1)], [], 1)
    assert units["values"] == {}
    assert "No values: 'x' has no rule" in units["note"]
    long = layer_units(load("reaction_diffusion"), [("v", 100_000)], [], 100_000)
    assert "100001 steps of 2,049 numbers; draw fewer" in long["note"]
    large = Model(name="m", variables={"x": {"shape": [100_001], "rule": "x[t-1]", "initial": 1}})
    units = layer_units(large, [("x", 1)], [("x", "x", 1)], 1)
    assert units["note"] == "Of more than 100,000 units no values: x. Too large to show: x → x."
    # One row of ten by ten is small, and the way to it is not.
    wide = Model(
        name="m",
        variables={
            "x": {"shape": [10], "initial": 1, "rule": "x[t-1]"},
            "z": {"shape": [10], "rule": "sum(x[t-1][0]*ones(4_000_000))*ones(10)", "initial": 0},
        },
    )
    units = layer_units(wide, [("z", 1)], [("x", "z", 1)], 1)
    assert (units["slopes"], units["note"]) == ([], "Too large to show: x → z.")


def test_a_layer_says_its_shape_in_every_format():
    drawn = draw(load("reaction_diffusion"), steps=2)
    assert "substrate: row 32 × column 32, in A" in drawn.svg()
    assert r"row 32 $\times$ column 32" in drawn.tikz()
    assert "row 32 × column 32" in drawn.dot()
    still = draw(WEIGHTS)
    assert "hidden 2" in still.svg()
    partly = draw(load("lorenz96"), steps=2)
    assert all("some = w" in text for text in (partly.svg(), partly.dot(), partly.mermaid()))
    assert "in A in part" in partly.svg()
    assert partly.title == (
        "Lorenz-96 ring: n = x[0, cell=20], m = x[2, cell=20], A = {x[cell=21:31]}"
    )


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "html", "dot", "tex", "mmd"])
def test_the_command_line_draws_a_lattice(ending, tmp_path, capsys):
    out = tmp_path / f"x.{ending}"
    assert main(["draw", "game_of_life", "--out", str(out), "--steps", "3"]) == 0
    assert out.stat().st_size > 1000
    assert "12 nodes drawn" in capsys.readouterr().out


def test_graphs_of_arrays_have_whole_variables_for_nodes():
    model = load("oscillators")
    graph = template_graph(model)
    assert graph.nodes["theta"]["shape"] == ["unit"]
    assert graph.graph["sizes"] == {"unit": 24}
    assert edge_list(model) == [
        "theta[t-1] -> theta[t]",
        "theta[t] -> pull[t]",
        "theta[t] -> order[t]",
        "pull[t-1] -> theta[t]",
    ]
    unrolled = unrolled_graph(model, 1)
    assert unrolled.nodes["theta", 1]["shape"] == "unit=24"
    assert unrolled.nodes["order", 1]["shape"] == ""
    assert set(unrolled.predecessors(("theta", 1))) == {("theta", 0), ("pull", 0)}
    assert to_graphml(model, 1).count("<edge ") == 6
    assert '"pull[0]" -> "theta[1]"' in to_dagitty(model, 1)


def test_check_shows_shapes_and_sizes(capsys):
    assert main(["check", "reaction_diffusion"]) == 0
    shown = capsys.readouterr().out
    assert "row=32, column=32" in shown
    assert "SIZES (2,049 numbers a step)" in shown
    assert "d v/dtime = Dv*laplacian(v)" in shown
    found = describe(load("game_of_life")).to_dict()
    assert found["sizes"] == {"row": 16, "column": 16}
    cell = found["variables"]["cell"]
    assert (cell["dims"], cell["shape"], cell["size"]) == (["row", "column"], [16, 16], 256)
    assert cell["initial"] == ["256 numbers"]
    assert found["edges"][0] == "around[t] -> cell[t]"
