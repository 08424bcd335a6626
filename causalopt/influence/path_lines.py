"""The largest paths as lines of text: where they go, their products and shares."""

from __future__ import annotations

from causalopt.influence.influence import Currents
from causalopt.influence.influence_paths import InfluencePath
from causalopt.influence.relative_currents import number_text


def path_rows(found: Currents, count: int, *, width: int) -> list[list[str]]:
    """Return (path, product, share) of the paths that carry most, as text.

    Args:
        found: The currents.
        count: How many paths.
        width: Characters of a path at most; a longer one is cut in the middle, and says how much.
    """
    return [
        [
            short_path(path, width),
            number_text(path.sign, path.log),
            number_text(*_share(path, found)),
        ]
        for path in found.paths(count)
    ]


def _share(path: InfluencePath, found: Currents) -> tuple[int, float]:
    sign = -1 if found.nodes.total.mantissa < 0 else 1
    return sign * path.sign, path.log - found.log_total


def short_path(path: InfluencePath, width: int) -> str:
    """Return a path's text, cut in the middle by whole stretches where it is too long."""
    parts = path.stretches
    if len(parts) < width and len(text := str(path)) <= width:
        return text
    for kept in range(min(len(parts) - 1, width), 1, -1):
        head, tail = (kept + 1) // 2, kept // 2
        between = f" -> ({len(parts) - kept} more) -> "
        text = path.text(parts[:head]) + between + path.text(parts[-tail:])
        if len(text) <= width:
            break
    return text
