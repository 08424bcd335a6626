"""Intervals over seeds: a mean and how far it may lie from the true one."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.knowledge.one_thread import one_thread_each

Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95 % interval by Student's t.

    Attributes:
        mean: The mean of what is finite.
        half: Half the interval's length.
        count: Of how many seeds.
    """

    mean: float
    half: float
    count: int

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.half:.3f}"


def interval(values: Iterable[float]) -> Interval:
    """Return the mean over seeds and its 95 % interval.

    Args:
        values: One a seed; those that are not finite are left out.

    Raises:
        QuestionError: Fewer than two are finite.

    Example:
        >>> print(interval([1.0, 2.0, 3.0]))
        2.000 ± 2.484
    """
    need("scipy", "intervals over seeds")
    from scipy.stats import t  # slow to import

    every = np.array([*values], dtype=float)
    finite = every[np.isfinite(every)]
    if len(finite) < 2:
        raise QuestionError(f"an interval needs two seeds or more; {len(finite)} gave a number")
    error = finite.std(ddof=1) / np.sqrt(len(finite))
    half = float(t.ppf(0.975, len(finite) - 1) * error)
    return Interval(float(finite.mean()), half, len(finite))


def over_seeds(
    ask: Callable[[int], Found], seeds: Sequence[int], *, workers: int = 1
) -> list[Found]:
    """Return what a question gives for every seed, in their order.

    Args:
        ask: The question; with several workers, something that can be pickled.
        seeds: The seeds.
        workers: Processes.
    """
    if workers < 2 or len(seeds) < 2:
        return [ask(seed) for seed in seeds]
    # A fresh interpreter a worker: a fork would copy whatever threads this process has running.
    context = multiprocessing.get_context("spawn")
    with (
        one_thread_each(),
        concurrent.futures.ProcessPoolExecutor(min(workers, len(seeds)), context) as pool,
    ):
        return [*pool.map(ask, seeds)]
