"""Escape by exact counting: every sequence of picks that ends beyond, followed in full precision.

It serves rare events and short runs, just where Monte Carlo sees nothing; a common event has too
many sequences, and is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.by_operator import natural_bounds
from causalopt.descents.maps.enumeration import count_escapes
from causalopt.errors import QuestionError

MOST_STEPS = 1_000_000

if TYPE_CHECKING:
    from causalopt.descents.escape.escape import Escape
    from causalopt.descents.maps.random_map import RandomMap


def escape_by_counting(chain: RandomMap, question: Escape, *, limit: int = 2_000_000) -> Answer:
    """Answer a question of escape exactly, where few sequences of picks lead beyond.

    Args:
        chain: The random map, of one coordinate.
        question: What is asked, about the position at N.
        limit: Most sequences alive at once.

    Raises:
        QuestionError: Too many sequences, more than one coordinate, or a first-passage question.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> from causalopt.descents.escape.escape import Escape
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> escape_by_counting(walk, Escape((0.0,), 9.5, (10,))).probability[0] * 2**10
        1.0
    """
    question.check(chain)
    if chain.dimension != 1 or question.passage or question.side < 0:
        raise QuestionError(
            "exact counting answers for one coordinate, the position at N, and a level above the "
            "start: ask the operator"
        )
    if max(question.within) > MOST_STEPS:
        raise QuestionError(
            f"exact counting follows at most {MOST_STEPS:,} steps; {max(question.within)} came: "
            "ask the operator"
        )
    box = natural_bounds(chain, question)
    chances = tuple(
        count_escapes(
            chain,
            question.start[0],
            question.beyond,
            within,
            bounds=(box.low[0], box.high[0]),
            limit=limit,
        )
        if within
        else 0.0  # no step is taken, and the start is never beyond
        for within in question.within
    )
    errors = tuple(
        4e-16 * max(within, 1) * p for within, p in zip(question.within, chances, strict=True)
    )
    return Answer("exact", question.within, chances, errors, size=limit)
