"""The outline of a held region: lines where a cell's neighbour is outside, and nowhere else."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt
from causalopt import Node, load, region
from causalopt.drawing.graph.marks import marks_for
from causalopt.drawing.graph.region_outline import edge_stroke
from causalopt.drawing.graph.shapes import Outline
from causalopt.drawing.palette import REGION_EDGE, REGION_FILL

STEPS = 6
NAMES = ("a", "b", "c")  # the rows of Lorenz's picture, from above


def drawn(hold: str, steps: int = STEPS, columns: int | None = None) -> causalopt.Picture:
    return causalopt.draw(load("lorenz"), nudge="b[0]", hold=hold, steps=steps, columns=columns)


def shapes(picture: causalopt.Picture) -> list[Outline]:
    groups = [group for group in picture.scene.groups if group.kind == "region"]
    assert len(groups) <= 1
    return [shape for group in groups for shape in group.shapes if isinstance(shape, Outline)]


@settings(max_examples=30, deadline=None)
@given(
    st.sets(
        st.tuples(st.sampled_from(NAMES), st.integers(0, STEPS)).filter(lambda p: p != ("b", 0)),
        min_size=1,
    )
)
def test_a_line_stands_wherever_a_cell_has_no_neighbour_in_the_region(cells: set) -> None:
    found = shapes(drawn(" | ".join(f"{name}[{t}]" for name, t in sorted(cells))))
    whole = {name for name in NAMES if all((name, t) in cells for t in range(STEPS + 1))}
    if {name for name, _ in cells} == whole:
        assert not found  # whole variables have their rows shaded as ever
        return
    fills = [shape for shape in found if shape.fill == REGION_FILL]
    lines = [shape for shape in found if shape.stroke == edge_stroke()]
    assert len(fills) == len(cells)
    sides = 0
    for name, t in cells:
        row = NAMES.index(name)
        beside = [(row - 1, t), (row + 1, t), (row, t - 1), (row, t + 1)]
        sides += sum(not (0 <= r < 3 and (NAMES[r], s) in cells) for r, s in beside if s <= STEPS)
        sides += t == STEPS  # the end of the run
    assert len(lines) == sides


def test_a_node_on_the_boundary_has_an_inner_line_and_says_so() -> None:
    text = "[1<=t<=5] - a[1]"
    inside = region(load("lorenz"), text, steps=STEPS)
    marks = marks_for(load("lorenz"), steps=STEPS, nudge="b[0]", hold=text)
    border = {
        (name, t) for name in NAMES for t in range(STEPS + 1) if marks.of(Node(name, t)).border
    }
    assert border == {(node.variable, node.t) for node in inside.boundary}
    assert ("c", 3) not in border
    svg = ET.fromstring(drawn(text).svg())
    groups = [g for g in svg.iter() if g.get("class", "").startswith("node")]
    lined = {
        (next(iter(g)).text or "").partition(":")[0].partition(" ")[0]
        for g in groups
        if REGION_EDGE in ET.tostring(g, encoding="unicode")
    }
    assert lined == {f"{name}[{t}]" for name, t in border}
    assert "on its boundary" in marks.of(Node("b", 1)).words
    assert "on its boundary" not in marks.of(Node("c", 3)).words


def test_a_region_that_goes_on_behind_a_cut_is_open_there() -> None:
    picture = causalopt.draw(
        load("lorenz"), nudge="b[0]", hold="[3<=t<=60]", steps=80, columns=4, around=[10, 11]
    )
    assert [column.t for column in picture.layout.columns] == [0, 10, 11, 80]
    lines = [shape for shape in shapes(picture) if shape.stroke == edge_stroke()]
    assert lines
    assert not [line for line in lines if line.commands[0][1] == line.commands[1][1]]


def test_a_region_that_ends_where_a_cut_begins_is_closed_there() -> None:
    picture = causalopt.draw(
        load("lorenz"), nudge="b[0]", hold="a[3<=t<=10] | a[t>=20]", steps=80, columns=4, around=10
    )
    gap = next(gap for gap in picture.layout.gaps if gap.first == 11)
    upright = {
        line.commands[0][1]
        for line in shapes(picture)
        if line.stroke == edge_stroke() and line.commands[0][1] == line.commands[1][1]
    }
    assert any(x == pytest.approx(gap.left) for x in upright)


def test_a_gap_that_lies_in_the_region_is_shaded_as_a_whole() -> None:
    picture = drawn("a[3<=t<=60]", steps=80, columns=8)
    assert {3, 60} <= {column.t for column in picture.layout.columns}
    (gap,) = (gap for gap in picture.layout.gaps if gap.first > 3 and gap.last < 60)
    fills = [shape.commands for shape in shapes(picture) if shape.fill == REGION_FILL]
    sides = [[command[1] for command in path if len(command) > 1] for path in fills]
    assert (pytest.approx(gap.left), pytest.approx(gap.right)) in [
        (min(xs), max(xs)) for xs in sides
    ]


@pytest.mark.parametrize("hold", ["a", "a, c", "A"])
def test_whole_variables_have_no_outline(hold: str) -> None:
    assert shapes(drawn(hold)) == []
    assert not marks_for(load("lorenz"), steps=5, nudge="b[0]", hold=hold).border.any()


def test_the_title_says_the_set_as_it_was_written() -> None:
    assert "A = {between(n, c[6])}" in drawn("between(n, c[6])").title


@pytest.mark.parametrize("kind", ["svg", "tex", "dot", "mmd", "html"])
def test_every_format_takes_a_region(kind: str) -> None:
    assert drawn("between(b[0], c[6]) - a[t<=3]").render(kind)


def test_the_documentation_shows_the_region_that_is_drawn() -> None:
    file = Path(__file__).parents[3] / "docs" / "images" / "region.svg"
    picture = drawn("(a[2<=t<=5] | b[4<=t<=7]) - a[3]", steps=9, columns=10)
    assert file.read_text(encoding="utf-8") == picture.svg()
