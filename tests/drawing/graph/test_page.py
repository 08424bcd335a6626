"""A picture of any length and any number of variables fits a page, and can be read on it."""

from __future__ import annotations

import functools
import itertools
import math
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt
from causalopt import Model, Node, currents, draw, load, shipped
from causalopt.drawing.graph.layers import narrow_layers
from causalopt.drawing.graph.marks import edge_state
from causalopt.drawing.graph.routes import point_at, routes
from causalopt.drawing.graph.shapes import Caption, Scene
from causalopt.errors import QuestionError
from tests.drawing.graph.strategies import asked
from tests.strategies import templates

SVG = "{http://www.w3.org/2000/svg}"
INCHES, POINTS = 6.5, 7.0


def extents(scene: Scene) -> Iterator[tuple[Caption, tuple[float, float, float, float]]]:
    """Every text with its left, right, top and bottom, as DejaVu Sans is wide in a font file."""
    for text in (s for group in scene.groups for s in group.shapes if isinstance(s, Caption)):
        width = text.size / 100 * _width(text.text, bold=text.bold)
        left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
        yield text, (left, left + width, text.y - 0.38 * text.size, text.y + 0.38 * text.size)


@functools.cache
def _width(text: str, *, bold: bool) -> float:
    """The width of a text of size 100."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=100, prop=font).get_extents().width)


def assert_readable(picture: causalopt.Picture | causalopt.CurrentPicture) -> None:
    """Hold a picture to a page 6.5 inches wide: texts inside, apart, and of 7 points or more."""
    root = ET.fromstring(picture.svg())
    width, height = (float(size) for size in root.get("viewBox", "").split()[2:])
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("font-size", "0")) * INCHES * 72 / width >= POINTS
    boxes = list(extents(picture.scene))
    for text, (left, right, top, bottom) in boxes:
        assert left >= 0, text.text
        assert right <= width, text.text
        assert top >= 0, text.text
        assert bottom <= height, text.text
    for (a, (l1, r1, t1, b1)), (b, (l2, r2, t2, b2)) in itertools.combinations(boxes, 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1, f"{a} runs into {b}"


def ring(count: int, name: str = "x") -> Model:
    """Variables that each follow from themselves and the one before, in a ring."""
    variables = {
        f"{name}{i}": {"rule": f"{name}{i}[t-1] / 2 + {name}{(i - 1) % count}[t-1]", "initial": i}
        for i in range(count)
    }
    first, last = f"{name}0", f"{name}{count - 1}"
    return Model(
        name="ring",
        variables=variables,
        partition={"A": [f"{name}1"]},
        question={"nudge": f"{first}[0]", "target": last, "hold": "A", "steps": 50},
    )


@settings(max_examples=20, deadline=None)
@given(asked())
def test_random_models_can_be_read_on_a_page(question) -> None:
    model, steps, nudge, hold = question
    assert_readable(draw(model, steps=steps, nudge=nudge, hold=hold))


@settings(max_examples=20, deadline=None)
@given(templates(), st.integers(1, 10**6), st.data())
def test_runs_of_any_length_can_be_read_on_a_page(model, steps, data) -> None:
    names = list(model.variables)
    n = f"{data.draw(st.sampled_from(names))}[{data.draw(st.integers(0, min(steps, 10**4)))}]"
    picture = draw(model, steps=steps, nudge=n, hold="", target=data.draw(st.sampled_from(names)))
    assert picture.scene.width == 660
    assert_readable(picture)
    shown = [column.t for column in picture.layout.columns]
    assert {0, steps, model.node(n).t} <= set(shown)
    stretches = [*((t, t) for t in shown), *((g.first, g.last) for g in picture.layout.gaps)]
    stretches.sort()
    assert all(b[0] == a[1] + 1 for a, b in itertools.pairwise(stretches))


@pytest.mark.parametrize("count", [2, 3, 5, 8, 13, 21, 34, 40])
@pytest.mark.parametrize("name", ["x", "temperature_of_the_room_number_"])
def test_many_variables_and_long_names_can_be_read_on_a_page(count: int, name: str) -> None:
    picture = draw(ring(count, name))
    assert_readable(picture)
    assert picture.scene.width == 660
    assert picture.scene.height <= 660 * 11 / 6.5
    assert len(picture.layout.columns) >= 4
    # What is shortened is in full under a pointer.
    words = " ".join(group.words for group in picture.scene.groups)
    assert all(variable in words for variable in picture.model.variables)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_model_can_be_read_on_a_page(name: str) -> None:
    picture = draw(load(name))
    assert_readable(picture)
    assert picture.scene.width == 660


def test_currents_can_be_read_on_a_page() -> None:
    picture = draw(currents(load("lorenz"), nudge="b[5]", target="c", steps=300))
    assert_readable(picture)
    assert picture.scene.width == 660


def test_a_million_steps_are_drawn_at_once() -> None:
    began = time.perf_counter()
    picture = draw(load("thermostat"), steps=10**6, hold="T[1000<=t<=5000]")
    picture.svg()
    assert time.perf_counter() - began < 5
    assert {0, 1000, 5000, 10**6} <= {column.t for column in picture.layout.columns}
    gaps = sum(gap.last - gap.first + 1 for gap in picture.layout.gaps)
    assert gaps + len(picture.layout.columns) == 10**6 + 1


def test_what_happens_decides_which_steps_are_drawn() -> None:
    picture = draw(load("lorenz"), nudge="b[70]", hold="a[200<=t<=300]", target="c", steps=1000)
    shown = {column.t for column in picture.layout.columns}
    assert {0, 70, 200, 300, 1000} <= shown


def test_a_step_that_is_asked_for_is_drawn_with_those_beside_it() -> None:
    picture = draw(load("thermostat"), steps=1000, columns=8, around=[400])
    assert {0, 399, 400, 401, 1000} <= {column.t for column in picture.layout.columns}
    assert len(picture.layout.columns) <= 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": 3}, "a picture has room for 4 columns at least, found 3"),
        ({"columns": 401}, "--columns is at most 400"),
        ({"columns": 4, "around": [10, 20, 30]}, "4 columns are too few: t = 0, 10, 20, 30, 1000"),
        ({"around": 1001}, "around must lie between 0 and the last step 1000, found 1001"),
        ({"around": -1}, "around must lie between 0 and the last step 1000, found -1"),
        ({"theme": "sepia"}, "theme is one of light, dark; 'sepia' came"),
        ({"plain": True, "target": "R"}, "a plain picture has no target"),
    ],
)
def test_what_cannot_be_drawn_is_said(options: dict, message: str) -> None:
    with pytest.raises(QuestionError) as caught:
        draw(load("thermostat"), **options)
    assert message in str(caught.value)


def test_steps_of_a_model_without_time_are_refused() -> None:
    with pytest.raises(QuestionError, match="'m' has no steps: leave `around` out"):
        draw(Model(name="m", variables={"a": {"initial": 1}, "b": "a"}), around=3)


def test_an_unknown_target_is_refused_with_a_suggestion() -> None:
    with pytest.raises(causalopt.UnknownNameError, match="unknown variable 'Room'"):
        draw(load("thermostat"), target="Room")


LAGGED = Model(
    name="lagged",
    variables={
        "x": {"rule": "x[t-1] + x[t-2] + x[t-3] + y[t-2]", "initial": [1, 1, 1]},
        "y": {"rule": "y[t-2] + x[t-2]", "initial": [1, 1]},
    },
)


FIVE = Model(
    name="five lags",
    variables={"x": {"rule": "x[t-5] + x[t-4] + x[t-3] + x[t-2] + x[t-1]", "initial": [1] * 5}},
)


@pytest.mark.parametrize("model", [LAGGED, load("lorenz"), ring(4), FIVE], ids=lambda m: m.name)
def test_no_arrow_lies_on_another(model: Model) -> None:
    picture = draw(model, steps=9, columns=10)
    ways = routes(picture.layout, picture.marks)
    for one, other in itertools.combinations(ways, 2):
        if one.link.gap is not None or other.link.gap is not None:
            continue
        points = [point_at(one.curve, i / 20) for i in range(21)]
        near = [point_at(other.curve, i / 200) for i in range(201)]
        on = sum(min(math.dist(p, q) for q in near) < 1.5 for p in points)
        assert on <= (4 if model is FIVE else 6), (one.link, other.link)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.data())
def test_narrow_layers_keep_causes_above_and_their_width(count, widest, data) -> None:
    names = [f"v{i}" for i in range(count)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    chosen = data.draw(st.lists(pairs, max_size=2 * count))
    edges = [(f"v{min(p)}", f"v{max(p)}") for p in chosen if p[0] != p[1]]
    cells = narrow_layers(names, edges, widest=widest)
    assert set(cells) == set(names)
    assert len(set(cells.values())) == count
    assert all(cells[a][0] < cells[b][0] for a, b in edges)
    layers = [layer for layer, _ in cells.values()]
    assert max(map(layers.count, layers)) <= widest
    assert set(layers) == set(range(max(layers) + 1))


def test_a_static_graph_of_a_hundred_nodes_is_layered_on_a_page() -> None:
    variables = {f"v{i}": f"v{i // 2} + v{i - 7}" if i > 9 else {"initial": i} for i in range(100)}
    picture = draw(
        Model(name="mesh", variables=variables, question={"nudge": "v3", "target": "v99"})
    )
    assert_readable(picture)
    assert picture.scene.width == 660
    assert len(picture.layout.places) == 100
    for link in picture.layout.links:
        assert picture.layout.places[link.source].y < picture.layout.places[link.target].y


# What a legend says, and how it is seen in a picture.
def seen(picture: causalopt.Picture) -> set[str]:
    """The entries that a picture's nodes, edges and gaps ask for, from its marks alone."""
    layout, marks = picture.layout, picture.marks
    shown = [marks.of(node) for node in layout.places]
    edges = {edge_state(marks.of(e.source), marks.of(e.target)) for e in layout.links}
    asked = marks.nudge is not None
    said = {
        "in A": any(m.in_a for m in shown),
        "in B": any(not m.in_a for m in shown),
        "n, nudged by δ": any(m.nudged and not m.measured for m in shown),
        "m, measured": any(m.measured and not m.nudged for m in shown),
        "n and m": any(m.measured and m.nudged for m in shown),
        "X differs from W": any(m.changed and not m.moved and not m.nudged for m in shown),
        "Y differs from X": any(m.moved and m.differs for m in shown),
        "Y differs from X: back at W": any(m.moved and not m.differs for m in shown),
        "held in Y at W's value": any(m.held for m in shown),
        "on A's boundary: a parent or a child outside": any(m.border for m in shown),
        "A at the steps it is held": any(group.kind == "region" for group in picture.scene.groups),
        "steps that are not drawn": bool(layout.gaps),
        "carries no change": asked and "plain" in edges,
        "depends on": not asked and "plain" in edges,
        "carries the nudge": "changed" in edges,
        "carries what Y moves again": "moved" in edges,
        "cut in Y": "cut" in edges,
        "carries the nudge in X, cut in Y": "cut-changed" in edges,
    }
    return {words for words, is_so in said.items() if is_so}


def legend(picture: causalopt.Picture) -> list[str]:
    return [
        shape.text
        for group in picture.scene.groups
        if group.kind == "legend"
        for shape in group.shapes[-1:]
        if isinstance(shape, Caption)
    ]


@settings(max_examples=20, deadline=None)
@given(asked())
def test_the_legend_says_what_is_in_the_picture_and_nothing_else(question) -> None:
    model, steps, nudge, hold = question
    picture = draw(model, steps=steps, nudge=nudge, hold=hold, target=next(iter(model.variables)))
    assert sorted(legend(picture)) == sorted(seen(picture))


@settings(max_examples=20, deadline=None)
@given(asked())
def test_every_colour_and_dash_of_a_picture_is_in_its_legend(question) -> None:
    model, steps, nudge, hold = question
    picture = draw(model, steps=steps, nudge=nudge, hold=hold)
    looks: dict[bool, set] = {True: set(), False: set()}
    for group in picture.scene.groups:
        kind = group.kind.split()[0]
        if kind in ("paper", "title", "steps"):
            continue
        for shape in group.shapes:
            if isinstance(shape, Caption):
                continue
            stroke = shape.stroke and (shape.stroke.colour, shape.stroke.dash)
            looks[kind == "legend"] |= {("fill", shape.fill)} if shape.fill else set()
            looks[kind == "legend"] |= {("stroke", stroke)} if stroke else set()
    heads = {("fill", look[1][0]) for look in looks[False] if look[0] == "stroke"}
    assert looks[False] - heads <= looks[True]
    assert looks[True] <= looks[False]


def test_n_and_m_are_marked_in_every_format() -> None:
    picture = draw(load("thermostat"), steps=3, target="R")
    assert picture.marks.of(Node("R", 3)).measured
    assert not picture.marks.of(Node("T", 3)).measured
    nodes = {
        g.get("data-name"): "".join(g.itertext())
        for g in ET.fromstring(picture.svg()).iter(f"{SVG}g")
        if g.get("class") == "node"
    }
    assert "n + δ" in nodes["R[0]"]
    assert nodes["R[3]"].endswith("mR[3]")
    assert [line for line in picture.dot().splitlines() if "\\nm" in line and '"R[3]"' in line]
    tags = [line for line in picture.tikz().splitlines() if r"\node[tag]" in line]
    (line,) = [line for line in tags if line.endswith("{m};")]
    place = list(picture.layout.places).index(Node("R", 3))
    assert f"(n{place}.north west)" in line
    assert f'n{place}((("R[3] m ◆")))' in picture.mermaid()
    assert '"m":[1,3,null]' in picture.html()
    assert picture.title == "Continuous thermostat: n = R[0], m = R[3], A = {T}"


def test_n_and_m_may_be_one_node() -> None:
    picture = draw(load("thermostat"), steps=3, nudge="R[3]", target="R")
    mark = picture.marks.of(Node("R", 3))
    assert mark.role == "n + δ, m"
    assert "n and m" in legend(picture)
    assert "m, measured" not in legend(picture)
