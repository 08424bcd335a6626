"""The one surgery: take some nodes from another world, and let everything downstream follow.

Y is X with A taken from W; decorrelation takes A from an independent replica. What can be operated
on registers here: worlds, finite laws, normal laws, laws on the plane, rules, and rows of samples.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalopt.errors import QuestionError


@functools.singledispatch
def replace(x: Any, nodes: Any, source: Any, **_options: Any) -> Any:
    """Return x with some nodes taken from a source of its kind.

    A law names no draws, so its source is an independent replica: what is taken from it is
    independent of what is kept, P'(a, b) = Q^A(a) P^B(b) (Part 1's uncorrelated law for Q = P).
    Worlds and samples are paired draw by draw.

    Args:
        x: A world, a law, a rule of a discrete model, or samples (one draw a row).
        nodes: What is taken: nodes of a world, variables of a law, parents of a rule, coordinates
            of a law on the plane, columns of samples.
        source: Where it is taken from.

    Raises:
        TypeError: Things of this kind have no nodes.

    Example:
        >>> replace(np.zeros((2, 2)), [1], np.ones((2, 2))).tolist()
        [[0.0, 1.0], [0.0, 1.0]]
    """
    kinds = type(source).__name__, type(x).__name__
    raise TypeError(f"no surgery takes {nodes} from a {kinds[0]} into a {kinds[1]}")


@replace.register
def _replace_columns(x: np.ndarray, nodes: Sequence[int], source: np.ndarray) -> np.ndarray:
    if x.shape != source.shape:
        raise QuestionError(
            f"x and its source need as many draws, got {x.shape} and {source.shape}"
        )
    columns = list(nodes)
    world = x.copy()
    world[:, columns] = source[:, columns]
    return world
