"""The few shapes every picture is made of, so that SVG and matplotlib draw the same thing."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from causalopt.drawing.graph.routes import Curve, Point, point_at
from causalopt.drawing.palette import Palette

Command = tuple[str, *tuple[float, ...]]


@dataclasses.dataclass(frozen=True)
class Stroke:
    """A line's look; the dash is in pixels on and off."""

    colour: str
    width: float = 1.0
    dash: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Outline:
    """A path: commands M, L, C and Z as in SVG, all absolute."""

    commands: tuple[Command, ...]
    fill: str | None = None
    stroke: Stroke | None = None


@dataclasses.dataclass(frozen=True)
class Caption:
    """One line of text; y is the middle of its height."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: Literal["start", "middle", "end"] = "middle"
    bold: bool = False


Shape = Outline | Caption


@dataclasses.dataclass(frozen=True)
class Group:
    """Shapes that belong together: an id, what they are, and words that a pointer brings up."""

    kind: str
    shapes: tuple[Shape, ...]
    name: str = ""
    words: str = ""


@dataclasses.dataclass(frozen=True)
class Scene:
    """A whole picture."""

    width: float
    height: float
    title: str
    groups: tuple[Group, ...]


def box(
    x: float, y: float, width: float, height: float, radius: float = 0.0
) -> tuple[Command, ...]:
    """Return a rectangle round a centre; its corners are rounded by the radius."""
    l, r, t, b = x - width / 2, x + width / 2, y - height / 2, y + height / 2  # noqa: E741 - left
    if radius == 0:
        return (("M", l, t), ("L", r, t), ("L", r, b), ("L", l, b), ("Z",))
    # The control points of the cubic that comes nearest to a quarter of a circle.
    k = radius * (1 - 0.5522847498)
    return (
        ("M", l + radius, t),
        ("L", r - radius, t),
        ("C", r - k, t, r, t + k, r, t + radius),
        ("L", r, b - radius),
        ("C", r, b - k, r - k, b, r - radius, b),
        ("L", l + radius, b),
        ("C", l + k, b, l, b - k, l, b - radius),
        ("L", l, t + radius),
        ("C", l, t + k, l + k, t, l + radius, t),
        ("Z",),
    )


def polygon(points: list[Point]) -> tuple[Command, ...]:
    """Return a closed path through points."""
    return (*(("L" if i else "M", x, y) for i, (x, y) in enumerate(points)), ("Z",))


def segment(x0: float, y0: float, x1: float, y1: float) -> tuple[Command, ...]:
    """Return a straight line."""
    return (("M", x0, y0), ("L", x1, y1))


def stripes(x: float, y: float, width: float, height: float, pitch: float) -> tuple[Command, ...]:
    """Return slanted lines that fill a rectangle: a hatch that every writer can draw."""
    left, top = x - width / 2, y - height / 2
    commands: list[Command] = []
    offset = pitch
    while offset < width + height:
        a, b = max(0.0, offset - height), min(width, offset)
        commands += segment(left + a, top + offset - a, left + b, top + offset - b)
        offset += pitch
    return tuple(commands)


_WING = 0.42  # half the width of an arrow's head, in its lengths


def arrow(curve: Curve, stroke: Stroke, head: float = 8.0) -> tuple[Outline, ...]:
    """Return a curve with an arrow's head at its end."""
    tip, length = curve[3], math.dist(curve[0], curve[3])
    back = point_at(curve, max(0.0, 1 - head / max(length, head)))
    dx, dy = tip[0] - back[0], tip[1] - back[1]
    size = math.hypot(dx, dy) or 1.0
    ux, uy = dx / size, dy / size
    base = (tip[0] - ux * head, tip[1] - uy * head)
    wing = head * _WING
    points = [
        tip,
        (base[0] - uy * wing, base[1] + ux * wing),
        (base[0] + uy * wing, base[1] - ux * wing),
    ]
    a, b, c, _ = curve
    shaft: tuple[Command, ...] = (("M", *a), ("C", *b, *c, *base))
    return (Outline(shaft, stroke=stroke), Outline(polygon(points), fill=stroke.colour))


def hatch_colour(used: Palette) -> str:
    """Return the colour of the hatch of what is held: between A's ground and its outline."""
    pairs = zip(_parts(used.fill_a), _parts(used.region_edge), strict=True)
    return "#" + "".join(f"{round(0.55 * a + 0.45 * b):02x}" for a, b in pairs)


def _parts(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
