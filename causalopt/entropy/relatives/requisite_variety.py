"""The law of requisite variety: only variety in the regulator can force down variety (Ashby).

A disturbance d and the regulator's answer r give an outcome table[d][r]. If in no column an outcome
stands more than k times, the outcomes cannot be kept to fewer than |D| / (k |R|), and

    H(E) >= H(D) - H(R) - log k.

Source: W. R. Ashby, "An Introduction to Cybernetics", 1956, chapter 11.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
from collections.abc import Hashable, Sequence

from causalopt.errors import QuestionError

MOST_OUTCOMES = 20
"""Sets of outcomes are tried by size; beyond this many outcomes there are too many sets."""


@dataclasses.dataclass(frozen=True)
class Variety:
    """How far a regulator can force the outcomes down.

    Args:
        disturbances: How many there are.
        responses: How many answers the regulator has.
        repeats: k, the most often an outcome stands in one column.
        bound: The least number of outcomes the law allows.
        outcomes: A smallest set of outcomes that can be held.
        strategy: For each disturbance the answer that holds them.
    """

    disturbances: int
    responses: int
    repeats: int
    bound: int
    outcomes: tuple[Hashable, ...]
    strategy: tuple[int, ...]


def requisite_variety(table: Sequence[Sequence[Hashable]]) -> Variety:
    """Return the least variety of outcomes a regulator can hold, and the law's bound.

    Args:
        table: Outcomes: one row a disturbance, one column an answer.

    Raises:
        QuestionError: The table is empty or ragged, or has too many outcomes to search.

    Example:
        >>> found = requisite_variety([["b", "a", "c"], ["a", "c", "b"], ["c", "b", "a"]])
        >>> len(found.outcomes), found.bound
        (1, 1)
    """
    if not table or len({len(row) for row in table}) != 1 or not table[0]:
        raise QuestionError("the table needs rows of equal length, one for each disturbance")
    every = list(dict.fromkeys(outcome for row in table for outcome in row))
    if len(every) > MOST_OUTCOMES:
        raise QuestionError(
            f"{len(every)} outcomes are too many to search; group them into at most {MOST_OUTCOMES}"
        )
    columns = zip(*table, strict=True)
    repeats = max(max(collections.Counter(column).values()) for column in columns)
    bound = math.ceil(len(table) / (repeats * len(table[0])))
    held = _smallest(table, every)
    strategy = tuple(next(i for i, outcome in enumerate(row) if outcome in held) for row in table)
    return Variety(len(table), len(table[0]), repeats, bound, held, strategy)


def _smallest(
    table: Sequence[Sequence[Hashable]], every: Sequence[Hashable]
) -> tuple[Hashable, ...]:
    for size in range(1, len(every) + 1):
        for chosen in itertools.combinations(every, size):
            if all(set(row) & set(chosen) for row in table):
                return chosen
    return tuple(every)
