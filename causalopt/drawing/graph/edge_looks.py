"""How an edge is drawn: by what the worlds change, or by the derivative along it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection

from causalopt.drawing.graph.layout import Link
from causalopt.drawing.graph.legend import Entry, line_entry
from causalopt.drawing.graph.local_slopes import Slope, Slopes
from causalopt.drawing.graph.marks import Marks, edge_state
from causalopt.drawing.graph.routes import Curve, point_at
from causalopt.drawing.graph.shapes import Outline, Shape, Stroke, segment
from causalopt.drawing.palette import colours

STATES = {
    "plain": "depends on",
    "cut": "cut in Y",
    "cut-changed": "carries the nudge in X, cut in Y",
    "changed": "carries the nudge",
    "moved": "carries what Y moves again",
}
THINNEST, WIDEST = 0.8, 4.2  # pixels
DECADES = 6  # below the largest; what is smaller is drawn as thin as this is
CUT = (1.5, 3.0)
BACKWARD = (8.0, 3.5)
UNKNOWN = (7.0, 3.0, 1.5, 3.0)
KINK = 4.5  # half the size of a kink's cross
KINDS = {
    "negative": "negative",
    "zero": "zero at these values",
    "nonfinite": "not finite",
    "whole": "none: whole numbers",
}


@dataclasses.dataclass(frozen=True)
class EdgeLook:
    """One edge's look.

    Attributes:
        kind: What kind it is, a word or two.
        stroke: Its line.
        words: What a pointer brings up.
        order: Edges of a higher one are drawn over those of a lower one.
        on_kink: Whether it bears the cross of a kink.
    """

    kind: str
    stroke: Stroke
    words: str = ""
    order: float = 0.0
    on_kink: bool = False

    @property
    def head(self) -> float:
        """The length of its arrow's head."""
        return max(8.0, 4.0 + 2.4 * self.stroke.width)

    def sign(self, curve: Curve) -> list[Shape]:
        """Return the cross on the middle of an edge whose derivative is one side's."""
        return kink_cross(*point_at(curve, 0.5)) if self.on_kink else []


def edge_look(link: Link, marks: Marks, slopes: Slopes | None) -> EdgeLook:
    """Return how an edge is drawn.

    Args:
        link: The edge.
        marks: What the worlds do to its ends.
        slopes: The derivatives along edges, when these are drawn.
    """
    if slopes is not None:
        return _slope_look(link, slopes)
    state = edge_state(marks.of(link.source), marks.of(link.target))
    return EdgeLook(state, state_stroke(state), order=list(STATES).index(state))


def state_stroke(state: str) -> Stroke:
    """Return the line of an edge that the worlds leave so: `plain`, `changed`, ..."""
    used = colours()
    return {
        "plain": Stroke(used.faint, 1.1),
        "cut": Stroke(used.faint, 1.1, CUT),
        "changed": Stroke(used.red, 1.8),
        "cut-changed": Stroke(used.red, 1.4, CUT),
        "moved": Stroke(used.green, 1.8, (6, 3)),
    }[state]


def _slope_look(link: Link, slopes: Slopes) -> EdgeLook:
    slope = slopes.of[link]
    kind = slope_kind(slope)
    words = f"d {link.target.variable} / d {link.source.variable} = {slope.words}"
    size = abs(slope.value) if math.isfinite(slope.value) else 0.0
    stroke = slope_stroke(kind, size, slopes)
    return EdgeLook(f"slope {kind}", stroke, words, stroke.width, slope.status == "kink")


def slope_kind(slope: Slope) -> str:
    """Return `positive`, `negative`, or why it is neither."""
    if slope.status in ("zero", "nonfinite", "whole"):
        return slope.status
    return "positive" if slope.value > 0 else "negative" if slope.value < 0 else "zero"


def slope_stroke(kind: str, size: float, slopes: Slopes) -> Stroke:
    """Return the line of a derivative: as thick as its logarithm, dashed where it is negative."""
    used = colours()
    if kind == "zero":
        return Stroke(used.faint, 1.1, CUT)
    if kind in ("nonfinite", "whole"):
        return Stroke(used.faint, 1.6, UNKNOWN)
    width = thickness(size, slopes)
    return Stroke(used.blue, width, BACKWARD) if kind == "negative" else Stroke(used.ink, width)


def thickness(size: float, slopes: Slopes) -> float:
    """Return how thick a derivative's line is, in pixels: linear in its logarithm.

    Example:
        >>> found = Slopes({}, largest=1.0, smallest=0.01)
        >>> [round(thickness(size, found), 3) for size in (1, 0.1, 0.01)]
        [4.2, 2.5, 0.8]
    """
    low = _lowest(slopes)
    if not size or slopes.largest <= low:
        return (THINNEST + WIDEST) / 2
    # Logarithms apart: the quotient of two floats may be out of their range.
    share = (math.log(size) - math.log(low)) / (math.log(slopes.largest) - math.log(low))
    return THINNEST + (WIDEST - THINNEST) * max(share, 0.0)


def _lowest(slopes: Slopes) -> float:
    """Return the size of the thinnest line: the smallest, or six decades below the largest."""
    return max(slopes.smallest, slopes.largest * 0.1**DECADES)


def edge_entries(looks: Collection[EdgeLook], marks: Marks, slopes: Slopes | None) -> list[Entry]:
    """Return the legend of the edges that are drawn, and of no others."""
    kinds = {look.kind for look in looks}
    if slopes is None:
        # Where no world is shown an edge is just an edge.
        names = STATES | ({"plain": "carries no change"} if marks.nudged else {})
        return [line_entry(words, state_stroke(k)) for k, words in names.items() if k in kinds]
    drawn = {kind.removeprefix("slope ") for kind in kinds}
    signed = bool(drawn & {"positive", "negative"})
    entries = _samples(slopes, "positive" in drawn) if signed else []
    for kind, words in KINDS.items():
        if kind in drawn and not (kind == "negative" and "positive" not in drawn):
            size = math.sqrt(slopes.largest) * math.sqrt(_lowest(slopes))
            entries.append(line_entry(words, slope_stroke(kind, size, slopes)))
    if any(look.on_kink for look in looks):
        entries.append(Entry("on a kink: one side's", _kink_sample))
    return entries


def _samples(slopes: Slopes, is_positive: bool) -> list[Entry]:
    """Return the scale of thickness: the largest, the one in the middle, the smallest."""
    low, high = _lowest(slopes), slopes.largest
    middle = math.sqrt(low) * math.sqrt(high)
    sizes = [high, middle, low] if high > 30 * low else [high, low] if high > low else [high]
    kind, sign = ("positive", "") if is_positive else ("negative", "-")
    found = []
    for i, size in enumerate(sizes):
        least = "≤ " if size == low > slopes.smallest else ""
        words = f"dv/du = {sign}{size:.3g}" if i == 0 else f"{sign}{least}{size:.3g}"
        found.append(line_entry(words, slope_stroke(kind, size, slopes)))
    return found


def kink_cross(x: float, y: float) -> list[Shape]:
    """Return the sign of a kink: a cross on a ground of paper."""
    used, k = colours(), KINK
    lines = (segment(x - k, y - k, x + k, y + k), segment(x - k, y + k, x + k, y - k))
    grounds = [Outline(line, stroke=Stroke(used.paper, 4.0)) for line in lines]
    return [*grounds, *(Outline(line, stroke=Stroke(used.ink, 1.6)) for line in lines)]


def _kink_sample(x: float, y: float) -> list[Shape]:
    line = Outline(segment(x - 15, y, x + 15, y), stroke=Stroke(colours().ink, 1.6))
    return [line, *kink_cross(x, y)]
