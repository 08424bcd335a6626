"""Which seeds an ensemble over noise has: so many from one on, or those that are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from causalopt.errors import QuestionError

Seeds: TypeAlias = int | Sequence[int]

MOST_SEEDS = 1_000_000
_END = 1 << 64


def seed_numbers(seeds: Seeds, seed: int = 0) -> tuple[int, ...]:
    """Return the seeds that are meant.

    Args:
        seeds: How many, from `seed` on, or the seeds themselves.
        seed: The first one, where a number of them is said.

    Raises:
        QuestionError: Fewer than two, more than a million, one twice, or one that is none; or a
            list and a first one.

    Example:
        >>> seed_numbers(3, 7), seed_numbers([5, 1])
        ((7, 8, 9), (5, 1))
    """
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        _check_count(seeds)
        found = tuple(range(seed, seed + seeds)) if isinstance(seed, int) else (seed,)
    elif isinstance(seeds, bool | str | bytes) or not hasattr(seeds, "__len__"):
        raise QuestionError(
            f"seeds is a number of seeds such as 100, or a list of them such as [3, 5, 8]; found "
            f"{seeds!r}"
        )
    else:
        _check_count(len(seeds))
        if seed != 0:
            raise QuestionError(
                "seed is the first of a number of seeds, and seeds lists them all: leave seed out"
            )
        found = tuple(int(s) if hasattr(s, "__index__") else s for s in seeds)
    for one in found:
        if not isinstance(one, int) or isinstance(one, bool) or not 0 <= one < _END:
            raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1, found {one!r}")
    if len(set(found)) < len(found):
        twice = next(one for k, one in enumerate(found) if one in found[:k])
        raise QuestionError(
            f"the seed {twice} is listed twice: an interval takes independent draws; list each once"
        )
    return found


def ensemble_options(seeds: Seeds | None, **said: Any) -> dict[str, Any]:
    """Return the options of an ensemble that were said.

    Raises:
        QuestionError: There are some, and no seeds.
    """
    found = {name: value for name, value in said.items() if value is not None}
    if seeds is None:
        raise QuestionError(
            f"{', '.join(found)} {'is' if len(found) == 1 else 'are'} of an ensemble over noise: "
            "say seeds=100 (--seeds 100) too"
        )
    return found


def _check_count(count: int) -> None:
    if count < 2:
        raise QuestionError(
            f"an interval over noise takes 2 seeds or more, found {count}: say seeds=100 "
            "(--seeds 100); for the draws of one seed say seed=S (--seed S)"
        )
    if count > MOST_SEEDS:
        raise QuestionError(
            f"at most {MOST_SEEDS:,} seeds, found {count}: the width of an interval falls with the "
            "root of their number"
        )


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds as text.

    Example:
        >>> seeds_text((3, 4, 5)), seeds_text((1, 9))
        ('3..5', '1, 9')
    """
    first, last = seeds[0], seeds[-1]
    if len(seeds) > 2 and list(seeds) == list(range(first, last + 1)):
        return f"{first}..{last}"
    if len(seeds) <= 8:
        return ", ".join(map(str, seeds))
    return f"{', '.join(map(str, seeds[:3]))}, ..., {last}"
