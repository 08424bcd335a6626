"""SVG, written by hand: the same bytes for the same picture, on every machine."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from causalopt.drawing.graph.shapes import Caption, Group, Outline, Scene, Stroke

FAMILY = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"


def svg_text(scene: Scene) -> str:
    """Return a scene as a whole SVG document, which refers to nothing outside itself."""
    size = f'width="{number(scene.width)}" height="{number(scene.height)}"'
    view = f'viewBox="0 0 {number(scene.width)} {number(scene.height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" '
        f'font-family="{FAMILY}" fill="none" stroke-linejoin="round">',
        f"<title>{_text(scene.title)}</title>",
        *(_group(group) for group in scene.groups),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


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
