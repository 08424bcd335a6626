"""The legend of a picture: a sample and words each, in rows that fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from causalopt.drawing.graph.layout import MARGIN, SMALL
from causalopt.drawing.graph.lettering import text_width
from causalopt.drawing.graph.shapes import Caption, Group, Outline, Shape, Stroke, segment
from causalopt.drawing.palette import colours

LEGEND_ROW = 32.0
WORDS = 52.0  # where an entry's words begin, the sample being round 24


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the legend: a sample drawn round a centre, and what it means."""

    words: str
    draw: Callable[[float, float], list[Shape]]


def line_entry(words: str, stroke: Stroke) -> Entry:
    """Return the entry of a line."""
    return Entry(words, lambda x, y: [Outline(segment(x - 15, y, x + 15, y), stroke=stroke)])


def legend_rows(entries: list[Entry], width: float, top: float) -> tuple[list[Group], float]:
    """Return the legend in rows that fit, and the picture's height."""
    x, y = MARGIN - 8, top + LEGEND_ROW / 2
    groups = []
    for entry in entries:
        needed = WORDS + text_width(entry.words, SMALL) + 20
        if x > MARGIN and x + needed > width - MARGIN + 20:
            x, y = MARGIN - 8, y + LEGEND_ROW
        text = Caption(x + WORDS, y, entry.words, SMALL, colours().ink, "start")
        groups.append(Group("legend", (*entry.draw(x + 24, y), text)))
        x += needed
    return groups, y + LEGEND_ROW / 2 + MARGIN / 2
