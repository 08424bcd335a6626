"""The picture of a region in spacetime: its cells and the counts of edges across its boundary."""

from __future__ import annotations

import networkx as nx
import numpy as np

from causalopt import load, region, unrolled_graph
from causalopt.drawing.plots.of_region import plot_region


def test_cells_are_outside_in_the_region_or_on_its_boundary() -> None:
    found = region(load("lorenz"), "[2<=t<=7] - c[2]", steps=9)
    figure = found.plot()
    cells = np.asarray(figure.axes[0].images[0].get_array())
    assert cells.shape == (3, 10, 4)
    kinds = {tuple(colour) for row in cells for colour in row.tolist()}
    assert len(kinds) == 3
    outside, border = tuple(cells[0, 0]), tuple(cells[0, 2])
    for row, name in enumerate(("a", "b", "c")):
        for t in range(10):
            node = f"{name}[{t}]"
            colour = tuple(cells[row, t])
            assert (colour == outside) == (node not in found)
            assert (colour == border) == (node in found.boundary)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_bars_are_the_edges_that_networkx_cuts() -> None:
    model = load("lorenz")
    found = region(model, "a[3<=t<=6] | b[5<=t<=8]", steps=12)
    figure = found.plot()
    graph = unrolled_graph(model, 12)
    own = {(node.variable, node.t) for node in found}
    inward = [b[1] for a, b in nx.edge_boundary(graph, set(graph) - own, own)]
    outward = [b[1] for a, b in nx.edge_boundary(graph, own)]
    below = figure.axes[1]
    heights = [np.abs(patch.get_data().values) for patch in below.patches]
    assert heights[0].tolist() == np.bincount(inward, minlength=13).tolist()
    assert heights[1].tolist() == np.bincount(outward, minlength=13).tolist()
    assert [patch.get_label() for patch in below.patches] == [
        f"enter ({len(inward)})",
        f"leave ({len(outward)})",
    ]


def test_a_long_run_is_thinned_and_keeps_single_steps_and_edges() -> None:
    found = region(load("lorenz"), "a[50001] | b[t>=90000]", steps=100_000)
    figure = found.plot()
    cells = np.asarray(figure.axes[0].images[0].get_array())
    assert cells.shape[1] == 2000
    marked = (cells[0] != cells[2, 0]).any(axis=1)
    assert marked.sum() == 1
    assert marked[round(50001 / 100_001 * 2000)]
    assert figure.axes[1].patches[0].get_data().values.max() == 3  # a reads a and b, b reads all


def test_elements_of_arrays_have_rows_of_their_own() -> None:
    found = region(load("lorenz96"), "tube(x[1, cell=24], x[6, cell=29], 1)", steps=8)
    cells = np.asarray(plot_region(found).axes[0].images[0].get_array())
    assert len(cells) == 41  # 40 cells and the energy
    shaded = (cells != cells[0, 0]).any(axis=2)
    for t in range(9):
        centre = 23 + t
        expected = {centre - 1, centre, centre + 1} if 1 <= t <= 6 else set()
        assert set(np.flatnonzero(shaded[:, t]).tolist()) == expected
