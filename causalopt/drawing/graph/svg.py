"""SVG, written by hand: the same bytes for the same picture, on every machine."""

from __future__ import annotations

import dataclasses
from xml.sax.saxutils import escape, quoteattr

from causalopt.drawing.graph.shapes import Caption, Group, Outline, Scene, Stroke, hatch_colour
from causalopt.drawing.palette import DARK, LIGHT, Palette

FAMILY = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"


def svg_text(scene: Scene, *, follows_system: bool = False) -> str:
    """Return a scene as a whole SVG document, which refers to nothing outside itself.

    Args:
        scene: What is drawn.
        follows_system: Whether a light scene is dark where the reader's system prefers it so.
    """
    size = f'width="{number(scene.width)}" height="{number(scene.height)}"'
    view = f'viewBox="0 0 {number(scene.width)} {number(scene.height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" '
        f'font-family="{FAMILY}" fill="none" stroke-linejoin="round">',
        f"<title>{_text(scene.title)}</title>",
        *([_dark_style(scene)] if follows_system else []),
        *(_group(group) for group in scene.groups),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _dark_style(scene: Scene) -> str:
    """Return the style that turns a scene dark: a rule for each colour that is in it."""
    shapes = [shape for group in scene.groups for shape in group.shapes]
    outlines = [shape for shape in shapes if isinstance(shape, Outline)]
    fills = {o.fill for o in outlines} | {s.colour for s in shapes if isinstance(s, Caption)}
    strokes = {outline.stroke.colour for outline in outlines if outline.stroke is not None}
    dark = darkened()
    rules = [
        f'[{kind}="{colour}"]{{{kind}:{dark[colour]}}}'
        for kind, used in (("fill", fills), ("stroke", strokes))
        for colour in sorted(filter(None, used))
        if colour in dark
    ]
    return f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"


def darkened() -> dict[str, str]:
    """Return colour of the light form -> the same of the dark form."""
    found = {}
    for field in dataclasses.fields(Palette):
        light, dark = getattr(LIGHT, field.name), getattr(DARK, field.name)
        if isinstance(light, str) and field.name != "name":
            found[light] = dark
    return found | {hatch_colour(LIGHT): hatch_colour(DARK)}


def number(value: float) -> str:
    """Return a length with two decimals at most, and never `-0`.

    Example:
        >>> number(3.0), number(-0.001), number(2.345)
        ('3', '0', '2.35')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _text(text: str) -> str:
    return escape(_kept(text))


def _kept(text: str) -> str:
    """Drop the control characters that XML cannot hold."""
    return "".join(c for c in text if c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe")


def _group(group: Group) -> str:
    name = f" data-name={quoteattr(_kept(group.name))}" if group.name else ""
    words = f"<title>{_text(group.words)}</title>" if group.words else ""
    shapes = "".join(
        _label(shape) if isinstance(shape, Caption) else _path(shape) for shape in group.shapes
    )
    return f'<g class="{group.kind}"{name}>{words}{shapes}</g>'


def _path(shape: Outline) -> str:
    data = "".join(c[0] + " ".join(number(v) for v in c[1:]) for c in shape.commands)
    fill = f' fill="{shape.fill}"' if shape.fill else ""
    return f'<path d="{data}"{fill}{_stroke(shape.stroke)}/>'


def _stroke(stroke: Stroke | None) -> str:
    if stroke is None:
        return ""
    dash = f' stroke-dasharray="{" ".join(number(v) for v in stroke.dash)}"' if stroke.dash else ""
    return f' stroke="{stroke.colour}" stroke-width="{number(stroke.width)}"{dash}'


def _label(text: Caption) -> str:
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    weight = ' font-weight="bold"' if text.bold else ""
    # Half the height of a capital letter below the middle: the baseline, in every viewer.
    place = f'x="{number(text.x)}" y="{number(text.y + 0.36 * text.size)}"'
    look = f'font-size="{number(text.size)}" fill="{text.colour}"{anchor}{weight}'
    return f"<text {place} {look}>{_text(text.text)}</text>"
