"""Colours, dashes and hatches shared by every picture; nothing is told by colour alone.

The posts draw what X changes in red and what Y changes back in green (Defining Optimization, Part
3). A plain red and green are one colour to one reader in twelve, so they are vermillion and bluish
green here, of the set that Okabe and Ito made to be told apart in every form of colour blindness.
"""

from __future__ import annotations

INK = "#1a1a1a"
FAINT = "#8c8c8c"
PALE = "#e8e8e8"
PAPER = "#ffffff"
RED = "#d55e00"
GREEN = "#009e73"
BLUE = "#0072b2"
FILL_A = "#fbe9b7"
FILL_B = "#dcebf7"
BAND_A = "#fdf8e9"
BAND_B = "#f3f8fc"
REGION_FILL = "#faedc4"
REGION_EDGE = "#a87b12"

# Op's sign: orange where A amplifies, violet where it compresses.
OP_MAP = "PuOr"
AMPLIFIES = "#b35806"
COMPRESSES = "#542788"

WORLD_COLOURS = {"W": INK, "X": RED, "Y": GREEN}
WORLD_DASHES = {"W": "-", "X": "-", "Y": "--"}
WORLD_MARKERS = {"W": "o", "X": "^", "Y": "s"}

STATUS_COLOURS = {
    "ok": PAPER,
    "perfect": "#56b4e9",
    "only_path": "#cc79a7",
    "no_influence": "#bdbdbd",
    "held": "#f0e442",
    "diverged": "#000000",
    "nonfinite": "#666666",
    "kink": "#e69f00",
    "unresolved": "#ffffff",
}
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
