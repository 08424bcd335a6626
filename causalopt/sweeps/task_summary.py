"""What is kept of a task beside its numbers: ranges and counts, which sum up a whole store."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from causalopt.sweeps.store_layout import STATUS

LEFT_OUT = ("unresolved",)  # points whose numbers count in no range
# Points that have no finite numbers.
FAILED = ("diverged", "nonfinite", "refused", "failed")


@dataclasses.dataclass(frozen=True)
class TaskSummary:
    """The range of each array of floats and the count of each status, over one or many tasks.

    Attributes:
        low: The least number of each array, NaN where there is none; unresolved points left out.
        high: The greatest.
        counts: How many points have each status.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(
        cls, columns: Mapping[str, NDArray[Any]], floats: Iterable[str], statuses: tuple[str, ...]
    ) -> Self:
        """Return the summary of a task's arrays, `status` among them."""
        codes = np.asarray(columns[STATUS]).ravel()
        apart = np.isin(codes, [statuses.index(word) for word in LEFT_OUT if word in statuses])
        known = ~apart if apart.any() else slice(None)
        low, high = [], []
        for name in floats:
            values = np.asarray(columns[name], dtype=float).ravel()[known]
            low.append(float(np.fmin.reduce(values, initial=math.nan)))
            high.append(float(np.fmax.reduce(values, initial=math.nan)))
        counts = np.bincount(codes, minlength=len(statuses)).tolist()
        return cls(tuple(low), tuple(high), tuple(counts))
