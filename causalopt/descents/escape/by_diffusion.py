"""Escape by the diffusion picture: Fokker-Planck in place of the chain itself.

Its stated error is the discretisation's. How far the picture is from the chain is another matter,
and grows with T: compare with the operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.diffusions.fokker_planck import Scheme, diffusion, evolve
from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.by_operator import natural_bounds
from causalopt.descents.maps.random_map import Array, RandomMap
from causalopt.descents.transfer.grid import Box, spread_nodes
from causalopt.errors import QuestionError
from causalopt.work.progress import portion

if TYPE_CHECKING:
    from causalopt.descents.escape.escape import Escape

MOST_STEPS = 4000
NOISE_MARGIN = 0.25


def escape_by_diffusion(
    chain: RandomMap,
    question: Escape,
    *,
    alpha: float = 0.0,
    cells: int = 3200,
    scheme: Scheme = "crank-nicolson",
    bounds: Box | None = None,
) -> Answer:
    """Answer a question of escape by the Fokker-Planck equation in convention alpha.

    Solved on three grids, each twice as fine in space and time as the one before; the error is
    the larger of the last change and half the one before.

    Args:
        chain: The random map, of one coordinate.
        question: What is asked; with `passage` the level absorbs.
        alpha: 0 (Ito, the right one for this update rule), 1/2 (Stratonovich) or 1 (Fick).
        cells: Cells of the finest grid.
        scheme: `crank-nicolson` or `implicit`.
        bounds: Where the grid lies; by default as far as the chain can reach, and a margin.

    Raises:
        QuestionError: More than one coordinate, or bad sizes.

    Example:
        >>> from causalopt.descents.escape.escape import Escape
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> answer = escape_by_diffusion(walk, Escape((0.0,), 10.0, (100,)))
        >>> abs(answer.probability[0] - 0.158655) < 1e-4
        True
    """
    question.check(chain)
    if chain.dimension != 1:
        raise QuestionError(
            f"escape by diffusion serves one coordinate; this chain has {chain.dimension} "
            f"({', '.join(chain.names)}): ask the operator or the ensemble"
        )
    if cells < 64:
        raise QuestionError(f"the diffusion needs 64 cells or more; {cells} came")
    box = bounds or natural_bounds(chain, question).widened(NOISE_MARGIN)
    levels = []
    for share, spent in ((4, (0.0, 0.05)), (2, (0.05, 0.25)), (1, (0.25, 1.0))):
        with portion(*spent):
            levels.append(
                _solve(chain, question, box, cells // share, alpha, scheme, MOST_STEPS // share)
            )
    error = np.maximum(np.abs(levels[2] - levels[1]), np.abs(levels[1] - levels[0]) / 2)
    return Answer(
        "diffusion",
        question.within,
        tuple(levels[2].tolist()),
        tuple(error.tolist()),
        note="the error is the grid's; the diffusion itself only approximates the chain",
        size=cells,
    )


def _solve(
    chain: RandomMap,
    question: Escape,
    box: Box,
    cells: int,
    alpha: float,
    scheme: Scheme,
    steps: int,
) -> Array:
    """Return the probabilities on one grid, axis (within,)."""
    start, level = question.start[0], question.beyond
    edges = spread_nodes(chain, box, cells + 1, through=(level,))
    mirrored = question.side < 0
    if mirrored:
        chain, edges, start, level = _mirror(chain), -edges[::-1], -start, -level
    if question.passage:
        edges = edges[edges <= level]
    line = diffusion(chain, edges, alpha=alpha, sink=question.passage)
    times = sorted(set(question.within))
    longest = max(max(times) / steps, 0.5)
    flow = evolve(line, line.place(start), np.array(times), step=longest, scheme=scheme)
    if question.passage:
        escaped = 1 - flow.mass.sum(axis=1)
    else:
        escaped = flow.mass[:, line.centres > level].sum(axis=1)
    found = dict(zip(times, escaped.tolist(), strict=True))
    return np.array([found[within] for within in question.within])


def _mirror(chain: RandomMap) -> RandomMap:
    """Return the chain seen in a mirror, W -> -W, so that beyond always means above."""
    maps = tuple((lambda states, image=image: -image(-states)) for image in chain.maps)
    return RandomMap(maps, chain.probabilities, chain.dimension, chain.names)
