"""The fill and the hatch of a status: of Op's statuses, of other measures', and of what is missing.

A store that is not full has points that nobody computed: they are on plain ground, pale and without
a hatch, and the legend calls them missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causalopt.drawing.palette import STATUS_HATCHES, colours
from causalopt.effects.measures import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MISSING = "missing"
# Of words that Op has not; taken by their letters, so that a word has one look in every picture.
_MORE_HATCHES = ("--", "**", "OO", "+x", "/-", "\\-")


def status_fill(name: str) -> str:
    """Return the colour that fills points of a status which have no number.

    Words that Op has not share one colour, and are told apart by their hatches.
    """
    if name == MISSING:
        return colours().missing
    if name in STATUSES:
        return colours().statuses[name]
    return colours().fill_b


def status_hatch(name: str) -> str:
    """Return the hatch of a status; none for points that are ok or missing."""
    if name == MISSING:
        return ""
    if name in STATUSES:
        return STATUS_HATCHES[name]
    return _MORE_HATCHES[sum(name.encode()) % len(_MORE_HATCHES)]


def met_words(status: NDArray[Any]) -> list[str]:
    """Return the words of some points, each once: Op's in their order, others, missing last.

    Example:
        >>> import numpy as np
        >>> met_words(np.array(["missing", "kink", "refused", "ok"]))
        ['ok', 'kink', 'refused', 'missing']
    """
    met = set(status.ravel().tolist())
    return in_order(met)


def in_order(words: Iterable[str]) -> list[str]:
    """Return words in the order in which legends name them."""
    met = {str(word) for word in words}
    known = [name for name in STATUSES if name in met]
    last = [MISSING] if MISSING in met else []
    return [*known, *sorted(met - {*known, *last}), *last]
