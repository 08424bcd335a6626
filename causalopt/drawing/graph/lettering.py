"""The width of text, known without a font file, so that labels fit whatever draws them."""

from __future__ import annotations

import unicodedata

# Advance widths of DejaVu Sans, in thousandths of the font size, for the characters from space to
# tilde. It is the widest of the common sans-serif fonts: what fits in it fits in the others.
_WIDTHS = (
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337),
    *(636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531),
    *(1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787),
    *(603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500),
    *(500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612),
    *(635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838),
)
_WIDE = 1000
_OTHER = 700
ELLIPSIS = "…"


def text_width(text: str, size: float) -> float:
    """Return the width of a text in the unit of the font size.

    Example:
        >>> text_width("T[3]", 10)
        20.27
    """
    return sum(_advance(character) for character in text) * size / 1000


def _advance(character: str) -> int:
    place = ord(character) - 32
    if 0 <= place < len(_WIDTHS):
        return _WIDTHS[place]
    if unicodedata.combining(character):
        return 0
    is_wide = unicodedata.east_asian_width(character) in "WF" or not character.isalpha()
    return _WIDE if is_wide else _OTHER


def fitted(text: str, size: float, width: float) -> str:
    """Return the text, shortened in the middle with an ellipsis where it would not fit.

    The end is kept as well as the beginning, since numbers that tell names apart stand there.

    Example:
        >>> fitted("temperature_of_the_room[12]", 10, 100)
        'temperatu…om[12]'
    """
    text = " ".join(text.split())
    if text_width(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        tail = kept * 2 // 5
        short = text[: kept - tail] + ELLIPSIS + (text[-tail:] if tail else "")
        if text_width(short, size) <= width:
            return short
    return ELLIPSIS


def node_text(text: str, size: float, width: float) -> str:
    """Return a node's text, its name shortened where it does not fit, its step kept if it can be.

    Example:
        >>> node_text("temperature[1000]", 10, 70)
        'tem…e[1000]'
        >>> node_text("temperature[1000000]", 10, 62)
        '[1000000]'
    """
    name, bracket, step = text.partition("[")
    if not bracket or text_width(text, size) <= width:
        return fitted(text, size, width)
    room = width - text_width(bracket + step, size)
    if room < 0:
        return fitted(text, size, width)
    short = fitted(name, size, room)
    return (short if len(short) > 1 else "") + bracket + step


def lines_of(text: str, size: float, width: float) -> list[str]:
    """Return the text broken between words into lines that fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [fitted(line, size, width) for line in lines]
