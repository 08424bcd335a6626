"""Colours, dashes and hatches shared by every picture, in a light and a dark form.

The posts draw what X changes in red and what Y changes back in green (Defining Optimization, Part
3). A plain red and green are one colour to one reader in twelve, so they are vermillion and bluish
green here, of the set that Okabe and Ito made to be told apart in every form of colour blindness.
Nothing is told by colour alone.

Text stands on paper with a contrast of 4.5 or more, lines with 3 or more, as WCAG 2.1 asks
(criteria 1.4.3 and 1.4.11).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal

from causalopt.errors import QuestionError

Theme = Literal["light", "dark"]


@dataclasses.dataclass(frozen=True)
class Palette:
    """The colours of one theme, as `#rrggbb`.

    Attributes:
        name: Of the theme.
        paper: The ground.
        ink: Text and the strongest lines.
        muted: Text of less weight.
        faint: Lines of less weight, such as those at 0.
        pale: Fills of no weight.
        missing: The ground of points that nobody computed, told from that of a value of 0.
        grid: Lines behind everything; the only ones that may be hard to see.
        red: What X changes.
        green: What Y changes back.
        blue: A measure.
        fill_a: A box of A.
        fill_b: A box of B.
        band_a: The ground behind A.
        band_b: The ground behind B.
        region_fill: The ground of a held region.
        region_edge: Its outline.
        boundary: The boundary of a region, as cells.
        amplifies: Op below 0.
        compresses: Op above 0.
        op_stops: From the lowest Op over 0 in the middle to the highest.
        signed_stops: Likewise for values that are not Op: negative, 0, positive.
        size_stops: From the smallest to the largest of values with one sign.
        series: Lines told apart, in this order.
        areas: Fills told apart, in this order, with `ink` legible on each.
        statuses: Fill of each status.
    """

    name: Theme
    paper: str
    ink: str
    muted: str
    faint: str
    pale: str
    missing: str
    grid: str
    red: str
    green: str
    blue: str
    fill_a: str
    fill_b: str
    band_a: str
    band_b: str
    region_fill: str
    region_edge: str
    boundary: str
    amplifies: str
    compresses: str
    op_stops: tuple[str, ...]
    signed_stops: tuple[str, ...]
    size_stops: tuple[str, ...]
    series: tuple[str, ...]
    areas: tuple[str, ...]
    statuses: Mapping[str, str]

    @property
    def worlds(self) -> dict[str, str]:
        """The colours of W, X and Y."""
        return {"W": self.ink, "X": self.red, "Y": self.green}


LIGHT = Palette(
    name="light",
    paper="#ffffff",
    ink="#1a1a1a",
    muted="#666666",
    faint="#8c8c8c",
    pale="#e8e8e8",
    missing="#d0d0d0",
    grid="#ececec",
    red="#d55e00",
    green="#009e73",
    blue="#0072b2",
    fill_a="#fbe9b7",
    fill_b="#dcebf7",
    band_a="#fdf8e9",
    band_b="#f3f8fc",
    region_fill="#faedc4",
    region_edge="#a87b12",
    boundary="#d9a520",
    amplifies="#b35806",
    compresses="#542788",
    op_stops=(
        "#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7",
        "#d8daeb", "#b2abd2", "#8073ac", "#542788", "#2d004b",
    ),
    signed_stops=(
        "#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7",
        "#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f",
    ),
    size_stops=("#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"),
    series=("#0072b2", "#d55e00", "#009e73", "#6d1f5c", "#231a9c", "#2a573d", "#1a1a1a"),
    areas=("#56b4e9", "#e69f00", "#a8ec8a", "#e0609a", "#8f7af0", "#8f8a50"),
    statuses=MappingProxyType(
        {
            "ok": "#ffffff",
            "perfect": "#56b4e9",
            "only_path": "#cc79a7",
            "no_influence": "#bdbdbd",
            "held": "#f0e442",
            "diverged": "#000000",
            "nonfinite": "#666666",
            "kink": "#e69f00",
            "unresolved": "#ffffff",
        }
    ),
)  # fmt: skip

DARK = Palette(
    name="dark",
    paper="#16191d",
    ink="#ececec",
    muted="#a6adb5",
    faint="#7d858e",
    pale="#31363d",
    missing="#4b525b",
    grid="#2a2f36",
    red="#ff8f45",
    green="#1fa67c",
    blue="#58b4f0",
    fill_a="#4d3f14",
    fill_b="#203a52",
    band_a="#262216",
    band_b="#1a2430",
    region_fill="#3f3416",
    region_edge="#d9a93c",
    boundary="#b08a20",
    amplifies="#f0913e",
    compresses="#a78bea",
    op_stops=("#ffd2a0", "#f0913e", "#a85a14", "#5c371a", "#2b2d31", "#3d345c", "#644fa6",
              "#a78bea", "#dccfff"),
    signed_stops=("#a8d8ff", "#4ea0e0", "#23659c", "#233c52", "#2b2d31", "#553029", "#a8432f",
                  "#f07a5c", "#ffc9b5"),
    size_stops=("#1c2a38", "#1f4e79", "#2f7fbd", "#74b8ec", "#d9eeff"),
    series=("#58b4f0", "#ff8f45", "#1fa67c", "#b05cf8", "#ffe14d", "#d3453f", "#ececec"),
    areas=("#2a35e0", "#b04208", "#3d7456", "#6b1d0d", "#a81fa8", "#6b3e70"),
    statuses=MappingProxyType(
        {
            "ok": "#16191d",
            "perfect": "#1f6f9e",
            "only_path": "#8a4a70",
            "no_influence": "#565c63",
            "held": "#7a7320",
            "diverged": "#f2f2f2",
            "nonfinite": "#9aa0a6",
            "kink": "#a06c00",
            "unresolved": "#16191d",
        }
    ),
)  # fmt: skip

PALETTES: Mapping[str, Palette] = MappingProxyType({"light": LIGHT, "dark": DARK})
_IN_FORCE: ContextVar[Palette] = ContextVar("palette", default=LIGHT)


def palette(theme: str) -> Palette:
    """Return the colours of a theme.

    Raises:
        QuestionError: There is no such theme.

    Example:
        >>> palette("dark").paper
        '#16191d'
    """
    if theme not in PALETTES:
        raise QuestionError(f"theme is one of {', '.join(PALETTES)}; '{theme}' came")
    return PALETTES[theme]


def colours() -> Palette:
    """Return the colours that what is drawn now is drawn in: `LIGHT` outside of `themed`."""
    return _IN_FORCE.get()


@contextmanager
def themed(theme: str | Palette) -> Iterator[Palette]:
    """Draw in the colours of a theme; of this thread or task, other ones keep theirs.

    Raises:
        QuestionError: There is no such theme.

    Example:
        >>> with themed("dark"):
        ...     colours().ink
        '#ececec'
        >>> colours().ink
        '#1a1a1a'
    """
    chosen = theme if isinstance(theme, Palette) else palette(theme)
    token = _IN_FORCE.set(chosen)
    try:
        yield chosen
    finally:
        _IN_FORCE.reset(token)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, as WCAG 2.1 defines it.

    Example:
        >>> round(contrast("#000000", "#ffffff"), 3)
        21.0
    """
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, from 0 to 1, as WCAG 2.1 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# Those of the light form, for pictures that have one form only.
INK = LIGHT.ink
FAINT = LIGHT.faint
PALE = LIGHT.pale
PAPER = LIGHT.paper
RED = LIGHT.red
GREEN = LIGHT.green
BLUE = LIGHT.blue
FILL_A = LIGHT.fill_a
FILL_B = LIGHT.fill_b
BAND_A = LIGHT.band_a
BAND_B = LIGHT.band_b
REGION_FILL = LIGHT.region_fill
REGION_EDGE = LIGHT.region_edge
AMPLIFIES = LIGHT.amplifies
COMPRESSES = LIGHT.compresses
STATUS_COLOURS = LIGHT.statuses
WORLD_COLOURS = LIGHT.worlds

WORLD_DASHES = {"W": "-", "X": "-", "Y": "--"}
WORLD_MARKERS = {"W": "o", "X": "^", "Y": "s"}
STATUS_HATCHES = {
    "ok": "",
    "perfect": "//",
    "only_path": "\\\\",
    "no_influence": "..",
    "held": "++",
    "diverged": "",
    "nonfinite": "xx",
    "kink": "||",
    "unresolved": "oo",
}
