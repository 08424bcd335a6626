"""A graph whose edges are as wide as what goes along them, before it is written as anything."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from causalopt.drawing.graph.layout import Layout
from causalopt.drawing.graph.marks import Marks
from causalopt.drawing.graph.routes import Curve, Point
from causalopt.drawing.graph.shapes import Stroke
from causalopt.drawing.palette import colours
from causalopt.influence.relative_currents import sign_words

THINNEST = 0.5  # pixels; what is less wide by the scale is drawn so, with dots
RIM = 3.4  # pixels by which the largest node's rim is wider than that of a node with nothing
_STEPS = (1.0, 2.0, 5.0)


@dataclasses.dataclass(frozen=True)
class WidthScale:
    """Pixels for currents: proportional, the widest for the largest.

    Attributes:
        largest: The largest current drawn along an edge.
        widest: Its width in pixels.
    """

    largest: float
    widest: float

    def width(self, size: float) -> float:
        """Return the width of a current's line in pixels."""
        return self.widest * abs(size) / self.largest if self.largest > 0 else 0.0

    @property
    def samples(self) -> tuple[float, ...]:
        """Round currents for the legend, the largest first; none where nothing flows."""
        if not self.largest > 0:
            return ()
        found: list[float] = []
        power = math.floor(math.log10(self.largest))
        for exponent in (power, power - 1):
            for step in reversed(_STEPS):
                size = step * 10.0**exponent
                if size <= self.largest and self.width(size) > 1 and len(found) < 3:
                    found.append(size)
        return tuple(found)


@dataclasses.dataclass(frozen=True)
class DiagramNode:
    """A drawn node.

    Attributes:
        name: What tells it from every other.
        x: Its middle.
        y: Its middle.
        text: Its first line.
        caption: Its second: what goes through it.
        value: That current, signed.
        in_a: Whether it is in A.
        is_n: Whether the nudge is made here.
        is_m: Whether the effect is measured here.
        doubted: Whether rounding or a branch decided the current.
        words: All of it in words.
    """

    name: str
    x: float
    y: float
    text: str
    caption: str
    value: float
    in_a: bool = False
    is_n: bool = False
    is_m: bool = False
    doubted: bool = False
    words: str = ""


@dataclasses.dataclass(frozen=True)
class DiagramEdge:
    """A drawn edge: a strand for what goes along it with the total effect, one for what against.

    Attributes:
        source: The node's name; None where it lies in a gap.
        target: The node's name; None where it lies in a gap.
        curve: From rim to rim.
        positive: What goes with the total effect.
        negative: What goes against it, at most 0.
        doubted: Whether rounding or a branch decided it.
        label: Written beside it.
        label_at: Where.
        words: All of it in words.
        gap: The gap in which an end lies.
    """

    source: str | None
    target: str | None
    curve: Curve
    positive: float
    negative: float
    doubted: bool = False
    label: str = ""
    label_at: Point = (0.0, 0.0)
    words: str = ""
    gap: int | None = None

    @property
    def size(self) -> float:
        """The size of what goes along it, in both strands."""
        return self.positive - self.negative

    @property
    def name(self) -> str:
        """Its ends."""
        return f"{self.source or '...'} -> {self.target or '...'}"


@dataclasses.dataclass(frozen=True)
class Strand:
    """One line of an edge: its curve, its look and its current."""

    curve: Curve
    stroke: Stroke
    value: float


@dataclasses.dataclass(frozen=True, eq=False)
class Diagram:
    """A whole picture of currents.

    Attributes:
        title: The line above.
        unit: What a width stands for, in words.
        scale: From currents to widths.
        nodes: Those drawn.
        edges: Those drawn.
        node_width: Of each node.
        node_height: Of each node.
        right: Where they end.
        top: Where they begin.
        bottom: Where they end.
        layout: The rows, columns and gaps they stand in, if any.
        marks: What stands in A, for the rows' heads.
        notes: Lines below the legend.
    """

    title: str
    unit: str
    scale: WidthScale
    nodes: Sequence[DiagramNode]
    edges: Sequence[DiagramEdge]
    node_width: float
    node_height: float
    right: float
    top: float
    bottom: float
    layout: Layout | None = None
    marks: Marks | None = None
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What widths and colours say, in one line, for languages without a legend."""
        if not self.scale.largest > 0:
            return "nothing flows"
        largest = f"the widest line is {share_text(self.scale.largest)} {self.unit}"
        return f"{largest}; red {self.signs[0]}, blue {self.signs[1]}"

    @property
    def signs(self) -> tuple[str, str]:
        """What red and blue say, in words."""
        return sign_words(self.unit)

    def strands(self, edge: DiagramEdge) -> tuple[Strand, ...]:
        """Return the lines of an edge: side by side where it carries both signs."""
        total = self.scale.width(edge.size)
        if not edge.size > 0:
            return (Strand(edge.curve, Stroke(colours().faint, 0.8), 0.0),)
        found = []
        left = -total / 2
        for value in (edge.positive, edge.negative):
            if value:
                width = self.scale.width(value)
                stroke = strand_stroke(value, width, doubted=edge.doubted)
                found.append(Strand(shifted(edge.curve, left + width / 2), stroke, value))
                left += width
        return tuple(found)

    def rim(self, node: DiagramNode) -> Stroke:
        """Return the line round a node: wide and coloured by what goes through it."""
        largest = max((abs(other.value) for other in self.nodes), default=0.0)
        if not node.value or not largest:
            return Stroke(colours().ink, 1.1)
        width = 1.1 + RIM * abs(node.value) / largest
        return Stroke(sign_colour(node.value), width, (6, 3) if node.value < 0 else ())


def sign_colour(value: float) -> str:
    """Return red for what goes with the total effect, blue for what goes against it."""
    return colours().red if value > 0 else colours().blue if value < 0 else colours().faint


def strand_stroke(value: float, width: float, *, doubted: bool = False) -> Stroke:
    """Return the look of a current; a sign is told by dashes too, and doubt by dots."""
    colour = sign_colour(value)
    if width < THINNEST:
        return Stroke(colour, THINNEST, (0.8, 3.0))
    if doubted:
        return Stroke(colour, width, (1.5, 2.5))
    return Stroke(colour, width, (9.0, 3.0) if value < 0 else ())


def shifted(curve: Curve, by: float) -> Curve:
    """Return a curve that runs beside another."""
    if not by:
        return curve
    a, b, c, d = curve
    (ux, uy), (vx, vy) = _normal(a, b, d), _normal(c, d, d)
    return (
        (a[0] + by * ux, a[1] + by * uy),
        (b[0] + by * ux, b[1] + by * uy),
        (c[0] + by * vx, c[1] + by * vy),
        (d[0] + by * vx, d[1] + by * vy),
    )


def _normal(p: Point, q: Point, other: Point) -> Point:
    if p == q:
        q = other
    dx, dy = q[0] - p[0], q[1] - p[1]
    length = math.hypot(dx, dy) or 1.0
    return -dy / length, dx / length


def share_text(value: float) -> str:
    """Return a share as it stands at a node.

    Example:
        >>> share_text(0.97312), share_text(-25416.8), share_text(0.0), share_text(float("nan"))
        ('0.973', '-2.54e4', '0', '?')
    """
    if math.isnan(value):
        return "?"
    text = f"{value:.3g}"
    return text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
