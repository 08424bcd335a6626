"""The region of a set A that is not whole variables: its cells shaded, its outline drawn."""

from __future__ import annotations

import itertools

from causalopt.drawing.graph.layout import Layout
from causalopt.drawing.graph.marks import Marks
from causalopt.drawing.graph.shapes import Group, Outline, Shape, Stroke, box, segment
from causalopt.drawing.palette import colours

_Span = tuple[int, int, float, float]


def edge_stroke() -> Stroke:
    """Return the line round a region."""
    return Stroke(colours().region_edge, 1.8)


def region_group(layout: Layout, marks: Marks) -> list[Group]:
    """Return the shaded cells and the lines round them; none without a region.

    A cell is a row's height by a column's width, half the way to its neighbours. A gap is shaded
    where all of its steps are in the region; where some are, the region ends open at the cut.

    Args:
        layout: Where everything stands.
        marks: What everything is.
    """
    if not layout.lanes or not marks.region.any():
        return []
    spans = _spans(layout)
    share = {
        (row, place): _share(marks, lane.variable, first, last)
        for row, lane in enumerate(layout.lanes)
        for place, (first, last, _, _) in enumerate(spans)
    }
    half, fill, edge = layout.pitch / 2, colours().region_fill, edge_stroke()
    cells: list[Shape] = []
    lines: list[Shape] = []
    for (row, place), inside in share.items():
        if inside < 1:
            continue
        _, _, left, right = spans[place]
        y = layout.lanes[row].y
        cells.append(Outline(box((left + right) / 2, y, right - left, 2 * half), fill=fill))
        sides = {
            (row - 1, place): (left, y - half, right, y - half),
            (row + 1, place): (left, y + half, right, y + half),
            (row, place - 1): (left, y - half, left, y + half),
            (row, place + 1): (right, y - half, right, y + half),
        }
        for beside, ends in sides.items():
            if not _goes_on(marks, layout, share, spans, beside, to_the_left=beside[1] < place):
                lines.append(Outline(segment(*ends), stroke=edge))
    if not cells:
        return []
    return [Group("region", (*cells, *lines), words="the held region")]


def _share(marks: Marks, variable: str, first: int, last: int) -> float:
    """Return how much of a row lies in the region between two steps, from 0 to 1."""
    return float(marks.region[first : last + 1, marks.names.index(variable)].mean())


def _goes_on(
    marks: Marks,
    layout: Layout,
    share: dict[tuple[int, int], float],
    spans: list[_Span],
    cell: tuple[int, int],
    *,
    to_the_left: bool,
) -> bool:
    """Whether the region goes on in a neighbouring cell: of a gap, its nearest step."""
    if share.get(cell, 0.0) in (0.0, 1.0):
        return share.get(cell, 0.0) == 1
    first, last, _, _ = spans[cell[1]]
    step = last if to_the_left else first
    return _share(marks, layout.lanes[cell[0]].variable, step, step) == 1


def _spans(layout: Layout) -> list[_Span]:
    """Return the first and last step of each column and gap, and where it begins and ends."""
    columns = layout.columns
    middles = [(a.right + b.left) / 2 for a, b in itertools.pairwise(columns)]
    lefts, rights = [layout.left, *middles], [*middles, layout.right]
    found: list[_Span] = [(gap.first, gap.last, gap.left, gap.right) for gap in layout.gaps]
    for column, left, right in zip(columns, lefts, rights, strict=True):
        for gap in layout.gaps:
            left = gap.right if gap.last == column.t - 1 else left
            right = gap.left if gap.first == column.t + 1 else right
        found.append((column.t, column.t, left, right))
    return sorted(found)
