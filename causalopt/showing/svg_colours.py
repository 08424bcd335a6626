"""SVG that takes the colours of the page it stands in: ink is the page's, paper is left out."""

from __future__ import annotations

import functools
import re

from causalopt.drawing.palette import BAND_A, BAND_B, FILL_A, FILL_B, INK, PALE, PAPER, REGION_FILL

# Pale areas are half transparent, so that ink of either kind can be read on them.
_AREAS = {
    FILL_A: "rgba(240,180,40,.28)",
    BAND_A: "rgba(240,180,40,.08)",
    REGION_FILL: "rgba(240,180,40,.25)",
    FILL_B: "rgba(70,150,220,.24)",
    BAND_B: "rgba(70,150,220,.07)",
    PALE: "rgba(128,128,128,.3)",
    "#ececec": "rgba(128,128,128,.25)",
    "#666666": "#808080",  # text of less weight: a grey that is read on either ground
}
_WHITE = "#fefefe"  # of text, which stands on an area of colour
_TAG = re.compile(r"<[a-z][^>]*>")
_INKS = {INK, "#000000", "black"}
_COLOUR = re.compile(r'\b(fill|stroke)(: ?|=")(#[0-9a-fA-F]{6}\b|black\b|white\b)')
_STYLE = re.compile(r"<style\b.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg\b[^>]*?) width="([\d.]+)(?:pt)?" height="([\d.]+)(?:pt)?"')


def in_page_colours(svg: str) -> str:
    """Return SVG with the page's ink, and nothing where it has white paper."""

    def changed(found: re.Match[str], *, is_text: bool) -> str:
        kind, between, colour = found.groups()
        colour = colour.lower()
        if colour in _INKS:
            colour = "currentColor"
        elif colour in (PAPER, "white"):
            colour = _WHITE if is_text else "none"
        else:
            colour = _AREAS.get(colour, colour)
        return f"{kind}{between}{colour}"

    def recoloured(tag: re.Match[str]) -> str:
        is_text = tag[0].startswith("<text")
        return _COLOUR.sub(functools.partial(changed, is_text=is_text), tag[0])

    return _TAG.sub(recoloured, svg)


def inline(svg: str, *, widest: float = 640.0) -> str:
    """Return an SVG document as an element of a page, no wider than its place.

    Args:
        svg: The document.
        widest: Pixels that it takes at most; smaller ones keep their size.
    """
    svg = _STYLE.sub("", svg)  # its rules would hold for the whole page
    start = svg.index("<svg")
    size = _SIZE.search(svg)
    if size is None:
        return svg[start:]
    width = min(float(size[2]), widest)
    style = f'style="width:{width:.0f}px;max-width:100%;height:auto;color:inherit"'
    return svg[start : size.start()] + f"{size[1]} {style}" + svg[size.end() :]
