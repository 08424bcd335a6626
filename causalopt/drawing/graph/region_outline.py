"""The region of a set A that is not whole variables: its cells shaded, its outline drawn."""

from __future__ import annotations

import itertools

from causalopt.drawing.graph.layout import Layout
from causalopt.drawing.graph.marks import Marks
from causalopt.drawing.graph.shapes import Group, Outline, Shape, Stroke, box, segment
from causalopt.drawing.palette import REGION_EDGE, REGION_FILL

EDGE = Stroke(REGION_EDGE, 1.8)


def region_group(layout: Layout, marks: Marks) -> list[Group]:
    """Return the shaded cells and the lines round them; none without a region.

    A cell is a row's height by a column's width, half the way to its neighbours. Where columns are
    left out of a long run, the region ends open at the cut.

    Args:
        layout: Where everything stands.
        marks: What everything is.
    """
    if not layout.lanes or not marks.region.any():
        return []
    spans = _spans(layout)
    inside = {
        (row, place)
        for row, lane in enumerate(layout.lanes)
        for place, (t, _, _) in enumerate(spans)
        if marks.region[t, marks.names.index(lane.variable)]
    }
    half = layout.pitch / 2
    cells: list[Shape] = []
    lines: list[Shape] = []
    for row, place in sorted(inside):
        t, left, right = spans[place]
        y = layout.lanes[row].y
        centre, width = (left + right) / 2, right - left
        cells.append(Outline(box(centre, y, width, 2 * half), fill=REGION_FILL))
        if (row - 1, place) not in inside:
            lines.append(Outline(segment(left, y - half, right, y - half), stroke=EDGE))
        if (row + 1, place) not in inside:
            lines.append(Outline(segment(left, y + half, right, y + half), stroke=EDGE))
        for x, other, step in ((left, place - 1, t - 1), (right, place + 1, t + 1)):
            beside = 0 <= other < len(spans) and spans[other][0] == step
            goes_on = (
                0 <= step < len(marks.region)
                and marks.region[step, marks.names.index(layout.lanes[row].variable)]
            )
            if (row, other) not in inside if beside else not goes_on:
                lines.append(Outline(segment(x, y - half, x, y + half), stroke=EDGE))
    return [Group("region", (*cells, *lines), words="the held region")]


def _spans(layout: Layout) -> list[tuple[int, float, float]]:
    """Return each drawn column's step and where its cells begin and end."""
    columns = layout.columns
    middles = [(a.right + b.left) / 2 for a, b in itertools.pairwise(columns)]
    lefts, rights = [layout.left, *middles], [*middles, layout.right]
    found = []
    for column, left, right in zip(columns, lefts, rights, strict=True):
        for gap in layout.gaps:
            left = gap.right if gap.last == column.t - 1 else left
            right = gap.left if gap.first == column.t + 1 else right
        found.append((column.t, left, right))
    return found
