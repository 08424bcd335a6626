from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import Model, Node, load
from causalopt.drawing.graph.layers import layered
from causalopt.drawing.graph.layout import NODE_HEIGHT, lay_out, shown_columns
from causalopt.drawing.graph.lettering import fitted, lines_of, text_width
from causalopt.drawing.graph.marks import marks_for
from causalopt.drawing.graph.routes import point_at, routes
from causalopt.errors import QuestionError
from tests.drawing.graph.strategies import models
from tests.oracles import declared_graph
from tests.strategies import templates


def mesh(count: int) -> Model:
    """A static graph: node i has the parents i // 2 and i - 7."""
    variables = {
        f"v{i}": f"v{i // 2} + v{i - 7}" if i > 9 else {"initial": i} for i in range(count)
    }
    return Model(name="mesh", variables=variables, question={"nudge": "v3", "target": "v40"})


def overlaps(layout) -> list:
    cells: dict = {}
    clash = []
    for place in layout.places.values():
        key = (round(place.x / layout.node_width), round(place.y / layout.node_height))
        for near in itertools.product(range(key[0] - 1, key[0] + 2), range(key[1] - 1, key[1] + 2)):
            clash += [
                (place.text, other.text)
                for other in cells.get(near, ())
                if abs(other.x - place.x) < layout.node_width
                and abs(other.y - place.y) < layout.node_height
            ]
        cells.setdefault(key, []).append(place)
    return clash


@given(models, st.integers(2, 9))
def test_no_two_nodes_overlap_and_every_node_is_there(model, steps):
    steps = 0 if model.is_static else steps
    layout = lay_out(model, steps=steps, columns=None)
    assert overlaps(layout) == []
    assert {(n.variable, n.t) for n in layout.places} == set(declared_graph(model, steps).nodes)


@given(models, st.integers(2, 9))
def test_the_links_are_the_edges_of_the_declared_graph(model, steps):
    steps = 0 if model.is_static else steps
    links = lay_out(model, steps=steps, columns=None).links
    drawn = [((a.source.variable, a.source.t), (a.target.variable, a.target.t)) for a in links]
    assert sorted(drawn) == sorted(declared_graph(model, steps).edges)


@given(templates(), st.integers(10, 40), st.integers(4, 8))
def test_a_cut_picture_draws_every_edge_that_has_an_end_in_view(model, steps, columns):
    layout = lay_out(model, steps=steps, columns=columns)
    shown = set(layout.places)
    drawn = {(link.source, link.target) for link in layout.links}
    edges = {(Node(*a), Node(*b)) for a, b in declared_graph(model, steps).edges}
    assert drawn == {(a, b) for a, b in edges if a in shown or b in shown}
    for link in layout.links:
        assert (link.gap is None) == (link.source in shown and link.target in shown)


@given(models, st.integers(2, 9))
def test_causes_stand_left_of_their_effects(model, steps):
    steps = 0 if model.is_static else steps
    layout = lay_out(model, steps=steps)
    for link in layout.links:
        if link.gap is None:
            assert layout.places[link.source].x < layout.places[link.target].x


def test_rows_are_variables_and_columns_are_steps():
    layout = lay_out(load("lorenz"), steps=5)
    for axis, key in (("y", "variable"), ("x", "t")):
        groups: dict = {}
        for node, place in layout.places.items():
            groups.setdefault(getattr(node, key), set()).add(getattr(place, axis))
        assert all(len(values) == 1 for values in groups.values())


def test_the_rows_of_a_stand_above_those_of_b():
    lanes = [lane.variable for lane in lay_out(load("thermostat"), steps=2).lanes]
    assert lanes == ["T", "R"]
    model = load("thermostat").model_dump() | {"partition": {"A": ["R"]}, "question": {}}
    assert [lane.variable for lane in lay_out(Model(**model), steps=2).lanes] == ["R", "T"]


def test_a_long_run_is_cut_in_the_middle_with_a_gap_that_says_how_much():
    layout = lay_out(load("thermostat"), steps=1000, columns=6)
    assert [column.t for column in layout.columns] == [0, 1, 2, 998, 999, 1000]
    (gap,) = layout.gaps
    assert (gap.first, gap.last) == (3, 997)
    assert layout.columns[2].right < gap.left < gap.right < layout.columns[3].left


def test_the_nudged_step_is_drawn_wherever_it_is():
    layout = lay_out(load("thermostat"), steps=1000, kept=[Node("R", 500)], columns=6)
    assert Node("R", 500) in layout.places
    assert [column.t for column in layout.columns] == [0, 1, 499, 500, 501, 1000]


@given(st.integers(1, 200), st.integers(4, 20), st.integers(0, 199), st.integers(0, 250))
def test_no_gap_hides_a_single_column(count, limit, keep, event):
    kept = [min(keep, count - 1)]
    shown = shown_columns(count, lambda t: len(t) <= limit, kept=kept, events=[event])
    assert shown[0] == 0
    assert shown[-1] == count - 1
    assert 2 not in {b - a for a, b in itertools.pairwise(shown)}
    assert min(keep, count - 1) in shown


def test_too_few_columns_are_refused():
    with pytest.raises(QuestionError, match="4 columns at least, found 2"):
        lay_out(load("thermostat"), steps=9, columns=2)


def test_a_thousand_nodes_stand_apart_at_one_step_and_without_time():
    wide = {f"x{i}": {"rule": f"x{(i * 7 + 1) % 500}[t-1]", "initial": i} for i in range(500)}
    for layout in (
        lay_out(Model(name="wide", variables=wide), steps=1),
        lay_out(mesh(1000), steps=0, columns=None),
    ):
        assert len(layout.places) == 1000
        assert overlaps(layout) == []


def test_edges_keep_off_the_nodes_they_do_not_join():
    model = Model(
        name="lags",
        variables={
            "s": {"rule": "u[t-1] + s[t-2]", "initial": [1, 2]},
            "u": {"rule": "s[t] + y[t-1]", "initial": 0},
            "y": {"rule": "u[t] + s[t] + y[t-3]", "initial": [0, 0, 0]},
        },
    )
    layout = lay_out(model, steps=7)
    half = layout.node_width / 2
    for route in routes(layout, marks_for(model, steps=7)):
        for place in layout.places.values():
            if place.node in (route.link.source, route.link.target):
                continue
            for i in range(101):
                x, y = point_at(route.curve, i / 100)
                assert abs(x - place.x) >= half or abs(y - place.y) >= NODE_HEIGHT / 2


def test_an_edge_ends_on_the_rim_of_its_nodes():
    layout = lay_out(load("thermostat"), steps=3)
    marks = marks_for(load("thermostat"), steps=3)
    for route in routes(layout, marks):
        for node, (x, y) in (
            (route.link.source, route.curve[0]),
            (route.link.target, route.curve[3]),
        ):
            place = layout.places[node]
            dx, dy = abs(x - place.x), abs(y - place.y)
            if node.variable == "T":  # a rectangle
                depth = max(dx - layout.node_width / 2, dy - NODE_HEIGHT / 2)
            else:  # a stadium
                straight = layout.node_width / 2 - NODE_HEIGHT / 2
                depth = (max(0.0, dx - straight) ** 2 + dy**2) ** 0.5 - NODE_HEIGHT / 2
            assert depth == pytest.approx(0, abs=1e-3)


def test_layers_uncross_two_crossed_edges():
    cells = layered(["a", "b", "c", "d"], [("a", "d"), ("b", "c")])
    assert (cells["a"][2] < cells["b"][2]) == (cells["d"][2] < cells["c"][2])


def font_width(text: str, size: float) -> float:
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    font = FT2Font(findfont(FontProperties(family="DejaVu Sans")))
    font.set_size(1000, 72)
    glyphs = [font.load_char(ord(character)) for character in text]
    return sum(glyph.linearHoriAdvance / 65536 for glyph in glyphs) * size / 1000


@given(st.text("abcXYZ[]0123456789_αβδ ", max_size=30))
def test_text_is_never_wider_than_thought(text):
    assert font_width(text, 12) <= text_width(text, 12) * 1.01 + 0.01


@given(st.text("abcWM[]0123456789_ ", min_size=1, max_size=60), st.floats(15, 200))
def test_fitted_text_fits(text, width):
    short = fitted(text, 12, width)
    assert text_width(short, 12) <= width
    if text_width(" ".join(text.split()), 12) <= width:
        assert short == " ".join(text.split())


@given(st.text("abc ", max_size=80), st.floats(40, 200))
def test_broken_text_fits_and_keeps_its_words(text, width):
    lines = lines_of(text, 12, width)
    assert all(text_width(line, 12) <= width for line in lines)
    if "…" not in "".join(lines):
        assert " ".join(lines).split() == text.split()
